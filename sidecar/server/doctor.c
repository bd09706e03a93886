// SPDX-License-Identifier: MIT
#include "server/doctor.h"

#include "server/doctor_user.h"
#include "server/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILES_OWN 64 // open files besides those of connections: libraries, logs, the store
#define DAY_S 86400

__attribute__((format(printf, 3, 4))) void doctor_tell(struct doctor *d, enum doctor_level level,
                                                       const char *format, ...) {
    char line[2048];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    d->errors += level == DOCTOR_ERROR;
    buf_put(d->out, level == DOCTOR_ERROR ? SPAN("error: ") : SPAN("warning: "));
    buf_put(d->out, span_of(line, n < (int)sizeof line ? (size_t)n : sizeof line - 1));
    buf_put(d->out, SPAN("\n"));
}

// ---- as who we are ------------------------------------------------------------------------------

static void look_at_user(struct doctor *d) {
    const char *name = (const char *)d->config->user.p;
    if (d->config->user.n == 0) {
        return;
    }
    struct passwd *user = getpwnam(name);
    if (user == NULL) {
        doctor_tell(d, DOCTOR_ERROR,
                    "user: there is no user \"%s\"; make it, for example by: adduser --system "
                    "--group --no-create-home %s",
                    name, name);
    } else if (geteuid() != 0 && geteuid() != user->pw_uid) {
        d->is_other = true;
        doctor_tell(d, DOCTOR_WARNING,
                    "user: what \"%s\" may do cannot be tried: run this check as root", name);
    }
}

static void look_at_listen(struct doctor *d, const struct listen_conf *listen, const char *what) {
    int why = listener_try(listen);
    if (why == EADDRINUSE) {
        doctor_tell(d, DOCTOR_WARNING,
                    "%s %.*s: another program has this address, so run will not start, unless "
                    "systemd keeps it for Outrider; \"ss -ltnp\" shows whose it is",
                    what, SPAN_ARG(listen->text));
    } else if (why == EACCES && listen->path.n == 0) {
        doctor_tell(d, DOCTOR_ERROR,
                    "%s %.*s: only root may use ports below 1024; start as root with user = "
                    "\"www-data\", or give the unit AmbientCapabilities=CAP_NET_BIND_SERVICE",
                    what, SPAN_ARG(listen->text));
    } else if (why != 0) {
        const char *cure = why != ENOENT ? ""
                                         : "; make the folder of the socket, or write "
                                           "RuntimeDirectory=outrider into the unit";
        doctor_tell(d, DOCTOR_ERROR, "%s %.*s: %s%s", what, SPAN_ARG(listen->text), strerror(why),
                    cure);
    }
}

static void look_at_listeners(struct doctor *d) {
    for (size_t i = 0; i < d->config->listens_n; i++) {
        look_at_listen(d, &d->config->listens[i], "listen");
    }
    if (d->config->has_admin) {
        look_at_listen(d, &d->config->admin, "admin");
    }
}

static uint64_t workers_of(const struct config *config) {
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return config->workers != 0 ? config->workers : cpus > 0 ? (uint64_t)cpus : 1;
}

static void look_at_files(struct doctor *d) {
    struct rlimit limit;
    uint64_t wants = FILES_OWN + workers_of(d->config) * d->config->connections;
    for (size_t i = 0; i < d->config->pools_n; i++) {
        const struct pool_conf *p = &d->config->pools[i];
        wants += (uint64_t)(p->connections > p->keepalive ? p->connections : p->keepalive) *
                 p->server_count;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < wants) {
        doctor_tell(d, DOCTOR_WARNING,
                    "connections = %u: with all workers and pools that is up to %llu open files, "
                    "and the limit is %llu; write LimitNOFILE=%llu into the unit (or ulimit -Hn)",
                    d->config->connections, (unsigned long long)wants,
                    (unsigned long long)limit.rlim_max, (unsigned long long)wants);
    }
}

// What a wrong clock breaks: certificates, and all that says how old it is.
static void look_at_clock(struct doctor *d) {
    struct stat st;
    time_t now = time(NULL);
    if (stat(d->path, &st) == 0 && st.st_mtime > now + DAY_S) {
        doctor_tell(d, DOCTOR_WARNING,
                    "the clock: %s was changed %lld days from now; set the clock, for example by: "
                    "timedatectl set-ntp true",
                    d->path, (long long)((st.st_mtime - now) / DAY_S));
    }
}

// ---- as the user --------------------------------------------------------------------------------

// Reads what the child tells. Lines of errors count.
static void take_lines(struct doctor *d, int fd) {
    FILE *from = fdopen(fd, "re");
    char line[4096];
    while (from != NULL && fgets(line, sizeof line, from) != NULL) {
        d->errors += strncmp(line, "error: ", 7) == 0;
        buf_put(d->out, span_str(line));
    }
    if (from != NULL) {
        fclose(from);
    }
}

static _Noreturn void look_as(struct doctor *d, int fd) {
    struct buf out;
    buf_init(&out, 1 << 20);
    d->out = &out;
    doctor_user_look(d, true);
    struct span text = buf_span(&out);
    while (text.n > 0) {
        ssize_t n = write(fd, text.p, text.n);
        if (n <= 0) {
            break;
        }
        text = span_skip(text, (size_t)n);
    }
    _exit(0);
}

// Only root can become somebody else: in a child, so that we stay who we are.
static void look_as_user(struct doctor *d) {
    int ends[2];
    const char *name = (const char *)d->config->user.p;
    if (d->config->user.n == 0 || geteuid() != 0 || getpwnam(name) == NULL ||
        pipe2(ends, O_CLOEXEC) != 0) {
        doctor_user_look(d, false);
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        look_as(d, ends[1]);
    }
    close(ends[1]);
    take_lines(d, ends[0]);
    if (child > 0) {
        waitpid(child, NULL, 0);
    }
}

// ---- the whole ----------------------------------------------------------------------------------

unsigned doctor_look(const struct config *config, const char *path, struct buf *out) {
    static void (*const looks[])(struct doctor *) = {
        look_at_user, look_at_listeners, look_at_files, look_at_clock, look_as_user,
    };
    struct doctor d = {.config = config, .path = path, .out = out};
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        if (!d.is_other) { // what others may do says nothing
            looks[i](&d);
        }
    }
    return d.errors;
}
