// SPDX-License-Identifier: MIT
#include "sim/stage.h"

#include "base/error.h"
#include "support/split.h"

#include <stdlib.h>

#define HELD_MOST (256u << 10)      // as in server/relay.c
#define BACKEND_WINDOW (256u << 10) // as in server/upstream.h
#define READ_MOST 65536             // bytes of an application that arrive at once
#define LIMIT (64u << 20)
#define ROUTE "blog.example\0p"

static const struct siphash_key secret = {5, 6};
// What exchanges teach with is large: all stages, of which there is one at a time, share it.
static struct teaching teaching;
static int64_t unix_time = 784111777;

static void part_act(struct part *p);

static void fault(struct stage *s, const char *words) {
    if (s->fault == NULL) {
        s->fault = words;
    }
}

// A block of its own, exactly as long as the bytes are.
static uint8_t *lend(struct span bytes) {
    uint8_t *copy = malloc(bytes.n ? bytes.n : 1);
    if (copy == NULL) {
        abort();
    }
    if (bytes.n > 0) {
        memcpy(copy, bytes.p, bytes.n);
    }
    return copy;
}

static void note(struct stage *s, int error) {
    const char *label = error_row(error)->label;
    size_t n = strlen(label) + 1;
    struct span all = buf_span(&s->errors);
    // One misfortune is told twice: by the backend, and when the stream is broken off for it.
    bool is_again = all.n >= n && memcmp(all.p + all.n - n, label, n - 1) == 0;
    if (!is_again) {
        split_line(&s->errors, "%s ", label);
    }
}

// ---- backends -----------------------------------------------------------------------------------

static struct backend *backend_new(struct stage *s) {
    struct backend *b = calloc(1, sizeof *b);
    if (b == NULL) {
        abort();
    }
    list_init(&b->node);
    fcgi_conn_init(&b->fcgi, &(struct fcgi_conn_conf){.window = BACKEND_WINDOW});
    peer_init(&b->peer);
    buf_init(&b->inbox, LIMIT);
    b->number = s->backends_n++;
    list_put(&s->backends, &b->node);
    return b;
}

static struct backend *backend_idle(struct stage *s) {
    for (struct list *n = s->backends.next; n != &s->backends; n = n->next) {
        struct backend *b = LIST_ITEM(n, struct backend, node);
        if (b->part == NULL && !b->has_closed && !b->is_orphan && fcgi_conn_is_idle(&b->fcgi)) {
            return b;
        }
    }
    return NULL;
}

// Closed by us. The peer's side stays, so that the play can ask what it was sent.
static void backend_die(struct stage *s, struct backend *b) {
    if (!b->is_dead) {
        b->is_dead = true;
        b->part = NULL;
        list_put(&s->dead, &b->node);
    }
}

static void backend_free(struct backend *b) {
    list_drop(&b->node);
    fcgi_conn_fini(&b->fcgi);
    peer_fini(&b->peer);
    buf_fini(&b->inbox);
    free(b);
}

static void part_put(struct part *p, const struct exchange_event *event) {
    exchange_put(&p->exchange, event);
    part_act(p);
}

static void backend_failed(struct stage *s, struct backend *b, int error) {
    struct part *p = b->part;
    backend_die(s, b);
    if (p != NULL) {
        p->backend = NULL;
        p->failed = error;
    }
}

static void acknowledge(struct part *p) {
    if (p->unconsumed > 0 && p->stream != NULL) {
        size_t n = p->unconsumed;
        p->unconsumed = 0;
        front_consumed(p->stage->front, p->stream, n);
    }
}

// The response, or the failure, has been told.
static void call_told(struct part *p, const struct exchange_event *e) {
    if (e->kind == EXCHANGE_FAILED || e->kind == EXCHANGE_END) {
        p->has_call = false;
        buf_fini(&p->held);
    }
    part_put(p, e);
    if (p->stream == NULL) {
        return;
    }
    if (!p->has_call) {
        acknowledge(p);
    } else if (p->backend != NULL) {
        p->backend->is_paused = front_room(p->stage->front, p->stream) == 0;
    }
}

static void backend_done(struct stage *s, struct backend *b) {
    struct part *p = b->part;
    b->part = NULL;
    p->backend = NULL;
    if (!s->conf.keeps || !fcgi_conn_is_idle(&b->fcgi)) {
        backend_die(s, b);
    }
    call_told(p, &(struct exchange_event){.kind = EXCHANGE_END});
}

static void tell(struct stage *s, struct backend *b, const struct fcgi_event *e) {
    struct part *p = b->part;
    struct exchange_event out = {.response = &p->response, .body = e->bytes};
    switch (e->kind) {
    case FCGI_EVENT_INTERIM:
    case FCGI_EVENT_HEAD:
        p->response = e->response;
        out.kind = e->kind == FCGI_EVENT_HEAD ? EXCHANGE_HEAD : EXCHANGE_INTERIM;
        call_told(p, &out);
        return;
    case FCGI_EVENT_BODY:
        out.kind = EXCHANGE_BODY;
        call_told(p, &out);
        return;
    case FCGI_EVENT_ERRORS:
        s->errors_len += e->bytes.n;
        return;
    case FCGI_EVENT_END:
        backend_done(s, b);
        return;
    }
}

static void backend_feed(struct stage *s, struct backend *b, struct span bytes) {
    struct fcgi_event e;
    enum step step = STEP_MORE;
    uint8_t *copy = lend(bytes);
    fcgi_conn_feed(&b->fcgi, span_of(copy, bytes.n));
    if (b->is_orphan && fcgi_conn_drain(&b->fcgi)) {
        backend_die(s, b);
    }
    while (!b->is_dead && !b->is_orphan && (step = fcgi_conn_next(&b->fcgi, &e)) == STEP_ITEM) {
        if (b->part == NULL) {
            fault(s, "an event of a backend that works for nobody");
            break;
        }
        tell(s, b, &e);
    }
    if (!b->is_dead && !b->is_orphan && step == STEP_BAD) {
        backend_failed(s, b, b->fcgi.error);
    }
    free(copy);
}

// What one read brings: bytes, or the end of the connection.
static bool backend_read(struct stage *s, struct backend *b) {
    if (b->is_dead || b->is_paused) {
        return false;
    }
    if (buf_len(&b->inbox) == 0) {
        if (b->has_closed) {
            int error = fcgi_conn_eof(&b->fcgi);
            backend_failed(s, b, error != 0 ? error : ERR_BACKEND_CLOSED);
        }
        return b->has_closed;
    }
    struct span all = buf_span(&b->inbox);
    struct span piece = span_first(all, s->conf.app_step > 0 ? s->conf.app_step : READ_MOST);
    backend_feed(s, b, piece);
    buf_take(&b->inbox, piece.n);
    return true;
}

// ---- the request's body -------------------------------------------------------------------------

static void pass_body(struct part *p) {
    struct backend *b = p->backend;
    while (b != NULL && buf_len(&p->held) > 0 && fcgi_conn_room(&b->fcgi) > 0) {
        struct span piece = span_first(buf_span(&p->held), fcgi_conn_room(&b->fcgi));
        int error = fcgi_conn_body(&b->fcgi, piece);
        buf_take(&p->held, piece.n);
        if (error != 0) {
            backend_failed(p->stage, b, error);
            return;
        }
    }
    if (b == NULL || buf_len(&p->held) > 0 || !p->wants_call_end || p->is_call_ended) {
        return;
    }
    p->is_call_ended = true;
    int error = fcgi_conn_body_end(&b->fcgi);
    if (error != 0) {
        backend_failed(p->stage, b, error);
    }
}

// Of a body that is collected, the exchange bounds what it lets through.
static void hold_body(struct part *p, struct span body) {
    p->held.limit = p->exchange.is_collecting ? LIMIT : HELD_MOST;
    if (buf_put(&p->held, body) != 0) {
        fault(p->stage, "more of a body than was asked for");
    }
    pass_body(p);
}

static bool is_taking(const struct part *p) {
    return p->exchange.is_collecting ||
           (p->backend != NULL && buf_len(&p->held) == 0 &&
            fcgi_conn_output(&p->backend->fcgi).n <= BACKEND_WINDOW / 2);
}

// ---- commands -----------------------------------------------------------------------------------

static struct part *part_new(struct stage *s, struct front_stream *stream) {
    static const struct cgi_peer peer = {SPAN_INIT("192.0.2.1"), SPAN_INIT("1234"),
                                         SPAN_INIT("192.0.2.2"), SPAN_INIT("443"), false};
    static const struct audience_address from = {4, {192, 0, 2, 1}};
    struct part *p = calloc(1, sizeof *p);
    if (p == NULL) {
        abort();
    }
    list_init(&p->node);
    p->stage = s;
    p->stream = stream;
    p->id = (int32_t)stream->id;
    buf_init(&p->held, HELD_MOST);
    buf_init(&p->given, LIMIT);
    exchange_init(&p->exchange, &s->exchange_conf, &stream->request, &stream->arena);
    p->exchange.peer = &peer;
    p->exchange.from = &from;
    p->exchange.seen = &s->seen;
    p->exchange.now_us = 1000; // the play has no clock that moves by itself
    p->exchange.can_push = front_can_push(s->front);
    stream->owner = p;
    list_put(&s->parts, &p->node);
    return p;
}

// A request that was taken whole may run on: its end is awaited, so that executions can be counted.
static void give_up(struct stage *s, struct backend *b) {
    bool is_working = fcgi_conn_has_sent(&b->fcgi) && fcgi_conn_output(&b->fcgi).n == 0 &&
                      !fcgi_conn_awaits_body(&b->fcgi);
    b->part = NULL;
    b->is_orphan = is_working;
    b->is_paused = false;
    b->was_dropped = !is_working;
    if (!is_working || fcgi_conn_drain(&b->fcgi)) {
        backend_die(s, b);
    }
}

static void drop_call(struct part *p) {
    if (p->backend != NULL) {
        give_up(p->stage, p->backend);
    }
    p->backend = NULL;
    p->failed = 0;
    p->has_call = false;
    buf_fini(&p->held);
}

static void part_end(struct part *p) {
    exchange_fini(&p->exchange);
    drop_call(p);
    p->stream->owner = NULL;
    p->stream = NULL;
}

static void start_call(struct part *p, const struct exchange_command *c) {
    struct stage *s = p->stage;
    const struct request *q = &p->stream->request;
    struct backend *b = s->conf.keeps ? backend_idle(s) : NULL;
    b = b != NULL ? b : backend_new(s);
    p->has_call = true;
    p->is_call_ended = q->body_len == 0;
    p->backend = b;
    b->part = p;
    b->is_paused = false;
    int error = fcgi_conn_begin(&b->fcgi, &p->stream->arena, c->params, q->body_len, s->conf.keeps);
    if (error != 0) {
        backend_failed(s, b, error);
        return;
    }
    pass_body(p);
}

static void answer_file(struct part *p) {
    static struct pair type[] = {{SPAN_INIT("content-type"), SPAN_INIT("text/css")}};
    const struct exchange_event events[] = {
        {.kind = EXCHANGE_HEAD, .response = &p->response},
        {.kind = EXCHANGE_BODY, .body = SPAN_INIT("css")},
        {.kind = EXCHANGE_END},
    };
    p->response = (struct response){.status = 200, .fields = {type, 1, 1}};
    for (size_t i = 0; i < 3; i++) {
        exchange_put(&p->exchange, &events[i]);
    }
}

// The disk has one file.
static void answer_named_file(struct part *p, const struct response *response) {
    const struct span *path = pairs_find(&response->fields, SPAN("x-accel-redirect"));
    if (path != NULL && span_eq(*path, SPAN("/style.css"))) {
        answer_file(p);
        return;
    }
    note(p->stage, ERR_NOT_FOUND);
    exchange_put(&p->exchange,
                 &(struct exchange_event){.kind = EXCHANGE_FAILED, .error = ERR_NOT_FOUND});
}

static void promise(struct part *p, const struct exchange_command *c) {
    struct stage *s = p->stage;
    const struct request *q = &p->stream->request;
    for (size_t i = 0; i < c->paths_n; i++) {
        struct front_stream *pushed;
        struct request push = {.method = SPAN("GET"),
                               .scheme = q->scheme,
                               .authority = q->authority,
                               .target = c->paths[i],
                               .protocol = q->protocol,
                               .is_secure = q->is_secure};
        if (front_promise(s->front, p->stream, &push, &pushed) == 0) {
            struct part *t = part_new(s, pushed);
            t->exchange.is_pushed = true;
            t->is_push_due = true;
        }
    }
}

static void send_head(struct part *p, const struct exchange_command *c) {
    if (front_head(p->stage->front, p->stream, c->response, c->end) != 0) {
        note(p->stage, ERR_BACKEND_HEAD);
        exchange_put(&p->exchange,
                     &(struct exchange_event){.kind = EXCHANGE_FAILED, .error = ERR_BACKEND_HEAD});
    }
}

static void note_evidence(struct stage *s, struct span bytes) {
    static const char *const kinds[] = {"page", "visit", "asset", "sheet"};
    struct evidence e;
    if (!evidence_decode(&e, bytes)) {
        fault(s, "evidence that is none");
        return;
    }
    split_line(&s->taught, "%s %.*s %u ", kinds[e.kind], SPAN_ARG(e.target), e.status);
}

static void act(struct part *p, const struct exchange_command *c) {
    struct front *f = p->stage->front;
    switch (c->kind) {
    case COMMAND_INFORM:
        if (front_inform(f, p->stream, c->response) != 0) {
            fault(p->stage, "an interim response that the front refuses");
        }
        break;
    case COMMAND_PROMISE:
        promise(p, c);
        break;
    case COMMAND_HEAD:
        send_head(p, c);
        break;
    case COMMAND_BODY:
        buf_put(&p->given, c->body);
        front_body(f, p->stream, c->body);
        break;
    case COMMAND_FINISH:
        front_finish(f, p->stream);
        break;
    case COMMAND_RESET:
        note(p->stage, c->error);
        front_reset(f, p->stream, c->error);
        break;
    case COMMAND_CALL:
        start_call(p, c);
        break;
    case COMMAND_CALL_BODY:
        hold_body(p, c->body);
        break;
    case COMMAND_CALL_END:
        p->wants_call_end = true;
        pass_body(p);
        break;
    case COMMAND_FILE:
        answer_file(p);
        break;
    case COMMAND_SENDFILE:
        drop_call(p);
        answer_named_file(p, c->response);
        break;
    case COMMAND_LEARN:
        note_evidence(p->stage, c->body);
        break;
    case COMMAND_ABORT:
        drop_call(p);
        acknowledge(p);
        break;
    }
}

static void part_act(struct part *p) {
    struct exchange_command c;
    if (p->is_acting) {
        return;
    }
    p->is_acting = true;
    while (p->stream != NULL && exchange_next(&p->exchange, &c) == STEP_ITEM) {
        act(p, &c);
    }
    p->is_acting = false;
}

// ---- events from the front ----------------------------------------------------------------------

static void on_body(struct part *p, struct span body) {
    p->unconsumed += body.n;
    part_put(p, &(struct exchange_event){.kind = EXCHANGE_REQUEST_BODY, .body = body});
    bool is_wanted = p->has_call || p->exchange.is_collecting;
    if (p->stream != NULL && (!is_wanted || is_taking(p))) {
        acknowledge(p);
    }
}

static void on_event(struct stage *s, const struct front_event *e) {
    struct part *p = e->stream->owner;
    switch (e->kind) {
    case FRONT_REQUEST:
        p = part_new(s, e->stream);
        part_put(p, &(struct exchange_event){.kind = EXCHANGE_REQUEST});
        break;
    case FRONT_BODY:
        on_body(p, e->body);
        break;
    case FRONT_BODY_END:
        part_put(p, &(struct exchange_event){.kind = EXCHANGE_REQUEST_END});
        break;
    case FRONT_ROOM:
        if (p->backend != NULL) {
            p->backend->is_paused = false;
        }
        break;
    case FRONT_RESET:
        part_put(p, &(struct exchange_event){.kind = EXCHANGE_CLIENT_GONE});
        part_end(p);
        break;
    case FRONT_DONE:
        if (p->exchange.state != EXCHANGE_DONE) {
            fault(s, "a response is done that the exchange has not finished");
        }
        part_put(p, &(struct exchange_event){.kind = EXCHANGE_SENT});
        part_end(p);
        break;
    }
}

static bool pump(struct stage *s) {
    struct front_event e;
    enum step step;
    bool moved = false;
    while ((step = front_next(s->front, &e)) == STEP_ITEM) {
        moved = true;
        on_event(s, &e);
        if (e.kind == FRONT_DONE || e.kind == FRONT_RESET) {
            front_release(s->front, e.stream);
        }
    }
    s->is_ending |= step == STEP_BAD;
    return moved;
}

// ---- a turn -------------------------------------------------------------------------------------

static bool start_pushes(struct stage *s) {
    bool moved = false;
    for (struct list *n = s->parts.next; n != &s->parts; n = n->next) {
        struct part *p = LIST_ITEM(n, struct part, node);
        if (p->is_push_due && p->stream != NULL) {
            p->is_push_due = false;
            moved = true;
            part_put(p, &(struct exchange_event){.kind = EXCHANGE_REQUEST});
        }
    }
    return moved;
}

static bool flush_client(struct stage *s) {
    bool moved = false;
    for (struct span out; (out = front_output(s->front)).n > 0;) {
        uint8_t *copy = lend(out);
        size_t n = out.n;
        front_sent(s->front, n);
        client_feed(&s->client, span_of(copy, n));
        free(copy);
        moved = true;
    }
    return moved;
}

static bool read_client(struct stage *s) {
    client_flush(&s->client);
    struct span all = buf_span(&s->client.out);
    if (all.n == 0 || s->is_ending || !front_wants(s->front)) {
        return false;
    }
    struct span piece = s->conf.client_step > 0 ? span_first(all, s->conf.client_step) : all;
    uint8_t *copy = lend(piece);
    size_t n = piece.n;
    buf_take(&s->client.out, n);
    s->is_ending |= front_feed(s->front, span_of(copy, n)) != 0;
    pump(s);
    free(copy);
    return true;
}

static bool flush_backends(struct stage *s) {
    bool moved = false;
    for (struct list *n = s->backends.next, *next; n != &s->backends; n = next) {
        struct backend *b = LIST_ITEM(n, struct backend, node);
        next = n->next;
        struct span out = fcgi_conn_output(&b->fcgi);
        if (out.n > 0) {
            uint8_t *copy = lend(out);
            fcgi_conn_sent(&b->fcgi, out.n);
            peer_feed(&b->peer, span_of(copy, out.n));
            free(copy);
            moved = true;
        }
        struct part *p = b->part;
        size_t unconsumed = p != NULL ? p->unconsumed : 0;
        if (p != NULL) {
            pass_body(p);
        }
        if (p != NULL && is_taking(p)) {
            acknowledge(p);
            moved |= p->unconsumed != unconsumed;
        }
    }
    return moved;
}

static bool read_backends(struct stage *s) {
    bool moved = false;
    for (struct list *n = s->backends.next, *next; n != &s->backends; n = next) {
        next = n->next;
        moved |= backend_read(s, LIST_ITEM(n, struct backend, node));
    }
    return moved;
}

static bool tell_failures(struct stage *s) {
    bool moved = false;
    for (struct list *n = s->parts.next; n != &s->parts; n = n->next) {
        struct part *p = LIST_ITEM(n, struct part, node);
        if (p->failed == 0 || p->stream == NULL) {
            continue;
        }
        struct exchange_event e = {.kind = EXCHANGE_FAILED, .error = p->failed};
        p->failed = 0;
        note(s, e.error);
        call_told(p, &e);
        moved = true;
    }
    return moved;
}

static void end_connection(struct stage *s, bool by_client) {
    if (s->is_closed) {
        return;
    }
    s->is_closed = true;
    for (struct list *n = s->parts.next; n != &s->parts; n = n->next) {
        struct part *p = LIST_ITEM(n, struct part, node);
        if (p->stream != NULL) {
            exchange_put(&p->exchange, &(struct exchange_event){.kind = EXCHANGE_CLIENT_GONE});
            part_end(p);
        }
    }
    client_close(&s->client, by_client);
}

void stage_turn(struct stage *s) {
    bool moved = true;
    while (moved && !s->is_closed) {
        moved = pump(s);
        moved |= start_pushes(s);
        moved |= flush_client(s);
        moved |= flush_backends(s);
        moved |= tell_failures(s);
        moved |= read_client(s);
        moved |= read_backends(s);
    }
    while (s->is_closed && read_backends(s)) {
    }
    bool wants_end = s->is_ending || front_phase(s->front) == FRONT_CLOSING;
    if (!s->is_closed && wants_end && front_output(s->front).n == 0) {
        end_connection(s, false);
    }
}

// ---- what may happen ----------------------------------------------------------------------------

void stage_write(struct stage *s, struct backend *b, struct span bytes) {
    (void)s;
    if (b != NULL && !b->is_dead && !b->has_closed) {
        buf_put(&b->inbox, bytes);
    }
}

void stage_close(struct stage *s, struct backend *b) {
    (void)s;
    if (b != NULL) {
        b->has_closed = true;
    }
}

void stage_fail(struct stage *s, struct backend *b, int error) {
    if (b != NULL && !b->is_dead && b->part != NULL) {
        backend_failed(s, b, error);
    }
}

void stage_lose_client(struct stage *s) {
    end_connection(s, true);
}

void stage_shut_down(struct stage *s) {
    if (!s->is_closed) {
        front_shutdown(s->front);
    }
}

struct backend *stage_backend(const struct stage *s, size_t number) {
    const struct list *const lists[] = {&s->backends, &s->dead};
    for (size_t i = 0; i < 2; i++) {
        for (struct list *n = lists[i]->next; n != lists[i]; n = n->next) {
            struct backend *b = LIST_ITEM(n, struct backend, node);
            if (b->number == number) {
                return b;
            }
        }
    }
    return NULL;
}

// ---- the site -----------------------------------------------------------------------------------

static enum file_kind find_file(void *self, struct span path, struct file_info *info) {
    static const struct span there[] = {
        SPAN_INIT("/srv/index.php"),  SPAN_INIT("/srv/late.php"), SPAN_INIT("/srv/style.css"),
        SPAN_INIT("/srv/up/img.jpg"), SPAN_INIT("/etc/passwd"),
    };
    struct stage *s = self;
    *info = (struct file_info){.len = 3};
    if (!span_has_prefix(path, SPAN("/srv/")) || span_find(path, SPAN("/../")) < path.n) {
        fault(s, "a look above the root");
    }
    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        if (span_eq(path, there[i])) {
            return FILE_REGULAR;
        }
    }
    return FILE_NONE;
}

static bool find_offer(void *self, struct route_id id, struct offer *out) {
    struct stage *s = self;
    static const struct span keys[] = {SPAN_INIT(ROUTE "/learned/"), SPAN_INIT(ROUTE "/kind/\1")};
    for (size_t i = 0; i < 2; i++) {
        if (route_id_eq(id, route_key_id(&secret, keys[i]))) {
            *out = (struct offer){.plan = s->learned, .scope = (enum offer_scope)i};
            return true;
        }
    }
    return false;
}

// All assets may be kept for a minute, but for one that is gone.
static bool find_asset(void *self, struct route_id id, struct offer_asset *out) {
    (void)self;
    struct route_id gone = route_asset_id(&secret, SPAN("blog.example"), SPAN("/gone.css"));
    *out = (struct offer_asset){OFFER_ASSET_REUSABLE, 60};
    if (route_id_eq(id, gone)) {
        out->state = OFFER_ASSET_DEAD;
    }
    return true;
}

static const struct plan *rule_plan(struct stage *s) {
    struct pair link[] = {{SPAN("link"), SPAN("</a.css>; rel=preload; as=style")}};
    struct pairs fields = {link, 1, 1};
    struct target_page page = {SPAN("https"), SPAN("blog.example"), SPAN("/")};
    const struct plan *plan = plan_of_links(&fields, &page, NULL, &s->arena);
    if (plan == NULL) {
        abort();
    }
    return plan;
}

static void init_learned(struct stage *s) {
    struct hint hint = {.target = SPAN("/l.css"), .as = HINT_AS_STYLE};
    s->learned = plan_new(NULL, &hint, 1);
    holdback_init(&s->holdback, &secret, 0);
    seen_init(&s->seen);
    if (teaching.told == NULL) {
        teaching_init(&teaching, &secret, &unix_time, NULL);
    }
}

static void fini_learned(struct stage *s) {
    while (teaching_next_visit(&teaching, 1000, true) > 0) {
    }
    if (!list_is_empty(&teaching.visits.thinking)) {
        fault(s, "a visit that nobody ends");
    }
    unix_time += 60;
    memset(teaching.told, 0, TEACHING_TOLD * sizeof *teaching.told);
    plan_free(s->learned);
    seen_fini(&s->seen);
}

static void init_site(struct stage *s) {
    static const struct span suffix = SPAN_INIT(".php");
    static const struct span style = SPAN_INIT("/style.css"), late = SPAN_INIT("/late.php"),
                             gone = SPAN_INIT("/gone.php");
    s->rules[0] = (struct route_rule){.pattern = SPAN("/hinted/*"), .plan = rule_plan(s)};
    s->rules[1] = (struct route_rule){.pattern = SPAN("/push/*"), .pushes = {&style, 1}};
    s->rules[2] = (struct route_rule){.pattern = SPAN("/push-late/*"), .pushes = {&late, 1}};
    s->rules[3] = (struct route_rule){.pattern = SPAN("/push-gone/*"), .pushes = {&gone, 1}};
    s->site = (struct site){.name = SPAN("blog.example"),
                            .root = SPAN("/srv"),
                            .front = SPAN("/index.php"),
                            .front_file = SPAN("/srv/index.php"),
                            .must_check = true,
                            .suffixes = {&suffix, 1},
                            .body_limit = s->conf.body_limit ? s->conf.body_limit : 1000,
                            .gate = {.mode = HINT_MODE_HINT},
                            .policy = {.learn = 15},
                            .relay = s->conf.relay,
                            .buffer = {.request = s->conf.buffers},
                            .rules = s->rules,
                            .rules_n = 4};
    s->files = (struct router_files){.self = s, .find = find_file};
    if (router_init(&s->router, &s->arena, &s->site, 1) != 0) {
        abort();
    }
    s->exchange_conf = (struct exchange_conf){.router = &s->router,
                                              .files = &s->files,
                                              .hinting = {.find = find_offer,
                                                          .find_asset = find_asset,
                                                          .self = s,
                                                          .secret = secret,
                                                          .holdbacks = &s->holdback},
                                              .teaching = &teaching};
}

void stage_init(struct stage *s, const struct stage_conf *conf) {
    *s = (struct stage){.conf = *conf, .unix_time = 784111777};
    list_init(&s->parts);
    list_init(&s->backends);
    list_init(&s->dead);
    arena_init(&s->arena, 1u << 20);
    buf_init(&s->errors, LIMIT);
    buf_init(&s->taught, LIMIT);
    init_learned(s);
    init_site(s);
    h2_pool_init(&s->pool);
    h2_conf_init(&s->h2_conf);
    h1_conf_init(&s->h1_conf);
    s->h2_conf.pool = &s->pool;
    s->h2_conf.unix_time = s->h1_conf.unix_time = &s->unix_time;
    s->h2_conf.is_secure = s->h1_conf.is_secure = true;
    int error =
        conf->is_h2 ? h2_init(&s->engine.h2, &s->h2_conf) : h1_init(&s->engine.h1, &s->h1_conf);
    if (error != 0) {
        abort();
    }
    s->front = conf->is_h2 ? &s->engine.h2.front : &s->engine.h1.front;
    client_init(&s->client, conf->is_h2, conf->takes_pushes, conf->window);
    stage_turn(s);
}

void stage_fini(struct stage *s) {
    end_connection(s, true);
    front_fini(s->front);
    for (struct list *n; (n = list_take(&s->parts)) != NULL;) {
        struct part *p = LIST_ITEM(n, struct part, node);
        buf_fini(&p->held);
        buf_fini(&p->given);
        free(p);
    }
    struct list *const lists[] = {&s->backends, &s->dead};
    for (size_t i = 0; i < 2; i++) {
        while (!list_is_empty(lists[i])) {
            backend_free(LIST_ITEM(lists[i]->next, struct backend, node));
        }
    }
    client_fini(&s->client);
    h2_pool_fini(&s->pool);
    fini_learned(s);
    buf_fini(&s->errors);
    buf_fini(&s->taught);
    arena_fini(&s->arena);
}
