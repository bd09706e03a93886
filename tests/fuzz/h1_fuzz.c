// SPDX-License-Identifier: MIT
// The HTTP/1 engine as a server that answers "ok". Oracles: every cut of the input gives the same
// events and the same output; what is told has no control character anywhere; a request written
// anew from what was told is told alike.
#include "base/error.h"

#include "base/tchar.h"
#include "http/field.h"
#include "http/h1.h"
#include "support/split.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct server {
    struct h1_conf conf;
    struct h1 h;
    struct buf again; // the requests told, written anew
    bool is_bad;
};

static void must(bool holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

static void check_request(const struct request *r) {
    must(tchar_is_token(r->method), "a method that is no token");
    must(r->path.n > 0 && r->path.p[0] == '/', "a path that is not absolute");
    must(span_index(r->path, 0) == r->path.n, "a NUL in the path");
    for (size_t i = 0; i < r->target.n; i++) {
        must(r->target.p[i] > ' ' && r->target.p[i] != 0x7f, "a bad byte in the target");
    }
    for (size_t i = 0; i < r->fields.n; i++) {
        must(field_is_name(r->fields.v[i].name), "a bad name");
        must(field_is_value(r->fields.v[i].value), "a bad value");
    }
}

// Bodies are left out, and with them what announces them. Host is the authority's.
static bool is_left_out(struct span name) {
    return span_eq_nocase(name, SPAN("content-length")) ||
           span_eq_nocase(name, SPAN("transfer-encoding")) ||
           span_eq_nocase(name, SPAN("expect")) || span_eq_nocase(name, SPAN("host"));
}

static void write_again(struct buf *b, const struct request *r) {
    split_line(b, "%.*s %.*s HTTP/1.%d\r\n", SPAN_ARG(r->method), SPAN_ARG(r->target),
               r->protocol == PROTOCOL_HTTP11);
    if (r->authority.n > 0) {
        split_line(b, "Host: %.*s\r\n", SPAN_ARG(r->authority));
    }
    for (size_t i = 0; i < r->fields.n; i++) {
        if (!is_left_out(r->fields.v[i].name)) {
            split_line(b, "%.*s: ", SPAN_ARG(r->fields.v[i].name));
            split_line(b, "%.*s\r\n", SPAN_ARG(r->fields.v[i].value));
        }
    }
    split_line(b, "\r\n");
}

static void tell_request(const struct request *r, struct buf *t) {
    split_line(t, "request:%.*s %.*s %.*s ?%.*s\n", SPAN_ARG(r->method), SPAN_ARG(r->authority),
               SPAN_ARG(r->path), SPAN_ARG(r->query));
    for (size_t i = 0; i < r->fields.n; i++) {
        if (!is_left_out(r->fields.v[i].name)) {
            split_line(t, "%.*s=%.*s\n", SPAN_ARG(r->fields.v[i].name),
                       SPAN_ARG(r->fields.v[i].value));
        }
    }
}

static void tell_output(struct front *f, struct buf *t) {
    for (struct span out; (out = front_output(f)).n > 0;) {
        split_data(t, "out", out);
        front_sent(f, out.n);
    }
}

static void act(struct server *s, const struct front_event *e, struct buf *t) {
    struct front *f = &s->h.front;
    struct response r = {.status = 200};
    switch (e->kind) {
    case FRONT_REQUEST:
        check_request(&e->stream->request);
        tell_request(&e->stream->request, t);
        buf_take(&s->again, buf_len(&s->again));
        write_again(&s->again, &e->stream->request);
        break;
    case FRONT_BODY:
        split_data(t, "body", e->body);
        front_consumed(f, e->stream, e->body.n);
        break;
    case FRONT_BODY_END:
        must(front_head(f, e->stream, &r, false) == 0, "a plain answer is refused");
        must(front_body(f, e->stream, SPAN("ok")) == 0, "a plain body is refused");
        front_finish(f, e->stream);
        break;
    case FRONT_ROOM:
    case FRONT_LATE:
        break;
    case FRONT_DONE:
    case FRONT_RESET:
        split_line(t, e->kind == FRONT_DONE ? "done\n" : "reset:%d\n", e->error);
        front_release(f, e->stream);
        break;
    }
}

static void begin(void *self) {
    struct server *s = self;
    s->is_bad = false;
    h1_conf_init(&s->conf);
    buf_init(&s->again, 1u << 20);
    h1_init(&s->h, &s->conf);
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct server *s = self;
    struct front_event e;
    enum step step = STEP_MORE;
    if (front_feed(&s->h.front, bytes) != 0) {
        return;
    }
    for (int round = 0; round < 2; round++) {
        while ((step = front_next(&s->h.front, &e)) == STEP_ITEM) {
            tell_output(&s->h.front, t);
            act(s, &e, t);
            tell_output(&s->h.front, t);
        }
        tell_output(&s->h.front, t);
    }
    if (step == STEP_BAD && !s->is_bad) {
        s->is_bad = true;
        split_line(t, "bad:%d\n", s->h.error);
    }
}

static void end(void *self, struct buf *t) {
    struct server *s = self;
    split_line(t, "phase:%d\n", front_phase(&s->h.front));
    front_fini(&s->h.front);
    buf_fini(&s->again);
}

// The last request told in this input, written anew; and how it was told.
static void last_request(struct span input, struct buf *again, struct buf *told) {
    struct server s;
    struct buf t;
    struct front_event e;
    begin(&s);
    buf_init(&t, 64u << 20);
    must(front_feed(&s.h.front, input) == 0, "nothing can be fed");
    while (front_next(&s.h.front, &e) == STEP_ITEM) {
        if (e.kind == FRONT_REQUEST) {
            buf_take(told, buf_len(told));
            tell_request(&e.stream->request, told);
        }
        act(&s, &e, &t);
    }
    *again = s.again;
    buf_fini(&t);
    front_fini(&s.h.front);
}

static void check_round_trip(struct span input) {
    struct buf again, told, second, third;
    buf_init(&told, 1u << 20);
    buf_init(&third, 1u << 20);
    last_request(input, &again, &told);
    if (buf_len(&again) > 0) {
        last_request(buf_span(&again), &second, &third);
        must(span_eq(buf_span(&told), buf_span(&third)), "written anew it is another request");
        buf_fini(&second);
    }
    buf_fini(&again);
    buf_fini(&told);
    buf_fini(&third);
}

// The first two bytes say where to cut.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct server s;
    struct split split = {begin, piece, end, &s};
    if (n < 2) {
        return 0;
    }
    struct span input = span_of(data + 2, n - 2 < 20000 ? n - 2 : 20000);
    must(split_same(&split, input, (size_t)data[0] << 8 | data[1]), "a cut changes the events");
    check_round_trip(input);
    return 0;
}
