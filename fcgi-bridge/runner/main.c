// SPDX-License-Identifier: MIT
// fcgi-bridge: plain CGI programs behind FastCGI.
#include "runner/listener.h"
#include "runner/options.h"
#include "runner/program.h"
#include "runner/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2

// Standard input, output and error are to be open: a pipe must not get one of their numbers.
static bool open_standard(void) {
    int fd;
    do {
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    } while (fd >= 0 && fd <= 2);
    return fd < 0 || close(fd) == 0;
}

static int fail(const char *why, int status) {
    fprintf(stderr, "fcgi-bridge: %s\n", why);
    return status;
}

// Becomes the user of --user for good; the socket becomes theirs too.
static int become_user(struct options *o, struct listener *l) {
    if (o->user[0] == 0) {
        if (geteuid() == 0) {
            fail("running CGI programs as root; --user NAME would not", 0);
        }
        return 0;
    }
    const struct passwd *user = getpwnam(o->user);
    if (user == NULL) {
        snprintf(o->why, sizeof o->why, "--user %s: no such user", o->user);
        return -1;
    }
    if (geteuid() != 0 && geteuid() != user->pw_uid) {
        snprintf(o->why, sizeof o->why, "--user %s: only root can become another user", o->user);
        return -1;
    }
    if (geteuid() != 0) {
        return 0;
    }
    if (listener_give(l, user->pw_uid, user->pw_gid) < 0) {
        memcpy(o->why, l->why, sizeof o->why);
        return -1;
    }
    if (initgroups(user->pw_name, user->pw_gid) < 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0) {
        snprintf(o->why, sizeof o->why, "--user %s: %s", o->user, strerror(errno));
        return -1;
    }
    return 0;
}

static int run(struct options *o) {
    static struct program_root root; // large
    struct listener listener;
    if (program_root_open(&root, o) < 0) {
        return fail(o->why, EXIT_USAGE);
    }
    if (listener_open(&listener, o->listen) < 0) {
        return fail(listener.why, 1);
    }
    if (become_user(o, &listener) < 0) {
        listener_close(&listener);
        return fail(o->why, 1);
    }
    pid_t first = getpid();
    int status = supervisor_run(o, &root, listener.fd);
    if (getpid() == first) {
        listener_close(&listener);
    }
    return status;
}

int main(int argc, char **argv) {
    struct options o;
    if (!open_standard()) {
        return 1;
    }
    switch (options_parse(&o, argc, argv)) {
    case OPTIONS_HELP:
        options_print(stdout);
        return 0;
    case OPTIONS_VERSION:
        puts("fcgi-bridge " OUTRIDER_VERSION);
        return 0;
    case OPTIONS_BAD:
        return fail(o.why, EXIT_USAGE);
    case OPTIONS_RUN:
        break;
    }
    return run(&o);
}
