// SPDX-License-Identifier: MIT
#include "server/upstream.h"

#include "base/error.h"
#include "server/log.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STDERR_LINE 1024 // bytes of a backend's standard error in one log line
#define AGAIN_MS 20      // until a full listen queue is asked again
#define STDERR_MOST 8192 // bytes of it logged for one request; the rest is only counted

struct backend {
    struct list node;      // in upstream->backends
    struct pool_idle idle; // in the pool, while no call uses it
    struct loop_task flush, free;
    struct upstream *upstream;
    struct call *call; // NULL while idle or dying
    unsigned server;   // index in the pool
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } io;
    uv_connect_t connect;
    uv_write_t write;
    struct buf stuck; // a copy of what the kernel did not take
    struct fcgi_conn fcgi;
    uint64_t errors_len; // bytes of standard error in this request
    bool is_connected, is_reading, is_dead;
    bool was_kept;  // it has answered before
    bool is_orphan; // nobody waits for its answer; it has a slot of the pool all the same
    uint64_t orphan_deadline_ms;
};

static void on_backend_free(struct loop_task *task);
static void on_backend_flush(struct loop_task *task);
static void on_backend_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes);
static void on_again(uv_timer_t *timer);
static void call_fail(struct call *call, int error);
static void call_wait(struct call *call);
static void call_start(struct call *call, int avoid);

static const struct pool_server_conf *server_conf(const struct backend *b) {
    return &b->upstream->conf->servers[b->server];
}

// ---- a backend's life ---------------------------------------------------------------------------

static void on_backend_closed(uv_handle_t *handle) {
    struct backend *b = handle->data;
    loop_put(b->upstream->loop, LOOP_SWEEP, &b->free);
}

static void on_backend_free(struct loop_task *task) {
    struct backend *b = LIST_ITEM(task, struct backend, free);
    fcgi_conn_fini(&b->fcgi);
    buf_fini(&b->stuck);
    list_drop(&b->node);
    free(b);
}

static void backend_die(struct backend *b) {
    if (b->is_dead) {
        return;
    }
    b->is_dead = true;
    if (!list_is_empty(&b->idle.node)) {
        pool_forget(&b->upstream->pool, b->server, &b->idle);
    }
    list_drop(&b->flush.node);
    uv_close(&b->io.handle, on_backend_closed);
}

static struct backend *backend_new(struct upstream *u, unsigned server) {
    struct backend *b = calloc(1, sizeof *b);
    if (b == NULL) {
        abort();
    }
    b->upstream = u;
    b->server = server;
    list_init(&b->node);
    list_init(&b->idle.node);
    list_init(&b->flush.node);
    list_init(&b->free.node);
    b->flush.run = on_backend_flush;
    b->free.run = on_backend_free;
    buf_init(&b->stuck, SIZE_MAX / 2);
    fcgi_conn_init(&b->fcgi, &(struct fcgi_conn_conf){.window = UPSTREAM_WINDOW});
    list_put(&u->backends, &b->node);
    return b;
}

static void backend_read(struct backend *b, bool on) {
    if (on == b->is_reading || b->is_dead) {
        return;
    }
    b->is_reading = on;
    if (on) {
        uv_read_start(&b->io.stream, loop_on_alloc, on_backend_read);
    } else {
        uv_read_stop(&b->io.stream);
    }
}

static void backend_wants_flush(struct backend *b) {
    if (!b->is_dead) {
        loop_put(b->upstream->loop, LOOP_BACKENDS, &b->flush);
    }
}

// The call that b works for is separated from it. The slot of the pool is given back.
static struct call *backend_detach(struct backend *b, enum pool_outcome outcome) {
    struct upstream *u = b->upstream;
    struct call *call = b->call;
    b->call = NULL;
    call->backend = NULL;
    pool_put(&u->pool, b->server, outcome, loop_now_ms(u->loop));
    if (u->pool.waiting > 0) {
        loop_put(u->loop, LOOP_BACKENDS, &u->next);
    }
    return call;
}

// ---- orphans ------------------------------------------------------------------------------------

static void orphan_end(struct backend *b) {
    struct upstream *u = b->upstream;
    b->is_orphan = false;
    metrics_add(u->metrics, METRIC_SLOT_ORPHANS, (uint64_t)-1);
    pool_put(&u->pool, b->server, POOL_NEUTRAL, loop_now_ms(u->loop));
    if (u->pool.waiting > 0) {
        loop_put(u->loop, LOOP_BACKENDS, &u->next);
    }
    backend_die(b);
}

// PHP does not notice that its client is gone until it writes, and may never: closing the
// connection would free our slot and not its worker. So what comes is read and thrown away until
// the end.
static void orphan_begin(struct backend *b) {
    struct upstream *u = b->upstream;
    b->call->backend = NULL;
    b->call = NULL;
    b->is_orphan = true;
    b->orphan_deadline_ms = loop_now_ms(u->loop) + u->conf->think_timeout_ms;
    metrics_add(u->metrics, METRIC_SLOT_ORPHANS, 1);
    backend_read(b, true);
    if (fcgi_conn_drain(&b->fcgi)) {
        orphan_end(b); // its end was in what had been read already
    }
}

// ---- failing ------------------------------------------------------------------------------------

// A request may go to another connection once: where this backend can not have begun to work on it,
// or where working twice is harmless and nothing was answered: its worker was restarted or killed,
// or a kept connection was closed, or had leftovers in it, as we wrote.
static bool may_retry(const struct backend *b, const struct call *call, int error) {
    if (call->has_retried || call->has_body || call->has_head) {
        return false;
    }
    bool is_lost = error == ERR_BACKEND_CLOSED || (b->was_kept && error == ERR_BACKEND_RECORD);
    return error == ERR_BACKEND_CONNECT || (is_lost && call->is_safe);
}

static void backend_failed(struct backend *b, int error, const char *why) {
    struct call *call = b->call;
    char address[256];
    backend_die(b);
    if (call == NULL) {
        return; // a connection closed while idle is nobody's error
    }
    bool retry = may_retry(b, call, error);
    backend_detach(b, b->was_kept && retry ? POOL_NEUTRAL : POOL_FAILED);
    if (!retry || !b->was_kept) { // that a kept connection goes stale is nothing to be told
        log_line(retry ? LOG_WARN : LOG_ERROR, "%s: backend %s: %s: %s%s", call->name(call),
                 log_escape(server_conf(b)->address, address, sizeof address),
                 error_row(error)->text, why, retry ? "; asked again" : "");
    }
    if (retry) {
        call->has_retried = true;
        call_start(call, b->was_kept ? POOL_NO_SERVER : (int)b->server);
    } else {
        call_fail(call, error);
    }
}

// ---- connecting ---------------------------------------------------------------------------------

struct upstream_address {
    union {
        struct sockaddr any;
        struct sockaddr_un unix;
        struct sockaddr_storage tcp;
    } to;
    socklen_t len;
};

static int resolve(const struct pool_server_conf *conf, struct upstream_address *address) {
    if (conf->is_unix) {
        if (conf->path.n >= sizeof address->to.unix.sun_path) {
            log_line(LOG_ERROR, "pool: the path of a unix socket may have %zu bytes: %.*s",
                     sizeof address->to.unix.sun_path - 1, SPAN_ARG(conf->path));
            return ERR_CONFIG;
        }
        address->to.unix.sun_family = AF_UNIX;
        memcpy(address->to.unix.sun_path, conf->path.p, conf->path.n);
        address->len = sizeof address->to.unix;
        return 0;
    }
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    snprintf(host, sizeof host, "%.*s", SPAN_ARG(conf->host));
    snprintf(port, sizeof port, "%u", conf->port);
    int err = getaddrinfo(host, port, &hints, &found);
    if (err != 0) {
        log_line(LOG_ERROR, "pool: no address for %s: %s", host, gai_strerror(err));
        return ERR_CONFIG;
    }
    memcpy(&address->to, found->ai_addr, found->ai_addrlen);
    address->len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static void backend_connected(struct backend *b) {
    struct upstream *u = b->upstream;
    b->is_connected = true;
    if (b->call != NULL) {
        b->call->deadline_ms = loop_now_ms(u->loop) + u->conf->think_timeout_ms;
    }
    backend_read(b, true);
    backend_wants_flush(b);
}

static void on_connect(uv_connect_t *connect, int status) {
    struct backend *b = connect->data;
    if (b->is_dead) {
        return;
    }
    if (status != 0) {
        backend_failed(b, ERR_BACKEND_CONNECT, uv_strerror(status));
        return;
    }
    backend_connected(b);
}

// A unix socket connects at once or not at all, so that the request can leave in this turn.
static int connect_unix(struct backend *b, const struct upstream_address *address) {
    int err = 0;
    uv_pipe_init(&b->upstream->loop->uv, &b->io.pipe, 0);
    b->io.handle.data = b;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return uv_translate_sys_error(errno);
    }
    if (connect(fd, &address->to.any, address->len) != 0) {
        err = uv_translate_sys_error(errno);
    } else {
        err = uv_pipe_open(&b->io.pipe, fd);
    }
    if (err != 0) {
        close(fd);
        return err;
    }
    backend_connected(b);
    return 0;
}

static int connect_tcp(struct backend *b, const struct upstream_address *address) {
    uv_tcp_init(&b->upstream->loop->uv, &b->io.tcp);
    b->io.handle.data = b;
    uv_tcp_nodelay(&b->io.tcp, 1);
    b->connect.data = b;
    return uv_tcp_connect(&b->connect, &b->io.tcp, &address->to.any, on_connect);
}

// ---- writing ------------------------------------------------------------------------------------

static void on_backend_written(uv_write_t *write, int status) {
    struct backend *b = write->data;
    buf_fini(&b->stuck);
    // A backend that closes early may still have said why: reading finds out.
    if (status == 0 && !b->is_dead) {
        on_backend_flush(&b->flush);
    }
}

static void backend_write_rest(struct backend *b, struct span rest) {
    if (buf_put(&b->stuck, rest) != 0) {
        return;
    }
    fcgi_conn_sent(&b->fcgi, rest.n);
    struct span stuck = buf_span(&b->stuck);
    uv_buf_t bytes = {.len = stuck.n, .base = (char *)b->stuck.p + b->stuck.from};
    b->write.data = b;
    uv_write(&b->write, &b->io.stream, &bytes, 1, on_backend_written);
}

static void on_backend_flush(struct loop_task *task) {
    struct backend *b = LIST_ITEM(task, struct backend, flush);
    if (b->is_dead || !b->is_connected || buf_len(&b->stuck) > 0) {
        return;
    }
    struct span out = fcgi_conn_output(&b->fcgi);
    if (out.n > 0) {
        uv_buf_t bytes = {.len = out.n};
        memcpy(&bytes.base, &out.p, sizeof bytes.base); // libuv does not write through it
        int n = uv_try_write(&b->io.stream, &bytes, 1);
        size_t took = n < 0 ? 0 : (size_t)n;
        if (n < 0 && n != UV_EAGAIN) {
            return; // reading tells what became of it
        }
        fcgi_conn_sent(&b->fcgi, took);
        if (took < out.n) {
            backend_write_rest(b, span_skip(out, took));
            return;
        }
    }
    if (b->call != NULL) {
        b->call->on_room(b->call);
    }
}

// ---- reading ------------------------------------------------------------------------------------

static void log_errors(struct backend *b, struct span bytes) {
    char text[STDERR_LINE];
    while (bytes.n > 0 && b->errors_len < STDERR_MOST) {
        size_t end = span_index(bytes, '\n');
        struct span line = span_first(bytes, end);
        bytes = span_skip(bytes, end + 1);
        if (line.n == 0) {
            continue;
        }
        b->errors_len += line.n;
        log_line(LOG_WARN, "%s: backend stderr: %s%s", b->call->name(b->call),
                 log_escape(line, text, sizeof text),
                 b->errors_len >= STDERR_MOST ? " (no more is logged for this request)" : "");
    }
}

// The response is complete: the connection is kept or closed, the slot given back.
static void backend_done(struct backend *b) {
    struct upstream *u = b->upstream;
    unsigned server = b->server;
    struct call *call = backend_detach(b, POOL_GOOD);
    if (fcgi_conn_is_idle(&b->fcgi) && buf_len(&b->stuck) == 0) {
        b->was_kept = true;
        backend_read(b, true); // a slow client may have paused it; and its closing is to be seen
        struct pool_idle *out = pool_keep(&u->pool, server, &b->idle, loop_now_ms(u->loop));
        if (out != NULL) {
            backend_die(LIST_ITEM(out, struct backend, idle));
        }
    } else {
        backend_die(b);
    }
    list_drop(&call->node);
    call->is_open = false;
    call->on_event(call, &(struct exchange_event){.kind = EXCHANGE_END});
}

static void tell(struct backend *b, struct fcgi_event *e) {
    struct call *call = b->call;
    uint64_t now_ms = loop_now_ms(b->upstream->loop);
    switch (e->kind) {
    case FCGI_EVENT_INTERIM:
    case FCGI_EVENT_HEAD:
        call->has_head = e->kind == FCGI_EVENT_HEAD;
        call->response = e->response;
        call->on_event(call, &(struct exchange_event){.kind = call->has_head ? EXCHANGE_HEAD
                                                                             : EXCHANGE_INTERIM,
                                                      .response = &call->response});
        break;
    case FCGI_EVENT_BODY:
        call->on_event(call, &(struct exchange_event){.kind = EXCHANGE_BODY, .body = e->bytes});
        break;
    case FCGI_EVENT_ERRORS:
        log_errors(b, e->bytes);
        break;
    case FCGI_EVENT_END:
        backend_done(b);
        return;
    }
    if (call->has_head && !call->is_paused) {
        call->deadline_ms = now_ms + b->upstream->conf->idle_timeout_ms;
    }
}

static void on_backend_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes) {
    struct backend *b = stream->data;
    struct fcgi_event e;
    enum step step = STEP_MORE;
    if (n == 0 || b->is_dead) {
        return;
    }
    if (b->is_orphan) {
        fcgi_conn_feed(&b->fcgi, n > 0 ? span_of(bytes->base, (size_t)n) : span_of("", 0));
        if (n < 0 || fcgi_conn_drain(&b->fcgi)) {
            orphan_end(b);
        }
        return;
    }
    if (n < 0) {
        int error = fcgi_conn_eof(&b->fcgi);
        bool is_eof = n == UV_EOF;
        backend_failed(b, error != 0 ? error : ERR_BACKEND_CLOSED,
                       is_eof ? "it closed the connection" : uv_strerror((int)n));
        return;
    }
    fcgi_conn_feed(&b->fcgi, span_of(bytes->base, (size_t)n));
    while (!b->is_dead && !b->is_orphan && (step = fcgi_conn_next(&b->fcgi, &e)) == STEP_ITEM) {
        // Between requests there is nothing to be told; the engine calls it a malformed record.
        tell(b, &e);
    }
    if (!b->is_dead && !b->is_orphan && step == STEP_BAD) {
        backend_failed(b, b->fcgi.error, b->fcgi.why);
    }
}

// ---- calls --------------------------------------------------------------------------------------

static void call_fail(struct call *call, int error) {
    list_drop(&call->node);
    pool_leave(&call->upstream->pool, &call->waiter);
    call->is_open = false;
    call->error = error;
    // Told at the end of the turn: upstream_call may not call back, and nor may what it runs.
    loop_put(call->upstream->loop, LOOP_BACKENDS, &call->failed);
}

static void on_call_failed(struct loop_task *task) {
    struct call *call = LIST_ITEM(task, struct call, failed);
    call->on_event(call, &(struct exchange_event){.kind = EXCHANGE_FAILED, .error = call->error});
}

static void call_wait(struct call *call) {
    struct upstream *u = call->upstream;
    call->deadline_ms = UINT64_MAX; // the waiter has its own
    pool_wait(&u->pool, &call->waiter, loop_now_ms(u->loop));
}

static struct backend *reuse(struct upstream *u, unsigned server) {
    struct pool_idle *idle = pool_reuse(&u->pool, server);
    return idle != NULL ? LIST_ITEM(idle, struct backend, idle) : NULL;
}

// A call that had waited before keeps its place and its deadline.
static void call_wait_again(struct call *call) {
    struct pool *pool = &call->upstream->pool;
    uint64_t deadline_ms = call->waiter.deadline_ms;
    struct list *first = pool->waiters.next;
    call_wait(call);
    if (deadline_ms != 0) {
        call->waiter.deadline_ms = deadline_ms;
        list_put(first, &call->waiter.node); // before it
    }
}

// A full listen queue of a unix socket can not be waited for, only asked again (connect(2)).
static void wait_for_listen_queue(struct backend *b) {
    struct upstream *u = b->upstream;
    struct call *call = backend_detach(b, POOL_NEUTRAL);
    backend_die(b);
    list_drop(&u->next.node); // whoever waits would be told the same again, in this turn for ever
    if (u->pool.waiting >= u->conf->queue) {
        log_line(LOG_WARN, "%s: %s", call->name(call), error_row(ERR_QUEUE_FULL)->text);
        call_fail(call, ERR_QUEUE_FULL);
        return;
    }
    call_wait_again(call);
    if (!uv_is_active((uv_handle_t *)&u->again)) {
        uv_timer_start(&u->again, on_again, AGAIN_MS, 0);
    }
}

static void backend_connect(struct backend *b) {
    const struct upstream_address *address = &b->upstream->addresses[b->server];
    int err = server_conf(b)->is_unix ? connect_unix(b, address) : connect_tcp(b, address);
    if (err == UV_EAGAIN) {
        wait_for_listen_queue(b);
    } else if (err != 0) {
        backend_failed(b, ERR_BACKEND_CONNECT, uv_strerror(err));
    }
}

// A slot at `server` has been taken for the call.
static void call_go(struct call *call, unsigned server) {
    struct upstream *u = call->upstream;
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
    b->errors_len = 0;
    call->backend = b;
    call->deadline_ms =
        loop_now_ms(u->loop) + (is_kept ? u->conf->think_timeout_ms : u->conf->connect_timeout_ms);
    if (!is_kept) {
        backend_connect(b);
    }
    if (call->backend != b) {
        return; // it failed at once, and has been seen to
    }
    int err = fcgi_conn_begin(&b->fcgi, call->arena, call->params, call->body_len,
                              u->conf->keepalive > 0);
    if (err != 0) {
        log_line(LOG_WARN, "%s: %s", call->name(call), error_row(err)->text);
        backend_detach(b, POOL_NEUTRAL);
        backend_die(b);
        call_fail(call, err);
        return;
    }
    backend_wants_flush(b);
}

static void call_start(struct call *call, int avoid) {
    struct upstream *u = call->upstream;
    unsigned server = 0;
    int verdict = pool_take(&u->pool, loop_now_ms(u->loop), avoid, &server);
    if (verdict == POOL_TAKEN) {
        call_go(call, server);
    } else if (verdict == POOL_WAIT) {
        call_wait(call);
    } else {
        log_line(LOG_WARN, "%s: %s", call->name(call), error_row(verdict)->text);
        call_fail(call, verdict);
    }
}

void upstream_call(struct upstream *u, struct call *call) {
    call->upstream = u;
    call->backend = NULL;
    call->is_open = true;
    uint64_t total_ms = u->conf->total_timeout_ms;
    call->total_ms = total_ms > 0 ? loop_now_ms(u->loop) + total_ms : UINT64_MAX;
    call->has_head = call->is_paused = call->has_body = call->has_retried = false;
    list_init(&call->node);
    list_init(&call->waiter.node);
    call->waiter.deadline_ms = 0; // it has not waited
    list_init(&call->failed.node);
    call->failed.run = on_call_failed;
    list_put(&u->calls, &call->node);
    call_start(call, POOL_NO_SERVER);
}

size_t call_room(const struct call *call) {
    return call->backend != NULL ? fcgi_conn_room(&call->backend->fcgi) : 0;
}

bool call_keeps_up(const struct call *call) {
    return call->backend != NULL && fcgi_conn_output(&call->backend->fcgi).n <= UPSTREAM_WINDOW / 2;
}

void call_body(struct call *call, struct span bytes) {
    struct upstream *u = call->upstream;
    int err = fcgi_conn_body(&call->backend->fcgi, bytes);
    call->has_body = true;
    call->deadline_ms = loop_now_ms(u->loop) + u->conf->think_timeout_ms;
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
    call->deadline_ms = loop_now_ms(call->upstream->loop) + call->upstream->conf->think_timeout_ms;
    backend_wants_flush(call->backend);
}

void call_pause(struct call *call, bool paused) {
    struct upstream *u = call->upstream;
    if (paused == call->is_paused) {
        return;
    }
    call->is_paused = paused;
    // It is the client who is slow, not the backend.
    call->deadline_ms = paused ? UINT64_MAX : loop_now_ms(u->loop) + u->conf->idle_timeout_ms;
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
    pool_leave(&call->upstream->pool, &call->waiter);
    struct backend *b = call->backend;
    if (b == NULL) {
        return;
    }
    bool is_working = fcgi_conn_has_sent(&b->fcgi) && fcgi_conn_output(&b->fcgi).n == 0 &&
                      buf_len(&b->stuck) == 0 && !fcgi_conn_awaits_body(&b->fcgi);
    if (is_working) {
        orphan_begin(b);
    } else {
        backend_detach(b, POOL_NEUTRAL);
        backend_die(b);
    }
}

// ---- the pool's time ----------------------------------------------------------------------------

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

// The backend has taken all there is of a body that is not complete: the client's own timer runs.
static bool awaits_client(const struct call *call) {
    const struct backend *b = call->backend;
    return b->is_connected && fcgi_conn_awaits_body(&b->fcgi) && buf_len(&b->stuck) == 0 &&
           fcgi_conn_output(&b->fcgi).n == 0;
}

static void expire_calls(struct upstream *u, uint64_t now_ms) {
    for (struct list *n = u->calls.next, *next; n != &u->calls; n = next) {
        struct call *call = LIST_ITEM(n, struct call, node);
        next = n->next;
        bool is_over = now_ms >= call->total_ms;
        bool is_due = is_over || (now_ms >= call->deadline_ms && !awaits_client(call));
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
            orphan_end(b);
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
        int err = resolve(&conf->servers[i], &u->addresses[i]);
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
