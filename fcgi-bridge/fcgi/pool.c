// SPDX-License-Identifier: MIT
#include "fcgi/pool.h"

#include "base/error.h"

#include <assert.h>
#include <stdlib.h>

void pool_init(struct pool *p, const struct pool_conf *conf) {
    assert(conf->server_count > 0 && conf->max_fails > 0);
    *p = (struct pool){.conf = *conf};
    p->servers = calloc(conf->server_count, sizeof *p->servers);
    if (p->servers == NULL) {
        abort();
    }
    for (size_t i = 0; i < conf->server_count; i++) {
        list_init(&p->servers[i].idle);
    }
    list_init(&p->waiters);
}

void pool_fini(struct pool *p) {
    if (p->servers == NULL) {
        return;
    }
    assert(list_is_empty(&p->waiters));
    for (size_t i = 0; i < p->conf.server_count; i++) {
        assert(list_is_empty(&p->servers[i].idle));
    }
    free(p->servers);
    p->servers = NULL;
}

static bool has_failed(const struct pool *p, const struct pool_server *s) {
    return s->fails >= p->conf.max_fails;
}

bool pool_is_down(const struct pool *p, unsigned server, uint64_t now_ms) {
    const struct pool_server *s = &p->servers[server];
    return has_failed(p, s) && now_ms < s->down_until_ms;
}

static bool has_room(const struct pool *p, const struct pool_server *s) {
    return p->conf.connections == 0 || s->active < p->conf.connections;
}

// Which servers may be asked: those that work; if there is none, backups too; if there is none,
// all.
enum choice { CHOOSE_WORKING, CHOOSE_BACKUP, CHOOSE_ANY };

static uint64_t weight_of(const struct pool *p, unsigned server) {
    unsigned weight = p->conf.servers[server].weight;
    return weight > 0 ? weight : 1;
}

// Whether a would have less load for its weight than b, with the request that is to be placed.
static bool is_less_loaded(const struct pool *p, unsigned a, unsigned b) {
    uint64_t weight_a = weight_of(p, a), weight_b = weight_of(p, b);
    return (p->servers[a].active + 1) * weight_b < (p->servers[b].active + 1) * weight_a;
}

// The least loaded server with room, or POOL_NO_SERVER. Servers that are out, and `avoid`, are
// passed over as long as there is another that is not, even if that one has no room: waiting for a
// server that works is better than a server that does not.
static int least_loaded(struct pool *p, uint64_t now_ms, int avoid, enum choice choice) {
    unsigned count = (unsigned)p->conf.server_count;
    int best = POOL_NO_SERVER;
    bool has_usable = false;
    for (unsigned i = 0; i < count; i++) {
        unsigned at = (p->turn + i) % count;
        const struct pool_server *s = &p->servers[at];
        bool is_out = (int)at == avoid || pool_is_down(p, at, now_ms);
        bool is_spare = choice == CHOOSE_WORKING && p->conf.servers[at].is_backup;
        if (choice != CHOOSE_ANY && (is_out || is_spare)) {
            continue;
        }
        has_usable = true;
        if (has_room(p, s) && (best == POOL_NO_SERVER || is_less_loaded(p, at, (unsigned)best))) {
            best = (int)at;
        }
    }
    return has_usable ? best : least_loaded(p, now_ms, avoid, choice + 1);
}

static int take_slot(struct pool *p, uint64_t now_ms, int avoid) {
    int at = least_loaded(p, now_ms, avoid, CHOOSE_WORKING);
    if (at == POOL_NO_SERVER) {
        return at;
    }
    struct pool_server *s = &p->servers[at];
    s->active++;
    p->active++;
    p->turn = (unsigned)at + 1;
    if (has_failed(p, s)) {
        // It was out and is tried again, by one request until that one succeeds.
        s->down_until_ms = now_ms + p->conf.fail_timeout_ms;
    }
    return at;
}

int pool_take(struct pool *p, uint64_t now_ms, int avoid, unsigned *server) {
    int at = POOL_NO_SERVER;
    if (list_is_empty(&p->waiters)) {
        at = take_slot(p, now_ms, avoid);
    }
    if (at == POOL_NO_SERVER) {
        return p->waiting < p->conf.queue ? POOL_WAIT : ERR_QUEUE_FULL;
    }
    *server = (unsigned)at;
    return POOL_TAKEN;
}

static void record_failure(struct pool *p, struct pool_server *s, uint64_t now_ms) {
    if (has_failed(p, s)) {
        s->down_until_ms = now_ms + p->conf.fail_timeout_ms;
        return;
    }
    if (s->fails == 0 || now_ms - s->first_fail_ms > p->conf.fail_timeout_ms) {
        s->fails = 0;
        s->first_fail_ms = now_ms;
    }
    s->fails++;
    if (has_failed(p, s)) {
        s->down_until_ms = now_ms + p->conf.fail_timeout_ms;
    }
}

void pool_put(struct pool *p, unsigned server, enum pool_outcome outcome, uint64_t now_ms) {
    struct pool_server *s = &p->servers[server];
    assert(s->active > 0 && p->active > 0);
    s->active--;
    p->active--;
    if (outcome == POOL_GOOD) {
        s->fails = 0;
    } else if (outcome == POOL_FAILED) {
        record_failure(p, s, now_ms);
    }
}

void pool_wait(struct pool *p, struct pool_waiter *w, uint64_t now_ms) {
    assert(list_is_empty(&w->node) && p->waiting < p->conf.queue);
    w->deadline_ms = now_ms + p->conf.queue_timeout_ms;
    list_put(&p->waiters, &w->node);
    p->waiting++;
}

void pool_leave(struct pool *p, struct pool_waiter *w) {
    if (!list_is_empty(&w->node)) {
        list_drop(&w->node);
        p->waiting--;
    }
}

static struct pool_waiter *first_waiter(const struct pool *p) {
    return list_is_empty(&p->waiters) ? NULL : LIST_ITEM(p->waiters.next, struct pool_waiter, node);
}

struct pool_waiter *pool_next(struct pool *p, uint64_t now_ms) {
    struct pool_waiter *w = first_waiter(p);
    int at = w != NULL ? take_slot(p, now_ms, POOL_NO_SERVER) : POOL_NO_SERVER;
    if (at == POOL_NO_SERVER) {
        return NULL;
    }
    pool_leave(p, w);
    w->server = (unsigned)at;
    return w;
}

struct pool_waiter *pool_expired(struct pool *p, uint64_t now_ms) {
    // All wait equally long: the first to come is the first to expire.
    struct pool_waiter *w = first_waiter(p);
    if (w == NULL || now_ms < w->deadline_ms) {
        return NULL;
    }
    pool_leave(p, w);
    return w;
}

static struct pool_idle *take_idle(struct pool_server *s, struct list *node) {
    list_drop(node);
    s->idle_count--;
    return LIST_ITEM(node, struct pool_idle, node);
}

struct pool_idle *pool_keep(struct pool *p, unsigned server, struct pool_idle *c, uint64_t now_ms) {
    struct pool_server *s = &p->servers[server];
    if (p->conf.keepalive == 0) {
        return c;
    }
    c->since_ms = now_ms;
    list_put(&s->idle, &c->node);
    s->idle_count++;
    return s->idle_count > p->conf.keepalive ? take_idle(s, s->idle.next) : NULL;
}

struct pool_idle *pool_reuse(struct pool *p, unsigned server) {
    struct pool_server *s = &p->servers[server];
    return list_is_empty(&s->idle) ? NULL : take_idle(s, s->idle.prev);
}

static uint64_t idle_deadline(const struct pool *p, const struct pool_server *s) {
    if (list_is_empty(&s->idle)) {
        return UINT64_MAX;
    }
    return LIST_ITEM(s->idle.next, struct pool_idle, node)->since_ms + p->conf.keepalive_timeout_ms;
}

struct pool_idle *pool_aged(struct pool *p, uint64_t now_ms) {
    for (size_t i = 0; i < p->conf.server_count; i++) {
        struct pool_server *s = &p->servers[i];
        if (now_ms >= idle_deadline(p, s)) {
            return take_idle(s, s->idle.next);
        }
    }
    return NULL;
}

void pool_forget(struct pool *p, unsigned server, struct pool_idle *c) {
    if (!list_is_empty(&c->node)) {
        take_idle(&p->servers[server], &c->node);
    }
}

uint64_t pool_deadline(const struct pool *p, uint64_t now_ms) {
    const struct pool_waiter *w = first_waiter(p);
    uint64_t deadline = w != NULL ? w->deadline_ms : UINT64_MAX;
    for (unsigned i = 0; i < p->conf.server_count; i++) {
        const struct pool_server *s = &p->servers[i];
        uint64_t idle = idle_deadline(p, s);
        if (idle < deadline) {
            deadline = idle;
        }
        if (w != NULL && pool_is_down(p, i, now_ms) && s->down_until_ms < deadline) {
            deadline = s->down_until_ms;
        }
    }
    return deadline;
}
