// SPDX-License-Identifier: MIT
#include "base/error.h"
#include "fcgi/conn.h"
#include "fcgi/params.h"
#include "support/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum type { BEGIN = 1, END = 3, PARAMS = 4, IN = 5, OUT = 6, ERR = 7, VALUES = 10, UNKNOWN = 11 };

struct record {
    int type, id;
    struct span content;
    int padding;
};

#define RECORDS_MAX 8

struct row {
    const char *name;
    struct record records[RECORDS_MAX]; // up to the first without a type
    const char *events;
};

#define OK SPAN_INIT("\0\0\0\0\0\0\0\0")
#define HEAD SPAN_INIT("A: b\r\n\r\nbody")
#define ROW_END                                                                                    \
    { 0, 0, SPAN_INIT(""), 0 }

static const struct row rows[] = {
    {"PHP-FPM's answer",
     {{OUT, 1, HEAD, 4}, {END, 1, SPAN_INIT("\0\0\0\0\0\x08\0x"), 0}},
     "head 200 A=b|\nbody:body\nend 0\nidle\n"},
    {"fcgiwrap's answer ends its stream",
     {{OUT, 1, HEAD, 0}, {OUT, 1, SPAN_INIT(""), 0}, {ERR, 1, SPAN_INIT(""), 0}, {END, 1, OK, 0}},
     "head 200 A=b|\nbody:body\nend 0\nidle\n"},
    {"a head over several records",
     {{OUT, 1, SPAN_INIT("A: "), 5}, {OUT, 1, SPAN_INIT("b\n\n"), 5}, {END, 1, OK, 7}},
     "head 200 A=b|\nend 0\nidle\n"},
    {"an application status",
     {{OUT, 1, SPAN_INIT("\n"), 0}, {END, 1, SPAN_INIT("\xff\0\1\2\0\0\0\0"), 0}},
     "head 200\nend 4278190338\nidle\n"},
    {"errors before, inside and behind the head",
     {{ERR, 1, SPAN_INIT("one"), 0},
      {OUT, 1, SPAN_INIT("A: "), 0},
      {ERR, 1, SPAN_INIT("two\0\n"), 3},
      {OUT, 1, SPAN_INIT("b\n\nx"), 0},
      {ERR, 1, SPAN_INIT("three"), 0},
      {OUT, 1, SPAN_INIT("y"), 0},
      {END, 1, OK, 0}},
     "errors:onetwo|\\n\nhead 200 A=b|\nbody:x\nerrors:three\nbody:y\nend 0\nidle\n"},
    {"an interim head, then the final one, in records of their own",
     {{OUT, 1, SPAN_INIT("Status: 103\nL: m\n\n"), 0},
      {OUT, 1, SPAN_INIT("Status: 404 No\n\nx"), 0},
      {END, 1, OK, 0}},
     "interim 103 L=m|\nhead 404\nbody:x\nend 0\nidle\n"},
    {"PHP's 103 as the only head",
     {{OUT, 1, SPAN_INIT("Status: 103 Early Hints\r\nL: m\r\n\r\n<p>"), 0}, {END, 1, OK, 0}},
     "interim 103 L=m|\nhead 200 L=m| was interim\nbody:<p>\nend 0\nidle\n"},
    {"a 103 and no more",
     {{OUT, 1, SPAN_INIT("Status: 103\nL: m\n\n"), 0}, {END, 1, OK, 0}},
     "interim 103 L=m|\nbad ERR_BACKEND_STATUS only an interim header block\n"},
    {"a 103 and a page that might have been a head",
     {{OUT, 1, SPAN_INIT("Status: 103\nL: m\n\nNote: x\nY"), 0},
      {ERR, 1, SPAN_INIT("e"), 0},
      {END, 1, OK, 0}},
     "interim 103 L=m|\nerrors:e\nhead 200 L=m| was interim\nbody:Note: x\\nY\nend 0\nidle\n"},
    {"management records are skipped",
     {{VALUES, 0, SPAN_INIT("xyz"), 5},
      {OUT, 1, HEAD, 4},
      {UNKNOWN, 0, OK, 0},
      {99, 0, SPAN_INIT(""), 0},
      {END, 1, OK, 0}},
     "head 200 A=b|\nbody:body\nend 0\nidle\n"},

    {"no answer at all", {ROW_END}, "eof ERR_BACKEND_CLOSED\n"},
    {"closed in the head", {{OUT, 1, SPAN_INIT("A: b\n"), 0}}, "eof ERR_BACKEND_CLOSED\n"},
    {"closed behind an interim head",
     {{OUT, 1, SPAN_INIT("Status: 103\n\n"), 0}},
     "interim 103\neof ERR_BACKEND_CLOSED\n"},
    {"closed in the body",
     {{OUT, 1, HEAD, 0}},
     "head 200 A=b|\nbody:body\neof ERR_BACKEND_SHORT\n"},
    {"closed behind the end of the stream",
     {{OUT, 1, HEAD, 0}, {OUT, 1, SPAN_INIT(""), 0}},
     "head 200 A=b|\nbody:body\neof ERR_BACKEND_SHORT\n"},
    {"ended without a head", {{END, 1, OK, 0}}, "bad ERR_BACKEND_HEAD no header block\n"},
    {"ended in the head",
     {{OUT, 1, SPAN_INIT("A: b\n"), 0}, {END, 1, OK, 0}},
     "bad ERR_BACKEND_HEAD header block ends early\n"},
    {"a bad head",
     {{OUT, 1, SPAN_INIT("A b\n\n"), 0}, {END, 1, OK, 0}},
     "bad ERR_BACKEND_HEAD header line without a colon\n"},
    {"a bad status",
     {{OUT, 1, SPAN_INIT("Status: 42\n\n"), 0}, {END, 1, OK, 0}},
     "bad ERR_BACKEND_STATUS Status is not a number from 100 to 999\n"},
    {"refused as overloaded",
     {{END, 1, SPAN_INIT("\0\0\0\0\2\0\0\0"), 0}},
     "bad ERR_BACKEND_OVERLOADED backend is overloaded\n"},
    {"refused as a second request",
     {{END, 1, SPAN_INIT("\0\0\0\0\1\0\0\0"), 0}},
     "bad ERR_BACKEND_REFUSED backend refused a second request on the connection\n"},
    {"refused as a role",
     {{END, 1, SPAN_INIT("\0\0\0\0\3\0\0\0"), 0}},
     "bad ERR_BACKEND_REFUSED backend does not serve responders\n"},
    {"refused for an unknown reason",
     {{OUT, 1, HEAD, 0}, {END, 1, SPAN_INIT("\0\0\0\0\x09\0\0\0"), 0}},
     "head 200 A=b|\nbody:body\nbad ERR_BACKEND_REFUSED unknown protocol status\n"},
    {"output of another request",
     {{OUT, 2, HEAD, 0}},
     "bad ERR_BACKEND_RECORD record of another request\n"},
    {"output of no request",
     {{OUT, 0, HEAD, 0}},
     "bad ERR_BACKEND_RECORD record of another request\n"},
    {"the end of another request",
     {{OUT, 1, HEAD, 0}, {END, 257, OK, 0}},
     "head 200 A=b|\nbody:body\nbad ERR_BACKEND_RECORD record of another request\n"},
    {"input from the backend",
     {{IN, 1, HEAD, 0}},
     "bad ERR_BACKEND_RECORD record of a type not for clients\n"},
    {"an unknown type for the request",
     {{12, 1, HEAD, 0}},
     "bad ERR_BACKEND_RECORD record of a type not for clients\n"},
    {"a short end",
     {{OUT, 1, HEAD, 0}, {END, 1, SPAN_INIT("\0\0\0\0"), 4}},
     "head 200 A=b|\nbody:body\nbad ERR_BACKEND_RECORD END_REQUEST of a wrong length\n"},
    {"a long end",
     {{END, 1, SPAN_INIT("\0\0\0\0\0\0\0\0\0"), 0}},
     "bad ERR_BACKEND_RECORD END_REQUEST of a wrong length\n"},
    {"output behind the end",
     {{OUT, 1, HEAD, 0}, {END, 1, OK, 0}, {OUT, 1, HEAD, 0}},
     "head 200 A=b|\nbody:body\nend 0\nbad ERR_BACKEND_RECORD record with no request under way\n"},
    {"a second end",
     {{OUT, 1, HEAD, 0}, {END, 1, OK, 0}, {END, 1, OK, 0}},
     "head 200 A=b|\nbody:body\nend 0\nbad ERR_BACKEND_RECORD record with no request under way\n"},
};

static void put_record(struct buf *wire, const struct record *r) {
    const uint8_t header[8] = {1,
                               (uint8_t)r->type,
                               (uint8_t)(r->id >> 8),
                               (uint8_t)r->id,
                               (uint8_t)(r->content.n >> 8),
                               (uint8_t)r->content.n,
                               (uint8_t)r->padding,
                               0};
    assert_int_equal(buf_put(wire, span_of(header, 8)), 0);
    assert_int_equal(buf_put(wire, r->content), 0);
    assert_int_equal(buf_put(wire, span_of("PPPPPPPP", (size_t)r->padding)), 0);
}

static int begin_request(struct fcgi_conn *c, struct arena *a, uint64_t length, bool keep) {
    struct pair v[] = {{SPAN("REQUEST_METHOD"), SPAN("GET")}, {SPAN("EMPTY"), SPAN("")}};
    return fcgi_conn_begin(c, a, &(struct pairs){v, 2, 2}, length, keep);
}

struct subject {
    struct fcgi_conn conn;
    struct arena arena;
    bool is_bad;
};

static void begin(void *self) {
    struct subject *s = self;
    s->is_bad = false;
    arena_init(&s->arena, 1 << 16);
    fcgi_conn_init(&s->conn, NULL);
    assert_int_equal(begin_request(&s->conn, &s->arena, 0, true), 0);
    fcgi_conn_sent(&s->conn, fcgi_conn_output(&s->conn).n);
}

static void tell_head(struct buf *t, const char *kind, const struct fcgi_event *e) {
    split_line(t, "%s %d", kind, e->response.status);
    for (size_t i = 0; i < e->response.fields.n; i++) {
        split_line(t, "%s%.*s=%.*s|", i == 0 ? " " : "", SPAN_ARG(e->response.fields.v[i].name),
                   SPAN_ARG(e->response.fields.v[i].value));
    }
    split_line(t, e->was_interim ? " was interim\n" : "\n");
}

static void tell(struct buf *t, const struct fcgi_event *e) {
    switch (e->kind) {
    case FCGI_EVENT_INTERIM:
        tell_head(t, "interim", e);
        break;
    case FCGI_EVENT_HEAD:
        tell_head(t, "head", e);
        break;
    case FCGI_EVENT_BODY:
        split_data(t, "body", e->bytes);
        break;
    case FCGI_EVENT_ERRORS:
        for (size_t i = 0; i < e->bytes.n; i++) {
            split_data(t, "errors", e->bytes.p[i] ? span_of(e->bytes.p + i, 1) : SPAN("|"));
        }
        break;
    case FCGI_EVENT_END:
        split_line(t, "end %u\n", e->app_status);
        break;
    }
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct subject *s = self;
    struct fcgi_event e;
    enum step step;
    if (s->is_bad) {
        return;
    }
    fcgi_conn_feed(&s->conn, bytes);
    while ((step = fcgi_conn_next(&s->conn, &e)) == STEP_ITEM) {
        tell(t, &e);
    }
    if (step == STEP_BAD) {
        s->is_bad = true;
        split_line(t, "bad %s %s\n", error_row(s->conn.error)->name, s->conn.why);
        assert_int_equal(fcgi_conn_next(&s->conn, &e), STEP_BAD);
        assert_int_equal(fcgi_conn_eof(&s->conn), s->conn.error);
    }
}

static void end(void *self, struct buf *t) {
    struct subject *s = self;
    int error = fcgi_conn_eof(&s->conn);
    if (!s->is_bad && error != 0) {
        split_line(t, "eof %s\n", error_row(error)->name);
    }
    if (fcgi_conn_is_idle(&s->conn)) {
        assert_int_equal(error, 0);
        split_line(t, "idle\n");
    }
    fcgi_conn_fini(&s->conn);
    fcgi_conn_fini(&s->conn);
    arena_fini(&s->arena);
}

static void responses_are_the_same_wherever_they_are_cut(void **state) {
    (void)state;
    struct subject subject;
    struct split split = {begin, piece, end, &subject};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf wire, t;
        buf_init(&wire, 4096);
        for (size_t j = 0; j < RECORDS_MAX && rows[i].records[j].type != 0; j++) {
            put_record(&wire, &rows[i].records[j]);
        }
        split_check(&split, buf_span(&wire), &t);
        if (!span_eq(buf_span(&t), span_str(rows[i].events))) {
            print_error("%s:\n%.*s", rows[i].name, SPAN_ARG(buf_span(&t)));
            fail();
        }
        buf_fini(&wire);
        buf_fini(&t);
    }
}

static void another_version_is_refused(void **state) {
    (void)state;
    struct subject subject;
    struct split split = {begin, piece, end, &subject};
    struct buf t;
    split_check(&split, SPAN("\2\6\0\1\0\1\0\0a"), &t);
    assert_true(
        span_eq(buf_span(&t), SPAN("bad ERR_BACKEND_RECORD record of another version than 1\n")));
    buf_fini(&t);
}

static void a_whole_request_is_one_write(void **state) {
    (void)state;
    struct subject s;
    arena_init(&s.arena, 1 << 16);
    fcgi_conn_init(&s.conn, NULL);
    assert_true(fcgi_conn_is_idle(&s.conn));
    assert_int_equal(begin_request(&s.conn, &s.arena, 0, false), 0);
    assert_true(span_eq(fcgi_conn_output(&s.conn), SPAN("\1\1\0\1\0\x08\0\0"
                                                        "\0\1\0\0\0\0\0\0"
                                                        "\1\4\0\1\0\x1a\6\0"
                                                        "\x0e\3REQUEST_METHODGET"
                                                        "\5\0EMPTY"
                                                        "\0\0\0\0\0\0"
                                                        "\1\4\0\1\0\0\0\0"
                                                        "\1\5\0\1\0\0\0\0")));
    assert_false(fcgi_conn_is_idle(&s.conn));
    assert_int_equal(fcgi_conn_room(&s.conn), 0);
    assert_int_equal(fcgi_conn_body(&s.conn, SPAN("x")), ERR_BODY_LONG);
    size_t n = fcgi_conn_output(&s.conn).n;
    assert_int_equal(fcgi_conn_body_end(&s.conn), 0); // has been put already
    assert_int_equal(fcgi_conn_output(&s.conn).n, n);
    fcgi_conn_fini(&s.conn);
    arena_fini(&s.arena);
}

static void keeping_is_asked_for_in_the_flags(void **state) {
    (void)state;
    struct subject s;
    arena_init(&s.arena, 1 << 16);
    fcgi_conn_init(&s.conn, NULL);
    assert_int_equal(begin_request(&s.conn, &s.arena, 0, true), 0);
    assert_int_equal(fcgi_conn_output(&s.conn).p[10], 1);
    fcgi_conn_fini(&s.conn);
    arena_fini(&s.arena);
}

static void a_body_is_framed_and_never_longer_or_shorter_than_said(void **state) {
    (void)state;
    struct subject s;
    arena_init(&s.arena, 1 << 16);
    fcgi_conn_init(&s.conn, NULL);
    assert_int_equal(begin_request(&s.conn, &s.arena, 5, false), 0);
    fcgi_conn_sent(&s.conn, fcgi_conn_output(&s.conn).n);
    assert_int_equal(fcgi_conn_room(&s.conn), 5);
    assert_int_equal(fcgi_conn_body(&s.conn, SPAN("abc")), 0);
    assert_int_equal(fcgi_conn_body_end(&s.conn), ERR_BODY_SHORT);
    assert_int_equal(fcgi_conn_body(&s.conn, SPAN("def")), ERR_BODY_LONG);
    assert_int_equal(fcgi_conn_room(&s.conn), 2);
    assert_int_equal(fcgi_conn_body(&s.conn, SPAN("")), 0);
    assert_int_equal(fcgi_conn_body(&s.conn, SPAN("de")), 0);
    assert_int_equal(fcgi_conn_body_end(&s.conn), 0);
    assert_int_equal(fcgi_conn_body_end(&s.conn), 0);
    assert_true(span_eq(fcgi_conn_output(&s.conn), SPAN("\1\5\0\1\0\3\5\0abc\0\0\0\0\0"
                                                        "\1\5\0\1\0\2\6\0de\0\0\0\0\0\0"
                                                        "\1\5\0\1\0\0\0\0")));
    fcgi_conn_fini(&s.conn);
    arena_fini(&s.arena);
}

static void a_large_body_leaves_in_bounded_portions(void **state) {
    (void)state;
    enum { TOTAL = 1 << 20 };
    struct subject s;
    uint8_t *bytes = calloc(1, TOTAL);
    size_t left = TOTAL, most = 0;
    assert_non_null(bytes);
    arena_init(&s.arena, 1 << 16);
    fcgi_conn_init(&s.conn, NULL);
    assert_int_equal(begin_request(&s.conn, &s.arena, TOTAL, false), 0);
    assert_int_equal(fcgi_conn_body(&s.conn, span_of(bytes, 65536)), ERR_BUF_LIMIT);
    while (left > 0) {
        size_t n = fcgi_conn_room(&s.conn);
        assert_int_equal(fcgi_conn_body(&s.conn, span_of(bytes, n)), 0);
        left -= n;
        size_t queued = fcgi_conn_output(&s.conn).n;
        most = queued > most ? queued : most;
        fcgi_conn_sent(&s.conn, queued < 50000 ? queued : 50000);
    }
    assert_int_equal(fcgi_conn_body_end(&s.conn), 0);
    assert_in_range(most, 60000, 67000);
    free(bytes);
    fcgi_conn_fini(&s.conn);
    arena_fini(&s.arena);
}

static void params_over_the_limit_leave_the_connection_as_it_was(void **state) {
    (void)state;
    struct fcgi_conn_conf conf = {.params_limit = 20};
    struct subject s;
    arena_init(&s.arena, 1 << 16);
    fcgi_conn_init(&s.conn, &conf);
    assert_int_equal(begin_request(&s.conn, &s.arena, 0, false), ERR_PARAMS_LIMIT);
    assert_int_equal(fcgi_conn_output(&s.conn).n, 0);
    assert_true(fcgi_conn_is_idle(&s.conn));
    assert_int_equal(fcgi_conn_begin(&s.conn, &s.arena, &(struct pairs){NULL, 0, 0}, 0, false), 0);
    fcgi_conn_fini(&s.conn);
    arena_fini(&s.arena);
}

static void the_largest_params_fit(void **state) {
    (void)state;
    enum { PAIRS = 7, LEN = 37444 }; // one a record, as wasteful as it gets
    struct subject s;
    struct pair v[PAIRS];
    uint8_t *bytes = calloc(1, LEN);
    assert_non_null(bytes);
    for (int i = 0; i < PAIRS; i++) {
        v[i] = (struct pair){SPAN("A"), span_of(bytes, LEN - 6)};
    }
    arena_init(&s.arena, 1 << 16);
    fcgi_conn_init(&s.conn, NULL);
    struct pairs pairs = {v, PAIRS, PAIRS};
    assert_int_equal(fcgi_conn_begin(&s.conn, &s.arena, &pairs, 100000, false), 0);
    assert_int_equal(fcgi_conn_room(&s.conn), 0); // until the params have left
    fcgi_conn_sent(&s.conn, fcgi_conn_output(&s.conn).n - 10);
    assert_int_equal(fcgi_conn_room(&s.conn), FCGI_CONN_WINDOW_DEFAULT - 10);
    free(bytes);
    fcgi_conn_fini(&s.conn);
    arena_fini(&s.arena);
}

static void answer(struct subject *s) {
    struct fcgi_event e;
    const struct record records[] = {{OUT, s->conn.id, SPAN_INIT("\n"), 0},
                                     {END, s->conn.id, OK, 0}};
    struct buf wire;
    buf_init(&wire, 64);
    put_record(&wire, &records[0]);
    put_record(&wire, &records[1]);
    fcgi_conn_feed(&s->conn, buf_span(&wire));
    assert_int_equal(fcgi_conn_next(&s->conn, &e), STEP_ITEM);
    assert_int_equal(e.kind, FCGI_EVENT_HEAD);
    assert_int_equal(fcgi_conn_next(&s->conn, &e), STEP_ITEM);
    assert_int_equal(e.kind, FCGI_EVENT_END);
    assert_int_equal(fcgi_conn_next(&s->conn, &e), STEP_MORE);
    assert_int_equal(fcgi_conn_eof(&s->conn), 0);
    buf_fini(&wire);
}

static void a_kept_connection_serves_again_and_again(void **state) {
    (void)state;
    struct subject s;
    begin(&s);
    for (int i = 0; i < 3; i++) {
        assert_true(fcgi_conn_has_sent(&s.conn));
        answer(&s);
        assert_true(fcgi_conn_is_idle(&s.conn));
        arena_reset(&s.arena);
        assert_int_equal(begin_request(&s.conn, &s.arena, 0, true), 0);
        assert_false(fcgi_conn_has_sent(&s.conn));
        assert_int_equal(fcgi_conn_eof(&s.conn), ERR_BACKEND_CLOSED);
        fcgi_conn_sent(&s.conn, 1);
        assert_true(fcgi_conn_has_sent(&s.conn));
        fcgi_conn_sent(&s.conn, fcgi_conn_output(&s.conn).n);
    }
    fcgi_conn_fini(&s.conn);
    arena_fini(&s.arena);
}

static void what_comes_late_of_a_request_is_not_the_next_ones(void **state) {
    (void)state;
    struct subject s;
    struct fcgi_event e;
    begin(&s);
    const struct record late = {OUT, s.conn.id, SPAN_INIT("\nsecret"), 0};
    struct buf wire;
    buf_init(&wire, 64);
    put_record(&wire, &late);
    answer(&s);
    assert_int_equal(begin_request(&s.conn, &s.arena, 0, true), 0);
    fcgi_conn_sent(&s.conn, fcgi_conn_output(&s.conn).n);
    fcgi_conn_feed(&s.conn, buf_span(&wire));
    assert_int_equal(fcgi_conn_next(&s.conn, &e), STEP_BAD);
    assert_int_equal(s.conn.error, ERR_BACKEND_RECORD);
    buf_fini(&wire);
    fcgi_conn_fini(&s.conn);
    arena_fini(&s.arena);
}

static void what_was_not_sent_completely_is_not_idle(void **state) {
    (void)state;
    struct subject s;
    begin(&s);
    answer(&s);
    assert_int_equal(begin_request(&s.conn, &s.arena, 3, true), 0);
    fcgi_conn_sent(&s.conn, fcgi_conn_output(&s.conn).n);
    answer(&s); // before its body has come: an application may not want it
    assert_false(fcgi_conn_is_idle(&s.conn));
    assert_int_equal(fcgi_conn_body(&s.conn, SPAN("abc")), 0);
    assert_int_equal(fcgi_conn_body_end(&s.conn), 0);
    assert_false(fcgi_conn_is_idle(&s.conn));
    fcgi_conn_sent(&s.conn, fcgi_conn_output(&s.conn).n);
    assert_true(fcgi_conn_is_idle(&s.conn));
    fcgi_conn_fini(&s.conn);
    arena_fini(&s.arena);
}

static void bytes_behind_the_answer_are_not_idle(void **state) {
    (void)state;
    struct subject s;
    struct fcgi_event e;
    begin(&s);
    answer(&s);
    fcgi_conn_feed(&s.conn, SPAN("\1"));
    assert_int_equal(fcgi_conn_next(&s.conn, &e), STEP_MORE);
    assert_false(fcgi_conn_is_idle(&s.conn));
    fcgi_conn_fini(&s.conn);
    arena_fini(&s.arena);
}

// Its last piece is told before its end: who wants no more of it just then must not wait for an end
// that has come.
static void an_answer_not_wanted_behind_its_end_record_is_over(void **state) {
    (void)state;
    struct subject s;
    struct fcgi_event e;
    struct buf wire;
    arena_init(&s.arena, 1 << 16);
    fcgi_conn_init(&s.conn, NULL);
    buf_init(&wire, 1 << 16);
    assert_int_equal(begin_request(&s.conn, &s.arena, 0, false), 0);
    put_record(&wire, &(struct record){OUT, 1, SPAN_INIT("Status: 103\n\nNote"), 0});
    put_record(&wire, &(struct record){END, 1, OK, 0});
    fcgi_conn_feed(&s.conn, buf_span(&wire));
    assert_int_equal(fcgi_conn_next(&s.conn, &e), STEP_ITEM); // the 103
    assert_int_equal(fcgi_conn_next(&s.conn, &e), STEP_ITEM); // what was held to be a head is none
    assert_int_equal(e.kind, FCGI_EVENT_HEAD);
    assert_true(fcgi_conn_drain(&s.conn));
    fcgi_conn_fini(&s.conn);
    buf_fini(&wire);
    arena_fini(&s.arena);
}

static void a_connection_not_to_be_kept_is_not_idle(void **state) {
    (void)state;
    struct subject s;
    arena_init(&s.arena, 1 << 16);
    fcgi_conn_init(&s.conn, NULL);
    assert_int_equal(begin_request(&s.conn, &s.arena, 0, false), 0);
    fcgi_conn_sent(&s.conn, fcgi_conn_output(&s.conn).n);
    answer(&s);
    assert_false(fcgi_conn_is_idle(&s.conn));
    fcgi_conn_fini(&s.conn);
    arena_fini(&s.arena);
}

static void bytes_before_any_request_are_refused(void **state) {
    (void)state;
    struct subject s;
    struct fcgi_event e;
    fcgi_conn_init(&s.conn, NULL);
    fcgi_conn_feed(&s.conn, SPAN("\1\6\0\1\0\1\0\0\n"));
    assert_int_equal(fcgi_conn_next(&s.conn, &e), STEP_BAD);
    assert_int_equal(s.conn.error, ERR_BACKEND_RECORD);
    fcgi_conn_fini(&s.conn);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_are_the_same_wherever_they_are_cut),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(a_whole_request_is_one_write),
        cmocka_unit_test(keeping_is_asked_for_in_the_flags),
        cmocka_unit_test(a_body_is_framed_and_never_longer_or_shorter_than_said),
        cmocka_unit_test(a_large_body_leaves_in_bounded_portions),
        cmocka_unit_test(params_over_the_limit_leave_the_connection_as_it_was),
        cmocka_unit_test(the_largest_params_fit),
        cmocka_unit_test(a_kept_connection_serves_again_and_again),
        cmocka_unit_test(what_comes_late_of_a_request_is_not_the_next_ones),
        cmocka_unit_test(what_was_not_sent_completely_is_not_idle),
        cmocka_unit_test(bytes_behind_the_answer_are_not_idle),
        cmocka_unit_test(an_answer_not_wanted_behind_its_end_record_is_over),
        cmocka_unit_test(a_connection_not_to_be_kept_is_not_idle),
        cmocka_unit_test(bytes_before_any_request_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
