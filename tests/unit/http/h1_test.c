// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "http/h1.h"
#include "support/split.h"

#include <stdio.h>
#include <stdlib.h>

#define HOST "Host: localhost\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define LAST "GET /2 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
#define POST "POST /p HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

// A server that answers every request with 200 and "ok" when its body is complete.
struct server {
    struct h1_conf conf;
    struct h1 h;
    bool answers_early; // at the head already
    bool is_bad;
};

static void answer(struct front *f, struct front_stream *s) {
    struct pair v[] = {{SPAN("Content-Length"), SPAN("2")}};
    struct response r = {.status = 200, .fields = {v, 1, 1}};
    assert_int_equal(front_head(f, s, &r, false), 0);
    assert_int_equal(front_body(f, s, SPAN("ok")), 0);
    front_finish(f, s);
}

static void tell_request(const struct request *r, struct buf *t) {
    split_line(t, "request:%.*s %.*s %.*s", SPAN_ARG(r->method), SPAN_ARG(r->authority),
               SPAN_ARG(r->path));
    if (r->query.p != NULL) {
        split_line(t, "?%.*s", SPAN_ARG(r->query));
    }
    split_line(t, " %lld\n", (long long)r->body_len);
    for (size_t i = 0; i < r->fields.n; i++) {
        split_line(t, "field:%.*s=%.*s\n", SPAN_ARG(r->fields.v[i].name),
                   SPAN_ARG(r->fields.v[i].value));
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
    switch (e->kind) {
    case FRONT_REQUEST:
        tell_request(&e->stream->request, t);
        if (s->answers_early) {
            answer(f, e->stream);
        }
        break;
    case FRONT_BODY:
        split_data(t, "body", e->body);
        front_consumed(f, e->stream, e->body.n);
        break;
    case FRONT_BODY_END:
        split_line(t, "end\n");
        answer(f, e->stream);
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

static void pump(struct server *s, struct buf *t) {
    struct front_event e;
    enum step step;
    while ((step = front_next(&s->h.front, &e)) == STEP_ITEM) {
        tell_output(&s->h.front, t); // a 100 is written before the body is told
        act(s, &e, t);
        tell_output(&s->h.front, t);
    }
    tell_output(&s->h.front, t);
    if (step == STEP_BAD && !s->is_bad) {
        s->is_bad = true;
        split_line(t, "bad:%d\n", front_feed(&s->h.front, SPAN("")));
        assert_true(s->h.why[0] != 0);
    }
}

static void begin(void *self) {
    struct server *s = self;
    s->is_bad = false;
    assert_int_equal(h1_init(&s->h, &s->conf), 0);
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct server *s = self;
    if (front_feed(&s->h.front, bytes) == 0) {
        pump(s, t);
        pump(s, t); // as conn does after writing
    }
}

static void end(void *self, struct buf *t) {
    struct server *s = self;
    split_line(t, "phase:%d\n", front_phase(&s->h.front));
    front_fini(&s->h.front);
    front_fini(&s->h.front);
}

static struct server server_of_defaults(void) {
    struct server s = {.is_bad = false};
    h1_conf_init(&s.conf);
    return s;
}

// The transcript of an input, the same for every cut of it.
static struct buf run(struct server *s, struct span input) {
    struct buf t;
    struct split split = {begin, piece, end, s};
    if (input.n <= 1500) {
        split_check(&split, input, &t);
        return t;
    }
    for (size_t cut = 1; cut < input.n; cut += input.n / 7 + 1) {
        assert_true(split_same(&split, input, cut));
    }
    buf_init(&t, 16u << 20);
    begin(s);
    piece(s, input, &t);
    end(s, &t);
    return t;
}

// The statuses in a transcript, joined by "/", and "close" when the connection ends.
static void summarise(struct span t, char *out, size_t n) {
    struct span mark = SPAN("HTTP/1.1 ");
    size_t used = 0;
    bool is_closing = span_has_suffix(t, SPAN("phase:3\n"));
    out[0] = 0;
    for (size_t at; (at = span_find(t, mark)) < t.n && used + 5 < n;) {
        t = span_skip(t, at + mark.n);
        used += (size_t)snprintf(out + used, n - used, "%s%.3s", used > 0 ? "/" : "",
                                 (const char *)t.p);
    }
    snprintf(out + used, n - used, "%s", is_closing ? " close" : "");
}

struct matrix_row {
    const char *name, *input, *expected;
};

// reliability.md 2.3, the strict column of every row; then more of the same kind.
static const struct matrix_row matrix[] = {
    {"a request", GET "\r\n", "200"},
    {"two pipelined requests", GET "\r\n" LAST, "200/200 close"},
    {"bare LF line ends", "GET / HTTP/1.1\nHost: localhost\n\n", "400 close"},
    {"a bare LF behind a field", GET "A: b\n\r\n", "400 close"},
    {"a bare CR in a value", GET "A: b\rc\r\n\r\n", "400 close"},
    {"a space before the colon", GET "A : b\r\n\r\n", "400 close"},
    {"a leading space in the first field", "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
     "400 close"},
    {"obs-fold", GET "A: b\r\n c\r\n\r\n", "400 close"},
    {"a field without colon", GET "AAA\r\n\r\n", "400 close"},
    {"an empty name", GET ": b\r\n\r\n", "400 close"},
    {"no Host", "GET / HTTP/1.1\r\n\r\n", "400 close"},
    {"no Host in 1.0", "GET / HTTP/1.0\r\n\r\n", "200 close"},
    {"two Host", GET HOST "\r\n", "400 close"},
    {"Host with user information", "GET / HTTP/1.1\r\nHost: a@localhost\r\n\r\n", "400 close"},
    {"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "400 close"},
    {"absolute-form, same Host", "GET http://LOCALHOST:80/a HTTP/1.1\r\n" HOST "\r\n", "200"},
    {"absolute-form, other scheme", "GET https://localhost/ HTTP/1.1\r\n" HOST "\r\n", "400 close"},
    {"absolute-form without Host", "GET http://localhost/ HTTP/1.1\r\n\r\n", "400 close"},
    {"authority-form", "GET localhost:80 HTTP/1.1\r\n" HOST "\r\n", "400 close"},
    {"CONNECT", "CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n", "405 close"},
    {"TRACE", "TRACE / HTTP/1.1\r\n" HOST "\r\n", "405 close"},
    {"a method in lower case", "get / HTTP/1.1\r\n" HOST "\r\n", "405 close"},
    {"a method that is no token", "G(T / HTTP/1.1\r\n" HOST "\r\n", "400 close"},
    {"a method of one's own", "PURGE / HTTP/1.1\r\n" HOST "\r\n", "200"},
    {"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "200"},
    {"GET *", "GET * HTTP/1.1\r\n" HOST "\r\n", "400 close"},
    {"# in the target", "GET /#a HTTP/1.1\r\n" HOST "\r\n", "400 close"},
    {"a raw DEL in the target", "GET /a\x7f HTTP/1.1\r\n" HOST "\r\n", "400 close"},
    {"an encoded NUL in the target", "GET /a%00 HTTP/1.1\r\n" HOST "\r\n", "400 close"},
    {"a tab-separated request line", "GET\t/\tHTTP/1.1\r\n" HOST "\r\n", "400 close"},
    {"two spaces in the request line", "GET  / HTTP/1.1\r\n" HOST "\r\n", "400 close"},
    {"a space in the target", "GET /a b HTTP/1.1\r\n" HOST "\r\n", "400 close"},
    {"a space behind the version", "GET / HTTP/1.1 \r\n" HOST "\r\n", "400 close"},
    {"%00 in the path", "GET /a%00 HTTP/1.1\r\n" HOST "\r\n", "400 close"},
    {"/../ above the root", "GET /../a HTTP/1.1\r\n" HOST "\r\n", "400 close"},
    {"%2e%2e%2f above the root", "GET /%2e%2e%2fa HTTP/1.1\r\n" HOST "\r\n", "400 close"},
    {"HTTP/1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", "505 close"},
    {"HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 close"},
    {"HTTP/0.9", "GET /\r\n", "400 close"},
    {"a bad preface of HTTP/2 is not answered", "INVALID CONNECTION PREFACE\r\n\r\n", " close"},
    {"a version in lower case", "GET / http/1.1\r\n" HOST "\r\n", "400 close"},
    {"no HTTP at all", "\x16\x03\x01\x02", "400 close"},
    {"one empty line before", "\r\n" GET "\r\n", "200"},
    {"two empty lines before", "\r\n\r\n" GET "\r\n", "400 close"},
    {"CL + TE", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" LAST,
     "400 close"},
    {"two CL, different", POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!" LAST,
     "400 close"},
    {"two CL, same", POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" LAST, "400 close"},
    {"a list of CL", POST "Content-Length: 5, 5\r\n\r\nhello" LAST, "400 close"},
    {"CL empty", POST "Content-Length: \r\n\r\n" LAST, "400 close"},
    {"CL +5", POST "Content-Length: +5\r\n\r\nhello" LAST, "400 close"},
    {"CL -1", POST "Content-Length: -1\r\n\r\n" LAST, "400 close"},
    {"CL 2^64+5", POST "Content-Length: 18446744073709551621\r\n\r\nhello" LAST, "400 close"},
    {"CL hexadecimal", POST "Content-Length: 0x5\r\n\r\nhello" LAST, "400 close"},
    {"TE xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" LAST, "501 close"},
    {"TE chunked, identity", POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
     "501 close"},
    {"TE gzip, chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501 close"},
    {"TE chunked, chunked", POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
     "400 close"},
    {"TE with a comma", POST "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", "400 close"},
    {"TE empty", POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n" LAST, "400 close"},
    {"a body that does not come", CHUNKED, ""},
    {"TE in two fields", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     "400 close"},
    {"TE on HTTP/1.0",
     "POST / HTTP/1.0\r\n" HOST
     "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "400 close"},
    {"a chunked body", CHUNKED "5\r\nhello\r\n0\r\n\r\n" LAST, "200/200 close"},
    {"an extension", CHUNKED "5;a=\"b\"\r\nhello\r\n0;x\r\n\r\n" LAST, "200/200 close"},
    {"a trailer", CHUNKED "0\r\nX-Sum: 1\r\n\r\n" LAST, "200/200 close"},
    {"chunk size ended by LF", CHUNKED "5\nhello\r\n0\r\n\r\n" LAST, "400 close"},
    {"LF in a chunk extension", CHUNKED "5;a\nb\r\nhello\r\n0\r\n\r\n" LAST, "400 close"},
    {"CR in a chunk extension", CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n" LAST, "400 close"},
    {"chunk data without CRLF", CHUNKED "5\r\nhello0\r\n\r\n" LAST, "400 close"},
    {"chunk data ended by LF", CHUNKED "5\r\nhello\n0\r\n\r\n" LAST, "400 close"},
    {"a space behind the chunk size", CHUNKED "5 \r\nhello\r\n0\r\n\r\n" LAST, "400 close"},
    {"a chunk size 0x5", CHUNKED "0x5\r\nhello\r\n0\r\n\r\n" LAST, "400 close"},
    {"a signed chunk size", CHUNKED "+5\r\nhello\r\n0\r\n\r\n" LAST, "400 close"},
    {"an empty chunk size", CHUNKED "\r\nhello\r\n0\r\n\r\n" LAST, "400 close"},
    {"a chunk size beyond 64 bits", CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n", "400 close"},
    {"a chunk size beyond 63 bits", CHUNKED "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "400 close"},
    {"trailer Content-Length", CHUNKED "0\r\nContent-Length: 5\r\n\r\n" LAST, "400 close"},
    {"trailer Transfer-Encoding", CHUNKED "0\r\ntransfer-encoding: x\r\n\r\n" LAST, "400 close"},
    {"a bad trailer", CHUNKED "0\r\nX Y: 1\r\n\r\n" LAST, "400 close"},
    {"the end ended by LF", CHUNKED "0\r\n\n" LAST, "400 close"},
    {"a body on GET is consumed exactly", GET "Content-Length: 3\r\n\r\nabc" LAST, "200/200 close"},
    {"Expect: 100-continue", POST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nab", "100/200"},
    {"Expect without body", POST "Expect: 100-continue\r\n\r\n", "200"},
    {"another expectation", POST "Expect: 200-ok\r\nContent-Length: 2\r\n\r\nab", "417 close"},
    {"Expect in 1.0", "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
     "200 close"},
    {"a WebSocket", GET "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
     "501 close"},
    {"a WebSocket that no Connection names", GET "Upgrade: websocket\r\n\r\n", "200"},
    {"Upgrade: h2c is ignored",
     GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
     "200"},
    {"1.0 closes", "GET / HTTP/1.0\r\n\r\n" LAST, "200 close"},
    {"1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" LAST,
     "200/200 close"},
    {"close goes before keep-alive", GET "Connection: keep-alive, close\r\n\r\n" LAST, "200 close"},
};

static void every_doubt_about_framing_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof matrix / sizeof *matrix; i++) {
        struct server s = server_of_defaults();
        struct buf t = run(&s, span_str(matrix[i].input));
        char got[64];
        summarise(buf_span(&t), got, sizeof got);

        if (strcmp(got, matrix[i].expected) != 0) {
            fail_msg("%s: %s\n%.*s", matrix[i].name, got, SPAN_ARG(buf_span(&t)));
        }
        buf_fini(&t);
    }
}

// RFC 9110, 15.5.6
static void a_method_that_is_refused_is_told_those_that_are_not(void **state) {
    (void)state;
    static const char *const methods[] = {"TRACE / HTTP/1.1\r\n" HOST "\r\n",
                                          "CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n",
                                          "get / HTTP/1.1\r\n" HOST "\r\n"};
    for (size_t i = 0; i < 3; i++) {
        struct server s = server_of_defaults();
        struct buf t = run(&s, span_str(methods[i]));
        struct span seen = buf_span(&t);
        assert_true(span_find(seen, SPAN("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")) <
                    seen.n);
        buf_fini(&t);
    }
}

static void a_nul_is_refused_wherever_it_stands(void **state) {
    (void)state;
    struct span good = SPAN("GET /a HTTP/1.1\r\nHost: localhost\r\nA: bc\r\n\r\n");
    for (size_t at = 0; at < good.n; at++) {
        uint8_t text[64];
        struct server s = server_of_defaults();
        memcpy(text, good.p, good.n);
        text[at] = 0;
        struct buf t = run(&s, span_of(text, good.n));
        if (span_find(buf_span(&t), SPAN("request:")) < buf_len(&t)) {
            fail_msg("a NUL at %zu is accepted", at);
        }
        buf_fini(&t);
    }
}

struct size_row {
    const char *name, *before, *behind, *expected;
    size_t fill; // bytes between
    const char *unit;
};

static void sizes_are_bounded(void **state) {
    (void)state;
    static const struct size_row rows[] = {
        {"a target of 8000 bytes", "GET /", " HTTP/1.1\r\n" HOST "\r\n", "200", 8000, "a"},
        {"a target of 10 KB", "GET /", " HTTP/1.1\r\n" HOST "\r\n", "414 close", 10240, "a"},
        {"a target without end", "GET /", "", "414 close", 10240, "a"},
        {"a field of 8000 bytes", GET "A: ", "\r\n\r\n", "200", 8000, "a"},
        {"a field of 9000 bytes", GET "A: ", "\r\n\r\n", "431 close", 9000, "a"},
        {"a field without end", GET "A: ", "", "431 close", 9000, "a"},
        {"99 fields and Host", GET, "\r\n", "200", 99, "A: b\r\n"},
        {"120 fields", GET, "\r\n", "431 close", 120, "A: b\r\n"},
        {"40 KB of fields", GET, "\r\n", "431 close", 90,
         "A: "
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "\r\n"},
        {"an extension of 1000 bytes", CHUNKED "1;", "\r\nx\r\n0\r\n\r\n", "200", 1000, "a"},
        {"an extension of 20 KB", CHUNKED "1;", "\r\nx\r\n0\r\n\r\n", "400 close", 20480, "a"},
        {"many extensions", CHUNKED, "0\r\n\r\n", "400 close", 2000, "1;abcdefgh\r\nx\r\n"},
        {"many tiny chunks", CHUNKED, "0\r\n\r\n", "400 close", 25000, "1\r\nx\r\n"},
        {"some tiny chunks", CHUNKED, "0\r\n\r\n", "200", 5000, "1\r\nx\r\n"},
        {"trailers of 9 KB", CHUNKED "0\r\n", "\r\n", "400 close", 1000, "A: bcdef\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct server s = server_of_defaults();
        struct buf in, out;
        char got[64];
        buf_init(&in, 1u << 20);
        buf_put(&in, span_str(rows[i].before));
        for (size_t n = 0; n < rows[i].fill; n++) {
            buf_put(&in, span_str(rows[i].unit));
        }
        buf_put(&in, span_str(rows[i].behind));
        out = run(&s, buf_span(&in));
        summarise(buf_span(&out), got, sizeof got);
        if (strcmp(got, rows[i].expected) != 0) {
            fail_msg("%s: %s", rows[i].name, got);
        }
        buf_fini(&in);
        buf_fini(&out);
    }
}

static void a_request_is_told_completely(void **state) {
    (void)state;
    struct server s = server_of_defaults();
    struct buf t = run(&s, SPAN("POST /a%20b/../c?x=%20 HTTP/1.1\r\nHOST: Example.ORG:8080\r\n"
                                "Cookie: a=1\r\nX:\t v \t\r\ncookie: b=2\r\n"
                                "Content-Length: 5\r\n\r\nhello"));
    assert_true(
        span_eq(buf_span(&t), SPAN("request:POST example.org:8080 /c?x=%20 5\n"
                                   "field:HOST=Example.ORG:8080\nfield:Cookie=a=1; b=2\nfield:X=v\n"
                                   "field:Content-Length=5\nbody:hello\nend\n"
                                   "out:HTTP/1.1 200 OK\r\\nContent-Length: 2\r\\n\r\\nok\ndone\n"
                                   "phase:0\n")));
    buf_fini(&t);
}

static void a_bad_chunk_resets_the_request_and_is_answered(void **state) {
    (void)state;
    struct server s = server_of_defaults();
    struct buf t = run(&s, SPAN(CHUNKED "3\r\nabc\r\nx"));
    char expected[32];
    snprintf(expected, sizeof expected, "reset:%d\n", ERR_REQUEST_FRAMING);
    assert_true(span_find(buf_span(&t), SPAN("body:abc\n")) < buf_len(&t));
    assert_true(span_find(buf_span(&t), span_str(expected)) < buf_len(&t));
    assert_true(span_find(buf_span(&t), SPAN("HTTP/1.1 400 Bad Request\r\\n")) < buf_len(&t));
    buf_fini(&t);
}

static void a_body_nobody_reads_is_skipped_or_ends_the_connection(void **state) {
    (void)state;
    static const struct matrix_row rows[] = {
        {"a short body is skipped", POST "Content-Length: 5\r\n\r\nhello" LAST, "200/200 close"},
        {"chunks are skipped", CHUNKED "5\r\nhello\r\n0\r\n\r\n" LAST, "200/200 close"},
        {"bad chunks are not answered", CHUNKED "5\r\nhelloX" LAST, "200 close"},
        {"a long body is not awaited", POST "Content-Length: 99999\r\n\r\nhello", "200 close"},
        {"a body that waits for 100 is not awaited",
         POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", "200 close"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct server s = server_of_defaults();
        s.answers_early = true;
        struct buf t = run(&s, span_str(rows[i].input));
        char got[64];
        summarise(buf_span(&t), got, sizeof got);
        if (strcmp(got, rows[i].expected) != 0) {
            fail_msg("%s: %s\n%.*s", rows[i].name, got, SPAN_ARG(buf_span(&t)));
        }
        buf_fini(&t);
    }
}

static void skipping_has_an_end(void **state) {
    (void)state;
    struct server s = server_of_defaults();
    struct buf in, t;
    buf_init(&in, 1u << 20);
    s.answers_early = true;
    buf_put(&in, SPAN(CHUNKED));
    for (int i = 0; i < 100; i++) {
        buf_put(&in, SPAN("400\r\n"));
        memset(buf_reserve(&in, 1024), 'x', 1024);
        buf_wrote(&in, 1024);
        buf_put(&in, SPAN("\r\n"));
    }
    t = run(&s, buf_span(&in));
    char got[64];
    summarise(buf_span(&t), got, sizeof got);
    assert_string_equal(got, "200 close");
    buf_fini(&in);
    buf_fini(&t);
}

// ---- responses ----------------------------------------------------------------------------------

// A connection with one request told.
struct one {
    struct h1_conf conf;
    struct h1 h;
    struct front *f;
    struct front_stream *s;
};

static int64_t clock_of_1994 = 784111777;

static void ask(struct one *o, const char *request) {
    struct front_event e;
    h1_conf_init(&o->conf);
    o->conf.unix_time = &clock_of_1994;
    h1_init(&o->h, &o->conf);
    o->f = &o->h.front;
    front_feed(o->f, span_str(request));
    assert_int_equal(front_next(o->f, &e), STEP_ITEM);
    assert_int_equal(e.kind, FRONT_REQUEST);
    o->s = e.stream;
}

static void expect_output(struct one *o, const char *expected) {
    struct span out = front_output(o->f);
    if (!span_eq(out, span_str(expected))) {
        fail_msg("%.*s", SPAN_ARG(out));
    }
    front_sent(o->f, out.n);
}

static enum front_event_kind next_kind(struct one *o) {
    struct front_event e;
    assert_int_equal(front_next(o->f, &e), STEP_ITEM);
    return e.kind;
}

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

struct answer_row {
    const char *name, *request;
    int status;
    struct {
        const char *name, *value;
    } field;
    bool end;
    const char *body; // put in two halves
    const char *output;
};

static void responses_are_framed_by_the_request_and_the_status(void **state) {
    (void)state;
    static const struct answer_row rows[] = {
        {"a length",
         GET "\r\n",
         200,
         {"content-length", "4"},
         false,
         "abcd",
         "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 4\r\n\r\nabcd"},
        {"bytes beyond the length are cut",
         GET "\r\n",
         200,
         {"Content-Length", "3"},
         false,
         "abcd",
         "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 3\r\n\r\nabc"},
        {"no length",
         GET "\r\n",
         404,
         {"A", "b"},
         false,
         "abcd",
         "HTTP/1.1 404 Not Found\r\nA: b\r\n" DATE
         "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"},
        {"no length to 1.0",
         "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
         200,
         {"A", "b"},
         false,
         "abcd",
         "HTTP/1.1 200 OK\r\nA: b\r\n" DATE "Connection: close\r\n\r\nabcd"},
        {"a length to 1.0",
         "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
         200,
         {"Content-Length", "4"},
         false,
         "abcd",
         "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 4\r\nConnection: keep-alive\r\n\r\nabcd"},
        {"HEAD",
         "HEAD / HTTP/1.1\r\n" HOST "\r\n",
         200,
         {"Content-Length", "4"},
         false,
         "abcd",
         "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 4\r\n\r\n"},
        {"HEAD without length",
         "HEAD / HTTP/1.1\r\n" HOST "\r\n",
         200,
         {"A", "b"},
         true,
         "",
         "HTTP/1.1 200 OK\r\nA: b\r\n" DATE "\r\n"},
        {"204",
         GET "\r\n",
         204,
         {"Content-Length", "4"},
         false,
         "abcd",
         "HTTP/1.1 204 No Content\r\n" DATE "\r\n"},
        {"205",
         GET "\r\n",
         205,
         {"Content-Length", "4"},
         false,
         "abcd",
         "HTTP/1.1 205 Reset Content\r\n" DATE "Content-Length: 0\r\n\r\n"},
        {"304",
         GET "\r\n",
         304,
         {"Content-Length", "4"},
         false,
         "abcd",
         "HTTP/1.1 304 Not Modified\r\n" DATE "Content-Length: 4\r\n\r\n"},
        {"the end with the head",
         GET "\r\n",
         302,
         {"Location", "/"},
         true,
         "",
         "HTTP/1.1 302 Found\r\nLocation: /\r\n" DATE "Content-Length: 0\r\n\r\n"},
        {"its own date",
         GET "\r\n",
         200,
         {"date", "today"},
         true,
         "",
         "HTTP/1.1 200 OK\r\ndate: today\r\nContent-Length: 0\r\n\r\n"},
        {"a status without words",
         GET "\r\n",
         299,
         {"A", ""},
         true,
         "",
         "HTTP/1.1 299 \r\nA: \r\n" DATE "Content-Length: 0\r\n\r\n"},
        {"the client closes",
         GET "Connection: close\r\n\r\n",
         200,
         {"A", "b"},
         true,
         "",
         "HTTP/1.1 200 OK\r\nA: b\r\n" DATE "Content-Length: 0\r\nConnection: close\r\n\r\n"},
        {"connection-specific fields go no further",
         GET "\r\n",
         200,
         {"Transfer-Encoding", "x"},
         true,
         "",
         "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 0\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct one o;
        struct pair v[] = {{span_str(rows[i].field.name), span_str(rows[i].field.value)}};
        struct response r = {.status = rows[i].status, .fields = {v, 1, 1}};
        struct span body = span_str(rows[i].body);
        ask(&o, rows[i].request);
        assert_int_equal(front_head(o.f, o.s, &r, rows[i].end), 0);
        assert_int_equal(front_body(o.f, o.s, span_first(body, body.n / 2)), 0);
        assert_int_equal(front_body(o.f, o.s, span_skip(body, body.n / 2)), 0);
        front_finish(o.f, o.s);
        struct span out = front_output(o.f);
        if (!span_eq(out, span_str(rows[i].output))) {
            fail_msg("%s:\n%.*s", rows[i].name, SPAN_ARG(out));
        }
        assert_int_equal(next_kind(&o), FRONT_DONE);
        front_fini(o.f);
    }
}

static void what_may_not_be_sent_is_refused_whole(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int status;
        struct pair field;
        const char *reason;
        bool end;
    } rows[] = {
        {"CR LF in a value", 200, {SPAN_INIT("A"), SPAN_INIT("b\r\nc: d")}, "", false},
        {"NUL in a value", 200, {SPAN_INIT("A"), SPAN_INIT("b\0")}, "", false},
        {"a name with a blank", 200, {SPAN_INIT("A b"), SPAN_INIT("c")}, "", false},
        {"an empty name", 200, {SPAN_INIT(""), SPAN_INIT("c")}, "", false},
        {"a length that is none", 200, {SPAN_INIT("Content-Length"), SPAN_INIT("-1")}, "", false},
        {"a length without body", 200, {SPAN_INIT("Content-Length"), SPAN_INIT("5")}, "", true},
        {"LF in the reason", 200, {SPAN_INIT("A"), SPAN_INIT("b")}, "O\nK", false},
        {"an interim status", 103, {SPAN_INIT("A"), SPAN_INIT("b")}, "", false},
        {"a status of two digits", 42, {SPAN_INIT("A"), SPAN_INIT("b")}, "", false},
        {"a status of four digits", 1000, {SPAN_INIT("A"), SPAN_INIT("b")}, "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct one o;
        struct pair v[] = {rows[i].field};
        struct response r = {rows[i].status, span_str(rows[i].reason), {v, 1, 1}};
        ask(&o, GET "\r\n");
        if (front_head(o.f, o.s, &r, rows[i].end) != ERR_SYNTAX || front_output(o.f).n != 0) {
            fail_msg("%s", rows[i].name);
        }
        answer(o.f, o.s); // it can still be answered
        front_fini(o.f);
    }
}

static void hints_go_before_the_head_and_not_to_1_0(void **state) {
    (void)state;
    struct one o;
    struct pair v[] = {{SPAN("Link"), SPAN("</a>; rel=preload")}};
    struct response r = {.status = 103, .fields = {v, 1, 1}};
    ask(&o, GET "\r\n");
    assert_int_equal(front_inform(o.f, o.s, &r), 0);
    expect_output(&o, "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n");
    r.status = 101;
    assert_int_equal(front_inform(o.f, o.s, &r), ERR_SYNTAX);
    answer(o.f, o.s);
    r.status = 103;
    assert_int_equal(front_inform(o.f, o.s, &r), ERR_SYNTAX);
    front_fini(o.f);
    ask(&o, "GET / HTTP/1.0\r\n\r\n");
    assert_int_equal(front_inform(o.f, o.s, &r), 0);
    expect_output(&o, "");
    front_fini(o.f);
}

static void a_response_too_short_closes_the_connection(void **state) {
    (void)state;
    struct one o;
    struct pair v[] = {{SPAN("Content-Length"), SPAN("5")}};
    struct response r = {.status = 200, .fields = {v, 1, 1}};
    struct front_event e;
    ask(&o, GET "\r\n" LAST);
    assert_int_equal(front_head(o.f, o.s, &r, false), 0);
    front_body(o.f, o.s, SPAN("ab"));
    front_finish(o.f, o.s);
    assert_int_equal(front_next(o.f, &e), STEP_ITEM);
    assert_int_equal(e.kind, FRONT_RESET);
    assert_int_equal(e.error, ERR_BACKEND_SHORT);
    front_release(o.f, e.stream);
    assert_int_equal(front_next(o.f, &e), STEP_MORE);
    assert_int_equal(front_phase(o.f), FRONT_CLOSING);
    front_fini(o.f);
}

static void commands_after_a_reset_do_nothing(void **state) {
    (void)state;
    struct one o;
    struct response r = {.status = 200};
    ask(&o, GET "\r\n");
    front_reset(o.f, o.s, ERR_TIMEOUT);
    assert_int_equal(front_head(o.f, o.s, &r, false), 0);
    assert_int_equal(front_body(o.f, o.s, SPAN("x")), 0);
    front_finish(o.f, o.s);
    expect_output(&o, "");
    assert_int_equal(next_kind(&o), FRONT_RESET);
    front_release(o.f, o.s);
    front_fini(o.f);
}

// ---- bounds -------------------------------------------------------------------------------------

static void a_body_that_is_not_consumed_stops_the_reading(void **state) {
    (void)state;
    struct one o;
    struct front_event e;
    static uint8_t piece_bytes[40000];
    size_t told = 0;
    ask(&o, POST "Content-Length: 200000\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        assert_true(front_wants(o.f));
        front_feed(o.f, span_of(piece_bytes, sizeof piece_bytes));
        while (front_next(o.f, &e) == STEP_ITEM) {
            told += e.body.n;
        }
    }
    assert_int_equal(told, 65536);
    assert_false(front_wants(o.f));
    front_consumed(o.f, o.s, told);
    while (front_next(o.f, &e) == STEP_ITEM) {
        told += e.body.n;
    }
    assert_int_equal(told, 80000);
    assert_true(front_wants(o.f));
    front_fini(o.f);
}

static void chunks_that_wait_for_the_window_are_told_when_it_opens(void **state) {
    (void)state;
    struct one o;
    struct front_event e;
    size_t told = 0;
    ask(&o, CHUNKED);
    o.conf.request_window = 3;
    front_feed(o.f, SPAN("1;aaaaaaaaaaaa\r\nx\r\n1\r\ny\r\n5\r\nabcde\r\n0\r\n\r\n"));
    while (front_next(o.f, &e) == STEP_ITEM) {
        assert_int_equal(e.kind, FRONT_BODY);
        told += e.body.n;
    }
    assert_int_equal(told, 3);
    for (int i = 0; i < 9; i++) {
        front_consumed(o.f, o.s, 3);
        while (front_next(o.f, &e) == STEP_ITEM && e.kind == FRONT_BODY) {
            told += e.body.n;
        }
    }
    assert_int_equal(told, 7);
    assert_int_equal(e.kind, FRONT_BODY_END);
    front_fini(o.f);
}

static void room_is_told_when_the_client_has_read(void **state) {
    (void)state;
    struct one o;
    struct front_event e;
    struct response r = {.status = 200};
    static uint8_t bytes[100000];
    ask(&o, GET "\r\n");
    assert_int_equal(next_kind(&o), FRONT_BODY_END);
    assert_int_equal(front_head(o.f, o.s, &r, false), 0);
    assert_true(front_room(o.f, o.s) > 60000);
    assert_int_equal(front_body(o.f, o.s, span_of(bytes, sizeof bytes)), 0);
    assert_int_equal(front_room(o.f, o.s), 0);
    assert_int_equal(front_next(o.f, &e), STEP_MORE);
    assert_int_equal(front_output(o.f).n, 65536);
    front_sent(o.f, 65536);
    assert_int_equal(front_next(o.f, &e), STEP_MORE);
    front_sent(o.f, 10000);
    assert_int_equal(next_kind(&o), FRONT_ROOM);
    assert_int_equal(front_next(o.f, &e), STEP_MORE);
    front_finish(o.f, o.s);
    assert_int_equal(next_kind(&o), FRONT_DONE);
    front_fini(o.f);
}

static void pipelined_requests_wait_for_the_one_under_way(void **state) {
    (void)state;
    struct one o;
    struct front_event e;
    ask(&o, GET "\r\n");
    assert_true(front_wants(o.f)); // so that the client's leaving is seen
    front_feed(o.f, SPAN(LAST));
    assert_int_equal(next_kind(&o), FRONT_BODY_END);
    assert_int_equal(front_next(o.f, &e), STEP_MORE);
    assert_false(front_wants(o.f));
    answer(o.f, o.s);
    assert_int_equal(next_kind(&o), FRONT_DONE);
    front_release(o.f, o.s);
    assert_int_equal(front_next(o.f, &e), STEP_ITEM);
    assert_int_equal(e.kind, FRONT_REQUEST);
    assert_int_equal(e.stream->id, 2);
    assert_null(e.stream->owner);
    front_fini(o.f);
}

static void a_client_that_does_not_read_gets_no_further_request_in(void **state) {
    (void)state;
    struct one o;
    struct front_event e;
    struct response r = {.status = 200};
    static uint8_t bytes[70000];
    ask(&o, GET "\r\n" LAST);
    front_head(o.f, o.s, &r, false);
    front_body(o.f, o.s, span_of(bytes, sizeof bytes));
    front_finish(o.f, o.s);
    assert_int_equal(next_kind(&o), FRONT_DONE);
    front_release(o.f, o.s);
    assert_int_equal(front_next(o.f, &e), STEP_MORE);
    assert_false(front_wants(o.f));
    front_sent(o.f, front_output(o.f).n);
    assert_int_equal(next_kind(&o), FRONT_REQUEST);
    front_fini(o.f);
}

static void input_although_none_was_wanted_has_an_end(void **state) {
    (void)state;
    struct one o;
    struct front_event e;
    static uint8_t bytes[65536];
    int rv = 0;
    ask(&o, GET "\r\n");
    for (int i = 0; i < 20 && rv == 0; i++) {
        rv = front_feed(o.f, span_of(bytes, sizeof bytes));
        while (rv == 0 && front_next(o.f, &e) == STEP_ITEM) {
        }
    }
    assert_int_equal(rv, ERR_BUF_LIMIT);
    front_fini(o.f);
}

static void a_connection_ends_after_its_share_of_requests(void **state) {
    (void)state;
    struct server s = server_of_defaults();
    s.conf.requests = 2;
    struct buf t = run(&s, SPAN(GET "\r\n" GET "\r\n" GET "\r\n"));
    char got[64];
    summarise(buf_span(&t), got, sizeof got);
    assert_string_equal(got, "200/200 close");
    assert_true(span_find(buf_span(&t), SPAN("Connection: close")) < buf_len(&t));
    buf_fini(&t);
}

static void shutting_down_finishes_what_is_under_way(void **state) {
    (void)state;
    struct one o;
    struct front_event e;
    ask(&o, GET "\r\n" LAST);
    front_shutdown(o.f);
    assert_int_equal(front_phase(o.f), FRONT_BUSY);
    answer(o.f, o.s);
    expect_output(&o,
                  "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 2\r\nConnection: close\r\n\r\nok");
    assert_int_equal(next_kind(&o), FRONT_DONE);
    front_release(o.f, o.s);
    assert_int_equal(front_next(o.f, &e), STEP_MORE);
    assert_int_equal(front_phase(o.f), FRONT_CLOSING);
    front_fini(o.f);
    struct h1 idle;
    h1_init(&idle, &o.conf);
    assert_int_equal(front_phase(&idle.front), FRONT_IDLE);
    front_shutdown(&idle.front);
    assert_int_equal(front_phase(&idle.front), FRONT_CLOSING);
    front_fini(&idle.front);
}

static void phases_tell_where_the_connection_stands(void **state) {
    (void)state;
    struct one o;
    struct front_event e;
    ask(&o, GET "\r\nGET");
    assert_int_equal(front_phase(o.f), FRONT_BUSY);
    answer(o.f, o.s);
    assert_int_equal(next_kind(&o), FRONT_DONE);
    front_release(o.f, o.s);
    assert_int_equal(front_next(o.f, &e), STEP_MORE);
    assert_int_equal(front_phase(o.f), FRONT_HEAD);
    assert_int_equal(front_promise(o.f, o.s, &o.s->request, &o.s), ERR_PUSH_REFUSED);
    assert_false(front_can_push(o.f));
    front_fini(o.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_doubt_about_framing_is_refused),
        cmocka_unit_test(a_method_that_is_refused_is_told_those_that_are_not),
        cmocka_unit_test(a_nul_is_refused_wherever_it_stands),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(a_request_is_told_completely),
        cmocka_unit_test(a_bad_chunk_resets_the_request_and_is_answered),
        cmocka_unit_test(a_body_nobody_reads_is_skipped_or_ends_the_connection),
        cmocka_unit_test(skipping_has_an_end),
        cmocka_unit_test(responses_are_framed_by_the_request_and_the_status),
        cmocka_unit_test(what_may_not_be_sent_is_refused_whole),
        cmocka_unit_test(hints_go_before_the_head_and_not_to_1_0),
        cmocka_unit_test(a_response_too_short_closes_the_connection),
        cmocka_unit_test(commands_after_a_reset_do_nothing),
        cmocka_unit_test(a_body_that_is_not_consumed_stops_the_reading),
        cmocka_unit_test(chunks_that_wait_for_the_window_are_told_when_it_opens),
        cmocka_unit_test(room_is_told_when_the_client_has_read),
        cmocka_unit_test(pipelined_requests_wait_for_the_one_under_way),
        cmocka_unit_test(a_client_that_does_not_read_gets_no_further_request_in),
        cmocka_unit_test(input_although_none_was_wanted_has_an_end),
        cmocka_unit_test(a_connection_ends_after_its_share_of_requests),
        cmocka_unit_test(shutting_down_finishes_what_is_under_way),
        cmocka_unit_test(phases_tell_where_the_connection_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
