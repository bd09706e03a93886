// SPDX-License-Identifier: MIT
#include "http/h1.h"

#include "base/error.h"
#include "http/h1_answer.h"
#include "http/h1_time.h"

#define OUTPUT_MAX (64u << 10)  // bytes that front_output gives at once
#define OUT_LIMIT (64u << 20)   // of a response that is put without regard to room
#define OUT_KEEP (8u << 10)     // of the queue that an idle connection keeps
#define HELD_LIMIT (512u << 10) // of input that is fed although front_wants is false

static const struct front_ops ops;
static const char bad_chunk[] = "bad chunk in the request body";

static struct h1 *h1_of(struct front *f) {
    return (struct h1 *)(void *)f;
}

static const struct h1 *h1_of_const(const struct front *f) {
    return (const struct h1 *)(const void *)f;
}

void h1_conf_init(struct h1_conf *c) {
    *c = (struct h1_conf){
        .limits = {.line_bytes = 8u << 10,
                   .field_bytes = 8u << 10,
                   .head_bytes = 32u << 10,
                   .fields = 100},
        .request_memory = 1280u << 10,
        .request_window = 64u << 10,
        .response_queue = 64u << 10,
        .drain_bytes = 64u << 10,
        .requests = 1000,
    };
}

int h1_init(struct h1 *h, const struct h1_conf *conf) {
    *h = (struct h1){.front = {.ops = &ops}, .conf = conf, .why = ""};
    arena_init(&h->stream.arena, conf->request_memory);
    buf_init(&h->held, HELD_LIMIT);
    buf_init(&h->out, OUT_LIMIT);
    return 0;
}

static void h1_fini(struct front *f) {
    struct h1 *h = h1_of(f);
    arena_fini(&h->stream.arena);
    buf_fini(&h->held);
    buf_fini(&h->out);
    h->input = (struct span){NULL, 0};
    h->state = H1_CLOSED;
    h->is_told = false;
}

// ---- input --------------------------------------------------------------------------------------

// Fed and not yet read: what is kept, and only when nothing is, what is borrowed.
static struct span unread(const struct h1 *h) {
    return buf_len(&h->held) > 0 ? buf_span(&h->held) : h->input;
}

static void take(struct h1 *h, size_t n) {
    if (buf_len(&h->held) > 0) {
        buf_take(&h->held, n);
    } else {
        h->input = span_skip(h->input, n);
    }
}

// Reads nothing any more. The memory stays: the caller may hold the last FRONT_BODY.
static void stop(struct h1 *h) {
    h->state = H1_CLOSED;
    h->input = (struct span){NULL, 0};
    buf_take(&h->held, buf_len(&h->held));
}

static int keep(struct h1 *h, struct span bytes) {
    if (buf_put(&h->held, bytes) == 0) {
        return 0;
    }
    h->error = ERR_BUF_LIMIT;
    h->why = "input although none was wanted";
    stop(h);
    return h->error;
}

// Nothing to tell: what is borrowed is copied, if it is needed later.
static enum step more(struct h1 *h) {
    struct span rest = h->input;
    h->input = (struct span){NULL, 0};
    if (rest.n > 0 && keep(h, rest) != 0) {
        return STEP_BAD;
    }
    buf_release(&h->held);
    return STEP_MORE;
}

static int h1_feed(struct front *f, struct span bytes) {
    struct h1 *h = h1_of(f);
    if (h->state == H1_CLOSED) {
        return h->error;
    }
    if (buf_len(&h->held) == 0 && h->input.n == 0) {
        h->input = bytes;
        return 0;
    }
    int rv = more(h) == STEP_BAD ? h->error : 0;
    return rv == 0 ? keep(h, bytes) : rv;
}

// ---- the end of requests ------------------------------------------------------------------------

static void to_next_request(struct h1 *h) {
    h->state = H1_HEAD;
    h->scan = (struct h1_scan){.at = 0};
}

void h1_end(struct h1 *h) {
    h->is_finished = true;
    if (h->closes) {
        stop(h);
    } else if (h->state == H1_BODY) {
        h->state = H1_DRAIN;
        h->drained = 0;
    } else {
        to_next_request(h);
    }
}

void h1_break(struct h1 *h, int error) {
    if (h->is_told && !h->is_finished && !h->is_over) {
        h->is_reset = true;
        h->reset_error = error;
    }
    stop(h);
}

// The client's fault: it gets an answer if it has none yet, and the connection ends. Who speaks
// something else, like HTTP/2 with a bad preface, would read an answer as that.
static void fail(struct h1 *h, int error, const char *why) {
    h->error = error;
    h->why = why;
    if (!h->has_head && error != ERR_NOT_HTTP) {
        h1_answer_refuse(h, error);
    }
    h1_break(h, error);
}

// ---- events -------------------------------------------------------------------------------------

static bool owes(bool *flag) {
    bool was = *flag;
    *flag = false;
    return was;
}

// What is owed to the caller about the request under way.
static bool next_owed(struct h1 *h, struct front_event *e) {
    enum front_event_kind kind;
    if (!h->is_told || h->is_over) {
        return false;
    }
    if (h->is_reset || h->is_finished) {
        kind = h->is_reset ? FRONT_RESET : FRONT_DONE;
        h->is_over = true;
    } else if (owes(&h->owes_room)) {
        kind = FRONT_ROOM;
    } else if (owes(&h->owes_end)) {
        kind = FRONT_BODY_END;
    } else if (owes(&h->owes_late)) {
        kind = FRONT_LATE;
    } else {
        return false;
    }
    *e = (struct front_event){
        .kind = kind, .stream = &h->stream, .error = h->is_reset ? h->reset_error : 0};
    return true;
}

static void begin_request(struct h1 *h) {
    h->is_told = true;
    h->requests++;
    h->stream.id++;
    h->body_left = h->stream.request.body_len;
    h->state = h->body_left > 0 ? H1_BODY : H1_OVER;
    h->owes_end = h->body_left == 0;
    h->owes_late = false;
    h->began_ms = 0;
    deadline_init(&h->wait);
    chunked_init(&h->chunked);
}

static enum step next_head(struct h1 *h, struct front_event *e) {
    struct span bytes = unread(h);
    struct request *r = &h->stream.request;
    // Answers that the client does not read are no reason to begin another one.
    if (h->is_told || bytes.n == 0 || buf_len(&h->out) >= h->conf->response_queue) {
        return more(h);
    }
    enum step step = h1_scan(&h->scan, &h->conf->limits, bytes);
    if (step == STEP_MORE) {
        return more(h);
    }
    const char *why = h->scan.why;
    int rv = h->scan.error;
    if (step == STEP_ITEM) {
        struct span head = arena_copy(&h->stream.arena, span_first(bytes, h->scan.at));
        r->is_secure = h->conf->is_secure;
        rv = head.p == NULL ? ERR_ARENA_LIMIT
                            : h1_head_parse(head, r, &h->stream.arena, &h->head, &why);
    }
    if (rv != 0) {
        fail(h, rv, why != NULL ? why : error_row(rv)->text);
        return STEP_BAD;
    }
    take(h, h->scan.at);
    begin_request(h);
    *e = (struct front_event){.kind = FRONT_REQUEST, .stream = &h->stream};
    return STEP_ITEM;
}

// The next bytes of the request's body, at most `most` of the input. STEP_ITEM with none at the
// body's end.
static enum step next_data(struct h1 *h, size_t most, struct span *data) {
    struct span in = span_first(unread(h), most);
    size_t n = in.n;
    enum step step;
    if (h->head.is_chunked) {
        step = chunked_next(&h->chunked, &in, data);
    } else {
        *data = in.n > h->body_left ? span_first(in, (size_t)h->body_left) : in;
        in = span_skip(in, data->n);
        step = data->n > 0 || h->body_left == 0 ? STEP_ITEM : STEP_MORE;
        h->body_left -= data->n;
    }
    take(h, n - in.n);
    h->drained += n - in.n;
    return step;
}

static enum step next_body(struct h1 *h, struct front_event *e) {
    size_t window = h->conf->request_window;
    struct span data;
    if (h->head.expects_continue && !h->has_head) {
        h1_answer_continue(h);
    }
    bool is_at_end = !h->head.is_chunked && h->body_left == 0;
    if (h->unconsumed >= window && !is_at_end) {
        return more(h);
    }
    enum step step;
    do { // what the window lets through may all be wrapping
        step = next_data(h, window - h->unconsumed, &data);
    } while (step == STEP_MORE && unread(h).n > 0);
    if (step == STEP_BAD) {
        fail(h, ERR_REQUEST_FRAMING, bad_chunk);
        return next_owed(h, e) ? STEP_ITEM : STEP_BAD;
    }
    if (step == STEP_MORE) {
        return more(h);
    }
    if (data.n == 0) {
        h->state = H1_OVER;
        *e = (struct front_event){.kind = FRONT_BODY_END, .stream = &h->stream};
        return STEP_ITEM;
    }
    h->unconsumed += data.n;
    h->received += data.n;
    *e = (struct front_event){.kind = FRONT_BODY, .stream = &h->stream, .body = data};
    return STEP_ITEM;
}

// Skips what nobody read of a body. STEP_ITEM when that is done.
static enum step drain(struct h1 *h) {
    struct span data;
    enum step step;
    while ((step = next_data(h, SIZE_MAX, &data)) == STEP_ITEM && data.n > 0) {
        if (h->drained > h->conf->drain_bytes) {
            stop(h);
            return STEP_ITEM;
        }
    }
    if (step == STEP_BAD) { // too late for an answer: the request has had one
        h->error = ERR_REQUEST_FRAMING;
        h->why = bad_chunk;
        stop(h);
    } else if (step == STEP_ITEM) {
        to_next_request(h);
    }
    return step == STEP_MORE ? more(h) : STEP_ITEM;
}

static enum step h1_next(struct front *f, struct front_event *e) {
    struct h1 *h = h1_of(f);
    if (next_owed(h, e)) {
        return STEP_ITEM;
    }
    if (h->state == H1_DRAIN && drain(h) != STEP_ITEM) {
        return h->error != 0 ? STEP_BAD : STEP_MORE;
    }
    switch (h->state) {
    case H1_HEAD:
        return next_head(h, e);
    case H1_BODY:
        return next_body(h, e);
    case H1_CLOSED:
        return h->error != 0 ? STEP_BAD : more(h);
    default:
        return more(h);
    }
}

// ---- output -------------------------------------------------------------------------------------

static struct span h1_output(struct front *f) {
    return span_first(buf_span(&h1_of(f)->out), OUTPUT_MAX);
}

static void h1_sent(struct front *f, size_t n) {
    struct h1 *h = h1_of(f);
    buf_take(&h->out, n);
    if (h->is_full && buf_len(&h->out) <= h->conf->response_queue / 2) {
        h->is_full = false;
        h->owes_room = true;
    }
    if (h->out.cap > OUT_KEEP && !h->is_told) {
        buf_release(&h->out);
    }
}

// ---- the rest of the table ----------------------------------------------------------------------

static enum front_phase h1_phase(const struct front *f) {
    const struct h1 *h = h1_of_const(f);
    if (h->state == H1_CLOSED) {
        return FRONT_CLOSING;
    }
    if (h->is_told && !h->is_over) {
        return FRONT_BUSY;
    }
    if (h->state == H1_HEAD && unread(h).n == 0) {
        return FRONT_IDLE;
    }
    bool waits_for_us = h->state == H1_HEAD && buf_len(&h->out) >= h->conf->response_queue;
    return waits_for_us ? FRONT_BUSY : FRONT_HEAD;
}

// While a request is answered one more piece is read, so that the client's leaving is seen.
static bool h1_wants(const struct front *f) {
    const struct h1 *h = h1_of_const(f);
    switch (h->state) {
    case H1_HEAD:
        return h->is_told ? unread(h).n == 0 : buf_len(&h->out) < h->conf->response_queue;
    case H1_BODY:
        return h->unconsumed < h->conf->request_window;
    case H1_OVER:
        return unread(h).n == 0;
    default:
        return true; // skipped or thrown away
    }
}

static int h1_promise(struct front *f, struct front_stream *parent, const struct request *r,
                      struct front_stream **pushed) {
    (void)f;
    (void)parent;
    (void)r;
    (void)pushed;
    return ERR_PUSH_REFUSED;
}

static void h1_reset(struct front *f, struct front_stream *s, int error) {
    struct h1 *h = h1_of(f);
    (void)s;
    if (!h->is_reset && !h->is_finished && !h->is_over) {
        h1_break(h, error);
    }
}

// The window of TCP is the system's to open.
static void h1_collect(struct front *f, struct front_stream *s) {
    (void)f, (void)s;
}

static void h1_consumed(struct front *f, struct front_stream *s, size_t n) {
    struct h1 *h = h1_of(f);
    (void)s;
    h->unconsumed -= n < h->unconsumed ? n : h->unconsumed;
}

static void h1_release(struct front *f, struct front_stream *s) {
    struct h1 *h = h1_of(f);
    if (!h->is_told) {
        return;
    }
    if (!h->is_over) {
        h1_break(h, ERR_CLIENT_GONE); // let go in the middle: it cannot be completed any more
    }
    arena_reset(&s->arena);
    s->request = (struct request){.body_len = 0};
    s->owner = NULL;
    h->unconsumed = 0;
    h->is_told = h->owes_end = h->owes_room = h->is_full = false;
    h->has_head = h->is_finished = h->is_reset = h->is_over = false;
}

static void h1_shutdown(struct front *f) {
    struct h1 *h = h1_of(f);
    h->closes = true;
    if (!h->is_told || h->is_finished) {
        stop(h);
    }
}

static bool h1_can_push(const struct front *f) {
    (void)f;
    return false;
}

static const struct front_ops ops = {
    .feed = h1_feed,
    .next = h1_next,
    .output = h1_output,
    .sent = h1_sent,
    .phase = h1_phase,
    .wants = h1_wants,
    .tick = h1_time_tick,
    .is_held = h1_time_is_held,
    .inform = h1_answer_inform,
    .promise = h1_promise,
    .head = h1_answer_head,
    .room = h1_answer_room,
    .body = h1_answer_body,
    .finish = h1_answer_finish,
    .reset = h1_reset,
    .collect = h1_collect,
    .consumed = h1_consumed,
    .release = h1_release,
    .shutdown = h1_shutdown,
    .can_push = h1_can_push,
    .fini = h1_fini,
};
