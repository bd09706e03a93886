// SPDX-License-Identifier: MIT
#include "gateway/relay.h"

#include "base/error.h"
#include "gateway/relay_body.h"
#include "gateway/relay_budget.h"
#include "gateway/relay_encode.h"
#include "gateway/relay_file.h"
#include "hints/seen.h"
#include "http/uri.h"

#define VISITS_EACH 2 // visits that are told with each that begins

// ---- life ---------------------------------------------------------------------------------------

// A connection that a client has opened for one host is not for another with a certificate of its
// own: 421 makes the client open one (RFC 9110, 15.5.20).
static void refuse_other_hosts(struct relay *r) {
    struct downstream *d = r->down;
    if (d->ops->covers != NULL && !d->ops->covers(d, uri_host(r->stream->request.authority))) {
        r->refusal = ERR_REQUEST_MISDIRECTED;
    }
}

static struct relay *relay_new(struct downstream *d, struct front_stream *stream, bool is_pushed) {
    struct relay_conf *conf = d->listener->conf;
    struct relay *r = conf->ops->take(conf->self);
    list_init(&r->node);
    r->conf = conf;
    r->down = d;
    r->stream = stream;
    r->unconsumed = 0;
    r->has_call = r->has_file = r->is_call_ended = r->wants_call_end = r->wants_finish =
        r->is_acting = r->is_counted = r->is_decided = false;
    r->put = r->head_us = 0;
    r->status = r->error = 0;
    r->pushed = 0;
    r->is_sent = r->is_begin_due = false;
    r->encoder = NULL;
    spool_init(&r->held, &conf->spools, RELAY_HELD_MOST, 0);
    spool_init(&r->kept, &conf->spools, 0, 0);
    buf_init(&r->last, RELAY_PIECE);
    r->refusal = 0;
    refuse_other_hosts(r);
    int err = relay_client_init(&r->client, d, stream);
    r->refusal = err != 0 ? err : r->refusal;
    relay_budget_begin(r);
    // Behind a front there are many clients: what one was sent says nothing of another.
    bool is_front = r->client.is_front;
    exchange_init(&r->exchange, &d->listener->exchange,
                  &(struct exchange_request){.request = &stream->request,
                                             .arena = &stream->arena,
                                             .peer = r->client.peer,
                                             .from = &r->client.ip,
                                             .seen = is_front ? NULL : &d->seen,
                                             .is_front = is_front,
                                             .can_push = !is_front && front_can_push(d->front),
                                             .is_pushed = is_pushed,
                                             .refusal = r->refusal});
    stream->owner = r;
    list_put(&d->relays, &r->node);
    return r;
}

// Lets go of the call or the file, and of what was held for them.
static void release(struct relay *r) {
    if (r->has_call) {
        r->conf->calls->abort(r->call);
    }
    if (r->has_file) {
        r->conf->files->close(r->conf->files_self, &r->file);
    }
    r->has_call = r->has_file = false;
    relay_body_drop_held(r);
}

// Why a page was hinted, or not: each has exactly one reason.
static void count_decision(struct relay *r) {
    enum gate_reason reason;
    if (!r->is_decided && exchange_decision(&r->exchange, &reason)) {
        metrics_add_by(r->conf->metrics, METRIC_GATE, (unsigned)reason, 1);
        if (reason == GATE_UNKNOWN_HOST && r->conf->ops->stranger != NULL) {
            r->conf->ops->stranger(r->conf->self, r->stream->request.authority);
        }
    }
    r->is_decided = true;
}

static void note_access(struct relay *r) {
    const struct site *site = exchange_site(&r->exchange);
    if (site != NULL && site->access_log != NULL && r->conf->ops->access != NULL) {
        r->conf->ops->access(r, site);
    }
}

// The front has let go of the stream, or is about to.
void relay_end(struct relay *r) {
    count_decision(r);
    note_access(r);
    exchange_fini(&r->exchange);
    release(r);
    relay_encode_drop(r);
    spool_fini(&r->kept);
    buf_fini(&r->last);
    relay_budget_end(r);
    r->stream->owner = NULL;
    r->stream = NULL;
    list_drop(&r->node);
    r->conf->ops->give_back(r);
}

bool relay_is_asking(const struct relay *r) {
    return r->has_call || exchange_is_collecting(&r->exchange);
}

void relay_count_error(struct relay *r, int error) {
    if (!r->is_counted) {
        r->is_counted = true;
        r->error = error;
        metrics_add_by(r->conf->metrics, METRIC_ERRORS, (unsigned)(-1 - error), 1);
    }
}

void relay_fail(struct relay *r, int error) {
    relay_count_error(r, error);
    relay_drop_backend(r);
    if (r->stream != NULL) {
        relay_put(r, &(struct exchange_event){.kind = EXCHANGE_FAILED, .error = error});
    }
}

// ---- commands -----------------------------------------------------------------------------------

static void start_call(struct relay *r, const struct exchange_command *c) {
    const struct request *q = c->request;
    struct call_request call = {
        .pool = exchange_site(&r->exchange)->pool,
        .params = c->params,
        .arena = &r->stream->arena,
        .body_len = q->body_len,
        .is_safe = span_eq(q->method, SPAN("GET")) || span_eq(q->method, SPAN("HEAD")),
        .share = r->share,
    };
    r->has_call = true;
    // Nothing is to be sent as a body; the call's own end of input is part of its beginning.
    r->is_call_ended = q->body_len == 0;
    r->conf->calls->start(r, &call);
    relay_budget_see(r); // of the variables
    relay_body_pass(r);
}

static void learn(struct relay_conf *conf, struct span evidence) {
    bool is_put = conf->ops->learn(conf->self, evidence);
    metrics_add(conf->metrics, is_put ? METRIC_SLOT_EVIDENCE : METRIC_SLOT_EVIDENCE_DROPPED, 1);
}

void relay_tell_visits(struct relay_conf *conf, unsigned most) {
    uint64_t now_us = conf->ops->now_us(conf->self);
    size_t n;
    while (most-- > 0 && (n = observer_next_visit(conf->observer, now_us, false)) > 0) {
        learn(conf, span_of(conf->observer->bytes, n));
    }
}

static void promise_one(struct relay *r, struct span path) {
    struct front_stream *pushed = NULL;
    struct downstream *d = r->down;
    const struct request *q = &r->stream->request;
    if (!seen_put(&d->seen, r->conf->secret, path, 0)) {
        return;
    }
    struct request push = {.method = SPAN("GET"),
                           .scheme = q->scheme,
                           .authority = q->authority,
                           .target = path,
                           .protocol = q->protocol,
                           .is_secure = q->is_secure};
    if (front_promise(d->front, r->stream, &push, &pushed) != 0) {
        metrics_add(r->conf->metrics, METRIC_SLOT_PUSHES_REFUSED, 1);
        return;
    }
    metrics_add(r->conf->metrics, METRIC_SLOT_PUSHES, 1);
    r->pushed++;
    struct relay *p = relay_new(d, pushed, true);
    // It is answered after this turn's heads: the page's own head comes first.
    p->is_begin_due = true;
    p->conf->ops->go_on_later(p);
}

static void send_head(struct relay *r, const struct exchange_command *c) {
    struct response room;
    count_decision(r);
    const struct response *head = relay_encode_head(r, c, &room);
    int err = head != NULL ? front_head(r->down->front, r->stream, head, c->end) : ERR_ARENA_LIMIT;
    if (err != 0) {
        relay_log(r, RELAY_ERROR, "the response's header fields can not be sent", NULL);
        struct exchange_event failed = {.kind = EXCHANGE_FAILED, .error = ERR_BACKEND_HEAD};
        exchange_put(&r->exchange, &failed);
        return;
    }
    r->status = c->response->status;
    r->head_us = exchange_now_us(&r->exchange);
    relay_budget_see(r);
    // What is above 599 counts as a 5xx (RFC 9110, 15).
    unsigned class = (unsigned)c->response->status / 100 - 1;
    metrics_add_by(r->conf->metrics, METRIC_RESPONSES, class < 5 ? class : 4, 1);
}

void relay_drop_backend(struct relay *r) {
    release(r);
    relay_body_acknowledge(r);
}

static void act(struct relay *r, const struct exchange_command *c) {
    struct front *front = r->down->front;
    switch (c->kind) {
    case COMMAND_INFORM:
        if (front_inform(front, r->stream, c->response) == 0) {
            metrics_add(r->conf->metrics, METRIC_SLOT_HINTS, 1);
        }
        break;
    case COMMAND_PROMISE:
        for (size_t i = 0; i < c->push->n; i++) {
            promise_one(r, c->push->paths[i]);
        }
        break;
    case COMMAND_HEAD:
        send_head(r, c);
        break;
    case COMMAND_BODY:
        relay_encode_body(r, c->body);
        break;
    case COMMAND_FINISH:
        relay_encode_end(r);
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
        relay_file_open(r, c->body);
        break;
    case COMMAND_SENDFILE:
        relay_file_send(r, c);
        break;
    case COMMAND_LEARN:
        learn(r->conf, c->body);
        break;
    case COMMAND_ABORT:
        relay_drop_backend(r);
        break;
    }
}

void relay_put(struct relay *r, const struct exchange_event *event) {
    struct exchange_command c;
    if (exchange_wants_time(&r->exchange, event->kind)) {
        exchange_set_time(&r->exchange, r->conf->ops->now_us(r->conf->self));
    }
    exchange_put(&r->exchange, event);
    if (r->is_acting) {
        return; // the loop further out takes what was put
    }
    r->is_acting = true;
    while (r->stream != NULL && exchange_next(&r->exchange, &c) == STEP_ITEM) {
        act(r, &c);
    }
    r->is_acting = false;
    if (r->stream != NULL) {
        downstream_wants_flush(r->down);
    }
}

// ---- events from the backend --------------------------------------------------------------------

void relay_on_room(struct relay *r) {
    relay_body_pass(r);
    if (relay_body_is_taking(r)) {
        relay_body_acknowledge(r);
    }
}

void relay_on_answer(struct relay *r, const struct exchange_event *event) {
    if (event->kind == EXCHANGE_FAILED) {
        relay_count_error(r, event->error);
    }
    if (event->kind == EXCHANGE_FAILED || event->kind == EXCHANGE_END) {
        r->has_call = false;
        relay_body_drop_held(r);
    }
    relay_put(r, event);
    if (r->stream == NULL) {
        return;
    }
    if (r->has_call) {
        r->conf->calls->pause(r->call, relay_body_must_pause(r));
        return;
    }
    relay_body_acknowledge(r);
    relay_file_more(r);
}

// ---- events from the front ----------------------------------------------------------------------

static void on_body(struct relay *r, struct span body) {
    struct exchange_event e = {.kind = EXCHANGE_REQUEST_BODY, .body = body};
    r->unconsumed += body.n;
    relay_put(r, &e);
    if (r->stream != NULL && (!relay_is_asking(r) || relay_body_is_taking(r))) {
        relay_body_acknowledge(r);
    }
}

static void on_room(struct relay *r) {
    relay_body_pass_kept(r);
    relay_budget_see(r);
    downstream_wants_flush(r->down);
    if (r->has_call) {
        r->conf->calls->pause(r->call, relay_body_must_pause(r));
    } else if (r->has_file) {
        relay_file_more(r);
    }
}

void relay_go_on(struct relay *r) {
    if (r->stream == NULL) {
        return;
    }
    if (r->is_begin_due) {
        r->is_begin_due = false;
        relay_put(r, &(struct exchange_event){.kind = EXCHANGE_REQUEST});
    }
    relay_encode_flush(r);
    relay_file_more(r);
}

// Who does not wait for the rest of the request's body answers without it.
static void on_late(struct relay *r) {
    if (relay_is_asking(r)) {
        relay_log(r, RELAY_INFO, "the request's body comes too slowly", NULL);
        relay_fail(r, ERR_TIMEOUT);
    }
}

// The front broke the response off: at our word, or since it is not as long as it said it would be.
static void note_reset(struct relay *r, int error) {
    if (error == ERR_CLIENT_GONE) {
        return;
    }
    if (!r->is_counted) {
        relay_log(r, error == ERR_TIMEOUT ? RELAY_INFO : RELAY_ERROR, error_row(error)->text, NULL);
    }
    relay_count_error(r, error);
    if (r->stream->request.protocol != PROTOCOL_HTTP2) {
        r->down->ops->cut(r->down);
    }
}

void relay_on_event(struct downstream *d, const struct front_event *e) {
    struct relay *r = e->stream->owner;
    switch (e->kind) {
    case FRONT_REQUEST:
        r = relay_new(d, e->stream, false);
        metrics_add_by(r->conf->metrics, METRIC_REQUESTS, e->stream->request.protocol, 1);
        if (!relay_budget_admits(r)) {
            break;
        }
        relay_put(r, &(struct exchange_event){.kind = EXCHANGE_REQUEST});
        struct visit_ref visit = exchange_visit(&r->exchange);
        if (visit.place != 0) {
            d->visit = r->client.is_front ? d->visit : visit;
            relay_tell_visits(r->conf, VISITS_EACH);
        }
        if (exchange_is_collecting(&r->exchange)) {
            front_collect(d->front, e->stream);
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
    case FRONT_LATE:
        on_late(r);
        break;
    case FRONT_RESET:
        note_reset(r, e->error);
        relay_put(r, &(struct exchange_event){.kind = EXCHANGE_CLIENT_GONE});
        relay_end(r);
        break;
    case FRONT_DONE:
        r->is_sent = true;
        relay_put(r, &(struct exchange_event){.kind = EXCHANGE_SENT});
        relay_end(r);
        break;
    }
}
