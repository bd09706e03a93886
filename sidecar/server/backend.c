// SPDX-License-Identifier: MIT
#include "server/backend.h"

#include "base/error.h"
#include "base/fnv.h"
#include "server/log.h"

#include <stdlib.h>

#define STDERR_LINE 1024 // bytes of a backend's standard error in one log line
#define STDERR_MOST 8192 // bytes of it logged for one request; the rest is only counted

static void on_backend_flush(struct loop_task *task);
static void on_backend_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes);

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

void backend_die(struct backend *b) {
    if (b->is_dead) {
        return;
    }
    b->is_dead = true;
    if (!list_is_empty(&b->idle.node)) {
        pool_forget(&b->upstream->pool, b->server, &b->idle);
    }
    list_drop(&b->flush.node);
    list_drop(&b->unread);
    uv_close(&b->io.handle, on_backend_closed);
}

struct backend *backend_new(struct upstream *u, unsigned server) {
    struct backend *b = calloc(1, sizeof *b);
    if (b == NULL) {
        abort();
    }
    b->upstream = u;
    b->server = server;
    list_init(&b->node);
    list_init(&b->idle.node);
    list_init(&b->flush.node);
    list_init(&b->unread);
    list_init(&b->free.node);
    b->flush.run = on_backend_flush;
    b->free.run = on_backend_free;
    buf_init(&b->stuck, SIZE_MAX / 2);
    fcgi_conn_init(&b->fcgi, &(struct fcgi_conn_conf){.head = u->head, .window = UPSTREAM_WINDOW});
    list_put(&u->backends, &b->node);
    return b;
}

void backend_read(struct backend *b, bool on) {
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

void backend_wants_flush(struct backend *b) {
    if (!b->is_dead) {
        loop_put(b->upstream->loop, LOOP_BACKENDS, &b->flush);
    }
}

// The request's URL without its query, hashed: what a fault is remembered by.
static uint64_t url_key(const struct call *call) {
    const struct span *uri = pairs_find(call->params, SPAN("REQUEST_URI"));
    return uri != NULL ? fnv64_put(FNV64_START, span_first(*uri, span_index(*uri, '?')))
                       : FNV64_START;
}

// The call that b works for is separated from it, which keeps its slot of the pool.
static struct call *separate(struct backend *b, enum pool_outcome outcome) {
    struct upstream *u = b->upstream;
    struct call *call = b->call;
    b->call = NULL;
    b->share = call->share;
    call->backend = NULL;
    uint64_t key = outcome == POOL_FAULTY ? url_key(call) : 0;
    pool_judge(&u->pool, b->server, outcome, key, loop_now_ms(u->loop));
    return call;
}

static void give_slot_back(struct backend *b) {
    pool_put(&b->upstream->pool, b->server);
    upstream_next(b->upstream);
}

struct call *backend_detach(struct backend *b, enum pool_outcome outcome) {
    struct call *call = separate(b, outcome);
    give_slot_back(b);
    return call;
}

// ---- orphans ------------------------------------------------------------------------------------

static void orphan_end(struct backend *b) {
    b->is_orphan = false;
    metrics_add(b->upstream->metrics, METRIC_SLOT_ORPHANS, (uint64_t)-1);
    budget_put(b->share, BUDGET_ORPHANS, 1);
    networks_release(b->share);
    give_slot_back(b);
    backend_die(b);
}

// Tells the server that nothing more comes, while its end can still be read: of a body that is cut
// short it would wait for the rest for ever.
static void shut_output(struct backend *b) {
    uv_os_fd_t fd;
    if (uv_fileno(&b->io.handle, &fd) == 0) {
        shutdown(fd, SHUT_WR);
    }
}

// PHP does not notice that its client is gone until it writes, and may never: closing the
// connection would free our slot and not its worker. So what comes is read and thrown away until
// its end, or the end of the connection.
static void orphan_begin(struct backend *b) {
    struct upstream *u = b->upstream;
    b->is_orphan = true;
    b->orphan_deadline_ms =
        deadline_due_from(&u->limits, DEADLINE_BACKEND_ORPHAN, loop_now_ms(u->loop));
    upstream_watch(u, b->orphan_deadline_ms);
    metrics_add(u->metrics, METRIC_SLOT_ORPHANS, 1);
    networks_hold(b->share); // the connection may be gone before the answer comes
    budget_add(b->share, BUDGET_ORPHANS, 1);
    shut_output(b);
    backend_read(b, true);
    if (fcgi_conn_drain(&b->fcgi)) {
        orphan_end(b); // its end was in what had been read already
    }
}

void backend_abandon(struct backend *b) {
    separate(b, POOL_NEUTRAL);
    if (fcgi_conn_has_sent(&b->fcgi)) {
        orphan_begin(b);
    } else {
        give_slot_back(b);
        backend_die(b);
    }
}

void backend_overdue(struct backend *b) {
    char address[256];
    b->is_overdue = true;
    log_line(LOG_WARN, "backend %s still works on a request that nobody waits for any more",
             log_escape(server_conf(b)->address, address, sizeof address));
}

// ---- failing ------------------------------------------------------------------------------------

// A request goes to another server, to each of them, as long as no byte of it has left and its time
// is not over. Once it is asked again where working twice is harmless and nothing was answered: its
// worker was restarted or killed, or a kept connection was closed, or had leftovers in it, as we
// wrote.
static bool may_retry(const struct backend *b, const struct call *call, int error) {
    uint64_t now_ms = loop_now_ms(b->upstream->loop);
    if (call->has_head || now_ms >= call->place_by_ms || now_ms >= call->total_ms) {
        return false;
    }
    if (!fcgi_conn_has_sent(&b->fcgi)) {
        return b->was_kept || call_has_untried(call);
    }
    bool is_lost = error == ERR_BACKEND_CLOSED || (b->was_kept && error == ERR_BACKEND_RECORD);
    return is_lost && call->is_safe && !call->has_body && !call->has_retried;
}

// After which errors nobody works on the request any more: the connection is not there, or does not
// speak FastCGI.
static bool is_gone(const struct backend *b, int error) {
    return !fcgi_conn_has_sent(&b->fcgi) || error == ERR_BACKEND_CONNECT ||
           error == ERR_BACKEND_CLOSED || error == ERR_BACKEND_SHORT || error == ERR_BACKEND_RECORD;
}

// Whether the server fails, or perhaps only this URL of it, or we do.
static enum pool_outcome outcome_of(int error) {
    bool is_servers = error == ERR_BACKEND_CONNECT || error == ERR_BACKEND_REFUSED ||
                      error == ERR_BACKEND_OVERLOADED;
    bool is_ours = error == ERR_BACKEND_SOCKET;
    return is_ours ? POOL_NEUTRAL : is_servers ? POOL_FAILED : POOL_FAULTY;
}

static void tell_failure(const struct backend *b, struct call *call, int error, const char *why,
                         bool retry) {
    char address[256];
    if (!retry || !b->was_kept) { // that a kept connection goes stale is nothing to be told
        log_line(retry ? LOG_WARN : LOG_ERROR, "%s: backend %s: %s: %s%s", call->name(call),
                 log_escape(server_conf(b)->address, address, sizeof address),
                 error_row(error)->text, why, retry ? "; asked again" : "");
    }
}

void backend_failed(struct backend *b, int error, const char *why) {
    struct call *call = b->call;
    if (call == NULL) {
        backend_die(b);
        return; // a connection closed while idle is nobody's error
    }
    bool retry = may_retry(b, call, error);
    call->tried |= b->was_kept ? 0 : UINT64_C(1) << b->server;
    call->has_retried =
        call->has_retried || (retry && (b->was_kept || fcgi_conn_has_sent(&b->fcgi)));
    tell_failure(b, call, error, why, retry);
    separate(b, b->was_kept && retry ? POOL_NEUTRAL : outcome_of(error));
    if (is_gone(b, error)) {
        give_slot_back(b);
        backend_die(b);
    } else {
        orphan_begin(b);
    }
    if (retry) {
        call_start(call);
    } else {
        call_fail(call, error);
    }
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

// How many bytes of it the kernel took, or a libuv error but UV_EAGAIN.
static ssize_t try_write(struct backend *b, struct span piece) {
    uv_buf_t bytes = {.len = piece.n};
    memcpy(&bytes.base, &piece.p, sizeof bytes.base); // libuv does not write through it
    int n = uv_try_write(&b->io.stream, &bytes, 1);
    return n == UV_EAGAIN ? 0 : n;
}

static void on_backend_flush(struct loop_task *task) {
    struct backend *b = LIST_ITEM(task, struct backend, flush);
    if (b->is_dead || b->is_orphan || !b->is_connected || buf_len(&b->stuck) > 0) {
        return;
    }
    for (struct span out; (out = fcgi_conn_output(&b->fcgi)).n > 0;) {
        struct span piece = capacity_piece(b, out);
        ssize_t took = try_write(b, piece);
        if (took < 0) {
            return; // reading tells what became of it
        }
        fcgi_conn_sent(&b->fcgi, (size_t)took);
        if ((size_t)took < piece.n) {
            list_drop(&b->unread); // too much to be looked at
            backend_write_rest(b, span_skip(out, (size_t)took));
            return;
        }
        capacity_sent(b);
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
        uint64_t now_ms = loop_now_ms(u->loop);
        struct pool_idle *out = pool_keep(&u->pool, server, &b->idle, now_ms);
        upstream_watch(u, now_ms + u->conf->keepalive_timeout_ms);
        if (out != NULL) {
            backend_die(LIST_ITEM(out, struct backend, idle));
        }
    } else {
        backend_die(b);
    }
    call_done(call);
}

static void tell_odd(const struct backend *b, const char *what) {
    char address[256];
    metrics_add(b->upstream->metrics, METRIC_SLOT_FIELDS_LEFT_OUT, 1);
    log_line(LOG_WARN, "%s: backend %s: left out of the response: %s", b->call->name(b->call),
             log_escape(server_conf(b)->address, address, sizeof address), what);
}

static void tell(struct backend *b, struct fcgi_event *e) {
    struct call *call = b->call;
    switch (e->kind) {
    case FCGI_EVENT_INTERIM:
    case FCGI_EVENT_HEAD:
        if (e->odd != NULL) {
            tell_odd(b, e->odd);
        }
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
        call_wait_for(call, DEADLINE_CALL_ANSWERING);
    }
}

static void on_backend_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes) {
    struct backend *b = stream->data;
    struct fcgi_event e;
    enum step step = STEP_MORE;
    if (n == 0 || b->is_dead) {
        return;
    }
    list_drop(&b->unread);
    if (b->is_orphan) {
        fcgi_conn_feed(&b->fcgi, n > 0 ? span_of(bytes->base, (size_t)n) : span_of("", 0));
        if (n < 0 || fcgi_conn_drain(&b->fcgi) || b->is_overdue) {
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
    if (b->is_dead || b->is_orphan) {
        return;
    }
    if (step == STEP_BAD) {
        backend_failed(b, b->fcgi.error, b->fcgi.why);
    } else if (b->call == NULL && !fcgi_conn_is_idle(&b->fcgi)) {
        backend_die(b); // the beginning of a record behind an answer: no request may follow it
    }
}
