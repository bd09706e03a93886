// SPDX-License-Identifier: MIT
#include "fcgi/pool.h"

#include "base/error.h"

#include <assert.h>
#include <stdlib.h>

#define NONE (-1) // no server

bool pool_conf_learns(const struct pool_conf *conf) {
    return conf->is_auto && conf->children == 0;
}

void pool_init(struct pool *p, const struct pool_conf *conf, struct pool_share *share,
               unsigned member) {
    assert(conf->server_count > 0 && conf->server_count <= POOL_SERVERS_MAX);
    assert(conf->max_fails > 0 && member < share->members_n);
    *p = (struct pool){.conf = *conf, .share = share, .member = member};
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

static bool has_room(const struct pool *p, unsigned server) {
    return !list_is_empty(&p->servers[server].idle) || !pool_share_is_full(p->share, server);
}

// Which servers may be asked: those that work; if there is none, backups too; if there is none,
// those that are out; if there is none, those that have been tried.
enum choice { CHOOSE_WORKING, CHOOSE_BACKUP, CHOOSE_UNTRIED, CHOOSE_ANY };

static bool may_choose(const struct pool *p, unsigned server, uint64_t now_ms, uint64_t tried,
                       enum choice choice) {
    bool is_tried = tried >> server & 1;
    switch (choice) {
    case CHOOSE_WORKING:
        return !is_tried && !pool_is_down(p, server, now_ms) && !p->conf.servers[server].is_backup;
    case CHOOSE_BACKUP:
        return !is_tried && !pool_is_down(p, server, now_ms);
    case CHOOSE_UNTRIED:
        return !is_tried;
    case CHOOSE_ANY:
        break;
    }
    return true;
}

static uint64_t weight_of(const struct pool *p, unsigned server) {
    unsigned weight = p->conf.servers[server].weight;
    return weight > 0 ? weight : 1;
}

// Whether a would have less load for its weight than b, with the request that is to be placed.
static bool is_less_loaded(const struct pool *p, unsigned a, unsigned b) {
    uint64_t load_a = pool_share_executing(p->share, a) + 1;
    uint64_t load_b = pool_share_executing(p->share, b) + 1;
    return load_a * weight_of(p, b) < load_b * weight_of(p, a);
}

// The least loaded server with room, or NONE. Servers that are out, or tried, are passed over as
// long as there is another that is not, even if that one has no room: waiting for a server that
// works is better than a server that does not.
static int least_loaded(struct pool *p, uint64_t now_ms, uint64_t tried, enum choice choice) {
    unsigned count = (unsigned)p->conf.server_count;
    int best = NONE;
    bool has_usable = false;
    for (unsigned i = 0; i < count; i++) {
        unsigned at = (p->turn + i) % count;
        if (!may_choose(p, at, now_ms, tried, choice)) {
            continue;
        }
        has_usable = true;
        if (has_room(p, at) && (best == NONE || is_less_loaded(p, at, (unsigned)best))) {
            best = (int)at;
        }
    }
    return has_usable ? best : least_loaded(p, now_ms, tried, choice + 1);
}

// Takes the slot of a kept connection, else a new one. False when another worker was quicker.
static bool take_at(struct pool *p, unsigned server) {
    struct pool_server *s = &p->servers[server];
    s->has_grant = !list_is_empty(&s->idle);
    if (s->has_grant) {
        pool_share_reuse(p->share, server);
        return true;
    }
    return pool_share_take(p->share, server);
}

static int take_slot(struct pool *p, uint64_t now_ms, uint64_t tried) {
    int at;
    do {
        at = least_loaded(p, now_ms, tried, CHOOSE_WORKING);
        if (at == NONE) {
            return at;
        }
    } while (!take_at(p, (unsigned)at));
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

int pool_take(struct pool *p, uint64_t now_ms, uint64_t tried, unsigned *server) {
    unsigned waiting = atomic_load(&p->share->waiting);
    int at = waiting == 0 ? take_slot(p, now_ms, tried) : NONE;
    if (at == NONE) {
        return waiting < p->conf.queue ? POOL_WAIT : ERR_QUEUE_FULL;
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
        s->fails = s->faults_n = 0;
        s->first_fail_ms = now_ms;
    }
    s->fails++;
    if (has_failed(p, s)) {
        s->down_until_ms = now_ms + p->conf.fail_timeout_ms;
    }
}

// Not of a URL that was among the last ones within fail_timeout_ms.
static bool is_new_fault(const struct pool *p, const struct pool_server *s, uint64_t key,
                         uint64_t now_ms) {
    if (now_ms - s->first_fail_ms > p->conf.fail_timeout_ms) {
        return true;
    }
    unsigned known = s->faults_n < POOL_FAULTS ? s->faults_n : POOL_FAULTS;
    for (unsigned i = 0; i < known; i++) {
        if (s->faults[i] == key) {
            return false;
        }
    }
    return true;
}

void pool_judge(struct pool *p, unsigned server, enum pool_outcome outcome, uint64_t key,
                uint64_t now_ms) {
    struct pool_server *s = &p->servers[server];
    switch (outcome) {
    case POOL_GOOD:
        s->fails = s->faults_n = 0;
        break;
    case POOL_FAULTY:
        if (is_new_fault(p, s, key, now_ms)) {
            record_failure(p, s, now_ms);
            s->faults[s->faults_n++ % POOL_FAULTS] = key;
        }
        break;
    case POOL_FAILED:
        record_failure(p, s, now_ms);
        break;
    case POOL_NEUTRAL:
        break;
    }
}

void pool_put(struct pool *p, unsigned server) {
    struct pool_server *s = &p->servers[server];
    assert(s->active > 0 && p->active > 0);
    s->active--;
    p->active--;
    pool_share_put(p->share, server);
}

static struct pool_waiter *first_waiter(const struct pool *p) {
    return list_is_empty(&p->waiters) ? NULL : LIST_ITEM(p->waiters.next, struct pool_waiter, node);
}

// Tells the other workers since when somebody waits here.
static void publish(struct pool *p) {
    const struct pool_waiter *w = first_waiter(p);
    atomic_store(&p->share->members[p->member].first_ms, w != NULL ? w->deadline_ms : 0);
}

static void put_waiter(struct pool *p, struct pool_waiter *w, struct list *before) {
    assert(list_is_empty(&w->node));
    list_put(before, &w->node);
    p->waiting++;
    atomic_fetch_add(&p->share->waiting, 1);
    publish(p);
}

void pool_wait(struct pool *p, struct pool_waiter *w, uint64_t now_ms) {
    w->deadline_ms = now_ms + p->conf.queue_timeout_ms;
    put_waiter(p, w, &p->waiters);
}

void pool_wait_first(struct pool *p, struct pool_waiter *w, uint64_t now_ms) {
    if (w->deadline_ms == 0) {
        w->deadline_ms = now_ms + p->conf.queue_timeout_ms;
    }
    put_waiter(p, w, p->waiters.next);
}

void pool_leave(struct pool *p, struct pool_waiter *w) {
    if (!list_is_empty(&w->node)) {
        list_drop(&w->node);
        p->waiting--;
        atomic_fetch_sub(&p->share->waiting, 1);
        publish(p);
    }
}

struct pool_waiter *pool_next(struct pool *p, uint64_t now_ms, bool in_turn) {
    struct pool_waiter *w = first_waiter(p);
    if (w == NULL || (in_turn && pool_share_first(p->share) != (int)p->member)) {
        return NULL;
    }
    int at = take_slot(p, now_ms, w->tried);
    if (at == NONE) {
        pool_share_wake_keepers(p->share, p->member);
        return NULL;
    }
    pool_leave(p, w);
    w->server = (unsigned)at;
    return w;
}

void pool_pass(struct pool *p) {
    int first = pool_share_first(p->share);
    if (first == POOL_SHARE_NOBODY || first == (int)p->member || p->share->wake == NULL) {
        return;
    }
    for (unsigned i = 0; i < p->conf.server_count; i++) {
        if (!list_is_empty(&p->servers[i].idle) || !pool_share_is_full(p->share, i)) {
            p->share->wake(p->share->self, (unsigned)first);
            return;
        }
    }
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

static void count_idle(struct pool *p, struct pool_server *s, bool is_more) {
    _Atomic unsigned *idle = &p->share->members[p->member].idle;
    s->idle_count += is_more ? 1 : -1u;
    atomic_store(idle, atomic_load(idle) + (is_more ? 1 : -1u));
}

static struct pool_idle *take_idle(struct pool *p, unsigned server, struct list *node) {
    list_drop(node);
    count_idle(p, &p->servers[server], false);
    return LIST_ITEM(node, struct pool_idle, node);
}

// The same, of a connection that is to be closed.
static struct pool_idle *drop_idle(struct pool *p, unsigned server, struct list *node) {
    pool_share_drop(p->share, server);
    return take_idle(p, server, node);
}

struct pool_idle *pool_keep(struct pool *p, unsigned server, struct pool_idle *c, uint64_t now_ms) {
    struct pool_server *s = &p->servers[server];
    if (p->conf.keepalive == 0 || !pool_share_keep(p->share, server, p->member)) {
        return c;
    }
    c->since_ms = now_ms;
    list_put(&s->idle, &c->node);
    count_idle(p, s, true);
    return s->idle_count > p->conf.keepalive ? drop_idle(p, server, s->idle.next) : NULL;
}

struct pool_idle *pool_reuse(struct pool *p, unsigned server) {
    struct pool_server *s = &p->servers[server];
    bool has_grant = s->has_grant;
    s->has_grant = false;
    if (list_is_empty(&s->idle)) {
        return NULL;
    }
    return has_grant ? take_idle(p, server, s->idle.prev) : drop_idle(p, server, s->idle.prev);
}

struct pool_idle *pool_shed(struct pool *p) {
    int first = pool_share_first(p->share);
    for (unsigned i = 0; i < p->conf.server_count; i++) {
        struct pool_server *s = &p->servers[i];
        if (first != POOL_SHARE_NOBODY && first != (int)p->member && !list_is_empty(&s->idle) &&
            pool_share_is_full(p->share, i)) {
            return drop_idle(p, i, s->idle.next);
        }
    }
    return NULL;
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
            return drop_idle(p, (unsigned)i, s->idle.next);
        }
    }
    return NULL;
}

void pool_forget(struct pool *p, unsigned server, struct pool_idle *c) {
    if (!list_is_empty(&c->node)) {
        drop_idle(p, server, &c->node);
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
