// SPDX-License-Identifier: MIT
#include "sim/stage.h"

#include "base/error.h"

#include <stdlib.h>

#define BACKEND_WINDOW (256u << 10) // as in server/upstream.h
#define READ_MOST 65536             // bytes of an application that arrive at once
#define LIMIT (64u << 20)

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

// It takes no more requests, as programs that end after so many.
static bool is_spent(const struct backend *b) {
    return b->peer.asked_n == PEER_REQUESTS;
}

static struct backend *backend_idle(struct stage *s) {
    for (struct list *n = s->backends.next; n != &s->backends; n = n->next) {
        struct backend *b = LIST_ITEM(n, struct backend, node);
        if (b->call == NULL && !b->has_closed && !b->is_orphan && !is_spent(b) &&
            fcgi_conn_is_idle(&b->fcgi)) {
            return b;
        }
    }
    return NULL;
}

// Closed by us. The peer's side stays, so that the play can ask what it was sent.
static void backend_die(struct stage *s, struct backend *b) {
    if (!b->is_dead) {
        b->is_dead = true;
        b->call = NULL;
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

void stage_free_backends(struct stage *s) {
    struct list *const lists[] = {&s->backends, &s->dead};
    for (size_t i = 0; i < 2; i++) {
        while (!list_is_empty(lists[i])) {
            backend_free(LIST_ITEM(lists[i]->next, struct backend, node));
        }
    }
}

static void backend_failed(struct stage *s, struct backend *b, int error) {
    struct call *call = b->call;
    backend_die(s, b);
    if (call != NULL) {
        call->backend = NULL;
        call->failed = error;
    }
}

// ---- what it answers ----------------------------------------------------------------------------

static void answer(struct call *call, const struct exchange_event *e) {
    if (e->kind == EXCHANGE_FAILED || e->kind == EXCHANGE_END) {
        call->is_open = false;
    }
    if (e->kind == EXCHANGE_BODY) {
        buf_put(&call->part->given, e->body);
    }
    relay_on_answer(call->part->relay, e);
}

static void backend_done(struct stage *s, struct backend *b) {
    struct call *call = b->call;
    b->call = NULL;
    call->backend = NULL;
    if (!s->conf.keeps || !fcgi_conn_is_idle(&b->fcgi)) {
        backend_die(s, b);
    }
    answer(call, &(struct exchange_event){.kind = EXCHANGE_END});
}

static void tell(struct stage *s, struct backend *b, const struct fcgi_event *e) {
    struct call *call = b->call;
    struct exchange_event out = {.response = &call->response, .body = e->bytes};
    switch (e->kind) {
    case FCGI_EVENT_INTERIM:
    case FCGI_EVENT_HEAD:
        call->response = e->response;
        out.kind = e->kind == FCGI_EVENT_HEAD ? EXCHANGE_HEAD : EXCHANGE_INTERIM;
        answer(call, &out);
        return;
    case FCGI_EVENT_BODY:
        out.kind = EXCHANGE_BODY;
        answer(call, &out);
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
    uint8_t *copy = stage_lend(bytes);
    fcgi_conn_feed(&b->fcgi, span_of(copy, bytes.n));
    if (b->is_orphan && fcgi_conn_drain(&b->fcgi)) {
        backend_die(s, b);
    }
    while (!b->is_dead && !b->is_orphan && (step = fcgi_conn_next(&b->fcgi, &e)) == STEP_ITEM) {
        if (b->call == NULL) {
            stage_fault(s, "an event of a backend that works for nobody");
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

// ---- calls --------------------------------------------------------------------------------------

static void start(struct relay *r, const struct call_request *q) {
    struct part *p = stage_part(r);
    struct stage *s = p->stage;
    struct backend *b = s->conf.keeps ? backend_idle(s) : NULL;
    b = b != NULL ? b : backend_new(s);
    *r->call = (struct call){.part = p, .backend = b, .is_open = true};
    b->call = r->call;
    b->is_paused = false;
    int error = fcgi_conn_begin(&b->fcgi, q->arena, q->params, q->body_len, s->conf.keeps);
    if (error != 0) {
        backend_failed(s, b, error);
    }
}

static bool is_placed(const struct call *call) {
    return call->backend != NULL;
}

static size_t room(const struct call *call) {
    return call->backend != NULL ? fcgi_conn_room(&call->backend->fcgi) : 0;
}

static bool keeps_up(const struct call *call) {
    return call->backend != NULL && fcgi_conn_output(&call->backend->fcgi).n <= BACKEND_WINDOW / 2;
}

static void put_body(struct call *call, struct span bytes) {
    struct backend *b = call->backend;
    if (bytes.n > room(call)) {
        stage_fault(call->part->stage, "more of a body than a backend has room for");
    }
    uint8_t *copy = stage_lend(bytes);
    int error = fcgi_conn_body(&b->fcgi, span_of(copy, bytes.n));
    free(copy);
    if (error != 0) {
        backend_failed(call->part->stage, b, error);
    }
}

static void end_body(struct call *call) {
    int error = fcgi_conn_body_end(&call->backend->fcgi);
    if (error != 0) {
        backend_failed(call->part->stage, call->backend, error);
    }
}

static void pause(struct call *call, bool paused) {
    if (call->backend != NULL) {
        call->backend->is_paused = paused;
    }
}

// A request that was taken whole may run on: its end is awaited, so that executions can be counted.
static void give_up(struct stage *s, struct backend *b) {
    bool is_working = fcgi_conn_has_sent(&b->fcgi) && fcgi_conn_output(&b->fcgi).n == 0 &&
                      !fcgi_conn_awaits_body(&b->fcgi);
    b->call = NULL;
    b->is_orphan = is_working;
    b->is_paused = false;
    b->was_dropped = !is_working;
    if (!is_working || fcgi_conn_drain(&b->fcgi)) {
        backend_die(s, b);
    }
}

static void abort_call(struct call *call) {
    if (!call->is_open) {
        stage_fault(call->part->stage, "a call is aborted that is over");
    }
    if (call->backend != NULL) {
        give_up(call->part->stage, call->backend);
    }
    call->backend = NULL;
    call->failed = 0;
    call->is_open = false;
}

const struct call_ops stage_calls = {.start = start,
                                     .is_placed = is_placed,
                                     .room = room,
                                     .keeps_up = keeps_up,
                                     .body = put_body,
                                     .body_end = end_body,
                                     .pause = pause,
                                     .abort = abort_call};

// ---- a turn -------------------------------------------------------------------------------------

static bool flush(struct backend *b) {
    struct span out = fcgi_conn_output(&b->fcgi);
    if (out.n == 0) {
        return false;
    }
    uint8_t *copy = stage_lend(out);
    fcgi_conn_sent(&b->fcgi, out.n);
    peer_feed(&b->peer, span_of(copy, out.n));
    free(copy);
    if (b->call != NULL) {
        relay_on_room(b->call->part->relay);
    }
    return true;
}

bool stage_flush_backends(struct stage *s) {
    bool moved = false;
    for (struct list *n = s->backends.next, *next; n != &s->backends; n = next) {
        next = n->next;
        moved |= flush(LIST_ITEM(n, struct backend, node));
    }
    return moved;
}

bool stage_read_backends(struct stage *s) {
    bool moved = false;
    for (struct list *n = s->backends.next, *next; n != &s->backends; n = next) {
        next = n->next;
        moved |= backend_read(s, LIST_ITEM(n, struct backend, node));
    }
    return moved;
}

bool stage_tell_failures(struct stage *s) {
    bool moved = false;
    for (struct list *n = s->parts.next; n != &s->parts; n = n->next) {
        struct part *p = LIST_ITEM(n, struct part, node);
        struct call *call = p->relay != NULL && !p->is_given_back ? p->relay->call : NULL;
        if (call != NULL && call->failed != 0) {
            struct exchange_event e = {.kind = EXCHANGE_FAILED, .error = call->failed};
            call->failed = 0;
            answer(call, &e);
            moved = true;
        }
    }
    return moved;
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
    if (b != NULL && !b->is_dead && b->call != NULL) {
        backend_failed(s, b, error);
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
