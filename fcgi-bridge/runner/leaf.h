// SPDX-License-Identifier: MIT
// The cgroup of one worker: the programs that it runs are in it, with all that they start, and the
// kernel bounds what they use together. A leaf without a directory bounds nothing.
#ifndef RUNNER_LEAF_H
#define RUNNER_LEAF_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum limit {
#define LIMIT(NAME, option, controller, events, count) LIMIT_##NAME,
#include "runner/limit.def"
#undef LIMIT
    LIMITS,
};

struct leaf {
    int dir;                 // -1: none
    bool has[LIMITS];        // this limit is the kernel's
    bool must_move;          // nothing may be born in it: see leaf_fork
    uint64_t before[LIMITS]; // how often it had been reached before the request
};

// Notes what was counted before this request. A limit whose count cannot be read is no longer the
// kernel's.
void leaf_begin(struct leaf *l);
// fork(2); the child is born in the leaf, and may only call what a signal handler may. Linux (seen
// in 6.1 and 6.18) kills it at birth once leaf_kill was used on the leaf, by whomever.
pid_t leaf_clone(const struct leaf *l);
// The same; with must_move the child moves into the leaf, which every fork on the machine waits
// for. Where the kernel starts nothing in it (any more), the leaf is lost: the child is where we
// are, and the log says so.
pid_t leaf_fork(struct leaf *l);
// How often a limit has been reached in the leaf. False when that cannot be read.
bool leaf_count(const struct leaf *l, enum limit limit, uint64_t *n);
// Whether the request has reached a limit that is the kernel's.
bool leaf_has_reached(const struct leaf *l, enum limit limit);
// Kills whatever is in the leaf, whoever it belongs to (Linux 5.14).
void leaf_kill(const struct leaf *l);
// Idempotent.
void leaf_close(struct leaf *l);

#endif
