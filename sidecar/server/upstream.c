// SPDX-License-Identifier: MIT
#include "server/upstream.h"

#include "base/error.h"
#include "server/backend.h"
#include "server/log.h"
#include "server/upstream_address.h"

#include <stdlib.h>

#define AGAIN_MS 20 // until a full listen queue is asked again

static void let_go(struct upstream *u) {
    for (struct pool_waiter *w; (w = pool_next(&u->pool, loop_now_ms(u->loop))) != NULL;) {
        struct call *call = LIST_ITEM(w, struct call, waiter);
        call_go(call, w->server);
        if (call->backend == NULL && call->is_open) {
            return; // the listen queue is full: ask again later, in order
        }
    }
}

static void on_next(struct loop_task *task) {
    let_go(LIST_ITEM(task, struct upstream, next));
}

static void on_again(uv_timer_t *timer) {
    let_go(timer->data);
}

static void expire_calls(struct upstream *u, uint64_t now_ms) {
    for (struct list *n = u->calls.next, *next; n != &u->calls; n = next) {
        struct call *call = LIST_ITEM(n, struct call, node);
        next = n->next;
        bool is_over = now_ms >= call->total_ms;
        bool is_due = is_over || (now_ms >= call->deadline_ms && !call_awaits_client(call));
        if (!is_due || call->backend == NULL) {
            continue;
        }
        if (is_over) {
            backend_failed(call->backend, ERR_BACKEND_TOTAL_TIMEOUT, "total-timeout");
        } else if (!call->backend->is_connected) {
            backend_failed(call->backend, ERR_BACKEND_CONNECT, "no connection in time");
        } else if (!call->has_head) {
            backend_failed(call->backend, ERR_BACKEND_THINK_TIMEOUT, "think-timeout");
        } else {
            backend_failed(call->backend, ERR_BACKEND_IDLE_TIMEOUT, "idle-timeout");
        }
    }
}

static void expire_orphans(struct upstream *u, uint64_t now_ms) {
    for (struct list *n = u->backends.next; n != &u->backends; n = n->next) {
        struct backend *b = LIST_ITEM(n, struct backend, node);
        if (b->is_orphan && now_ms >= b->orphan_deadline_ms) {
            backend_give_up(b);
        }
    }
}

static void on_upstream_tick(struct loop_watch *watch, uint64_t now_ms) {
    struct upstream *u = LIST_ITEM(watch, struct upstream, watch);
    expire_calls(u, now_ms);
    expire_orphans(u, now_ms);
    for (struct pool_waiter *w; (w = pool_expired(&u->pool, now_ms)) != NULL;) {
        struct call *call = LIST_ITEM(w, struct call, waiter);
        log_line(LOG_WARN, "%s: %s", call->name(call), error_row(ERR_QUEUE_TIMEOUT)->text);
        call_fail(call, ERR_QUEUE_TIMEOUT);
    }
    for (struct pool_idle *idle; (idle = pool_aged(&u->pool, now_ms)) != NULL;) {
        backend_die(LIST_ITEM(idle, struct backend, idle));
    }
    let_go(u);
}

void upstream_again(struct upstream *u) {
    if (!uv_is_active((uv_handle_t *)&u->again)) {
        uv_timer_start(&u->again, on_again, AGAIN_MS, 0);
    }
}

void upstream_call(struct upstream *u, struct call *call) {
    call_init(call, u);
    call_start(call, POOL_NO_SERVER);
}

int upstream_init(struct upstream *u, struct loop *loop, const struct pool_conf *conf,
                  struct metrics_worker *metrics) {
    *u = (struct upstream){.loop = loop, .conf = conf, .metrics = metrics};
    list_init(&u->backends);
    list_init(&u->calls);
    list_init(&u->watch.node);
    list_init(&u->next.node);
    u->watch.on_tick = on_upstream_tick;
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
    pool_init(&u->pool, conf);
    uv_timer_init(&loop->uv, &u->again);
    uv_unref((uv_handle_t *)&u->again);
    u->again.data = u;
    loop_watch(loop, &u->watch);
    return 0;
}

void upstream_close(struct upstream *u) {
    for (struct list *n; (n = list_take(&u->calls)) != NULL;) {
        call_abort(LIST_ITEM(n, struct call, node));
    }
    for (struct list *n = u->backends.next; n != &u->backends; n = n->next) {
        backend_die(LIST_ITEM(n, struct backend, node));
    }
    list_drop(&u->watch.node);
    list_drop(&u->next.node);
    uv_close((uv_handle_t *)&u->again, NULL);
}

void upstream_fini(struct upstream *u) {
    pool_fini(&u->pool);
    free(u->addresses);
}
