// SPDX-License-Identifier: MIT
// The publisher between workers and learner. Evidence goes to the learner through a bounded ring of
// each worker. Results come back as immutable tables, which workers read without a lock, an
// allocation or a system call. The learner runs on the main loop; replaced tables are freed when no
// worker can still be reading them.
//
//     worker: learning_put ─► ring ─► drain ─► learner_put, learner_next ─► tables
//     worker: learning_find, learning_find_asset ◄────── read-copy-update ────┘
#ifndef SERVER_LEARNING_H
#define SERVER_LEARNING_H

#include "learner/learner.h"
#include "server/loop.h"
#include "server/rcu.h"
#include "server/ring.h"

struct learning;

struct learning_worker {
    struct learning *learning;
    struct list node; // of all workers
    struct ring ring;
    bool is_reading; // online since its first look-up of this turn
    bool has_left;   // freed when the ring is empty
};

// Entries of the tables, carved out of blocks: a million of them should cost no more than they are.
struct learning_slab {
    struct learning_block *blocks;
    struct learning_entry *spare;
    size_t bytes; // of all blocks
    // Out of the tables, spare after a grace period.
    struct learning_entry **retired;
    size_t retired_n, retired_cap;
};

// Plans that no route has any more, to be freed after a grace period.
struct learning_plans {
    struct plan **v;
    size_t n, cap;
};

struct learning {
    struct loop *loop; // the learner's
    struct learner *model;
    struct cds_lfht *offers, *assets; // by identity
    struct list workers;
    uv_async_t wake;
    uv_timer_t drain;
    _Atomic uint64_t serial; // of the next piece of evidence that some worker puts
    _Atomic bool is_awake;   // somebody has woken the learner, which has not drained yet
    struct learning_slab slab;
    struct learning_plans plans;
    uint64_t offers_n, assets_n; // in the tables
    // Called with each drain, when all evidence has been put and before the learner is asked what
    // to publish: it may put more. May be NULL.
    void (*on_drain)(void *self);
    void *drain_self;
};

// On the main thread, which becomes the learner's. Copies conf.
void learning_init(struct learning *l, struct loop *loop, const struct learner_conf *conf);
// Closes its handles; the loop must run once more. After the workers have ended.
void learning_close(struct learning *l);
void learning_fini(struct learning *l);
// A worker's end of it, before its thread starts. On the learner's thread.
struct learning_worker *learning_add_worker(struct learning *l);
// The thread has ended: what it has put is taken with the next drains, then its end is freed. On
// the learner's thread.
void learning_drop_worker(struct learning_worker *w);
// Takes what the workers have put and publishes what follows from it, but no more than one turn of
// the loop may take. True when some is left. On the learner's thread.
bool learning_drain(struct learning *l);
// Until nothing is left: at the start, and when the workers have ended.
void learning_drain_all(struct learning *l);
// The same in a moment. On the learner's thread: whoever has changed the model calls it.
void learning_wants_drain(struct learning *l);

// On a worker's thread, first and last.
void learning_enter(struct learning_worker *w);
void learning_leave(struct learning_worker *w);
// What is published for a route or a pattern. False: nothing. The plan is borrowed until
// learning_turn_end.
bool learning_find(struct learning_worker *w, struct route_id id, struct offer *out);
// What is published of an asset. False: nothing.
bool learning_find_asset(struct learning_worker *w, struct route_id id, struct offer_asset *out);
// At the end of each turn of a worker's loop: lets go of all plans it has found.
void learning_turn_end(struct learning_worker *w);
// Hands evidence over (a copy). False when it was dropped because the ring is full.
bool learning_put(struct learning_worker *w, struct span evidence);

#endif
