// SPDX-License-Identifier: MIT
// fcgi-bridge: plain CGI programs behind FastCGI.
#include "base/span.h"
#include "runner/cgroup.h"
#include "runner/crew.h"
#include "runner/limit.h"
#include "runner/listener.h"
#include "runner/manual.h"
#include "runner/options.h"
#include "runner/program.h"
#include "runner/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
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

struct ids {
    uid_t user, owner;
    gid_t group, socket_group;
    const char *name; // of the user, for its further groups; NULL when nobody knows it
};

static bool parse_id(const char *text, unsigned *id) {
    uint64_t value;
    if (!span_to_u64(span_str(text), &value) || value >= UINT32_MAX) {
        return false;
    }
    *id = (unsigned)value;
    return true;
}

// A name or a number. The user's own group comes with it where it has one.
static int find_user(struct options *o, const char *option, const char *text, uid_t *user,
                     struct ids *ids) {
    const struct passwd *found = parse_id(text, user) ? getpwuid(*user) : getpwnam(text);
    if (found) {
        *user = found->pw_uid;
    }
    if (found && ids) {
        ids->group = found->pw_gid;
        ids->name = found->pw_name;
    }
    if (!found && !parse_id(text, user)) {
        snprintf(o->why, sizeof o->why, "--%s %s: no such user", option, text);
        return -1;
    }
    return 0;
}

static int find_group(struct options *o, const char *option, const char *text, gid_t *group) {
    const struct group *found;
    if (text[0] == 0 || parse_id(text, group)) {
        return 0;
    }
    if ((found = getgrnam(text)) == NULL) {
        snprintf(o->why, sizeof o->why, "--%s %s: no such group", option, text);
        return -1;
    }
    *group = found->gr_gid;
    return 0;
}

static int find_ids(struct options *o, struct ids *ids) {
    *ids = (struct ids){.user = geteuid(), .group = getegid()};
    if ((o->user[0] && find_user(o, "user", o->user, &ids->user, ids) < 0) ||
        find_group(o, "group", o->group, &ids->group) < 0) {
        return -1;
    }
    ids->owner = ids->user;
    ids->socket_group = ids->group;
    if (o->socket_owner[0] &&
        find_user(o, "socket-owner", o->socket_owner, &ids->owner, NULL) < 0) {
        return -1;
    }
    return find_group(o, "socket-group", o->socket_group, &ids->socket_group);
}

// A name is valid only until the next look-up: so this looks again.
static int set_groups(const struct ids *ids) {
    const struct passwd *user = ids->name ? getpwuid(ids->user) : NULL;
    return user ? initgroups(user->pw_name, ids->group) : setgroups(1, &ids->group);
}

static bool is_changed(const struct ids *ids) {
    return ids->user != geteuid() || ids->group != getegid();
}

// Becomes the user and group for good; the socket becomes theirs, or whose it is said to be.
static int become(struct options *o, const struct ids *ids, struct listener *l) {
    bool is_socket_given = o->socket_owner[0] || o->socket_group[0];
    if (geteuid() == 0 && ids->user == 0) {
        fail("running CGI programs as root; --user NAME would not", 0);
    }
    if ((is_changed(ids) || is_socket_given) &&
        listener_give(l, ids->owner, ids->socket_group) < 0) {
        memcpy(o->why, l->why, sizeof o->why);
        return -1;
    }
    if (!is_changed(ids)) {
        return 0;
    }
    if (geteuid() != 0) {
        snprintf(o->why, sizeof o->why, "--user %s: only root can become another user", o->user);
        return -1;
    }
    if (set_groups(ids) < 0 || setresgid(ids->group, ids->group, ids->group) < 0 ||
        setresuid(ids->user, ids->user, ids->user) < 0) {
        snprintf(o->why, sizeof o->why, "--user %s: %s", o->user, strerror(errno));
        return -1;
    }
    return 0;
}

static int open_cgroup(struct options *o, const struct ids *ids, struct cgroup *cgroup) {
    static struct cgroup_conf conf; // borrowed for as long as we run
    conf = (struct cgroup_conf){.dir = o->cgroup,
                                .proc = "/proc/self",
                                .leaves = crew_slots(o),
                                .user = ids->user,
                                .group = ids->group};
    for (enum limit i = 0; i < LIMITS; i++) {
        conf.most[i] = limit_most(o, i);
    }
    if (cgroup_open(cgroup, &conf) < 0) {
        snprintf(o->why, sizeof o->why, "--cgroup: %s", cgroup->why);
        return -1;
    }
    return 0;
}

static void tell_limits(const struct cgroup *cgroup) {
    for (enum limit i = 0; i < LIMITS; i++) {
        if (cgroup->has[i]) {
            fprintf(stderr, "fcgi-bridge: --%s: enforced by the kernel in %s\n", limit_name(i),
                    cgroup->path);
        } else if (cgroup->lacks[i][0]) {
            fprintf(stderr, "fcgi-bridge: --%s: measured: %s\n", limit_name(i), cgroup->lacks[i]);
        }
    }
}

// Serves, as the user that runs programs, with what was opened.
static int serve(struct options *o, const struct ids *ids, struct listener *l,
                 struct cgroup *cgroup) {
    if (become(o, ids, l) < 0) {
        return fail(o->why, 1);
    }
    cgroup_prove(cgroup);
    tell_limits(cgroup);
    return supervisor_run(o, l->fd, cgroup);
}

static int run(struct options *o) {
    struct listener listener;
    struct cgroup cgroup;
    struct ids ids;
    if (program_check(o) < 0) {
        return fail(o->why, EXIT_USAGE);
    }
    if (find_ids(o, &ids) < 0) {
        return fail(o->why, 1);
    }
    mode_t mode = (mode_t)strtoul(o->socket_mode, NULL, 8);
    if (listener_open(&listener, o->listen, mode) < 0) {
        return fail(listener.why, 1);
    }
    if (open_cgroup(o, &ids, &cgroup) < 0) {
        listener_close(&listener);
        return fail(o->why, 1);
    }
    pid_t first = getpid();
    int status = serve(o, &ids, &listener, &cgroup);
    if (getpid() == first) {
        cgroup_close(&cgroup);
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
    case OPTIONS_MANUAL:
        manual_print(stdout);
        return 0;
    case OPTIONS_COMPLETION:
        return o.asked && manual_complete(stdout, o.asked)
                   ? 0
                   : fail("--completion: expected bash, zsh or fish", EXIT_USAGE);
    case OPTIONS_VERSION:
        manual_version(stdout, o.asked && strcmp(o.asked, "--verbose") == 0);
        return 0;
    case OPTIONS_BAD:
        return fail(o.why, EXIT_USAGE);
    case OPTIONS_RUN:
        break;
    }
    return run(&o);
}
