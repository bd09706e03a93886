// SPDX-License-Identifier: MIT
// What the workers' upstreams of one pool have in common: the slots at its servers, and how a
// worker wakes another whose turn it is. Made before the workers, ended after them.
#ifndef SERVER_UPSTREAM_SHARED_H
#define SERVER_UPSTREAM_SHARED_H

#include "fcgi/pool.h"
#include "server/capacity.h"

#include <uv.h>

struct upstream_shared {
    struct pool_share share;
    struct capacity_shared *capacities; // of the servers
    uv_mutex_t lock;                    // of `capacities` and `wakes`
    uv_async_t **wakes;                 // of the workers; NULL: not open
};

void upstream_shared_init(struct upstream_shared *s, const struct pool_conf *conf,
                          unsigned workers);
void upstream_shared_fini(struct upstream_shared *s);
// The worker is woken by this handle from now on; NULL: no more.
void upstream_shared_open(struct upstream_shared *s, unsigned worker, uv_async_t *wake);

#endif
