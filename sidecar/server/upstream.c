// SPDX-License-Identifier: MIT
#include "server/upstream.h"

#include "base/error.h"
#include "server/backend.h"
#include "server/log.h"
#include "server/upstream_address.h"

#include <stdlib.h>

#define LOOK_MS 1000 // how often a call is looked at that waits for its client, or at all
#define AGAIN_MS 20  // until a full listen queue is asked again

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

// False when a full listen queue stands in the way: it is asked again later, in order.
static bool let_go(struct upstream *u, bool in_turn) {
    struct pool_waiter *w;
    while ((w = pool_next(&u->pool, loop_now_ms(u->loop), in_turn)) != NULL) {
        struct call *call = LIST_ITEM(w, struct call, waiter);
        call_go(call, w->server);
        if (call->backend == NULL && call->is_open) {
            return false;
        }
    }
    if (u->pool.waiting > 0) { // for a server that is out, or another worker that is slow to come
        uint64_t now_ms = loop_now_ms(u->loop);
        upstream_watch(u, earlier(pool_deadline(&u->pool, now_ms), now_ms + LOOK_MS));
    }
    pool_pass(&u->pool);
    return true;
}

static void on_next(struct loop_task *task) {
    let_go(LIST_ITEM(task, struct upstream, next), true);
}

static void on_again(uv_timer_t *timer) {
    let_go(timer->data, true);
}

// Another worker waits for what this one keeps, or has given back what this one waits for.
static void on_wake(uv_async_t *wake) {
    struct upstream *u = wake->data;
    for (struct pool_idle *idle; (idle = pool_shed(&u->pool)) != NULL;) {
        backend_die(LIST_ITEM(idle, struct backend, idle));
    }
    let_go(u, true);
}

void upstream_next(struct upstream *u) {
    if (atomic_load(&u->shared->share.waiting) > 0) {
        loop_put(u->loop, LOOP_BACKENDS, &u->next);
    }
}

static void fail_waiting(struct call *call, enum deadline_state wait) {
    int error = deadline_row(wait)->error;
    log_line_of(error_row(error)->text, LOG_WARN, "%s: %s", call->name(call),
                error_row(error)->text);
    call_fail(call, error);
}

static void expire_calls(struct upstream *u, uint64_t now_ms) {
    for (struct list *n = u->calls.next, *next; n != &u->calls; n = next) {
        struct call *call = LIST_ITEM(n, struct call, node);
        next = n->next;
        bool is_over = now_ms >= call->total_ms;
        if (call->backend == NULL) { // it waits in the pool, which has a deadline of its own
            if (is_over) {
                fail_waiting(call, DEADLINE_CALL_WHOLE);
            }
            continue;
        }
        if (is_over || (now_ms >= call->deadline_ms && !call_awaits_client(call))) {
            enum deadline_state wait = is_over ? DEADLINE_CALL_WHOLE : call->wait;
            backend_failed(call->backend, deadline_row(wait)->error, deadline_name(wait));
        }
    }
}

static void expire_orphans(struct upstream *u, uint64_t now_ms) {
    for (struct list *n = u->backends.next; n != &u->backends; n = n->next) {
        struct backend *b = LIST_ITEM(n, struct backend, node);
        if (b->is_orphan && !b->is_overdue && now_ms >= b->orphan_deadline_ms) {
            backend_overdue(b);
        }
    }
}

// The next deadline of a call, an orphan, or what waits in the pool.
static uint64_t next_deadline(const struct upstream *u, uint64_t now_ms) {
    uint64_t due_ms = pool_deadline(&u->pool, now_ms);
    for (struct list *n = u->calls.next; n != &u->calls; n = n->next) {
        const struct call *call = LIST_ITEM(n, struct call, node);
        due_ms = earlier(due_ms, call->total_ms);
        // One that is over and goes on waits for the client, and is looked at now and then.
        uint64_t deadline_ms = call->deadline_ms;
        due_ms = earlier(due_ms, deadline_ms > now_ms ? deadline_ms : now_ms + LOOK_MS);
    }
    for (struct list *n = u->backends.next; n != &u->backends; n = n->next) {
        const struct backend *b = LIST_ITEM(n, struct backend, node);
        bool is_due = b->is_orphan && !b->is_overdue;
        due_ms = is_due ? earlier(due_ms, b->orphan_deadline_ms) : due_ms;
    }
    return due_ms;
}

static void on_upstream_tick(struct loop_watch *watch, uint64_t now_ms) {
    struct upstream *u = LIST_ITEM(watch, struct upstream, watch);
    expire_calls(u, now_ms);
    expire_orphans(u, now_ms);
    for (struct pool_waiter *w; (w = pool_expired(&u->pool, now_ms)) != NULL;) {
        fail_waiting(LIST_ITEM(w, struct call, waiter), DEADLINE_CALL_WAITING);
    }
    for (struct pool_idle *idle; (idle = pool_aged(&u->pool, now_ms)) != NULL;) {
        backend_die(LIST_ITEM(idle, struct backend, idle));
    }
    let_go(u, false); // whatever keeps another worker from its turn, it does not keep us for ever
    upstream_watch(u, next_deadline(u, now_ms));
}

void upstream_watch(struct upstream *u, uint64_t due_ms) {
    loop_watch_by(u->loop, &u->watch, due_ms);
}

void upstream_again(struct upstream *u) {
    if (!uv_is_active((uv_handle_t *)&u->again)) {
        uv_timer_start(&u->again, on_again, AGAIN_MS, 0);
    }
}

void upstream_call(struct upstream *u, struct call *call) {
    call_init(call, u);
    call_start(call);
}

static struct deadline_limits limits_of(const struct pool_conf *conf) {
    struct deadline_limits l;
    deadline_limits_init(&l);
    l.ms[LIMIT_QUEUE] = conf->queue_timeout_ms;
    l.ms[LIMIT_CONNECT] = conf->connect_timeout_ms;
    l.ms[LIMIT_THINK] = conf->think_timeout_ms;
    l.ms[LIMIT_PAUSE] = conf->idle_timeout_ms;
    l.ms[LIMIT_TOTAL] = conf->total_timeout_ms;
    return l;
}

int upstream_init(struct upstream *u, struct loop *loop, const struct pool_conf *conf,
                  struct upstream_shared *shared, unsigned worker, struct metrics_worker *metrics) {
    *u = (struct upstream){.loop = loop, .conf = conf, .shared = shared, .metrics = metrics};
    u->limits = limits_of(conf);
    list_init(&u->backends);
    list_init(&u->calls);
    list_init(&u->next.node);
    loop_watch_init(&u->watch, on_upstream_tick);
    u->next.run = on_next;
    u->addresses = calloc(conf->server_count, sizeof *u->addresses);
    if (u->addresses == NULL) {
        abort();
    }
    for (size_t i = 0; i < conf->server_count; i++) {
        int err = upstream_address_resolve(&conf->servers[i], &u->addresses[i]);
        if (err != 0) {
            free(u->addresses);
            return err;
        }
    }
    pool_init(&u->pool, conf, &shared->share, worker);
    uv_timer_init(&loop->uv, &u->again);
    uv_async_init(&loop->uv, &u->wake, on_wake);
    uv_unref((uv_handle_t *)&u->again);
    uv_unref((uv_handle_t *)&u->wake);
    u->again.data = u->wake.data = u;
    capacity_init(&u->capacity, u);
    upstream_shared_open(shared, worker, &u->wake);
    return 0;
}

void upstream_close(struct upstream *u) {
    for (struct list *n; (n = list_take(&u->calls)) != NULL;) {
        call_abort(LIST_ITEM(n, struct call, node));
    }
    for (struct list *n = u->backends.next; n != &u->backends; n = n->next) {
        backend_die(LIST_ITEM(n, struct backend, node));
    }
    loop_unwatch(&u->watch);
    list_drop(&u->next.node);
    upstream_shared_open(u->shared, u->pool.member, NULL);
    capacity_close(&u->capacity);
    uv_close((uv_handle_t *)&u->again, NULL);
    uv_close((uv_handle_t *)&u->wake, NULL);
}

void upstream_fini(struct upstream *u) {
    pool_fini(&u->pool);
    capacity_fini(&u->capacity);
    free(u->addresses);
}
