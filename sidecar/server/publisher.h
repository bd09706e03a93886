// SPDX-License-Identifier: MIT
// The publisher between workers and learner. Evidence goes to the learner through a bounded ring of
// each worker. Results come back as immutable tables, which workers read without a lock, an
// allocation or a system call. The learner runs on the main loop; replaced tables are freed when no
// worker can still be reading them.
//
//     worker: publisher_put ─► ring ─► drain ─► learner_put, learner_next ─► tables
//     worker: publisher_find, publisher_find_asset ◄────── read-copy-update ────┘
#ifndef SERVER_PUBLISHER_H
#define SERVER_PUBLISHER_H

#include "learner/learner.h"
#include "server/loop.h"
#include "server/rcu.h"
#include "server/ring.h"

struct publisher;

struct publisher_worker {
    struct publisher *publisher;
    struct list node; // of all workers
    struct ring ring;
    bool is_reading; // online since its first look-up of this turn
    bool has_left;   // freed when the ring is empty
};

// Entries of the tables, carved out of blocks: a million of them should cost no more than they are.
struct publisher_slab {
    struct publisher_block *blocks;
    struct publisher_entry *spare;
    size_t bytes; // of all blocks
    // Out of the tables, spare after a grace period.
    struct publisher_entry **retired;
    size_t retired_n, retired_cap;
};

// Plans that no route has any more, to be freed after a grace period.
struct publisher_plans {
    struct plan **v;
    size_t n, cap;
};

struct publisher {
    struct loop *loop; // the learner's
    struct learner *model;
    struct cds_lfht *offers, *assets; // by identity
    struct list workers;
    uv_async_t wake;
    uv_timer_t drain;
    _Atomic uint64_t serial; // of the next piece of evidence that some worker puts
    _Atomic bool is_awake;   // somebody has woken the learner, which has not drained yet
    struct publisher_slab slab;
    struct publisher_plans plans;
    _Atomic uint64_t offers_n; // in their table
    // Called with each drain, when all evidence has been put and before the learner is asked what
    // to publish: it may put more. May be NULL.
    void (*on_drain)(void *self);
    void *drain_self;
};

// On the main thread, which becomes the learner's. Copies conf.
void publisher_init(struct publisher *l, struct loop *loop, const struct learner_conf *conf);
// Closes its handles; the loop must run once more. After the workers have ended.
void publisher_close(struct publisher *l);
void publisher_fini(struct publisher *l);
// A worker's end of it, before its thread starts. On the learner's thread.
struct publisher_worker *publisher_add_worker(struct publisher *l);
// The thread has ended: what it has put is taken with the next drains, then its end is freed. On
// the learner's thread.
void publisher_drop_worker(struct publisher_worker *w);
// Takes what the workers have put and publishes what follows from it, but no more than one turn of
// the loop may take. True when some is left. On the learner's thread.
bool publisher_drain(struct publisher *l);
// Until nothing is left: at the start, and when the workers have ended.
void publisher_drain_all(struct publisher *l);
// The same in a moment. On the learner's thread: whoever has changed the model calls it.
void publisher_wants_drain(struct publisher *l);

// On a worker's thread, first and last.
void publisher_enter(struct publisher_worker *w);
void publisher_leave(struct publisher_worker *w);
// Whether anything is published for any route. Where nothing is, nobody has to look.
bool publisher_has_offers(const struct publisher_worker *w);
// What is published for a route or a pattern. False: nothing. The plan is borrowed until
// publisher_turn_end.
bool publisher_find(struct publisher_worker *w, struct route_id id, struct offer *out);
// What is published of an asset. False: nothing.
bool publisher_find_asset(struct publisher_worker *w, struct route_id id, struct offer_asset *out);
// At the end of each turn of a worker's loop: lets go of all plans it has found.
void publisher_turn_end(struct publisher_worker *w);
// Hands evidence over (a copy). False when it was dropped because the ring is full.
bool publisher_put(struct publisher_worker *w, struct span evidence);

#endif
