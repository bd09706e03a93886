// SPDX-License-Identifier: MIT
#include "server/call.h"

#include "base/error.h"
#include "server/backend.h"
#include "server/log.h"

void call_done(struct call *call) {
    list_drop(&call->node);
    call->is_open = false;
    call->on_event(call, &(struct exchange_event){.kind = EXCHANGE_END});
}

// It waits no more. Whoever takes it off the queue, its network has the place again.
static void leave_queue(struct call *call) {
    pool_leave(&call->upstream->pool, &call->waiter);
    budget_put(call->share, BUDGET_QUEUE, call->has_place);
    call->has_place = false;
}

void call_fail(struct call *call, int error) {
    list_drop(&call->node);
    leave_queue(call);
    call->is_open = false;
    call->error = error;
    // Told at the end of the turn: upstream_call may not call back, and nor may what it runs.
    loop_put(call->upstream->loop, LOOP_BACKENDS, &call->failed);
}

static void on_call_failed(struct loop_task *task) {
    struct call *call = LIST_ITEM(task, struct call, failed);
    call->on_event(call, &(struct exchange_event){.kind = EXCHANGE_FAILED, .error = call->error});
}

void call_wait_for(struct call *call, enum deadline_state state) {
    struct upstream *u = call->upstream;
    call->wait = state;
    call->deadline_ms = deadline_due_from(&u->limits, state, loop_now_ms(u->loop));
    upstream_watch(u, call->deadline_ms);
}

// The backend has got something more of the request to think about.
static void wait_for_answer(struct call *call) {
    call_wait_for(call, call->has_head ? DEADLINE_CALL_ANSWERING : DEADLINE_CALL_THINKING);
}

// At the end of the queue, or `first`: where it was let go. 0, or the ERR_ for which it may not
// wait.
static int call_wait(struct call *call, bool first) {
    struct upstream *u = call->upstream;
    int err = budget_take(call->share, BUDGET_QUEUE, 1);
    if (err != 0) {
        return err;
    }
    call->has_place = true;
    call_wait_for(call, DEADLINE_NOTHING); // the waiter has its own
    call->waiter.tried = call->tried;
    if (first) {
        pool_wait_first(&u->pool, &call->waiter, loop_now_ms(u->loop));
    } else {
        pool_wait(&u->pool, &call->waiter, loop_now_ms(u->loop));
    }
    upstream_watch(u, pool_deadline(&u->pool, loop_now_ms(u->loop)));
    capacity_watch(&u->capacity);
    upstream_next(u); // another worker may have given a slot back just now
    return 0;
}

// What has come behind the last answer has ended a kept connection already; the engine is asked all
// the same, since it may not begin a request on a connection that is not idle.
static struct backend *reuse(struct upstream *u, unsigned server) {
    struct pool_idle *idle = pool_reuse(&u->pool, server);
    struct backend *b = idle != NULL ? LIST_ITEM(idle, struct backend, idle) : NULL;
    if (b != NULL && !fcgi_conn_is_idle(&b->fcgi)) {
        backend_die(b);
        return NULL;
    }
    return b;
}

// It may neither begin nor wait.
static void refuse(struct call *call, int error) {
    const char *words = error_row(error)->text;
    log_line_of(words, LOG_WARN, "%s: %s", call->name(call), words);
    call_fail(call, error);
}

// A full listen queue of a unix socket can not be waited for, only asked again (connect(2)).
static void wait_for_listen_queue(struct backend *b) {
    struct upstream *u = b->upstream;
    struct call *call = backend_detach(b, POOL_NEUTRAL);
    backend_die(b);
    bool has_room = atomic_load(&u->shared->share.waiting) < u->conf->queue;
    int err = has_room ? call_wait(call, true) : ERR_QUEUE_FULL;
    list_drop(&u->next.node); // whoever waits would be told the same again, in this turn for ever
    if (err != 0) {
        refuse(call, err);
        return;
    }
    upstream_again(u);
}

// That we have no descriptor or no memory left is no fault of the server.
static int error_of(int err) {
    bool is_ours = err == UV_EMFILE || err == UV_ENFILE || err == UV_ENOMEM || err == UV_ENOBUFS;
    return is_ours ? ERR_BACKEND_SOCKET : ERR_BACKEND_CONNECT;
}

// Connects. False when the call has been given to somebody else, or to nobody.
static bool has_connected(struct backend *b) {
    int err = backend_connect(b);
    if (err == UV_EAGAIN) {
        wait_for_listen_queue(b);
    } else if (err != 0) {
        backend_failed(b, error_of(err), uv_strerror(err));
    }
    return err == 0;
}

void call_go(struct call *call, unsigned server) {
    struct upstream *u = call->upstream;
    leave_queue(call);
    struct backend *b = reuse(u, server);
    if (b != NULL && (call->has_retried || !call->is_safe || call->body_len > 0)) {
        // It is as old as the one that failed; or were it closed just now, the request would be
        // lost that may not be sent twice.
        backend_die(b);
        b = NULL;
    }
    bool is_kept = b != NULL;
    if (!is_kept) {
        b = backend_new(u, server);
    }
    b->call = call;
    call->server = &u->conf->servers[server];
    call->placed_us = call->is_timed ? loop_now_us() : 0;
    b->errors_len = 0;
    call->backend = b;
    call->connected_us = is_kept ? call->placed_us : 0;
    call_wait_for(call, is_kept ? DEADLINE_CALL_THINKING : DEADLINE_CALL_CONNECTING);
    if (!is_kept && !has_connected(b)) {
        return;
    }
    int err = fcgi_conn_begin(&b->fcgi, call->arena, call->params, call->body_len,
                              u->conf->keepalive > 0);
    if (err != 0) {
        log_line_of(error_row(err)->text, LOG_WARN, "%s: %s", call->name(call),
                    error_row(err)->text);
        backend_detach(b, POOL_NEUTRAL);
        backend_die(b);
        call_fail(call, err);
        return;
    }
    if (!is_kept && call->body_len == 0) {
        capacity_put(&u->capacity, b);
    }
    backend_wants_flush(b);
}

bool call_has_untried(const struct call *call) {
    size_t n = call->upstream->conf->server_count;
    uint64_t all = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
    uint64_t now = UINT64_C(1) << call->backend->server;
    return ((call->tried | now) & all) != all;
}

void call_start(struct call *call) {
    struct upstream *u = call->upstream;
    unsigned server = 0;
    // Who abandons what it asks for, again and again, would have all executions in the end.
    int verdict = budget_check(call->share, BUDGET_ORPHANS, 1);
    verdict =
        verdict == 0 ? pool_take(&u->pool, loop_now_ms(u->loop), call->tried, &server) : verdict;
    verdict = verdict == POOL_WAIT ? call_wait(call, false) : verdict;
    if (verdict == POOL_TAKEN && !call->has_place) {
        call_go(call, server);
    } else if (verdict != 0) {
        refuse(call, verdict);
    }
}

// Nothing of the body is taken while the request can go to another server, whole: until something
// of it has left, where there is a server that was not tried. Else the body leaves with it.
size_t call_room(const struct call *call) {
    const struct backend *b = call->backend;
    bool is_here =
        b != NULL && (fcgi_conn_has_sent(&b->fcgi) || (b->is_connected && !call_has_untried(call)));
    return is_here ? fcgi_conn_room(&b->fcgi) : 0;
}

bool call_keeps_up(const struct call *call) {
    return call->backend != NULL && fcgi_conn_output(&call->backend->fcgi).n <= UPSTREAM_WINDOW / 2;
}

void call_body(struct call *call, struct span bytes) {
    int err = fcgi_conn_body(&call->backend->fcgi, bytes);
    call->has_body = true;
    wait_for_answer(call);
    if (err != 0) {
        backend_failed(call->backend, err, "the request's body");
        return;
    }
    backend_wants_flush(call->backend);
}

void call_body_end(struct call *call) {
    int err = fcgi_conn_body_end(&call->backend->fcgi);
    if (err != 0) {
        backend_failed(call->backend, err, "the request's body");
        return;
    }
    wait_for_answer(call);
    backend_wants_flush(call->backend);
}

void call_pause(struct call *call, bool paused) {
    if (paused == call->is_paused) {
        return;
    }
    call->is_paused = paused;
    // It is the client who is slow, not the backend.
    call_wait_for(call, paused ? DEADLINE_NOTHING : DEADLINE_CALL_ANSWERING);
    if (call->backend != NULL && call->backend->is_connected) {
        backend_read(call->backend, !paused);
    }
}

void call_abort(struct call *call) {
    list_drop(&call->failed.node);
    if (!call->is_open) {
        return;
    }
    call->is_open = false;
    list_drop(&call->node);
    leave_queue(call);
    if (call->backend != NULL) {
        backend_abandon(call->backend);
    }
}

// What the backend took of a body that is not complete has left: the client's own timer runs.
bool call_awaits_client(const struct call *call) {
    const struct backend *b = call->backend;
    return b->is_connected && fcgi_conn_awaits_body(&b->fcgi) && buf_len(&b->stuck) == 0 &&
           fcgi_conn_output(&b->fcgi).n == 0;
}

void call_init(struct call *call, struct upstream *u) {
    call->upstream = u;
    call->backend = NULL;
    call->is_open = true;
    call->has_place = false;
    uint64_t now_ms = loop_now_ms(u->loop);
    call->total_ms = deadline_due_from(&u->limits, DEADLINE_CALL_WHOLE, now_ms);
    call_wait_for(call, DEADLINE_NOTHING);
    upstream_watch(u, call->total_ms);
    call->place_by_ms = deadline_due_from(&u->limits, DEADLINE_CALL_THINKING, now_ms);
    call->has_head = call->is_paused = call->has_body = call->has_retried = false;
    call->tried = 0;
    call->server = NULL;
    call->begun_us = call->is_timed ? loop_now_us() : 0;
    list_init(&call->node);
    list_init(&call->waiter.node);
    call->waiter.deadline_ms = 0; // it has not waited
    list_init(&call->failed.node);
    call->failed.run = on_call_failed;
    list_put(&u->calls, &call->node);
}
