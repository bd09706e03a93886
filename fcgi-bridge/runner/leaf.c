// SPDX-License-Identifier: MIT
#include "runner/leaf.h"

#include "runner/cgroup_file.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *events, *count;
} rows[LIMITS] = {
#define LIMIT(NAME, option, controller, events, count) [LIMIT_##NAME] = {events, count},
#include "runner/limit.def"
#undef LIMIT
};

bool leaf_count(const struct leaf *l, enum limit limit, uint64_t *n) {
    return cgroup_file_number(l->dir, rows[limit].events, rows[limit].count, n);
}

static void lose(struct leaf *l, const char *why) {
    fprintf(stderr,
            "fcgi-bridge: a worker has lost its cgroup, and measures limits from now on: %s\n",
            why);
    leaf_close(l);
}

void leaf_begin(struct leaf *l) {
    for (enum limit i = 0; i < LIMITS; i++) {
        if (l->has[i] && !leaf_count(l, i, &l->before[i])) {
            lose(l, "it counts nothing any more");
            return;
        }
    }
}

// The child does not know its own thread's number, which fork() of the library would tell it: the
// library's locks are not for it.
pid_t leaf_clone(const struct leaf *l) {
    struct clone_args args = {
        .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)l->dir};
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static pid_t fork_and_move(const struct leaf *l) {
    pid_t pid = fork();
    if (pid == 0 && cgroup_file_put(l->dir, "cgroup.procs", "0") < 0) {
        _exit(127);
    }
    return pid;
}

pid_t leaf_fork(struct leaf *l) {
    if (l->dir < 0) {
        return fork();
    }
    if (l->must_move) {
        return fork_and_move(l);
    }
    pid_t pid = leaf_clone(l);
    if (pid >= 0 || errno == EAGAIN || errno == ENOMEM) {
        return pid;
    }
    lose(l, strerror(errno));
    return fork();
}

bool leaf_has_reached(const struct leaf *l, enum limit limit) {
    uint64_t n;
    return l->has[limit] && leaf_count(l, limit, &n) && n > l->before[limit];
}

void leaf_kill(const struct leaf *l) {
    if (l->dir >= 0) {
        cgroup_file_put(l->dir, "cgroup.kill", "1");
    }
}

void leaf_close(struct leaf *l) {
    if (l->dir >= 0) {
        close(l->dir);
    }
    *l = (struct leaf){.dir = -1};
}
