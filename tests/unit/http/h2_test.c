// SPDX-License-Identifier: MIT
// HTTP/2: a client of nghttp2 in memory against the engine for dialogues, frames written by hand
// for what no client does.
#include "http/h2.h"

#include "base/buf.h"
#include "base/error.h"
#include "support/split.h"

#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

// How the application of the tests answers a path.
enum answer_kind {
    ANSWER_BODY,    // 200 with a body, all in one turn
    ANSWER_HINTED,  // 103, a push, 200
    ANSWER_ECHO,    // the request's body, at its end
    ANSWER_LARGE,   // 300,000 bytes, as room allows
    ANSWER_LONG,    // 10 bytes where Content-Length says 4
    ANSWER_SHORT,   // 4 bytes where Content-Length says 10
    ANSWER_EMPTY,   // head only
    ANSWER_EARLY,   // a whole answer before the request's body has come
    ANSWER_NOTHING, // never
};

struct world {
    struct h2_pool pool;
    struct h2_conf conf;
    int64_t now;
    struct h2 h;
    nghttp2_session *client;
    struct buf wire;   // server to client
    struct buf events; // what the server's caller saw
    struct buf seen;   // what the client saw
    struct buf echo;
    size_t large_left;
    int promise_rv;
    bool is_quiet;      // requests are not answered
    bool hides_done;    // is not written to events
    bool is_lazy;       // bodies are not acknowledged
    bool is_collecting; // they are taken as they come
    unsigned requests, answers;
    struct front_stream *latest;
};

static enum answer_kind kind_of(const struct front_stream *s) {
    static const struct {
        const char *path;
        enum answer_kind kind;
    } rows[] = {
        {"/hinted", ANSWER_HINTED}, {"/echo", ANSWER_ECHO},       {"/large", ANSWER_LARGE},
        {"/long", ANSWER_LONG},     {"/short", ANSWER_SHORT},     {"/empty", ANSWER_EMPTY},
        {"/early", ANSWER_EARLY},   {"/nothing", ANSWER_NOTHING},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (span_eq(s->request.path, span_str(rows[i].path))) {
            return rows[i].kind;
        }
    }
    return ANSWER_BODY;
}

static struct response response(int status, struct pair *fields, size_t n) {
    return (struct response){.status = status, .fields = {fields, n, n}};
}

static void answer(struct world *w, struct front_stream *s, const char *length, const char *body) {
    struct pair fields[] = {{SPAN("Content-Type"), SPAN("text/plain")},
                            {SPAN("Connection"), SPAN("close")},
                            {SPAN("Content-Length"), span_str(length)}};
    struct response r = response(200, fields, length == NULL ? 2 : 3);
    assert_int_equal(front_head(&w->h.front, s, &r, false), 0);
    assert_int_equal(front_body(&w->h.front, s, span_str(body)), 0);
    front_finish(&w->h.front, s);
    w->answers++;
}

static void push(struct world *w, struct front_stream *parent) {
    struct pair fields[] = {{SPAN("accept"), SPAN("text/css")}};
    struct request request = {.method = SPAN("GET"),
                              .scheme = SPAN("https"),
                              .authority = SPAN("a.example"),
                              .target = SPAN("/style.css?v=1"),
                              .fields = {fields, 1, 1},
                              .protocol = PROTOCOL_HTTP2};
    struct front_stream *pushed = NULL;
    w->promise_rv = front_promise(&w->h.front, parent, &request, &pushed);
    if (w->promise_rv == 0) {
        assert_true(span_eq(pushed->request.path, SPAN("/style.css")));
        assert_true(span_eq(pushed->request.query, SPAN("v=1")));
        answer(w, pushed, NULL, "css");
    }
}

static void put_large(struct world *w, struct front_stream *s) {
    static const uint8_t zeros[16384];
    while (w->large_left > 0 && front_room(&w->h.front, s) > 0) {
        size_t n = w->large_left < sizeof zeros ? w->large_left : sizeof zeros;
        assert_int_equal(front_body(&w->h.front, s, span_of(zeros, n)), 0);
        w->large_left -= n;
    }
    if (w->large_left == 0) {
        front_finish(&w->h.front, s);
    }
}

static void on_request(struct world *w, struct front_stream *s) {
    struct pair link[] = {{SPAN("Link"), SPAN("</style.css>; rel=preload; as=style")}};
    struct response hint = response(103, link, 1), large = response(200, NULL, 0);
    w->requests++;
    w->latest = s;
    if (w->is_quiet) {
        return;
    }
    switch (kind_of(s)) {
    case ANSWER_BODY:
        answer(w, s, "5", "hello");
        break;
    case ANSWER_HINTED:
        assert_int_equal(front_inform(&w->h.front, s, &hint), 0);
        push(w, s);
        answer(w, s, NULL, "page");
        break;
    case ANSWER_LARGE:
        w->large_left = 300000;
        assert_int_equal(front_head(&w->h.front, s, &large, false), 0);
        put_large(w, s);
        break;
    case ANSWER_LONG:
        answer(w, s, "4", "0123456789");
        break;
    case ANSWER_SHORT:
        answer(w, s, "10", "0123");
        break;
    case ANSWER_EMPTY:
        assert_int_equal(front_head(&w->h.front, s, &large, true), 0);
        break;
    case ANSWER_EARLY:
        answer(w, s, NULL, "early");
        break;
    default:
        break;
    }
}

static void tell(struct world *w, const struct front_event *e) {
    static const char *const names[] = {"request", "body", "end", "room", "late", "done", "reset"};
    if (e->kind == FRONT_BODY) {
        char label[32];
        snprintf(label, sizeof label, "body %u", e->stream->id);
        split_data(&w->events, label, e->body);
        return;
    }
    if (e->kind == FRONT_ROOM || (e->kind == FRONT_DONE && w->hides_done)) {
        return; // when it comes depends on how the output is cut
    }
    split_line(&w->events, "%s %u", names[e->kind], e->stream->id);
    if (e->kind == FRONT_REQUEST) {
        const struct request *r = &e->stream->request;
        split_line(&w->events, " %.*s %.*s", SPAN_ARG(r->method), SPAN_ARG(r->target));
        for (size_t i = 0; i < r->fields.n; i++) {
            split_line(&w->events, " [%.*s: %.*s]", SPAN_ARG(r->fields.v[i].name),
                       SPAN_ARG(r->fields.v[i].value));
        }
    }
    if (e->kind == FRONT_RESET) {
        split_line(&w->events, " %s", error_row(e->error)->label);
    }
    split_line(&w->events, "\n");
}

static void on_event(struct world *w, const struct front_event *e) {
    struct front *f = &w->h.front;
    tell(w, e);
    switch (e->kind) {
    case FRONT_REQUEST:
        if (w->is_collecting) {
            front_collect(f, e->stream);
        }
        on_request(w, e->stream);
        break;
    case FRONT_BODY:
        assert_int_equal(buf_put(&w->echo, e->body), 0);
        if (!w->is_lazy) {
            front_consumed(f, e->stream, e->body.n);
        }
        break;
    case FRONT_BODY_END:
        if (!w->is_quiet && kind_of(e->stream) == ANSWER_ECHO) {
            assert_int_equal(buf_put(&w->echo, SPAN("\0")), 0);
            answer(w, e->stream, NULL, (const char *)buf_span(&w->echo).p);
            buf_take(&w->echo, buf_len(&w->echo));
        }
        break;
    case FRONT_ROOM:
        put_large(w, e->stream);
        break;
    default:
        front_release(f, e->stream);
    }
}

// Pulls all events and takes all output.
static enum step turn(struct world *w) {
    struct front *f = &w->h.front;
    struct front_event e;
    enum step step;
    bool has_more = true;
    do {
        while ((step = front_next(f, &e)) == STEP_ITEM) {
            on_event(w, &e);
        }
        struct span out = front_output(f);
        has_more = out.n > 0;
        assert_true(out.n <= 80u << 10);
        assert_int_equal(buf_put(&w->wire, out), 0);
        front_sent(f, out.n);
    } while (has_more);
    return step;
}

static enum step feed(struct world *w, struct span bytes) {
    if (front_feed(&w->h.front, bytes) != 0) {
        return STEP_BAD;
    }
    return turn(w);
}

static void world_init(struct world *w) {
    *w = (struct world){.now = 784111777};
    h2_pool_init(&w->pool);
    h2_conf_init(&w->conf);
    w->conf.pool = &w->pool;
    w->conf.unix_time = &w->now;
    w->conf.is_secure = true;
    buf_init(&w->wire, 64u << 20);
    buf_init(&w->events, 16u << 20);
    buf_init(&w->seen, 16u << 20);
    buf_init(&w->echo, 1u << 20);
    assert_int_equal(h2_init(&w->h, &w->conf), 0);
}

static void world_fini(struct world *w) {
    nghttp2_session_del(w->client);
    front_fini(&w->h.front);
    h2_pool_fini(&w->pool);
    buf_fini(&w->wire);
    buf_fini(&w->events);
    buf_fini(&w->seen);
    buf_fini(&w->echo);
}

// ---- the client ----

static int client_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                         size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags,
                         void *self) {
    (void)session, (void)frame, (void)flags;
    split_line(&((struct world *)self)->seen, " [%.*s: %.*s]", (int)name_n, (const char *)name,
               (int)value_n, (const char *)value);
    return 0;
}

static int client_begin(nghttp2_session *session, const nghttp2_frame *frame, void *self) {
    (void)session;
    struct world *w = self;
    if (frame->hd.type == NGHTTP2_PUSH_PROMISE) {
        split_line(&w->seen, "promise %d", frame->push_promise.promised_stream_id);
    } else {
        split_line(&w->seen, "head %d", frame->hd.stream_id);
    }
    return 0;
}

static int client_frame(nghttp2_session *session, const nghttp2_frame *frame, void *self) {
    (void)session;
    struct world *w = self;
    bool has_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_PUSH_PROMISE:
        split_line(&w->seen, frame->hd.type == NGHTTP2_HEADERS && has_end ? " end\n" : "\n");
        break;
    case NGHTTP2_DATA:
        split_line(&w->seen, "data %d %zu%s\n", frame->hd.stream_id, frame->hd.length,
                   has_end ? " end" : "");
        break;
    case NGHTTP2_RST_STREAM:
        split_line(&w->seen, "rst %d %s\n", frame->hd.stream_id,
                   nghttp2_http2_strerror(frame->rst_stream.error_code));
        break;
    case NGHTTP2_GOAWAY:
        split_line(&w->seen, "goaway %d %s\n", frame->goaway.last_stream_id,
                   nghttp2_http2_strerror(frame->goaway.error_code));
        break;
    default:
        break;
    }
    return 0;
}

static void client_init(struct world *w, const nghttp2_settings_entry *settings, size_t n) {
    nghttp2_session_callbacks *c;
    assert_int_equal(nghttp2_session_callbacks_new(&c), 0);
    nghttp2_session_callbacks_set_on_header_callback(c, client_header);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, client_begin);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, client_frame);
    assert_int_equal(nghttp2_session_client_new(&w->client, c, w), 0);
    nghttp2_session_callbacks_del(c);
    nghttp2_submit_settings(w->client, NGHTTP2_FLAG_NONE, settings, n);
}

struct upload {
    const char *text;
    size_t left;
};

static ssize_t client_read(nghttp2_session *session, int32_t id, uint8_t *buf, size_t len,
                           uint32_t *flags, nghttp2_data_source *source, void *self) {
    (void)session, (void)id, (void)self;
    struct upload *u = source->ptr;
    size_t n = u->left < len ? u->left : len;
    memset(buf, 'x', n);
    if (u->text != NULL) {
        memcpy(buf, u->text, n);
        u->text += n;
    }
    u->left -= n;
    *flags |= u->left == 0 ? NGHTTP2_DATA_FLAG_EOF : 0;
    return (ssize_t)n;
}

#define NV(n, v)                                                                                   \
    { (uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), strlen(n), strlen(v), 0 }

static int32_t client_request(struct world *w, const char *method, const char *path,
                              struct upload *u) {
    nghttp2_nv nv[] = {NV(":method", method), NV(":scheme", "https"), NV(":authority", "a.example"),
                       NV(":path", path), NV("user-agent", "test")};
    nghttp2_data_provider body = {.source = {.ptr = u}, .read_callback = client_read};
    return nghttp2_submit_request(w->client, NULL, nv, 5, u == NULL ? NULL : &body, NULL);
}

// Lets both talk, `step` bytes at a time towards the server, until both are silent.
static void talk(struct world *w, size_t step) {
    for (bool is_busy = true; is_busy;) {
        const uint8_t *p;
        is_busy = false;
        for (ssize_t n; (n = nghttp2_session_mem_send(w->client, &p)) > 0;) {
            struct span all = span_of(p, (size_t)n);
            for (; all.n > 0; all = span_skip(all, step)) {
                feed(w, span_first(all, step));
            }
            is_busy = true;
        }
        turn(w);
        struct span out = buf_span(&w->wire);
        if (out.n > 0) {
            assert_int_equal(nghttp2_session_mem_recv(w->client, out.p, out.n), out.n);
            buf_take(&w->wire, out.n);
            is_busy = true;
        }
    }
}

static void expect(struct buf *t, const char *text) {
    struct span s = buf_span(t);
    if (!span_eq(s, span_str(text))) {
        print_error("expected:\n%s\nseen:\n%.*s\n", text, SPAN_ARG(s));
        fail();
    }
}

static bool has(const struct buf *t, const char *text) {
    struct span s = buf_span(t);
    return span_find(s, span_str(text)) < s.n;
}

#define DATE " [date: Sun, 06 Nov 1994 08:49:37 GMT]"
#define TEXT " [content-type: text/plain]"

struct dialogue {
    const char *name, *method, *path, *body;
    const char *events, *seen;
};

static const struct dialogue dialogues[] = {
    {"hint, promise and head leave in that order, and the push before its page", "GET", "/hinted",
     NULL, "request 1 GET /hinted [user-agent: test]\nend 1\ndone 2\ndone 1\n",
     "head 1 [:status: 103] [link: </style.css>; rel=preload; as=style]\n"
     "promise 2 [:method: GET] [:scheme: https] [:authority: a.example] [:path: /style.css?v=1]"
     " [accept: text/css]\n"
     "head 1 [:status: 200]" TEXT DATE "\n"
     "head 2 [:status: 200]" TEXT DATE "\n"
     "data 2 3 end\ndata 1 4 end\n"},
    {"a small answer is one HEADERS and one DATA with END_STREAM", "GET", "/", NULL,
     "request 1 GET / [user-agent: test]\nend 1\ndone 1\n",
     "head 1 [:status: 200]" TEXT " [content-length: 5]" DATE "\ndata 1 5 end\n"},
    {"a request body comes back", "POST", "/echo", "ping",
     "request 1 POST /echo [user-agent: test]\nbody 1:ping\nend 1\ndone 1\n",
     "head 1 [:status: 200]" TEXT DATE "\ndata 1 4 end\n"},
    {"a body longer than its Content-Length is cut", "GET", "/long", NULL,
     "request 1 GET /long [user-agent: test]\nend 1\ndone 1\n",
     "head 1 [:status: 200]" TEXT " [content-length: 4]" DATE "\ndata 1 4 end\n"},
    {"a body shorter than its Content-Length is a reset", "GET", "/short", NULL,
     "request 1 GET /short [user-agent: test]\nend 1\nreset 1 backend_short\n",
     "head 1 [:status: 200]" TEXT " [content-length: 10]" DATE
     "\ndata 1 4\nrst 1 INTERNAL_ERROR\n"},
    {"HEAD keeps the length and drops the body", "HEAD", "/", NULL,
     "request 1 HEAD / [user-agent: test]\nend 1\ndone 1\n",
     "head 1 [:status: 200]" TEXT " [content-length: 5]" DATE " end\n"},
    {"an answer without body ends with its head", "GET", "/empty", NULL,
     "request 1 GET /empty [user-agent: test]\nend 1\ndone 1\n",
     "head 1 [:status: 200]" DATE " end\n"},
};

static void run_dialogue(const struct dialogue *d, size_t step) {
    struct world w;
    world_init(&w);
    client_init(&w, NULL, 0);
    struct upload u = {d->body, d->body == NULL ? 0 : strlen(d->body)};
    client_request(&w, d->method, d->path, d->body == NULL ? NULL : &u);
    talk(&w, step);
    expect(&w.seen, d->seen);
    expect(&w.events, d->events);
    assert_int_equal(front_phase(&w.h.front), FRONT_IDLE);
    assert_null(w.h.out);
    world_fini(&w);
}

struct outcome {
    unsigned resets, goaways;
    uint32_t reset_code, goaway_code;
};

static uint32_t code_at(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static struct outcome outcome_of(const struct world *w) {
    struct outcome o = {0};
    struct span s = buf_span(&w->wire);
    while (s.n >= 9) {
        size_t n = (size_t)s.p[0] << 16 | (size_t)s.p[1] << 8 | s.p[2];
        if (s.p[3] == NGHTTP2_RST_STREAM) {
            o.resets++;
            o.reset_code = code_at(s.p + 9);
        } else if (s.p[3] == NGHTTP2_GOAWAY) {
            o.goaways++;
            o.goaway_code = code_at(s.p + 13);
        }
        s = span_skip(s, 9 + n);
    }
    return o;
}

static void test_dialogues(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof dialogues / sizeof *dialogues; i++) {
        print_message("  %s\n", dialogues[i].name);
        run_dialogue(&dialogues[i], SIZE_MAX / 2);
        run_dialogue(&dialogues[i], 1);
    }
}

// A refused request gets an answer and no event; the connection goes on.
static void test_refused_without_event(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    client_init(&w, NULL, 0);
    client_request(&w, "GET", "/../x", NULL);
    talk(&w, 7);
    assert_true(has(&w.seen, "head 1 [:status: 400] [content-type: text/plain; charset=utf-8]"));
    assert_true(has(&w.seen, " end\n"));
    expect(&w.events, "");
    client_request(&w, "GET", "/", NULL);
    talk(&w, SIZE_MAX / 2);
    assert_true(has(&w.events, "done 3\n"));
    world_fini(&w);
}

static void test_refused_with_its_status(void **state) {
    (void)state;
    static char target[9000];
    memset(target, 'x', sizeof target - 1);
    target[0] = '/';
    const struct {
        const char *method, *path, *seen;
    } rows[] = {
        {"GET", target, "head 1 [:status: 414]"},
        {"TRACE", "/",
         "head 1 [:status: 405] [content-type: text/plain; charset=utf-8] [content-length: 23]"
         " [cache-control: no-store] [allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        world_init(&w);
        client_init(&w, NULL, 0);
        client_request(&w, rows[i].method, rows[i].path, NULL);
        talk(&w, SIZE_MAX / 2);
        assert_true(has(&w.seen, rows[i].seen));
        expect(&w.events, "");
        world_fini(&w);
    }
}

// RFC 9110, 10.1.1
static void test_expectations(void **state) {
    (void)state;
    static const struct {
        const char *name, *path, *value;
        bool has_body;
        const char *seen;
    } rows[] = {
        {"a 100 comes before the body is read", "/echo", "100-continue", true,
         "head 1 [:status: 100]\nhead 1 [:status: 200]" TEXT DATE "\ndata 1 4 end\n"},
        {"names have no case", "/echo", "100-Continue", true, "head 1 [:status: 100]\n"},
        {"none for who is answered at once", "/early", "100-continue", true,
         "head 1 [:status: 200]"},
        {"none without a body", "/", "100-continue", false, "head 1 [:status: 200]"},
        {"another expectation is refused", "/echo", "miracles", true, "head 1 [:status: 417]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        print_message("  %s\n", rows[i].name);
        world_init(&w);
        client_init(&w, NULL, 0);
        struct upload u = {"ping", 4};
        nghttp2_nv nv[] = {NV(":method", "POST"), NV(":scheme", "https"),
                           NV(":authority", "a.example"), NV(":path", rows[i].path),
                           NV("expect", rows[i].value)};
        nghttp2_data_provider body = {.source = {.ptr = &u}, .read_callback = client_read};
        nghttp2_submit_request(w.client, NULL, nv, 5, rows[i].has_body ? &body : NULL, NULL);
        talk(&w, SIZE_MAX / 2);
        assert_true(span_has_prefix(buf_span(&w.seen), span_str(rows[i].seen)));
        world_fini(&w);
    }
}

static void test_large_answer_through_small_windows(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    client_init(&w, NULL, 0);
    client_request(&w, "GET", "/large", NULL);
    talk(&w, SIZE_MAX / 2);
    size_t total = 0;
    struct span rest = buf_span(&w.seen), line;
    while (span_cut(&rest, '\n', &line)) {
        if (span_has_prefix(line, SPAN("data 1 "))) {
            total += strtoul((const char *)line.p + 7, NULL, 10);
        }
    }
    assert_int_equal(total, 300000);
    assert_true(has(&w.events, "done 1\n"));
    world_fini(&w);
}

// The client's 100,000 bytes fit only when front_consumed opens the window of 64 KiB again.
static void test_upload_waits_for_consumed(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    client_init(&w, NULL, 0);
    struct upload u = {NULL, 100000};
    w.is_lazy = true;
    client_request(&w, "POST", "/echo", &u);
    talk(&w, SIZE_MAX / 2);
    assert_false(has(&w.events, "end 1\n"));
    assert_int_equal(buf_len(&w.echo), 65536);
    world_fini(&w);

    world_init(&w);
    client_init(&w, NULL, 0);
    u = (struct upload){NULL, 100000};
    client_request(&w, "POST", "/echo", &u);
    talk(&w, SIZE_MAX / 2);
    assert_true(has(&w.events, "end 1\n"));
    assert_true(has(&w.seen, "data 1 "));
    world_fini(&w);
}

// Of a stream that is collected more may come before anything is consumed.
static void test_a_collected_upload_has_a_wide_window(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    client_init(&w, NULL, 0);
    struct upload u = {NULL, 900000};
    w.is_lazy = w.is_quiet = w.is_collecting = true;
    client_request(&w, "POST", "/echo", &u);
    talk(&w, SIZE_MAX / 2);
    assert_true(has(&w.events, "end 1\n"));
    assert_int_equal(buf_len(&w.echo), 900000);
    world_fini(&w);
}

// A body nobody reads gives its share of the connection's window back when the stream is released.
static void test_early_answer_stops_the_upload(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    client_init(&w, NULL, 0);
    w.is_lazy = true;
    for (int i = 0; i < 40; i++) {
        struct upload u = {NULL, 60000};
        client_request(&w, "POST", "/early", &u);
        talk(&w, SIZE_MAX / 2);
    }
    assert_true(has(&w.events, "done 79\n"));
    assert_true(has(&w.seen, "rst 1 NO_ERROR"));
    assert_false(has(&w.seen, "goaway"));
    assert_int_equal(w.answers, 40);
    world_fini(&w);
}

static void test_shutdown_finishes_what_is_under_way(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    client_init(&w, NULL, 0);
    client_request(&w, "GET", "/nothing", NULL);
    front_shutdown(&w.h.front);
    talk(&w, SIZE_MAX / 2);
    expect(&w.seen, "goaway 2147483647 NO_ERROR\ngoaway 1 NO_ERROR\n");
    assert_int_equal(front_phase(&w.h.front), FRONT_BUSY);
    answer(&w, w.latest, NULL, "late");
    talk(&w, SIZE_MAX / 2);
    assert_true(has(&w.seen, "data 1 4 end\n"));
    assert_int_equal(front_phase(&w.h.front), FRONT_CLOSING);
    world_fini(&w);
}

// Also without any request the second GOAWAY leaves.
static void test_shutdown_of_an_idle_connection(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    client_init(&w, NULL, 0);
    talk(&w, SIZE_MAX / 2);
    front_shutdown(&w.h.front);
    feed(&w, SPAN("\0\0\x08\6\1\0\0\0\0"
                  "12345678"));
    assert_int_equal(outcome_of(&w).goaways, 2);
    assert_int_equal(front_phase(&w.h.front), FRONT_CLOSING);
    world_fini(&w);
}

// Who never answers the first is told at the second call, and once.
static void test_a_second_shutdown_names_the_last_request(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    client_init(&w, NULL, 0);
    client_request(&w, "GET", "/", NULL);
    talk(&w, SIZE_MAX / 2);
    front_shutdown(&w.h.front);
    front_shutdown(&w.h.front);
    front_shutdown(&w.h.front);
    talk(&w, SIZE_MAX / 2);
    assert_true(has(&w.seen, "goaway 2147483647 NO_ERROR\ngoaway 1 NO_ERROR\n"));
    assert_int_equal(front_phase(&w.h.front), FRONT_CLOSING);
    world_fini(&w);
}

static void test_phases(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    assert_int_equal(front_phase(&w.h.front), FRONT_HEAD);
    client_init(&w, NULL, 0);
    talk(&w, SIZE_MAX / 2);
    assert_int_equal(front_phase(&w.h.front), FRONT_IDLE);
    client_request(&w, "GET", "/nothing", NULL);
    talk(&w, SIZE_MAX / 2);
    assert_int_equal(front_phase(&w.h.front), FRONT_BUSY);
    nghttp2_submit_rst_stream(w.client, NGHTTP2_FLAG_NONE, 1, NGHTTP2_CANCEL);
    talk(&w, SIZE_MAX / 2);
    assert_int_equal(front_phase(&w.h.front), FRONT_IDLE);
    assert_true(has(&w.events, "reset 1 client_gone\n"));
    world_fini(&w);
}

struct push_case {
    const char *name;
    nghttp2_settings_entry settings[1];
    size_t settings_n;
    const char *method;
    int rv;
};

static void test_pushes_refused(void **state) {
    (void)state;
    static const struct push_case rows[] = {
        {"by default a push is allowed", {{0, 0}}, 0, "GET", 0},
        {"ENABLE_PUSH 0", {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}}, 1, "GET", ERR_PUSH_REFUSED},
        {"no stream for a push",
         {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0}},
         1,
         "GET",
         ERR_PUSH_REFUSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        print_message("  %s\n", rows[i].name);
        world_init(&w);
        client_init(&w, rows[i].settings, rows[i].settings_n);
        client_request(&w, rows[i].method, "/hinted", NULL);
        talk(&w, SIZE_MAX / 2);
        assert_int_equal(w.promise_rv, rows[i].rv);
        assert_int_equal(has(&w.seen, "promise"), rows[i].rv == 0);
        assert_true(has(&w.seen, "data 1 4 end\n"));
        world_fini(&w);
    }
}

static struct front_stream *first_stream(struct world *w) {
    struct front_event e;
    assert_int_equal(front_next(&w->h.front, &e), STEP_ITEM);
    assert_int_equal(e.kind, FRONT_REQUEST);
    return e.stream;
}

static struct world *begun(struct world *w) {
    world_init(w);
    client_init(w, NULL, 0);
    client_request(w, "GET", "/nothing", NULL);
    const uint8_t *p;
    ssize_t n;
    struct buf b;
    buf_init(&b, 1u << 20);
    while ((n = nghttp2_session_mem_send(w->client, &p)) > 0) {
        assert_int_equal(buf_put(&b, span_of(p, (size_t)n)), 0);
    }
    buf_put(&w->echo, buf_span(&b));
    buf_fini(&b);
    assert_int_equal(front_feed(&w->h.front, buf_span(&w->echo)), 0);
    return w;
}

static const struct request push_request = {
    .method = SPAN_INIT("GET"),
    .scheme = SPAN_INIT("https"),
    .authority = SPAN_INIT("a.example"),
    .target = SPAN_INIT("/x.css"),
};

static void test_push_needs_an_open_parent(void **state) {
    (void)state;
    struct world w;
    struct front_stream *s = first_stream(begun(&w)), *pushed;
    struct front *f = &w.h.front;
    struct request post = push_request;
    post.method = SPAN("POST");
    assert_int_equal(front_promise(f, s, &post, &pushed), ERR_PUSH_REFUSED);
    assert_int_equal(front_promise(f, s, &push_request, &pushed), 0);
    // Taken back before the promise has left.
    front_reset(f, pushed, ERR_NOT_FOUND);
    answer(&w, s, NULL, "x");
    assert_int_equal(front_promise(f, s, &push_request, &pushed), ERR_PUSH_REFUSED);
    talk(&w, SIZE_MAX / 2);
    assert_true(has(&w.events, "reset 2 not_found\n"));
    assert_true(has(&w.seen, "promise 2"));
    assert_true(has(&w.seen, "rst 2 CANCEL\n"));
    assert_true(has(&w.seen, "data 1 1 end\n"));
    world_fini(&w);
}

// RST_STREAM on a stream that the client was never told of would end the whole connection.
static void test_push_whose_page_is_reset_before_the_promise_leaves(void **state) {
    (void)state;
    for (int is_answered = 0; is_answered < 2; is_answered++) {
        struct world w;
        struct front_stream *s = first_stream(begun(&w)), *pushed;
        assert_int_equal(front_promise(&w.h.front, s, &push_request, &pushed), 0);
        if (is_answered) {
            answer(&w, pushed, NULL, "css");
        }
        front_reset(&w.h.front, s, ERR_BACKEND_SHORT);
        talk(&w, SIZE_MAX / 2);
        assert_true(has(&w.events, "reset 2 push_refused\n"));
        assert_true(has(&w.seen, "rst 1 INTERNAL_ERROR\n"));
        assert_false(has(&w.seen, "promise"));
        assert_false(has(&w.seen, "rst 2"));
        w.is_quiet = false;
        client_request(&w, "GET", "/", NULL);
        talk(&w, SIZE_MAX / 2);
        assert_true(has(&w.seen, "data 3 5 end\n"));
        world_fini(&w);
    }
}

static void test_push_reset_by_the_client_ends_the_push_alone(void **state) {
    (void)state;
    struct world w;
    struct front_stream *s = first_stream(begun(&w)), *pushed;
    assert_int_equal(front_promise(&w.h.front, s, &push_request, &pushed), 0);
    talk(&w, SIZE_MAX / 2);
    nghttp2_submit_rst_stream(w.client, NGHTTP2_FLAG_NONE, 2, NGHTTP2_CANCEL);
    talk(&w, SIZE_MAX / 2);
    assert_true(has(&w.events, "reset 2 client_gone\n"));
    world_fini(&w);
}

static void test_heads_that_may_not_be_sent(void **state) {
    (void)state;
    static char huge[1100000];
    memset(huge, 'a', sizeof huge - 1);
    const struct {
        const char *name, *field, *value;
        int status;
    } rows[] = {
        {"a line break in a value", "x", "a\r\nb: c", 200},
        {"a blank in a name", "a b", "c", 200},
        {"a pseudo-header field", ":status", "200", 200},
        {"a length that is no number", "content-length", "5x", 200},
        {"an interim status", "x", "y", 103},
        {"a status of four digits", "x", "y", 1000},
        {"a block the library would drop", "x", huge, 200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        print_message("  %s\n", rows[i].name);
        struct front_stream *s = first_stream(begun(&w));
        struct pair field = {span_str(rows[i].field), span_str(rows[i].value)};
        struct response r = response(rows[i].status, &field, 1);
        assert_int_equal(front_head(&w.h.front, s, &r, true), ERR_SYNTAX);
        r.status = rows[i].status == 200 ? 103 : 200;
        assert_int_equal(front_inform(&w.h.front, s, &r), ERR_SYNTAX);
        // Nothing has been sent: the proper answer still can be.
        answer(&w, s, NULL, "x");
        talk(&w, SIZE_MAX / 2);
        assert_true(has(&w.seen, "head 1 [:status: 200]" TEXT));
        assert_true(has(&w.events, "done 1\n"));
        world_fini(&w);
    }
}

// What a backend may say at most (`responses`), and what is added to it. What the client says that
// it would take, SETTINGS_MAX_HEADER_LIST_SIZE, does not matter.
static void test_as_many_fields_as_a_head_may_have(void **state) {
    (void)state;
    static char value[512];
    static struct pair fields[2000 + 16];
    memset(value, 'v', sizeof value);
    for (size_t i = 0; i < 2000 + 16; i++) {
        fields[i] = (struct pair){SPAN("x-many"), span_of(value, sizeof value)};
    }
    static const size_t counts[] = {253, 1000, 2000};
    const nghttp2_settings_entry small = {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 1000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct world w;
        struct front_stream *s = first_stream(begun(&w));
        struct response r = response(200, fields, counts[i]);
        assert_int_equal(nghttp2_submit_settings(w.client, 0, &small, 1), 0);
        talk(&w, SIZE_MAX / 2);
        assert_int_equal(front_head(&w.h.front, s, &r, true), 0);
        talk(&w, SIZE_MAX / 2);
        assert_true(has(&w.seen, "head 1 [:status: 200] [x-many: vvvv"));
        assert_true(has(&w.events, "done 1\n"));
        world_fini(&w);
    }
    struct world w;
    struct front_stream *s = first_stream(begun(&w));
    struct response r = response(200, fields, 2000 + 16);
    assert_int_equal(front_head(&w.h.front, s, &r, true), ERR_SYNTAX);
    front_reset(&w.h.front, s, ERR_BACKEND_HEAD);
    talk(&w, SIZE_MAX / 2);
    world_fini(&w);
}

static void test_no_interim_after_the_head(void **state) {
    (void)state;
    struct world w;
    struct front_stream *s = first_stream(begun(&w));
    struct response hint = response(103, NULL, 0), page = response(200, NULL, 0);
    assert_int_equal(front_head(&w.h.front, s, &page, false), 0);
    assert_int_equal(front_inform(&w.h.front, s, &hint), ERR_SYNTAX);
    assert_int_equal(front_head(&w.h.front, s, &page, false), ERR_SYNTAX);
    front_finish(&w.h.front, s);
    talk(&w, SIZE_MAX / 2);
    assert_true(has(&w.events, "done 1\n"));
    world_fini(&w);
}

// ---- frames by hand ----

static void put_frame(struct buf *b, uint8_t type, uint8_t flags, uint32_t id, struct span p) {
    const uint8_t head[9] = {
        (uint8_t)(p.n >> 16), (uint8_t)(p.n >> 8), (uint8_t)p.n,       type,       flags,
        (uint8_t)(id >> 24),  (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
    assert_int_equal(buf_put(b, span_of(head, 9)), 0);
    assert_int_equal(buf_put(b, p), 0);
}

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
// :method GET, :scheme https, :path /, :authority a.example
#define HEAD                                                                                       \
    "\x82\x87\x84\x01\x09"                                                                         \
    "a.example"
#define HEAD_POST                                                                                  \
    "\x83\x87\x84\x01\x09"                                                                         \
    "a.example"

static void put_request(struct buf *b, uint32_t id) {
    put_frame(b, NGHTTP2_HEADERS, 5, id, SPAN(HEAD));
}

// One round of what a hostile peer does; `i` counts from 0.
static void rapid_reset(struct buf *b, uint32_t i) {
    put_request(b, 2 * i + 1);
    put_frame(b, NGHTTP2_RST_STREAM, 0, 2 * i + 1, SPAN("\0\0\0\x08"));
}
static void window_overflow(struct buf *b, uint32_t i) {
    put_request(b, 2 * i + 1);
    put_frame(b, NGHTTP2_WINDOW_UPDATE, 0, 2 * i + 1, SPAN("\x7f\xff\xff\xff"));
}
static void malformed(struct buf *b, uint32_t i) {
    put_frame(b, NGHTTP2_HEADERS, 5, 2 * i + 1, SPAN("\x82" HEAD));
}
static void bad_field(struct buf *b, uint32_t i) {
    put_frame(b, NGHTTP2_HEADERS, 5, 2 * i + 1, SPAN(HEAD "\0\1x\3a\nb"));
}
static void ping(struct buf *b, uint32_t i) {
    (void)i;
    put_frame(b, NGHTTP2_PING, 0, 0, SPAN("12345678"));
}
static void settings(struct buf *b, uint32_t i) {
    (void)i;
    put_frame(b, NGHTTP2_SETTINGS, 0, 0, SPAN(""));
}
static void empty_data(struct buf *b, uint32_t i) {
    if (i == 0) {
        put_frame(b, NGHTTP2_HEADERS, 4, 1, SPAN(HEAD_POST));
    }
    put_frame(b, NGHTTP2_DATA, 0, 1, SPAN(""));
}
static void padding_alone(struct buf *b, uint32_t i) {
    if (i == 0) {
        put_frame(b, NGHTTP2_HEADERS, 4, 1, SPAN(HEAD_POST));
    }
    put_frame(b, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, SPAN("\3\0\0\0"));
}
static void priority(struct buf *b, uint32_t i) {
    put_frame(b, NGHTTP2_PRIORITY, 0, 2 * i + 1, SPAN("\0\0\0\0\1"));
}
static void window_update(struct buf *b, uint32_t i) {
    (void)i;
    put_frame(b, NGHTTP2_WINDOW_UPDATE, 0, 0, SPAN("\0\0\0\1"));
}
static void unknown(struct buf *b, uint32_t i) {
    (void)i;
    put_frame(b, 0xbb, 0, 0, SPAN("x"));
}
static void request(struct buf *b, uint32_t i) {
    put_request(b, 2 * i + 1);
}

struct flood {
    const char *name;
    void (*round)(struct buf *, uint32_t);
    uint32_t most; // rounds after which the connection must be over
};

static const struct flood floods[] = {
    {"requests taken back at once", rapid_reset, 210},
    {"windows that overflow (MadeYouReset)", window_overflow, 60},
    {"malformed requests", malformed, 60},
    {"fields with a line break", bad_field, 60},
    {"PING", ping, 110},
    {"SETTINGS", settings, 110},
    {"empty DATA", empty_data, 110},
    {"DATA of padding alone", padding_alone, 110},
    {"PRIORITY", priority, 110},
    {"WINDOW_UPDATE by one byte", window_update, 400},
    {"frames of an unknown type", unknown, 110},
};

static uint32_t rounds_survived(struct world *w, const struct flood *f, uint32_t n,
                                int per_second) {
    struct buf b;
    uint32_t i = 0;
    buf_init(&b, 1u << 20);
    enum step step = feed(w, SPAN(PREFACE));
    for (; i < n && step != STEP_BAD && front_phase(&w->h.front) != FRONT_CLOSING; i++) {
        if (per_second > 0 && i % (uint32_t)per_second == 0) {
            w->now++;
        }
        f->round(&b, i);
        step = feed(w, buf_span(&b));
        buf_take(&b, buf_len(&b));
    }
    buf_fini(&b);
    return i;
}

static void test_floods_end_the_connection(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        struct world w;
        print_message("  %s\n", floods[i].name);
        world_init(&w);
        w.is_quiet = true;
        uint32_t n = rounds_survived(&w, &floods[i], 20000, 0);
        if (n > floods[i].most) {
            fail_msg("%u rounds", n);
        }
        turn(&w);
        struct outcome o = outcome_of(&w);
        assert_int_equal(o.goaways, 1);
        assert_int_equal(o.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
        assert_int_equal(front_phase(&w.h.front), FRONT_CLOSING);
        assert_int_equal(front_feed(&w.h.front, SPAN("x")), ERR_H2_ABUSE);
        world_fini(&w);
    }
}

// What one client does to its streams ends no connection that others share; what concerns the
// connection is the front's own doing.
static void test_floods_of_streams_leave_a_shared_connection(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        struct world w;
        print_message("  %s\n", floods[i].name);
        world_init(&w);
        w.is_quiet = true;
        h2_share(&w.h);
        bool is_of_connection = floods[i].round == ping || floods[i].round == settings ||
                                floods[i].round == window_update || floods[i].round == unknown;
        uint32_t n = rounds_survived(&w, &floods[i], 1000, 0);
        assert_int_equal(outcome_of(&w).goaways, is_of_connection);
        assert_true(is_of_connection || n == 1000);
        world_fini(&w);
    }
}

static void test_ordinary_use_is_no_flood(void **state) {
    (void)state;
    static const struct flood rows[] = {
        {"PING, five a second", ping, 0},
        {"SETTINGS, five a second", settings, 0},
        {"requests taken back, five a second", rapid_reset, 0},
        {"requests that are answered", request, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        print_message("  %s\n", rows[i].name);
        world_init(&w);
        assert_int_equal(rounds_survived(&w, &rows[i], 2000, 5), 2000);
        assert_int_equal(outcome_of(&w).goaways, 0);
        world_fini(&w);
    }
}

// Never delivered, so the application is not bothered.
static void test_reset_in_the_same_read_is_no_request(void **state) {
    (void)state;
    struct world w;
    struct buf b;
    buf_init(&b, 1u << 20);
    world_init(&w);
    buf_put(&b, SPAN(PREFACE));
    for (uint32_t i = 0; i < 50; i++) {
        rapid_reset(&b, i);
    }
    feed(&w, buf_span(&b));
    assert_int_equal(w.requests, 0);
    assert_int_equal(front_phase(&w.h.front), FRONT_IDLE);
    buf_fini(&b);
    world_fini(&w);
}

static void test_peer_that_does_not_read(void **state) {
    (void)state;
    struct world w;
    struct buf b;
    struct front_event e;
    buf_init(&b, 1u << 20);
    world_init(&w);
    w.conf.glitches = 1u << 30;
    buf_put(&b, SPAN(PREFACE));
    for (uint32_t i = 0; i < 3000; i++) {
        ping(&b, i);
    }
    assert_int_equal(front_feed(&w.h.front, buf_span(&b)), 0);
    assert_int_equal(front_next(&w.h.front, &e), STEP_BAD);
    turn(&w);
    assert_int_equal(outcome_of(&w).goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    buf_fini(&b);
    world_fini(&w);
}

// A block of n fields named "a" with a value of `len` bytes, cut into CONTINUATION frames.
static void put_fields(struct buf *b, size_t n, size_t len) {
    static uint8_t block[400000];
    size_t at = sizeof HEAD - 1;
    memcpy(block, HEAD, at);
    for (size_t i = 0; i < n; i++) {
        memcpy(block + at, "\0\1a", 3);
        at += 3;
        size_t rest = len;
        if (len < 127) {
            block[at++] = (uint8_t)len;
        } else {
            block[at++] = 127;
            for (rest -= 127; rest >= 128; rest /= 128) {
                block[at++] = (uint8_t)(rest % 128 + 128);
            }
            block[at++] = (uint8_t)rest;
        }
        memset(block + at, 'v', len);
        at += len;
    }
    struct span s = span_of(block, at);
    for (bool is_first = true; is_first || s.n > 0; is_first = false) {
        struct span part = span_first(s, 16384);
        s = span_skip(s, part.n);
        put_frame(b, is_first ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION,
                  (uint8_t)((is_first ? 1 : 0) | (s.n == 0 ? 4 : 0)), 1, part);
    }
}

static void test_header_block_limits(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t n, len;
        unsigned requests, resets;
        uint32_t goaway;
    } rows[] = {
        {"96 fields and four pseudo fields", 96, 10, 1, 0, 0},
        {"97 fields are answered 431", 97, 10, 0, 0, 0},
        {"a field of 8,192 bytes", 1, 8191, 1, 0, 0},
        {"a field of 8,193 bytes is answered 431", 1, 8192, 0, 0, 0},
        {"more than 32 KiB is answered 431", 5, 7000, 0, 0, 0},
        {"257 fields are a stream error", 253, 10, 0, 1, 0},
        {"more than 64 KiB end the connection", 9, 8000, 0, 0, NGHTTP2_ENHANCE_YOUR_CALM},
        {"16,000 fields are a stream error", 16000, 0, 0, 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct buf b;
        print_message("  %s\n", rows[i].name);
        world_init(&w);
        buf_init(&b, 1u << 20);
        buf_put(&b, SPAN(PREFACE));
        put_fields(&b, rows[i].n, rows[i].len);
        feed(&w, buf_span(&b));
        struct outcome o = outcome_of(&w);
        assert_int_equal(w.requests, rows[i].requests);
        assert_int_equal(o.resets, rows[i].resets);
        assert_int_equal(o.goaway_code, rows[i].goaway);
        if (rows[i].resets > 0) {
            assert_int_equal(o.reset_code, NGHTTP2_ENHANCE_YOUR_CALM);
        }
        // 0x08 is :status as a literal of the static table's index 8 that joins HPACK's table.
        bool has_431 = has(&w.wire, "431") || has(&w.wire, "\x48\x82\x69\x8f") ||
                       span_find(buf_span(&w.wire), SPAN("431 ")) < buf_len(&w.wire);
        assert_int_equal(has_431, rows[i].requests + rows[i].resets + rows[i].goaway == 0);
        buf_fini(&b);
        world_fini(&w);
    }
}

static void test_stream_errors(void **state) {
    (void)state;
    static const struct {
        const char *name;
        struct span block;
    } rows[] = {
        {"a pseudo field twice", SPAN_INIT("\x82" HEAD)},
        {"a line break in a value", SPAN_INIT(HEAD "\0\1x\3a\nb")},
        {"a capital in a name", SPAN_INIT(HEAD "\0\1X\1a")},
        {"connection-specific field", SPAN_INIT(HEAD "\0\x0a"
                                                     "connection\1a")},
        {"no path", SPAN_INIT("\x82\x87\x01\x09"
                              "a.example")},
        // SETTINGS_ENABLE_CONNECT_PROTOCOL was not sent (RFC 8441, 3)
        {"a WebSocket by extended CONNECT", SPAN_INIT("\x02\x07"
                                                      "CONNECT\x87\x84\x01\x09"
                                                      "a.example\0\x09:protocol\x09websocket")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct buf b;
        print_message("  %s\n", rows[i].name);
        world_init(&w);
        buf_init(&b, 1u << 20);
        buf_put(&b, SPAN(PREFACE));
        put_frame(&b, NGHTTP2_HEADERS, 5, 1, rows[i].block);
        put_request(&b, 3);
        feed(&w, buf_span(&b));
        struct outcome o = outcome_of(&w);
        assert_int_equal(o.resets, 1);
        assert_int_equal(o.reset_code, NGHTTP2_PROTOCOL_ERROR);
        assert_int_equal(o.goaways, 0);
        assert_int_equal(w.requests, 1);
        assert_true(has(&w.events, "request 3 GET /\n"));
        buf_fini(&b);
        world_fini(&w);
    }
}

// The timer for heads runs while a block is incomplete, and only then.
static void test_phase_of_a_head(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint8_t flags;
        struct span block;
        enum front_phase phase;
    } rows[] = {
        {"a block that goes on", 1, SPAN_INIT("\x82\x87"), FRONT_HEAD},
        {"a block that is refused", 5, SPAN_INIT(HEAD "\0\1x\3a\nb"), FRONT_IDLE},
        {"a malformed block", 5, SPAN_INIT("\x82" HEAD), FRONT_IDLE},
        {"a request", 5, SPAN_INIT(HEAD), FRONT_IDLE},
        {"a request whose body is to come", 4,
         SPAN_INIT("\x83\x87\x05\x05/echo\x01\x09"
                   "a.example"),
         FRONT_BUSY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct buf b;
        print_message("  %s\n", rows[i].name);
        world_init(&w);
        buf_init(&b, 1u << 20);
        buf_put(&b, SPAN(PREFACE));
        put_frame(&b, NGHTTP2_HEADERS, rows[i].flags, 1, rows[i].block);
        feed(&w, buf_span(&b));
        assert_int_equal(front_phase(&w.h.front), rows[i].phase);
        buf_fini(&b);
        world_fini(&w);
    }
}

// Streams 1 and 5 have been answered, 7 is being answered and 9 has been before its body came.
static void put_streams(struct buf *b) {
    buf_put(b, SPAN(PREFACE));
    put_request(b, 1);
    put_request(b, 5);
    put_frame(b, NGHTTP2_HEADERS, 5, 7,
              SPAN("\x82\x87\x05\x08/nothing\x01\x09"
                   "a.example"));
    put_frame(b, NGHTTP2_HEADERS, 4, 9,
              SPAN("\x83\x87\x05\x06/early\x01\x09"
                   "a.example"));
}

// RFC 9113, 5.1, 5.1.1 and 6.3: the library forgets streams that are closed, and PRIORITY.
static void test_frames_that_may_not_follow(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint8_t type, flags;
        uint32_t id;
        struct span payload;
        uint32_t code;
    } rows[] = {
        {"DATA after the end", NGHTTP2_DATA, 1, 1, SPAN_INIT("x"), NGHTTP2_STREAM_CLOSED},
        {"a head after the end", NGHTTP2_HEADERS, 5, 5, SPAN_INIT(HEAD), NGHTTP2_STREAM_CLOSED},
        {"DATA after the request's end", NGHTTP2_DATA, 1, 7, SPAN_INIT("x"), NGHTTP2_STREAM_CLOSED},
        {"DATA that was on its way when we ended the stream", NGHTTP2_DATA, 0, 9, SPAN_INIT("x"),
         0},
        {"trailers that were", NGHTTP2_HEADERS, 5, 9, SPAN_INIT("\0\1t\1v"), 0},
        {"WINDOW_UPDATE after the end", NGHTTP2_WINDOW_UPDATE, 0, 1, SPAN_INIT("\0\0\0\1"), 0},
        {"RST_STREAM after the end", NGHTTP2_RST_STREAM, 0, 1, SPAN_INIT("\0\0\0\x08"), 0},
        {"a stream that was passed over", NGHTTP2_HEADERS, 5, 3, SPAN_INIT(HEAD),
         NGHTTP2_PROTOCOL_ERROR},
        {"the next stream", NGHTTP2_HEADERS, 5, 11, SPAN_INIT(HEAD), 0},
        {"one far ahead", NGHTTP2_HEADERS, 5, 100001, SPAN_INIT(HEAD), 0},
        {"PRIORITY of the connection", NGHTTP2_PRIORITY, 0, 0, SPAN_INIT("\0\0\0\1\0"),
         NGHTTP2_PROTOCOL_ERROR},
        {"PRIORITY of a stream that depends on itself", NGHTTP2_PRIORITY, 0, 7,
         SPAN_INIT("\x80\0\0\7\0"), NGHTTP2_PROTOCOL_ERROR},
        {"PRIORITY of another", NGHTTP2_PRIORITY, 0, 7, SPAN_INIT("\x80\0\0\1\0"), 0},
        {"PRIORITY that is too short", NGHTTP2_PRIORITY, 0, 7, SPAN_INIT("\0\0\0\7"),
         NGHTTP2_FRAME_SIZE_ERROR},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        size_t row = i / 2, step = i % 2 == 0 ? SIZE_MAX : 1;
        struct world w;
        struct buf b;
        print_message("  %s\n", rows[row].name);
        world_init(&w);
        buf_init(&b, 1u << 20);
        put_streams(&b);
        feed(&w, buf_span(&b));
        assert_int_equal(w.requests, 4);
        buf_take(&b, buf_len(&b));
        put_frame(&b, rows[row].type, rows[row].flags, rows[row].id, rows[row].payload);
        for (struct span rest = buf_span(&b); rest.n > 0; rest = span_skip(rest, step)) {
            feed(&w, span_first(rest, step));
        }
        assert_int_equal(outcome_of(&w).goaway_code, rows[row].code);
        buf_fini(&b);
        world_fini(&w);
    }
}

// What was on its way when a stream ended is little.
static void test_late_frames_are_counted(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint8_t type;
        uint32_t id;
        struct span payload;
    } rows[] = {
        {"DATA", NGHTTP2_DATA, 9, SPAN_INIT("x")},
        {"WINDOW_UPDATE", NGHTTP2_WINDOW_UPDATE, 1, SPAN_INIT("\0\0\0\1")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct buf b;
        print_message("  %s\n", rows[i].name);
        world_init(&w);
        buf_init(&b, 1u << 20);
        put_streams(&b);
        feed(&w, buf_span(&b));
        buf_take(&b, buf_len(&b));
        put_frame(&b, rows[i].type, 0, rows[i].id, rows[i].payload);
        int n = 0;
        while (n < 1000 && feed(&w, buf_span(&b)) != STEP_BAD) {
            n++;
        }
        turn(&w);
        assert_in_range(n, 100, 300);
        assert_int_equal(outcome_of(&w).goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
        buf_fini(&b);
        world_fini(&w);
    }
}

static void test_not_http2(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    assert_int_equal(feed(&w, SPAN("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")), STEP_BAD);
    assert_int_equal(front_phase(&w.h.front), FRONT_CLOSING);
    world_fini(&w);
}

// ---- every split ----

static void split_begin(void *self) {
    struct world *w = self;
    world_init(w);
    w->hides_done = true;
}

static void split_piece(void *self, struct span piece, struct buf *transcript) {
    struct world *w = self;
    feed(w, piece);
    (void)transcript;
}

static void split_end(void *self, struct buf *transcript) {
    struct world *w = self;
    struct outcome o = outcome_of(w);
    assert_int_equal(buf_put(transcript, buf_span(&w->events)), 0);
    split_line(transcript, "resets %u goaways %u phase %d\n", o.resets, o.goaways,
               (int)front_phase(&w->h.front));
    world_fini(w);
}

static void test_every_split(void **state) {
    (void)state;
    struct world w;
    struct split split = {split_begin, split_piece, split_end, &w};
    struct buf b, whole;
    buf_init(&b, 1u << 20);
    buf_put(&b, SPAN(PREFACE));
    put_request(&b, 1);
    put_frame(&b, NGHTTP2_HEADERS, 4, 3,
              SPAN("\x83\x87\x05\x05/echo\x01\x09"
                   "a.example"));
    put_frame(&b, NGHTTP2_DATA, 8, 3, SPAN("\3one\0\0\0"));
    put_frame(&b, NGHTTP2_PING, 0, 0, SPAN("12345678"));
    put_frame(&b, NGHTTP2_DATA, 1, 3, SPAN(" two"));
    // A block in three frames, with a cookie in two crumbs (static table: 32 is cookie).
    put_frame(&b, NGHTTP2_HEADERS, 1, 5, SPAN("\x82\x87\x84"));
    put_frame(&b, NGHTTP2_CONTINUATION, 0, 5,
              SPAN("\x01\x09"
                   "a.exa"));
    put_frame(&b, NGHTTP2_CONTINUATION, 4, 5, SPAN("mple\x0f\x11\3a=1\x0f\x11\3b=2"));
    put_frame(&b, NGHTTP2_HEADERS, 4, 7,
              SPAN("\x83\x87\x05\x05/echo\x01\x09"
                   "a.example"));
    put_frame(&b, NGHTTP2_DATA, 0, 7, SPAN("three"));
    put_frame(&b, NGHTTP2_HEADERS, 5, 7, SPAN("\0\1t\1v"));
    put_frame(&b, NGHTTP2_GOAWAY, 0, 0, SPAN("\0\0\0\0\0\0\0\0"));
    split_check(&split, buf_span(&b), &whole);
    expect(&whole, "request 1 GET /\nend 1\n"
                   "request 3 POST /echo\nbody 3:one two\nend 3\n"
                   "request 5 GET / [cookie: a=1; b=2]\nend 5\n"
                   "request 7 POST /echo\nbody 7:three\nend 7\n"
                   "resets 0 goaways 0 phase 3\n");
    buf_fini(&whole);
    buf_fini(&b);
}

// After a pause that used up the input the library must be called again: the end of the body must
// come with the read that brought it.
static void test_body_end_comes_in_the_same_read(void **state) {
    (void)state;
    struct world w;
    struct buf b;
    buf_init(&b, 1u << 20);
    world_init(&w);
    buf_put(&b, SPAN(PREFACE));
    put_frame(&b, NGHTTP2_HEADERS, 4, 1,
              SPAN("\x83\x87\x05\x05/echo\x01\x09"
                   "a.example"));
    put_frame(&b, NGHTTP2_DATA, 1, 1, SPAN("ping"));
    feed(&w, buf_span(&b));
    assert_true(has(&w.events, "end 1\n"));
    assert_true(has(&w.events, "done 1\n"));
    buf_fini(&b);
    world_fini(&w);
}

// One CONTINUATION with a block byte by byte, also its frame header (nghttp2 1.52 counts reads).
static void test_continuation_byte_by_byte(void **state) {
    (void)state;
    struct world w;
    struct buf b;
    buf_init(&b, 1u << 20);
    world_init(&w);
    buf_put(&b, SPAN(PREFACE));
    put_frame(&b, NGHTTP2_HEADERS, 1, 1, SPAN("\x82\x87\x84"));
    put_frame(&b, NGHTTP2_CONTINUATION, 0, 1, SPAN("\x01\x09"));
    put_frame(&b, NGHTTP2_CONTINUATION, 0, 1, SPAN("a."));
    put_frame(&b, NGHTTP2_CONTINUATION, 4, 1, SPAN("example"));
    for (size_t i = 0; i < buf_len(&b); i++) {
        assert_int_equal(feed(&w, span_of(buf_span(&b).p + i, 1)), STEP_MORE);
    }
    assert_true(has(&w.events, "done 1\n"));
    buf_fini(&b);
    world_fini(&w);
}

// Streams, arenas and queues come back from the pool.
static void test_pool_is_reused(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    client_init(&w, NULL, 0);
    for (int i = 0; i < 1000; i++) {
        client_request(&w, "GET", "/", NULL);
        talk(&w, SIZE_MAX / 2);
    }
    assert_int_equal(w.answers, 1000);
    assert_int_equal(w.pool.stream_count, 1);
    assert_int_equal(w.pool.block_count, 1);
    h2_pool_trim(&w.pool);
    assert_int_equal(w.pool.stream_count, 0);
    client_request(&w, "GET", "/", NULL);
    talk(&w, SIZE_MAX / 2);
    assert_int_equal(w.answers, 1001);
    world_fini(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialogues),
        cmocka_unit_test(test_refused_without_event),
        cmocka_unit_test(test_refused_with_its_status),
        cmocka_unit_test(test_expectations),
        cmocka_unit_test(test_large_answer_through_small_windows),
        cmocka_unit_test(test_upload_waits_for_consumed),
        cmocka_unit_test(test_a_collected_upload_has_a_wide_window),
        cmocka_unit_test(test_early_answer_stops_the_upload),
        cmocka_unit_test(test_shutdown_finishes_what_is_under_way),
        cmocka_unit_test(test_shutdown_of_an_idle_connection),
        cmocka_unit_test(test_a_second_shutdown_names_the_last_request),
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_pushes_refused),
        cmocka_unit_test(test_push_needs_an_open_parent),
        cmocka_unit_test(test_push_whose_page_is_reset_before_the_promise_leaves),
        cmocka_unit_test(test_push_reset_by_the_client_ends_the_push_alone),
        cmocka_unit_test(test_heads_that_may_not_be_sent),
        cmocka_unit_test(test_as_many_fields_as_a_head_may_have),
        cmocka_unit_test(test_no_interim_after_the_head),
        cmocka_unit_test(test_floods_end_the_connection),
        cmocka_unit_test(test_floods_of_streams_leave_a_shared_connection),
        cmocka_unit_test(test_ordinary_use_is_no_flood),
        cmocka_unit_test(test_reset_in_the_same_read_is_no_request),
        cmocka_unit_test(test_peer_that_does_not_read),
        cmocka_unit_test(test_header_block_limits),
        cmocka_unit_test(test_stream_errors),
        cmocka_unit_test(test_phase_of_a_head),
        cmocka_unit_test(test_frames_that_may_not_follow),
        cmocka_unit_test(test_late_frames_are_counted),
        cmocka_unit_test(test_not_http2),
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_body_end_comes_in_the_same_read),
        cmocka_unit_test(test_continuation_byte_by_byte),
        cmocka_unit_test(test_pool_is_reused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
