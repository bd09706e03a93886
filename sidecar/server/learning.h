// SPDX-License-Identifier: MIT
// The way between the workers and the learner: evidence goes to it through a bounded ring of each
// worker, plans come back as an immutable table that workers read without a lock, an allocation or
// a system call. The learner runs on the main loop; a plan that is replaced is freed when no worker
// can be reading it any more.
//
//     worker: learning_put ─► ring ─► drain ─► learner_put, learner_next ─► table
//     worker: learning_find ◄────────────────────────── read-copy-update ──────┘
#ifndef SERVER_LEARNING_H
#define SERVER_LEARNING_H

#include "hints/learner.h"
#include "server/loop.h"
#include "server/rcu.h"
#include "server/ring.h"

struct learning;

struct learning_worker {
    struct learning *learning;
    struct ring ring;
    bool is_reading; // online since its first look-up of this turn
};

struct learning {
    struct loop *loop; // the learner's
    struct learner *model;
    struct siphash_key secret;
    struct cds_lfht *table;
    struct learning_worker *workers;
    unsigned workers_n;
    uv_async_t wake;
    uv_timer_t drain;
    _Atomic bool is_awake;         // somebody has woken the learner, which has not drained yet
    struct learning_plan *retired; // out of the table, to be freed after a grace period
    uint64_t plans;                // in the table
};

// On the main thread, before the workers start. Copies conf, whose secret is used for the table
// too.
void learning_init(struct learning *l, struct loop *loop, const struct learner_conf *conf,
                   unsigned workers);
// Closes its handles; the loop must run once more. After the workers have ended.
void learning_close(struct learning *l);
void learning_fini(struct learning *l);
// Takes what the workers have put and publishes what follows from it. On the learner's thread.
void learning_drain(struct learning *l);

// On a worker's thread, first and last.
void learning_enter(struct learning_worker *w);
void learning_leave(struct learning_worker *w);
// The published plan of a route, or NULL. Borrowed until learning_turn_end.
const struct plan *learning_find(struct learning_worker *w, struct span key);
// At the end of each turn of a worker's loop: lets go of all plans it has found.
void learning_turn_end(struct learning_worker *w);
// Hands evidence over (a copy). False when it was dropped because the ring is full.
bool learning_put(struct learning_worker *w, struct span evidence);

#endif
