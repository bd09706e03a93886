// SPDX-License-Identifier: MIT
#include "server/relay.h"

#include "base/error.h"
#include "hints/seen.h"
#include "server/log.h"
#include "server/relay_body.h"
#include "server/relay_file.h"

#include <stdio.h>
#include <stdlib.h>

#define SPARE_MOST 256 // relays kept for their next use
#define VISITS_EACH 2  // visits that are told with each that begins

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
        r->is_acting = r->is_counted = r->is_decided = false;
    r->body_ms = r->taken_ms = loop_now_ms(conf->loop);
    r->put = r->taken = 0;
    r->name[0] = 0;
    spool_init(&r->held, conf->temp, RELAY_HELD_MOST, 0);
    spool_init(&r->kept, conf->temp, 0, 0);
    buf_init(&r->last, LOOP_READ_LEN);
    exchange_init(&r->exchange, &listener->exchange, &stream->request, &stream->arena);
    r->exchange.peer = &c->peer;
    r->exchange.from = &c->from;
    r->exchange.seen = &c->seen;
    r->exchange.can_push = front_can_push(c->front);
    stream->owner = r;
    list_put(&c->requests, &r->node);
    return r;
}

// Lets go of the call or the file, and of what was held for them.
static void release(struct relay *r) {
    if (r->has_call) {
        call_abort(&r->call);
    }
    if (r->has_file) {
        files_close(r->conf->files, &r->file);
    }
    r->has_call = r->has_file = false;
    spool_fini(&r->held);
}

// Why a page was hinted, or not: each has exactly one reason.
static void count_decision(struct relay *r) {
    if (!r->is_decided && r->exchange.has_decision) {
        metrics_add_by(r->conf->metrics, METRIC_GATE, (unsigned)r->exchange.gate, 1);
    }
    r->is_decided = true;
}

// The front has let go of the stream, or is about to: nothing of it may be touched after this turn.
static void relay_end(struct relay *r) {
    count_decision(r);
    exchange_fini(&r->exchange);
    release(r);
    spool_fini(&r->kept);
    buf_fini(&r->last);
    r->stream->owner = NULL;
    r->stream = NULL;
    list_drop(&r->node);
    list_drop(&r->push.node);
    loop_put(r->conf->loop, LOOP_SWEEP, &r->free);
}

const char *relay_name(struct relay *r) {
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

void relay_count_error(struct relay *r, int error) {
    if (!r->is_counted) {
        r->is_counted = true;
        metrics_add_by(r->conf->metrics, METRIC_ERRORS, (unsigned)(-1 - error), 1);
    }
}

void relay_fail(struct relay *r, int error) {
    struct exchange_event failed = {.kind = EXCHANGE_FAILED, .error = error};
    relay_count_error(r, error);
    relay_drop_backend(r);
    if (r->stream != NULL) {
        exchange_put(&r->exchange, &failed);
        relay_act(r);
    }
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
    relay_body_pass(r);
}

static void learn(struct relay_conf *conf, struct span evidence) {
    bool is_put = learning_put(conf->learning, evidence);
    metrics_add(conf->metrics, is_put ? METRIC_SLOT_EVIDENCE : METRIC_SLOT_EVIDENCE_DROPPED, 1);
}

void relay_tell_visits(struct relay_conf *conf, unsigned most) {
    uint64_t now_us = loop_now_us();
    size_t n;
    while (most-- > 0 && (n = teaching_next_visit(conf->teaching, now_us, false)) > 0) {
        learn(conf, span_of(conf->teaching->bytes, n));
    }
}

static void promise_one(struct relay *r, struct span path) {
    struct front_stream *pushed = NULL;
    struct conn *c = r->conn;
    const struct request *q = &r->stream->request;
    if (!seen_put(&c->seen, r->conf->secret, path, 0)) {
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
    count_decision(r);
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

void relay_drop_backend(struct relay *r) {
    release(r);
    relay_body_acknowledge(r);
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
        relay_body_keep(r, c->body);
        break;
    case COMMAND_FINISH:
        r->wants_finish = true;
        relay_body_pass_kept(r);
        break;
    case COMMAND_RESET:
        relay_count_error(r, c->error);
        front_reset(front, r->stream, c->error);
        break;
    case COMMAND_CALL:
        start_call(r, c);
        break;
    case COMMAND_CALL_BODY:
        relay_body_hold(r, c->body);
        break;
    case COMMAND_CALL_END:
        r->wants_call_end = true;
        relay_body_pass(r);
        break;
    case COMMAND_FILE:
        relay_file_open(r);
        break;
    case COMMAND_SENDFILE:
        relay_file_send(r, c->response);
        break;
    case COMMAND_LEARN:
        learn(r->conf, c->body);
        break;
    case COMMAND_ABORT:
        relay_drop_backend(r);
        break;
    }
}

void relay_act(struct relay *r) {
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
    if (event->kind != EXCHANGE_BODY && event->kind != EXCHANGE_REQUEST_BODY &&
        (event->kind != EXCHANGE_SENT || r->exchange.fetch.place != 0)) {
        r->exchange.now_us = loop_now_us();
    }
    exchange_put(&r->exchange, event);
    relay_act(r);
}

// ---- events from the backend --------------------------------------------------------------------

static void on_call_room(struct call *call) {
    struct relay *r = LIST_ITEM(call, struct relay, call);
    relay_body_pass(r);
    if (relay_body_is_taking(r)) {
        relay_body_acknowledge(r);
    }
}

static void on_call_event(struct call *call, const struct exchange_event *event) {
    struct relay *r = LIST_ITEM(call, struct relay, call);
    if (event->kind == EXCHANGE_FAILED) {
        relay_count_error(r, event->error);
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
        call_pause(call, relay_body_must_pause(r));
        return;
    }
    relay_body_acknowledge(r);
    relay_file_more(r);
}

// ---- events from the front ----------------------------------------------------------------------

static void on_body(struct relay *r, struct span body) {
    struct exchange_event e = {.kind = EXCHANGE_REQUEST_BODY, .body = body};
    r->unconsumed += body.n;
    r->body_ms = loop_now_ms(r->conf->loop);
    relay_put(r, &e);
    bool is_wanted = r->has_call || r->exchange.is_collecting;
    if (r->stream != NULL && (!is_wanted || relay_body_is_taking(r))) {
        relay_body_acknowledge(r);
    }
}

static void on_room(struct relay *r) {
    relay_body_pass_kept(r);
    conn_wants_flush(r->conn);
    if (r->has_call) {
        call_pause(&r->call, relay_body_must_pause(r));
    } else if (r->has_file) {
        relay_file_more(r);
    }
}

static void on_push(struct loop_task *task) {
    struct relay *r = LIST_ITEM(task, struct relay, push);
    relay_put(r, &(struct exchange_event){.kind = EXCHANGE_REQUEST});
    relay_file_more(r);
}

// The front broke the response off: at our word, or since it is not as long as it said it would be.
static void note_reset(struct relay *r, int error) {
    if (error == ERR_CLIENT_GONE) {
        return;
    }
    if (!r->is_counted) {
        log_line(LOG_ERROR, "%s: %s", relay_name(r), error_row(error)->text);
    }
    relay_count_error(r, error);
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
        if (r->exchange.visit.place != 0) {
            c->visit = r->exchange.visit;
            relay_tell_visits(r->conf, VISITS_EACH);
        }
        relay_file_more(r);
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
        relay_put(r, &(struct exchange_event){.kind = EXCHANGE_SENT});
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
    if (c->is_h2) { // over HTTP/1 the fetches come by other connections
        const struct relay_listener *listener = c->conf->handler_self;
        visit_left(&listener->conf->teaching->visits, c->visit, loop_now_us());
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
        relay_fail(r, ERR_TIMEOUT);
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
