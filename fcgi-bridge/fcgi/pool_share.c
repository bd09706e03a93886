// SPDX-License-Identifier: MIT
#include "fcgi/pool_share.h"

#include <stdlib.h>

#define KEPT (UINT64_C(1) << 32) // one kept connection in `held`

static void *array(size_t n, size_t size) {
    void *p = aligned_alloc(64, n * size);
    if (p == NULL) {
        abort();
    }
    return p;
}

void pool_share_init(struct pool_share *s, size_t servers, unsigned members, unsigned most) {
    *s = (struct pool_share){.servers_n = servers, .members_n = members};
    s->servers = array(servers, sizeof *s->servers);
    s->members = array(members, sizeof *s->members);
    for (size_t i = 0; i < servers; i++) {
        atomic_init(&s->servers[i].held, 0);
        atomic_init(&s->servers[i].most, most);
    }
    for (unsigned i = 0; i < members; i++) {
        atomic_init(&s->members[i].first_ms, 0);
        atomic_init(&s->members[i].idle, 0);
    }
    atomic_init(&s->waiting, 0);
}

void pool_share_fini(struct pool_share *s) {
    free(s->servers);
    free(s->members);
    s->servers = NULL;
    s->members = NULL;
}

void pool_share_limit(struct pool_share *s, unsigned server, unsigned most) {
    atomic_store(&s->servers[server].most, most);
}

static uint64_t sum(uint64_t held) {
    return (held & UINT32_MAX) + (held >> 32);
}

static bool is_full(const struct pool_share *s, unsigned server, uint64_t held) {
    unsigned most = atomic_load(&s->servers[server].most);
    return most != 0 && sum(held) >= most;
}

// Adds to `held` unless it is full.
static bool add(struct pool_share *s, unsigned server, uint64_t what) {
    _Atomic uint64_t *held = &s->servers[server].held;
    uint64_t was = atomic_load(held);
    do {
        if (is_full(s, server, was)) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(held, &was, was + what));
    return true;
}

bool pool_share_take(struct pool_share *s, unsigned server) {
    return add(s, server, 1);
}

void pool_share_reuse(struct pool_share *s, unsigned server) {
    atomic_fetch_add(&s->servers[server].held, 1 - KEPT);
}

void pool_share_put(struct pool_share *s, unsigned server) {
    atomic_fetch_sub(&s->servers[server].held, 1);
}

bool pool_share_keep(struct pool_share *s, unsigned server, unsigned member) {
    int first = pool_share_first(s);
    bool is_needed = first != POOL_SHARE_NOBODY && first != (int)member;
    return !is_needed && add(s, server, KEPT);
}

void pool_share_drop(struct pool_share *s, unsigned server) {
    atomic_fetch_sub(&s->servers[server].held, KEPT);
}

unsigned pool_share_executing(const struct pool_share *s, unsigned server) {
    return (unsigned)(atomic_load(&s->servers[server].held) & UINT32_MAX);
}

unsigned pool_share_held(const struct pool_share *s, unsigned server) {
    return (unsigned)sum(atomic_load(&s->servers[server].held));
}

bool pool_share_is_full(const struct pool_share *s, unsigned server) {
    return is_full(s, server, atomic_load(&s->servers[server].held));
}

int pool_share_first(const struct pool_share *s) {
    int first = POOL_SHARE_NOBODY;
    uint64_t first_ms = UINT64_MAX;
    if (atomic_load(&s->waiting) == 0) {
        return first;
    }
    for (unsigned i = 0; i < s->members_n; i++) {
        uint64_t ms = atomic_load(&s->members[i].first_ms);
        if (ms != 0 && ms < first_ms) {
            first_ms = ms;
            first = (int)i;
        }
    }
    return first;
}

void pool_share_wake_keepers(struct pool_share *s, unsigned but) {
    for (unsigned i = 0; i < s->members_n && s->wake != NULL; i++) {
        if (i != but && atomic_load(&s->members[i].idle) > 0) {
            s->wake(s->self, i);
        }
    }
}
