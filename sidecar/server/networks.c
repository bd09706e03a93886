// SPDX-License-Identifier: MIT
#include "server/networks.h"

#include "base/error.h"

#include <stdlib.h>

#define SECOND_US 1000000u
#define BURST_S 10 // seconds: so many of them's handshakes may come at once

struct entry {
    struct budget_share share;
    struct list node; // in its shard: used or idle
    struct networks *networks;
    uint64_t network;       // keyed hash
    unsigned holders;       // under the shard's lock
    uint64_t handshakes_us; // when all that it has begun are paid for; likewise
};

static struct entry *entry_of(struct budget_share *share) {
    return LIST_ITEM(share, struct entry, share);
}

static void set_bounds(struct budget *b, const struct config_clients *conf) {
    b->each[BUDGET_CONNECTIONS] = conf->connections;
    b->each[BUDGET_REQUESTS] = conf->requests;
    b->each[BUDGET_QUEUE] = conf->queue;
    b->each[BUDGET_ORPHANS] = conf->orphans;
    b->each[BUDGET_MEMORY] = conf->memory;
    b->each[BUDGET_DISK] = conf->disk;
    b->all[BUDGET_MEMORY] = conf->all_memory;
    b->all[BUDGET_DISK] = conf->all_disk;
}

void networks_init(struct networks *n, const struct config_clients *conf,
                   const struct siphash_key *secret) {
    *n = (struct networks){.conf = conf, .secret = *secret};
    n->excepted = (struct budget_share){.budget = &n->budget, .is_excepted = true};
    set_bounds(&n->budget, conf);
    for (size_t i = 0; i < NETWORKS_SHARDS; i++) {
        struct networks_shard *shard = &n->shards[i];
        list_init(&shard->used);
        list_init(&shard->idle);
        if (uv_mutex_init(&shard->lock) != 0) {
            abort();
        }
    }
}

static void free_all(struct list *entries) {
    for (struct list *l; (l = list_take(entries)) != NULL;) {
        free(LIST_ITEM(l, struct entry, node));
    }
}

void networks_fini(struct networks *n) {
    for (size_t i = 0; i < NETWORKS_SHARDS; i++) {
        free_all(&n->shards[i].used);
        free_all(&n->shards[i].idle);
        uv_mutex_destroy(&n->shards[i].lock);
    }
}

// The keyed hash of the address's network; 0 for those that are excepted.
static uint64_t network_of(const struct networks *n, const struct ip *from) {
    if (from->n == 0 || ip_nets_have(n->conf->except, n->conf->except_n, from)) {
        return 0;
    }
    unsigned bits = from->n == 4 ? n->conf->ipv4_prefix : n->conf->ipv6_prefix;
    struct ip prefix = ip_prefix(from, bits);
    uint64_t hash = siphash(&n->secret, span_of(prefix.bytes, prefix.n));
    return hash != 0 ? hash : 1;
}

static struct networks_shard *shard_of(struct networks *n, uint64_t network) {
    return &n->shards[network % NETWORKS_SHARDS];
}

static struct entry *find(struct list *entries, uint64_t network) {
    for (struct list *l = entries->next; l != entries; l = l->next) {
        struct entry *e = LIST_ITEM(l, struct entry, node);
        if (e->network == network) {
            return e;
        }
    }
    return NULL;
}

// An entry of the network, on no list: one that was idle, else a new one.
static struct entry *begin(struct networks *n, struct networks_shard *shard, uint64_t network) {
    struct entry *e = find(&shard->idle, network);
    if (e != NULL) {
        list_drop(&e->node);
        shard->idle_count--;
        return e;
    }
    e = calloc(1, sizeof *e);
    if (e == NULL) {
        abort();
    }
    list_init(&e->node);
    e->share.budget = &n->budget;
    e->networks = n;
    e->network = network;
    return e;
}

// Under the lock. One that nobody holds is remembered for a while: its handshakes are not forgiven
// with its last connection.
static void settle(struct networks_shard *shard, struct entry *e) {
    if (e->holders > 0) {
        if (list_is_empty(&e->node)) {
            list_put(&shard->used, &e->node);
        }
        return;
    }
    list_put(&shard->idle, &e->node);
    if (shard->idle_count < NETWORKS_IDLE) {
        shard->idle_count++;
        return;
    }
    free(LIST_ITEM(list_take(&shard->idle), struct entry, node));
}

// Under the lock. Each handshake takes its part of a second; ten seconds may be taken ahead.
static bool may_shake_hands(struct entry *e, uint64_t now_us) {
    uint64_t rate = e->networks->conf->handshakes;
    uint64_t from_us = e->handshakes_us > now_us ? e->handshakes_us : now_us;
    if (rate == 0) {
        return true;
    }
    if (from_us - now_us + SECOND_US / rate > (uint64_t)BURST_S * SECOND_US) {
        return false;
    }
    e->handshakes_us = from_us + SECOND_US / rate;
    return true;
}

int networks_enter(struct networks *n, const struct ip *from, bool has_handshake, uint64_t now_us,
                   struct budget_share **share) {
    uint64_t network = network_of(n, from);
    if (network == 0) {
        *share = &n->excepted;
        return budget_take(&n->excepted, BUDGET_CONNECTIONS, 1);
    }
    struct networks_shard *shard = shard_of(n, network);
    uv_mutex_lock(&shard->lock);
    struct entry *e = find(&shard->used, network);
    e = e != NULL ? e : begin(n, shard, network);
    int err = budget_take(&e->share, BUDGET_CONNECTIONS, 1);
    if (err == 0 && has_handshake && !may_shake_hands(e, now_us)) {
        budget_put(&e->share, BUDGET_CONNECTIONS, 1);
        err = ERR_CLIENT_HANDSHAKES;
    }
    e->holders += err == 0;
    settle(shard, e);
    *share = err == 0 ? &e->share : NULL;
    uv_mutex_unlock(&shard->lock);
    return err;
}

struct budget_share *networks_take(struct networks *n, const struct ip *from) {
    uint64_t network = network_of(n, from);
    if (network == 0) {
        return &n->excepted;
    }
    struct networks_shard *shard = shard_of(n, network);
    uv_mutex_lock(&shard->lock);
    struct entry *e = find(&shard->used, network);
    e = e != NULL ? e : begin(n, shard, network);
    e->holders++;
    settle(shard, e);
    uv_mutex_unlock(&shard->lock);
    return &e->share;
}

void networks_leave(struct budget_share *share) {
    budget_put(share, BUDGET_CONNECTIONS, 1);
    networks_release(share);
}

void networks_hold(struct budget_share *share) {
    if (share == NULL || share->is_excepted) {
        return;
    }
    struct entry *e = entry_of(share);
    struct networks_shard *shard = shard_of(e->networks, e->network);
    uv_mutex_lock(&shard->lock);
    e->holders++;
    uv_mutex_unlock(&shard->lock);
}

void networks_release(struct budget_share *share) {
    if (share == NULL || share->is_excepted) {
        return;
    }
    struct entry *e = entry_of(share);
    struct networks_shard *shard = shard_of(e->networks, e->network);
    uv_mutex_lock(&shard->lock);
    e->holders--;
    settle(shard, e);
    uv_mutex_unlock(&shard->lock);
}
