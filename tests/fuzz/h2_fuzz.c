// SPDX-License-Identifier: MIT
// HTTP/2 server fed with anything behind a valid preface. The first byte of the input chooses where
// the rest is cut, the second how the application answers. Oracles: events come in their order
// (request, body, end, done or reset); every request that was told ends exactly once; at most one
// END_STREAM leaves on a stream; nothing leaves that is not a frame; streams and memory stay
// bounded.
#include "http/h2.h"

#include "base/error.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define STREAMS 256 // as many as may be known at once: those open and those not yet released

enum { KNOWN = 1, ENDED = 2, HEADED = 4, FINISHED = 8, GONE = 16 };

struct app {
    struct h2_pool pool;
    struct h2_conf conf;
    int64_t now;
    struct h2 h;
    struct front_stream *streams[STREAMS];
    uint8_t flags[STREAMS];
    unsigned known;
    uint32_t script;   // what the application does next
    uint32_t in_frame; // of the output: bytes until the next frame begins
    uint8_t head[9];
    size_t head_n;
    uint32_t heads[1 << 12]; // final heads seen, by stream id
};

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static uint32_t roll(struct app *a, uint32_t sides) {
    a->script = a->script * 1664525u + 1013904223u;
    return (a->script >> 16) % sides;
}

static size_t find(const struct app *a, const struct front_stream *s) {
    size_t i = 0;
    while (i < STREAMS && a->streams[i] != s) {
        i++;
    }
    MUST(i < STREAMS);
    return i;
}

static void add(struct app *a, struct front_stream *s) {
    size_t i = 0;
    while (i < STREAMS && a->streams[i] != NULL) {
        MUST(a->streams[i] != s);
        i++;
    }
    MUST(i < STREAMS);
    a->streams[i] = s;
    a->flags[i] = KNOWN;
    a->known++;
}

static void push(struct app *a, struct front_stream *parent) {
    struct request r = {.method = SPAN("GET"),
                        .scheme = SPAN("https"),
                        .authority = SPAN("a.example"),
                        .target = SPAN("/pushed")};
    struct front_stream *pushed;
    bool can = front_can_push(&a->h.front);
    int rv = front_promise(&a->h.front, parent, &r, &pushed);
    MUST(rv == 0 || rv == ERR_PUSH_REFUSED);
    MUST(can || rv != 0);
    if (rv == 0) {
        add(a, pushed);
    }
}

static void respond(struct app *a, size_t i) {
    struct front *f = &a->h.front;
    struct front_stream *s = a->streams[i];
    struct pair fields[] = {{SPAN("Content-Length"), SPAN("70000")}, {SPAN("x"), SPAN("y\n")}};
    struct response r = {.status = roll(a, 8) == 0 ? 304 : 200,
                         .fields = {fields, roll(a, 4) == 0, 2}};
    bool end = roll(a, 4) == 0;
    MUST(front_head(f, s, &r, end) == 0);
    MUST(front_head(f, s, &r, end) == ERR_SYNTAX);
    a->flags[i] |= HEADED | (end ? FINISHED : 0);
}

// One thing that an application may do to a stream it knows.
static void act(struct app *a, size_t i) {
    static const uint8_t zeros[40000];
    struct front *f = &a->h.front;
    struct front_stream *s = a->streams[i];
    struct response hint = {.status = 103};
    if (a->flags[i] & GONE) {
        return;
    }
    switch (roll(a, 7)) {
    case 0:
        MUST(front_inform(f, s, &hint) == (a->flags[i] & HEADED ? ERR_SYNTAX : 0));
        return;
    case 1:
        push(a, s);
        return;
    case 2:
        front_reset(f, s, roll(a, 2) ? ERR_CLIENT_GONE : ERR_BACKEND_SHORT);
        a->flags[i] |= GONE;
        return;
    case 3:
        front_consumed(f, s, roll(a, 70000));
        return;
    default:
        break;
    }
    if ((a->flags[i] & HEADED) == 0) {
        respond(a, i);
    } else if ((a->flags[i] & FINISHED) == 0 && roll(a, 2)) {
        MUST(front_body(f, s, span_of(zeros, roll(a, sizeof zeros))) == 0);
    } else if ((a->flags[i] & FINISHED) == 0) {
        front_finish(f, s);
        a->flags[i] |= FINISHED;
    }
}

static void on_event(struct app *a, const struct front_event *e) {
    struct front_stream *s = e->stream;
    if (e->kind == FRONT_REQUEST) {
        MUST(s->request.method.n > 0 && s->request.path.n > 0);
        MUST(s->request.authority.n > 0 && s->request.path.p[0] == '/');
        MUST(s->arena.used <= s->arena.budget);
        add(a, s);
        return;
    }
    size_t i = find(a, s);
    switch (e->kind) {
    case FRONT_BODY:
        MUST((a->flags[i] & ENDED) == 0 && e->body.n > 0);
        if (roll(a, 2)) {
            front_consumed(&a->h.front, s, e->body.n);
        }
        break;
    case FRONT_BODY_END:
        MUST((a->flags[i] & ENDED) == 0);
        a->flags[i] |= ENDED;
        break;
    case FRONT_DONE:
        MUST((a->flags[i] & FINISHED) != 0);
        // fall through
    case FRONT_RESET:
        front_release(&a->h.front, s);
        a->streams[i] = NULL;
        a->known--;
        break;
    default:
        break;
    }
}

// HEADERS and DATA with END_STREAM, at most one of them a stream.
static void on_frame_head(struct app *a) {
    const uint8_t *p = a->head;
    uint32_t id = (uint32_t)(p[5] & 0x7f) << 24 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 8 | p[8];
    a->in_frame = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
    MUST(a->in_frame <= 16384 && p[3] <= 9);
    bool has_end = (p[3] == 0 || p[3] == 1) && (p[4] & 1) != 0;
    if (has_end && id < sizeof a->heads / sizeof *a->heads) {
        MUST(++a->heads[id] == 1);
    }
}

static void check_output(struct app *a, struct span out) {
    while (out.n > 0) {
        if (a->in_frame > 0) {
            size_t n = a->in_frame < out.n ? a->in_frame : out.n;
            a->in_frame -= (uint32_t)n;
            out = span_skip(out, n);
            continue;
        }
        a->head[a->head_n++] = out.p[0];
        out = span_skip(out, 1);
        if (a->head_n == 9) {
            a->head_n = 0;
            on_frame_head(a);
        }
    }
}

static void pull(struct app *a) {
    struct front_event e;
    while (front_next(&a->h.front, &e) == STEP_ITEM) {
        on_event(a, &e);
        MUST(a->known <= 2 * a->conf.max_streams + 1);
    }
}

static void turn(struct app *a) {
    pull(a);
    for (size_t i = 0; i < STREAMS && a->known > 0; i++) {
        if (a->streams[i] != NULL) {
            act(a, i);
        }
    }
    if (roll(a, 4) != 0) {
        struct span out = front_output(&a->h.front);
        size_t n = roll(a, 8) == 0 ? out.n / 2 : out.n;
        MUST(out.n <= 80u << 10);
        check_output(a, span_first(out, n));
        front_sent(&a->h.front, n);
    }
    a->now += roll(a, 64) == 0;
    pull(a);
}

static void feed(struct app *a, const uint8_t *p, size_t n) {
    // A block of its own, so that a sanitizer sees what is kept of it too long.
    uint8_t *copy = malloc(n ? n : 1);
    MUST(copy != NULL);
    if (n > 0) {
        memcpy(copy, p, n);
    }
    if (front_feed(&a->h.front, span_of(copy, n)) == 0) {
        turn(a);
        pull(a);
    }
    free(copy);
}

// Whatever is still under way is reset: then nothing is known any more.
static void end(struct app *a) {
    for (size_t i = 0; i < STREAMS; i++) {
        if (a->streams[i] != NULL) {
            a->flags[i] |= GONE;
            front_reset(&a->h.front, a->streams[i], ERR_SHUTDOWN);
        }
    }
    pull(a);
    MUST(a->known == 0 || front_phase(&a->h.front) == FRONT_CLOSING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static struct app app; // 20 KiB: not on the stack
    static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
    struct app *a = &app;
    if (n < 2) {
        return 0;
    }
    *a = (struct app){.now = 1000, .script = data[1]};
    h2_pool_init(&a->pool);
    h2_conf_init(&a->conf);
    a->conf.pool = &a->pool;
    a->conf.unix_time = &a->now;
    a->conf.max_streams = 50;
    MUST(h2_init(&a->h, &a->conf) == 0);
    feed(a, preface, sizeof preface);
    size_t step = data[0] == 0 ? n : data[0];
    for (size_t at = 2; at < n; at += step) {
        feed(a, data + at, step < n - at ? step : n - at);
    }
    for (int i = 0; i < 8; i++) {
        turn(a);
    }
    end(a);
    front_fini(&a->h.front);
    h2_pool_fini(&a->pool);
    return 0;
}
