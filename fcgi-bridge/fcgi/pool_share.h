// SPDX-License-Identifier: MIT
// What the pools of all worker threads have in common for one configured pool: how many requests
// execute at each server and may, how many connections are kept idle there (each occupies a process
// of PHP-FPM just as well), and which worker has somebody waiting for how long. Atomics only; every
// function may be called by any thread.
//
// No wake-up is lost: who waits says so before it looks for a slot once more, who gives a slot back
// does so before it looks who waits.
#ifndef FCGI_POOL_SHARE_H
#define FCGI_POOL_SHARE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_SHARE_NOBODY (-1)

struct pool_share_server {
    _Alignas(64) _Atomic uint64_t held; // low half: requests executing; high half: kept connections
    _Atomic unsigned most;              // of both together; 0: no limit
};

struct pool_share_member {
    _Alignas(64) _Atomic uint64_t first_ms; // deadline of its first that waits; 0: nobody waits
    _Atomic unsigned idle;                  // connections it keeps
};

struct pool_share {
    struct pool_share_server *servers;
    struct pool_share_member *members; // one a worker
    size_t servers_n;
    unsigned members_n;
    _Atomic unsigned waiting;                  // requests, of all members
    void (*wake)(void *self, unsigned member); // asks a member's thread to call pool_next; or NULL
    void *self;
};

// `most` requests at once at each server; 0: no limit.
void pool_share_init(struct pool_share *s, size_t servers, unsigned members, unsigned most);
// Idempotent.
void pool_share_fini(struct pool_share *s);

// The limit of one server is another from now on; who is beyond it stays.
void pool_share_limit(struct pool_share *s, unsigned server, unsigned most);
// Takes a slot at the server, unless it is full.
bool pool_share_take(struct pool_share *s, unsigned server);
// A kept connection executes again, or an executing one is given back.
void pool_share_reuse(struct pool_share *s, unsigned server);
void pool_share_put(struct pool_share *s, unsigned server);
// A connection whose slot was given back is kept, if there is room; one that was kept is closed.
bool pool_share_keep(struct pool_share *s, unsigned server, unsigned member);
void pool_share_drop(struct pool_share *s, unsigned server);
unsigned pool_share_executing(const struct pool_share *s, unsigned server);
// Those that execute and those that are kept.
unsigned pool_share_held(const struct pool_share *s, unsigned server);
// No slot is left.
bool pool_share_is_full(const struct pool_share *s, unsigned server);
// The member who has waited for longest, or POOL_SHARE_NOBODY.
int pool_share_first(const struct pool_share *s);
// Wakes the members but this one that keep connections.
void pool_share_wake_keepers(struct pool_share *s, unsigned but);

#endif
