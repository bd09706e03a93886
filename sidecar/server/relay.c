// SPDX-License-Identifier: MIT
#include "server/relay.h"

#include "base/error.h"
#include "hints/evidence.h"
#include "hints/seen.h"
#include "http/uri.h"
#include "server/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HELD_MOST (256u << 10) // bytes of an unbuffered request's body held for a busy backend
#define FILE_PIECE (64u << 10) // bytes of a file read at a time
#define SPARE_MOST 256         // relays kept for their next use
#define NAME_LEN 256           // bytes of a request as the log names it

struct relay {
    struct list node; // in conn->requests
    struct loop_task free, push;
    struct relay_conf *conf;
    struct conn *conn;
    struct front_stream *stream; // NULL once the front has let go of it
    struct exchange exchange;
    struct call call;
    struct file_response file;
    struct spool held; // of the request's body, not yet taken by the backend
    struct spool kept; // of the response's body, not yet taken by the client
    struct buf last;   // the piece of it that no disk could be found for
    size_t unconsumed; // bytes of the request's body that the front has not been told of
    bool has_call, has_file, is_call_ended, wants_call_end, wants_finish, is_acting;
    bool is_counted;  // its error is in the metrics
    uint64_t body_ms; // when the last of the request's body came
    uint64_t put;     // bytes of the response's body that the front was given
    uint64_t taken;   // how many of them had left it at taken_ms, the last time some had
    uint64_t taken_ms;
    char name[NAME_LEN];
};

static void relay_act(struct relay *r);
static void drop_backend(struct relay *r);
static void on_call_event(struct call *call, const struct exchange_event *event);
static void on_call_room(struct call *call);
static void on_push(struct loop_task *task);

// ---- life ---------------------------------------------------------------------------------------

void relay_conf_init(struct relay_conf *conf) {
    list_init(&conf->spare);
    conf->spare_count = 0;
}

void relay_conf_fini(struct relay_conf *conf) {
    for (struct list *n; (n = list_take(&conf->spare)) != NULL;) {
        free(LIST_ITEM(n, struct relay, node));
    }
}

static void on_free(struct loop_task *task) {
    struct relay *r = LIST_ITEM(task, struct relay, free);
    struct relay_conf *conf = r->conf;
    list_drop(&r->node);
    if (conf->spare_count < SPARE_MOST) {
        conf->spare_count++;
        list_put(&conf->spare, &r->node);
    } else {
        free(r);
    }
}

static struct relay *relay_new(struct conn *c, struct front_stream *stream) {
    const struct relay_listener *listener = c->conf->handler_self;
    struct relay_conf *conf = listener->conf;
    struct list *spare = list_take(&conf->spare);
    struct relay *r = spare != NULL ? LIST_ITEM(spare, struct relay, node) : malloc(sizeof *r);
    if (r == NULL) {
        abort();
    }
    conf->spare_count -= spare != NULL;
    list_init(&r->node);
    list_init(&r->free.node);
    list_init(&r->push.node);
    r->free.run = on_free;
    r->conf = conf;
    r->conn = c;
    r->stream = stream;
    r->unconsumed = 0;
    r->has_call = r->has_file = r->is_call_ended = r->wants_call_end = r->wants_finish =
        r->is_acting = r->is_counted = false;
    r->body_ms = r->taken_ms = loop_now_ms(conf->loop);
    r->put = r->taken = 0;
    r->name[0] = 0;
    spool_init(&r->held, conf->temp, HELD_MOST, 0);
    spool_init(&r->kept, conf->temp, 0, 0);
    buf_init(&r->last, LOOP_READ_LEN);
    exchange_init(&r->exchange, &listener->exchange, &stream->request, &stream->arena);
    r->exchange.peer = &c->peer;
    r->exchange.can_push = front_can_push(c->front);
    stream->owner = r;
    list_put(&c->requests, &r->node);
    return r;
}

// The front has let go of the stream, or is about to: nothing of it may be touched after this turn.
static void relay_end(struct relay *r) {
    if (r->has_call) {
        call_abort(&r->call);
    }
    if (r->has_file) {
        files_close(r->conf->files, &r->file);
    }
    r->has_call = r->has_file = false;
    spool_fini(&r->held);
    spool_fini(&r->kept);
    buf_fini(&r->last);
    r->stream->owner = NULL;
    r->stream = NULL;
    list_drop(&r->node);
    list_drop(&r->push.node);
    loop_put(r->conf->loop, LOOP_SWEEP, &r->free);
}

// "GET host/path" for the log, made only when a line is written about it.
static const char *relay_name(struct relay *r) {
    if (r->name[0] == 0) {
        const struct request *q = &r->stream->request;
        char method[32], authority[80], target[120];
        snprintf(r->name, sizeof r->name, "%s %s%s", log_escape(q->method, method, sizeof method),
                 log_escape(q->authority, authority, sizeof authority),
                 log_escape(q->target, target, sizeof target));
    }
    return r->name;
}

static const char *on_call_name(struct call *call) {
    return relay_name(LIST_ITEM(call, struct relay, call));
}

// ---- the request's body -------------------------------------------------------------------------

// The client may send as much as has been taken off our hands.
static void acknowledge(struct relay *r) {
    if (r->unconsumed > 0 && r->stream != NULL) {
        size_t n = r->unconsumed;
        r->unconsumed = 0;
        r->body_ms = loop_now_ms(r->conf->loop); // until now it was us who kept it from coming
        struct conn *c = r->conn;
        front_consumed(c->front, r->stream, n);
        conn_wants_flush(c);
        conn_pump(c);
    }
}

// An error is told on its way from the backend to the client more than once, and counted once.
static void count_error(struct relay *r, int error) {
    if (!r->is_counted) {
        r->is_counted = true;
        metrics_add_by(r->conf->metrics, METRIC_ERRORS, (unsigned)(-1 - error), 1);
    }
}

static void fail(struct relay *r, int error) {
    struct exchange_event failed = {.kind = EXCHANGE_FAILED, .error = error};
    count_error(r, error);
    drop_backend(r);
    if (r->stream != NULL) {
        exchange_put(&r->exchange, &failed);
        relay_act(r);
    }
}

// Gives the backend what is held, as far as it has room.
static void pass_body(struct relay *r) {
    struct span piece;
    int err = 0;
    while (err == 0 && r->has_call && spool_len(&r->held) > 0 && call_room(&r->call) > 0) {
        err = spool_peek(&r->held, &piece);
        piece = span_first(piece, call_room(&r->call));
        if (err == 0) {
            call_body(&r->call, piece);
            spool_take(&r->held, piece.n);
        }
    }
    if (err != 0) {
        fail(r, err);
        return;
    }
    if (!r->has_call || spool_len(&r->held) > 0 || r->call.backend == NULL) {
        return;
    }
    if (r->wants_call_end && !r->is_call_ended) {
        r->is_call_ended = true;
        call_body_end(&r->call);
    }
}

static void hold_body(struct relay *r, struct span body) {
    const struct site *site = r->exchange.site;
    if (!r->has_call && !r->exchange.is_collecting) {
        return; // the application has answered without it
    }
    if (r->exchange.is_collecting && spool_len(&r->held) == 0 && r->held.fd < 0) {
        spool_fini(&r->held);
        spool_init(&r->held, r->conf->temp, site->buffer.memory, site->body_limit);
    }
    int err = spool_put(&r->held, body);
    if (err != 0) {
        fail(r, err);
        return;
    }
    pass_body(r);
}

// More of the body may come.
static bool is_taking(const struct relay *r) {
    return r->exchange.is_collecting ||
           (r->has_call && spool_len(&r->held) == 0 && call_keeps_up(&r->call));
}

static void on_call_room(struct call *call) {
    struct relay *r = LIST_ITEM(call, struct relay, call);
    pass_body(r);
    if (is_taking(r)) {
        acknowledge(r);
    }
}

// ---- the response's body ------------------------------------------------------------------------

static bool is_keeping(const struct relay *r) {
    return spool_len(&r->kept) > 0 || buf_len(&r->last) > 0;
}

// A head that fills the front's queue by itself is followed by no FRONT_ROOM, so the first piece of
// the body is always given.
static size_t room_for(const struct relay *r) {
    size_t room = front_room(r->conn->front, r->stream);
    return room == 0 && r->put == 0 ? FILE_PIECE : room;
}

static void give(struct relay *r, struct span piece) {
    r->put += piece.n;
    front_body(r->conn->front, r->stream, piece);
}

static void keep_body(struct relay *r, struct span body) {
    const struct site *site = r->exchange.site;
    if (!is_keeping(r)) {
        struct span piece = span_first(body, room_for(r));
        give(r, piece);
        body = span_skip(body, piece.n);
    }
    if (body.n == 0) {
        return;
    }
    if (!is_keeping(r) && r->kept.fd < 0) { // one that has its file is as it should be
        spool_fini(&r->kept);
        spool_init(&r->kept, r->conf->temp, site->buffer.memory, site->buffer.limit);
    }
    // What finds no place any more is the last for now: the backend is not read meanwhile.
    if (buf_len(&r->last) > 0 || spool_put(&r->kept, body) != 0) {
        buf_put(&r->last, body);
    }
}

// Gives the client what was kept, as far as it has room.
static void pass_kept(struct relay *r) {
    struct front *front = r->conn->front;
    struct span piece;
    size_t room;
    while (spool_len(&r->kept) > 0 && (room = room_for(r)) > 0) {
        if (spool_peek(&r->kept, &piece) != 0) {
            front_reset(front, r->stream, ERR_SPOOL_DISK);
            return;
        }
        piece = span_first(piece, room);
        give(r, piece);
        spool_take(&r->kept, piece.n);
    }
    while (spool_len(&r->kept) == 0 && buf_len(&r->last) > 0 && (room = room_for(r)) > 0) {
        piece = span_first(buf_span(&r->last), room);
        give(r, piece);
        buf_take(&r->last, piece.n);
    }
    if (!is_keeping(r) && r->wants_finish) {
        r->wants_finish = false;
        front_finish(front, r->stream);
    }
}

// Whether the backend must wait for the client.
static bool must_pause(const struct relay *r) {
    if (!r->exchange.is_buffered) {
        return is_keeping(r) || room_for(r) == 0;
    }
    return buf_len(&r->last) > 0;
}

// ---- files --------------------------------------------------------------------------------------

static void file_more(struct relay *r) {
    struct span piece;
    while (r->has_file && r->stream != NULL && r->exchange.state == EXCHANGE_ANSWERING) {
        size_t room = room_for(r);
        if (room == 0) {
            return;
        }
        room = room < FILE_PIECE ? room : FILE_PIECE;
        bool is_good = files_next(r->conf->files, &r->file, room, &piece);
        struct exchange_event e = {.kind = EXCHANGE_BODY, .body = piece};
        if (!is_good) {
            e = (struct exchange_event){.kind = EXCHANGE_FAILED, .error = ERR_FILE_IO};
        } else if (piece.n == 0) {
            e.kind = EXCHANGE_END;
        }
        if (e.kind != EXCHANGE_BODY) {
            files_close(r->conf->files, &r->file);
            r->has_file = false;
        }
        exchange_put(&r->exchange, &e);
        relay_act(r);
    }
}

static void file_open(struct relay *r) {
    struct exchange_event e = {.kind = EXCHANGE_HEAD, .response = &r->file.head};
    int err = files_open(r->conf->files, &r->file, &r->exchange.route, &r->stream->request,
                         &r->stream->arena);
    if (err != 0) {
        e = (struct exchange_event){.kind = EXCHANGE_FAILED, .error = err};
    }
    r->has_file = err == 0;
    exchange_put(&r->exchange, &e);
}

// The file that a backend's response names instead of a body, below the site's root.
static int name_file(const struct relay *r, const struct response *response, struct span *file) {
    const struct span root = r->exchange.site->root;
    struct arena *a = &r->stream->arena;
    const struct span *given = pairs_find(&response->fields, SPAN("x-accel-redirect"));
    struct span path, query;
    const char *why;
    if (given != NULL) {
        int err = uri_path_normalise(a, *given, &path, &query, &why);
        if (err != 0) {
            return err;
        }
    } else {
        given = pairs_find(&response->fields, SPAN("x-sendfile"));
        if (root.n == 0 || !span_has_prefix(*given, root)) {
            return ERR_FORBIDDEN;
        }
        path = span_skip(*given, root.n);
    }
    uint8_t *text = arena_alloc(a, root.n + path.n + 1);
    if (root.n == 0 || path.n == 0 || path.p[0] != '/') {
        return ERR_FORBIDDEN;
    }
    if (text == NULL) {
        return ERR_ARENA_LIMIT;
    }
    memcpy(text, root.p, root.n);
    memcpy(text + root.n, path.p, path.n);
    text[root.n + path.n] = 0;
    *file = span_of(text, root.n + path.n);
    return 0;
}

// What the file's own head says better than the application, which has not read it.
static bool is_files_own(struct span name) {
    static const struct span own[] = {SPAN_INIT("content-length"), SPAN_INIT("content-range"),
                                      SPAN_INIT("accept-ranges"),  SPAN_INIT("etag"),
                                      SPAN_INIT("last-modified"),  SPAN_INIT("x-accel-redirect"),
                                      SPAN_INIT("x-sendfile")};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (span_eq_nocase(name, own[i])) {
            return true;
        }
    }
    return false;
}

// The application's fields, then those of the file; of Content-Type the application's.
static int join_fields(struct relay *r, const struct response *response) {
    const struct pairs *app = &response->fields, *file = &r->file.head.fields;
    bool has_type = pairs_find(app, SPAN("content-type")) != NULL;
    struct pairs joined = {.n = 0};
    int err = 0;
    for (size_t i = 0; i < app->n && err == 0; i++) {
        if (!is_files_own(app->v[i].name)) {
            err = pairs_put(&joined, &r->stream->arena, app->v[i].name, app->v[i].value);
        }
    }
    for (size_t i = 0; i < file->n && err == 0; i++) {
        if (!has_type || !span_eq(file->v[i].name, SPAN("content-type"))) {
            err = pairs_put(&joined, &r->stream->arena, file->v[i].name, file->v[i].value);
        }
    }
    r->file.head.fields = joined;
    return err;
}

static void send_file(struct relay *r, const struct response *response) {
    struct exchange_event e = {.kind = EXCHANGE_HEAD, .response = &r->file.head};
    struct route *route = &r->exchange.route;
    drop_backend(r);
    if (r->stream == NULL) {
        return;
    }
    int err = name_file(r, response, &route->file);
    if (err == 0) {
        err = files_open(r->conf->files, &r->file, route, &r->stream->request, &r->stream->arena);
    }
    r->has_file = err == 0;
    if (err == 0) {
        err = join_fields(r, response);
    }
    if (err != 0) {
        log_line(LOG_WARN, "%s: the file that the application names: %s", relay_name(r),
                 error_row(err)->text);
        e = (struct exchange_event){.kind = EXCHANGE_FAILED, .error = err};
    }
    exchange_put(&r->exchange, &e);
}

// ---- commands -----------------------------------------------------------------------------------

static void start_call(struct relay *r, const struct exchange_command *c) {
    const struct request *q = &r->stream->request;
    r->call = (struct call){
        .params = c->params,
        .arena = &r->stream->arena,
        .body_len = q->body_len,
        .is_safe = span_eq(q->method, SPAN("GET")) || span_eq(q->method, SPAN("HEAD")),
        .name = on_call_name,
        .on_event = on_call_event,
        .on_room = on_call_room,
    };
    r->has_call = true;
    // Nothing is to be sent as a body; the call's own end of input is part of its beginning.
    r->is_call_ended = q->body_len == 0;
    upstream_call(&r->conf->upstreams[r->exchange.site->pool], &r->call);
    pass_body(r);
}

static void learn(struct relay *r, const struct response *response) {
    static _Thread_local uint8_t bytes[EVIDENCE_MAX];
    const struct request *q = &r->stream->request;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    struct evidence e = {.key = r->exchange.key,
                         .scheme = q->scheme,
                         .authority = q->authority,
                         .target = q->target,
                         .at_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
                         .status = (uint16_t)response->status};
    size_t n = evidence_encode(&e, &response->fields, bytes, sizeof bytes);
    bool is_put = n > 0 && learning_put(r->conf->learning, span_of(bytes, n));
    metrics_add(r->conf->metrics, is_put ? METRIC_SLOT_EVIDENCE : METRIC_SLOT_EVIDENCE_DROPPED, 1);
}

static void promise_one(struct relay *r, struct span path) {
    struct front_stream *pushed = NULL;
    struct conn *c = r->conn;
    const struct request *q = &r->stream->request;
    if (!seen_put(&c->seen, r->conf->secret, path)) {
        return;
    }
    struct request push = {.method = SPAN("GET"),
                           .scheme = q->scheme,
                           .authority = q->authority,
                           .target = path,
                           .protocol = q->protocol,
                           .is_secure = q->is_secure};
    if (front_promise(c->front, r->stream, &push, &pushed) != 0) {
        metrics_add(r->conf->metrics, METRIC_SLOT_PUSHES_REFUSED, 1);
        return;
    }
    metrics_add(r->conf->metrics, METRIC_SLOT_PUSHES, 1);
    struct relay *p = relay_new(c, pushed);
    p->exchange.is_pushed = true;
    // It is answered after this turn's heads: the page's own head comes first.
    p->push.run = on_push;
    loop_put(r->conf->loop, LOOP_CLIENTS, &p->push);
}

static void send_head(struct relay *r, const struct exchange_command *c) {
    int err = front_head(r->conn->front, r->stream, c->response, c->end);
    if (err != 0) {
        log_line(LOG_ERROR, "%s: the response's header fields can not be sent", relay_name(r));
        struct exchange_event failed = {.kind = EXCHANGE_FAILED, .error = ERR_BACKEND_HEAD};
        exchange_put(&r->exchange, &failed);
        return;
    }
    metrics_add_by(r->conf->metrics, METRIC_RESPONSES, (unsigned)c->response->status / 100 - 1, 1);
}

static void inform(struct relay *r, const struct response *response) {
    if (front_inform(r->conn->front, r->stream, response) == 0) {
        metrics_add(r->conf->metrics, METRIC_SLOT_HINTS, 1);
    }
}

static void drop_backend(struct relay *r) {
    if (r->has_call) {
        call_abort(&r->call);
    }
    if (r->has_file) {
        files_close(r->conf->files, &r->file);
    }
    r->has_call = r->has_file = false;
    spool_fini(&r->held);
    acknowledge(r);
}

static void act(struct relay *r, const struct exchange_command *c) {
    struct front *front = r->conn->front;
    switch (c->kind) {
    case COMMAND_INFORM:
        inform(r, c->response);
        break;
    case COMMAND_PROMISE:
        for (size_t i = 0; i < c->paths_n; i++) {
            promise_one(r, c->paths[i]);
        }
        break;
    case COMMAND_HEAD:
        send_head(r, c);
        break;
    case COMMAND_BODY:
        keep_body(r, c->body);
        break;
    case COMMAND_FINISH:
        r->wants_finish = true;
        pass_kept(r);
        break;
    case COMMAND_RESET:
        count_error(r, c->error);
        front_reset(front, r->stream, c->error);
        break;
    case COMMAND_CALL:
        start_call(r, c);
        break;
    case COMMAND_CALL_BODY:
        hold_body(r, c->body);
        break;
    case COMMAND_CALL_END:
        r->wants_call_end = true;
        pass_body(r);
        break;
    case COMMAND_FILE:
        file_open(r);
        break;
    case COMMAND_SENDFILE:
        send_file(r, c->response);
        break;
    case COMMAND_LEARN:
        learn(r, c->response);
        break;
    case COMMAND_ABORT:
        drop_backend(r);
        break;
    }
}

static void relay_act(struct relay *r) {
    struct exchange_command c;
    if (r->is_acting) {
        return; // the loop further out takes what was put
    }
    r->is_acting = true;
    while (r->stream != NULL && exchange_next(&r->exchange, &c) == STEP_ITEM) {
        act(r, &c);
    }
    r->is_acting = false;
    if (r->stream != NULL) {
        conn_wants_flush(r->conn);
    }
}

static void relay_put(struct relay *r, const struct exchange_event *event) {
    if (event->kind != EXCHANGE_BODY && event->kind != EXCHANGE_REQUEST_BODY) {
        r->exchange.now_us = loop_now_us();
    }
    exchange_put(&r->exchange, event);
    relay_act(r);
}

// ---- events from the backend --------------------------------------------------------------------

static void on_call_event(struct call *call, const struct exchange_event *event) {
    struct relay *r = LIST_ITEM(call, struct relay, call);
    if (event->kind == EXCHANGE_FAILED) {
        count_error(r, event->error);
    }
    if (event->kind == EXCHANGE_FAILED || event->kind == EXCHANGE_END) {
        r->has_call = false;
        spool_fini(&r->held);
    }
    relay_put(r, event);
    if (r->stream == NULL) {
        return;
    }
    if (r->has_call) {
        call_pause(call, must_pause(r));
        return;
    }
    acknowledge(r);
    file_more(r);
}

// ---- events from the front ----------------------------------------------------------------------

static void on_body(struct relay *r, struct span body) {
    struct exchange_event e = {.kind = EXCHANGE_REQUEST_BODY, .body = body};
    r->unconsumed += body.n;
    r->body_ms = loop_now_ms(r->conf->loop);
    relay_put(r, &e);
    bool is_wanted = r->has_call || r->exchange.is_collecting;
    if (r->stream != NULL && (!is_wanted || is_taking(r))) {
        acknowledge(r);
    }
}

static void on_room(struct relay *r) {
    pass_kept(r);
    conn_wants_flush(r->conn);
    if (r->has_call) {
        call_pause(&r->call, must_pause(r));
    } else if (r->has_file) {
        file_more(r);
    }
}

static void on_push(struct loop_task *task) {
    struct relay *r = LIST_ITEM(task, struct relay, push);
    relay_put(r, &(struct exchange_event){.kind = EXCHANGE_REQUEST});
    file_more(r);
}

// The front broke the response off: at our word, or since it is not as long as it said it would be.
static void note_reset(struct relay *r, int error) {
    if (error == ERR_CLIENT_GONE) {
        return;
    }
    if (!r->is_counted) {
        log_line(LOG_ERROR, "%s: %s", relay_name(r), error_row(error)->text);
    }
    count_error(r, error);
    if (r->stream->request.protocol != PROTOCOL_HTTP2) {
        conn_cut(r->conn);
    }
}

static void relay_on_event(struct conn *c, const struct front_event *e) {
    struct relay *r = e->stream->owner;
    switch (e->kind) {
    case FRONT_REQUEST:
        r = relay_new(c, e->stream);
        metrics_add_by(r->conf->metrics, METRIC_REQUESTS, e->stream->request.protocol, 1);
        relay_put(r, &(struct exchange_event){.kind = EXCHANGE_REQUEST});
        file_more(r);
        break;
    case FRONT_BODY:
        on_body(r, e->body);
        break;
    case FRONT_BODY_END:
        relay_put(r, &(struct exchange_event){.kind = EXCHANGE_REQUEST_END});
        break;
    case FRONT_ROOM:
        on_room(r);
        break;
    case FRONT_RESET:
        note_reset(r, e->error);
        relay_put(r, &(struct exchange_event){.kind = EXCHANGE_CLIENT_GONE});
        relay_end(r);
        break;
    case FRONT_DONE:
        relay_end(r);
        break;
    }
}

static void on_conn_close(struct conn *c) {
    for (struct list *n; (n = list_take(&c->requests)) != NULL;) {
        struct relay *r = LIST_ITEM(n, struct relay, node);
        exchange_put(&r->exchange, &(struct exchange_event){.kind = EXCHANGE_CLIENT_GONE});
        relay_end(r);
    }
    seen_fini(&c->seen);
}

// HTTP/2 has windows of its own: the socket takes everything, and yet nothing of this stream
// leaves. On HTTP/1 it is the connection that is stuck.
static bool is_stalled(struct relay *r, uint64_t now_ms) {
    const struct conn_conf *conf = r->conn->conf;
    size_t room = front_room(r->conn->front, r->stream), most = conf->h2.response_queue;
    uint64_t queued = room < most ? most - room : 0;
    if (r->stream->request.protocol != PROTOCOL_HTTP2 || queued == 0 ||
        r->put - queued != r->taken) {
        r->taken = r->put - queued;
        r->taken_ms = now_ms;
        return false;
    }
    return now_ms - r->taken_ms > conf->timeouts.send_ms;
}

static void relay_tick(struct relay *r, uint64_t now_ms) {
    bool is_awaited = r->has_call || r->exchange.is_collecting;
    if (is_awaited && !r->wants_call_end && r->unconsumed == 0 &&
        now_ms - r->body_ms > r->conn->conf->timeouts.body_ms) {
        log_line(LOG_INFO, "%s: the request's body stopped coming", relay_name(r));
        r->body_ms = now_ms; // once
        fail(r, ERR_TIMEOUT);
    } else if (is_stalled(r, now_ms)) {
        log_line(LOG_INFO, "%s: the client takes nothing of the response", relay_name(r));
        r->taken_ms = now_ms; // once
        front_reset(r->conn->front, r->stream, ERR_TIMEOUT);
        conn_wants_flush(r->conn);
    }
}

static void on_conn_tick(struct conn *c, uint64_t now_ms) {
    // Each is moved back before it ticks, so that it, or what it makes the front tell, may leave
    // either list.
    struct list round;
    list_init(&round);
    for (struct list *n; (n = list_take(&c->requests)) != NULL;) {
        list_put(&round, n);
    }
    for (struct list *n; (n = list_take(&round)) != NULL;) {
        list_put(&c->requests, n);
        relay_tick(LIST_ITEM(n, struct relay, node), now_ms);
    }
}

// A backend works on a request, or is to: that ends when the client leaves.
static bool is_asking(struct conn *c) {
    for (struct list *n = c->requests.next; n != &c->requests; n = n->next) {
        const struct relay *r = LIST_ITEM(n, struct relay, node);
        if (r->has_call || r->exchange.is_collecting) {
            return true;
        }
    }
    return false;
}

const struct conn_handler relay_handler = {
    .on_event = relay_on_event,
    .on_close = on_conn_close,
    .on_tick = on_conn_tick,
    .is_asking = is_asking,
};
