// SPDX-License-Identifier: MIT
#include "server/upstream_shared.h"

#include <stdlib.h>

// Under the lock: the handle may be closed by its own thread meanwhile.
static void wake(void *self, unsigned worker) {
    struct upstream_shared *s = self;
    uv_mutex_lock(&s->lock);
    if (s->wakes[worker] != NULL) {
        uv_async_send(s->wakes[worker]);
    }
    uv_mutex_unlock(&s->lock);
}

void upstream_shared_init(struct upstream_shared *s, const struct pool_conf *conf,
                          unsigned workers) {
    pool_share_init(&s->share, conf->server_count, workers, conf->connections);
    s->share.wake = wake;
    s->share.self = s;
    s->capacities = calloc(conf->server_count, sizeof *s->capacities);
    s->wakes = calloc(workers, sizeof *s->wakes);
    if (s->capacities == NULL || s->wakes == NULL || uv_mutex_init(&s->lock) != 0) {
        abort();
    }
    for (size_t i = 0; i < conf->server_count; i++) {
        // What accepts for a server of another machine may hide how little that does.
        unsigned ceiling = conf->servers[i].is_unix ? POOL_CAP_MOST : conf->connections;
        pool_cap_init(&s->capacities[i].cap, conf->connections, ceiling, 0);
        s->capacities[i].logged = conf->connections;
    }
}

void upstream_shared_fini(struct upstream_shared *s) {
    pool_share_fini(&s->share);
    free(s->capacities);
    free(s->wakes);
    uv_mutex_destroy(&s->lock);
}

void upstream_shared_open(struct upstream_shared *s, unsigned worker, uv_async_t *async) {
    uv_mutex_lock(&s->lock);
    s->wakes[worker] = async;
    uv_mutex_unlock(&s->lock);
}
