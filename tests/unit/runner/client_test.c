// SPDX-License-Identifier: MIT
#include "runner/client.h"

#include "fcgi/writer.h"
#include "support/split.h"

#include <fastcgi.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BEGIN "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"      // keeps the connection
#define BEGIN_ONCE "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0" // does not
#define BEGIN_2 "\1\1\0\2\0\10\0\0\0\1\1\0\0\0\0\0"
#define AUTHORIZER "\1\1\0\1\0\10\0\0\0\2\1\0\0\0\0\0"
#define PARAMS "\1\4\0\1\0\6\2\0\1\3Aabc\0\0"
#define NUL "\1\4\0\1\0\6\2\0\1\3Aa\0c\0\0"
#define PARAMS_END "\1\4\0\1\0\0\0\0"
#define HEAD BEGIN PARAMS PARAMS_END
#define BODY "\1\5\0\1\0\4\4\0bodyPPPP"
#define FOREIGN "\1\5\0\2\0\4\4\0evilPPPP"
#define BODY_END "\1\5\0\1\0\0\0\0"
#define FOREIGN_END "\1\5\0\2\0\0\0\0"
#define ABORT "\1\2\0\1\0\0\0\0"
#define VALUES "\1\11\0\0\0\20\0\0\16\0FCGI_MAX_CONNS"
#define ANSWER "\1\6\0\1\0\2\6\0okPPPPPP"
#define ANSWER_END "\1\6\0\1\0\0\0\0"
#define END "\1\3\0\1\0\10\0\0\0\0\0\5\0\0\0\0"

static const struct client_conf conf = {7, 3};

// Writes bytes, those that are no letters as numbers of two digits.
static void tell_data(struct buf *t, const char *label, struct span bytes) {
    for (size_t i = 0; i < bytes.n; i++) {
        char text[4];
        bool is_plain = bytes.p[i] >= ' ' && bytes.p[i] < 127;
        int n = snprintf(text, sizeof text, is_plain ? "%c" : "%%%02x", bytes.p[i]);
        split_data(t, label, span_of(text, (size_t)n));
    }
}

// Writes the records of a stream: an empty one that ends a stream, too.
static void tell(struct buf *t, const char *to, struct span bytes) {
    struct reader r;
    struct reader_event e;
    char label[32];
    reader_init(&r);
    reader_feed(&r, bytes);
    while (reader_next(&r, &e) == STEP_ITEM) {
        snprintf(label, sizeof label, "%s %d/%d", to, e.type, e.id);
        if (e.kind == READER_PIECE) {
            tell_data(t, label, e.piece);
        } else if (e.kind == READER_CLOSE && e.content_len == 0) {
            split_line(t, "%s ends\n", label);
        }
    }
    assert_true(reader_is_between(&r));
}

struct subject {
    struct client client;
    bool is_bad;
};

static void begin(void *self) {
    struct subject *s = self;
    client_init(&s->client, &conf, -1);
    s->is_bad = false;
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct subject *s = self;
    (void)t;
    s->is_bad = s->is_bad || !client_feed(&s->client, bytes);
}

// The worker comes last: how the front's bytes are cut must not show in what it gets.
static void end(void *self, struct buf *t) {
    static const char *const states[] = {"idle", "head", "waits", "runs", "leaves"};
    struct subject *s = self;
    struct client *c = &s->client;
    split_line(t, "%s%s\n", states[c->state], s->is_bad ? " bad" : "");
    tell(t, "front", buf_span(&c->out));
    if (c->state == CLIENT_WAITS) {
        assert_true(client_start(c));
        tell(t, "worker", buf_span(&c->in));
    }
    client_fini(c);
    client_fini(c);
}

static const struct {
    const char *name;
    struct span input;
    const char *events;
} rows[] = {
    {"a request without body", SPAN_INIT(HEAD BODY_END),
     "waits\nworker 1/1:%00%01%00%00%00%00%00%00\nworker 4/1:%01%03Aabc\n"
     "worker 4/1 ends\nworker 5/1 ends\n"},
    {"a body waits with its request", SPAN_INIT(HEAD BODY),
     "waits\nworker 1/1:%00%01%00%00%00%00%00%00\nworker 4/1:%01%03Aabc\n"
     "worker 4/1 ends\nworker 5/1:body\n"},
    {"half a head is no request", SPAN_INIT(BEGIN PARAMS), "head\n"},
    {"a body of another request is not ours", SPAN_INIT(HEAD FOREIGN FOREIGN_END BODY BODY_END),
     "waits\nworker 1/1:%00%01%00%00%00%00%00%00\nworker 4/1:%01%03Aabc\n"
     "worker 4/1 ends\nworker 5/1:body\nworker 5/1 ends\n"},
    {"what follows the end of the body is dropped", SPAN_INIT(HEAD BODY_END BODY BODY_END),
     "waits\nworker 1/1:%00%01%00%00%00%00%00%00\nworker 4/1:%01%03Aabc\n"
     "worker 4/1 ends\nworker 5/1 ends\n"},
    {"an abort in the body is answered and the connection kept",
     SPAN_INIT(HEAD BODY ABORT BODY_END), "idle\nfront 3/1:%00%00%00%00%00%00%00%00\n"},
    {"an abort in the head, too", SPAN_INIT(BEGIN PARAMS ABORT),
     "idle\nfront 3/1:%00%00%00%00%00%00%00%00\n"},
    {"an abort of a request that is to be the last", SPAN_INIT(BEGIN_ONCE ABORT HEAD),
     "leaves\nfront 3/1:%00%00%00%00%00%00%00%00\n"},
    {"an abort of nothing is nothing", SPAN_INIT(ABORT), "idle\n"},
    {"a second request on a busy connection is refused", SPAN_INIT(HEAD BEGIN_2),
     "waits\nfront 3/2:%00%00%00%00%01%00%00%00\nworker "
     "1/1:%00%01%00%00%00%00%00%00\n"
     "worker 4/1:%01%03Aabc\nworker 4/1 ends\n"},
    {"the same request twice makes no sense", SPAN_INIT(HEAD BEGIN),
     "waits bad\n"
     "worker 1/1:%00%01%00%00%00%00%00%00\nworker 4/1:%01%03Aabc\nworker 4/1 ends\n"},
    {"another role is unknown", SPAN_INIT(AUTHORIZER),
     "idle\nfront 3/1:%00%00%00%00%03%00%00%00\n"},
    {"questions about us are answered", SPAN_INIT(VALUES BEGIN VALUES),
     "head\nfront 10/0:%0e%01FCGI_MAX_CONNS7%0e%01FCGI_MAX_CONNS7\n"},
    {"a question that is not known is", SPAN_INIT("\1\11\0\0\0\5\0\0\3\0abc"),
     "idle\nfront 10/0 ends\n"},
    {"an unknown kind of record is said to be", SPAN_INIT("\1\14\0\0\0\1\0\0x"),
     "idle\nfront 11/0:%0c%00%00%00%00%00%00%00\n"},
    {"a NUL in a parameter is a bad request", SPAN_INIT(BEGIN NUL PARAMS_END BODY BODY_END),
     "idle\nfront 6/1:Status: 400 Bad Request%0d%0aContent-Type: text/plain%0d%0a%0d%0a400 "
     "Bad "
     "Request%0a\nfront 6/1 ends\nfront 3/1:%00%00%00%00%00%00%00%00\n"},
    {"lengths that point behind the parameters make no sense",
     SPAN_INIT(BEGIN "\1\4\0\1\0\2\0\0\5\5" PARAMS_END), "head bad\n"},
    {"a beginning of another length makes no sense", SPAN_INIT("\1\1\0\1\0\1\0\0x"), "idle bad\n"},
    {"another version makes no sense", SPAN_INIT("\2\1\0\1\0\10\0\0"), "idle bad\n"},
};

static void test_rows(void **state) {
    (void)state;
    struct subject subject;
    struct split split = {begin, piece, end, &subject};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf got;
        print_message("%s\n", rows[i].name);
        split_check(&split, rows[i].input, &got);
        assert_int_equal(buf_put(&got, SPAN("\0")), 0);
        assert_string_equal((const char *)buf_span(&got).p, rows[i].events);
        buf_fini(&got);
    }
}

// ---- conversations in which the worker takes part ----

static void feed(struct client *c, struct span bytes) {
    assert_true(client_feed(c, bytes));
}

static void start(struct client *c, struct span request) {
    client_init(c, &conf, -1);
    feed(c, request);
    assert_int_equal(c->state, CLIENT_WAITS);
    assert_true(client_start(c));
    assert_int_equal(c->state, CLIENT_RUNS);
    buf_take(&c->in, buf_len(&c->in));
}

static void assert_told(struct buf *bytes, const char *events) {
    struct buf t;
    buf_init(&t, 1 << 16);
    tell(&t, "front", buf_span(bytes));
    buf_take(bytes, buf_len(bytes));
    assert_int_equal(buf_put(&t, SPAN("\0")), 0);
    assert_string_equal((const char *)buf_span(&t).p, events);
    buf_fini(&t);
}

static void test_a_kept_connection_serves_again(void **state) {
    (void)state;
    struct client c;
    start(&c, SPAN(HEAD));
    for (int i = 0; i < 3; i++) {
        feed(&c, SPAN(BODY BODY_END));
        buf_take(&c.in, buf_len(&c.in));
        assert_true(client_answer(&c, SPAN(ANSWER ANSWER_END END)));
        assert_true(c.is_answered);
        client_end(&c);
        assert_told(&c.out, "front 6/1:ok\nfront 6/1 ends\nfront 3/1:%00%00%00%05%00%00%00%00\n");
        assert_int_equal(c.state, CLIENT_IDLE);
        feed(&c, SPAN(BODY BODY_END HEAD)); // a body that comes after its answer is nobody's
        assert_true(client_start(&c));
        buf_take(&c.in, buf_len(&c.in));
    }
    client_fini(&c);
}

static void test_a_request_is_short_once_all_of_a_little_body_is_here(void **state) {
    (void)state;
    struct client c;
    client_init(&c, &conf, -1);
    feed(&c, SPAN(HEAD BODY));
    assert_false(client_is_short(&c));
    feed(&c, SPAN(BODY_END));
    assert_true(client_is_short(&c));
    feed(&c, SPAN(ABORT HEAD));
    for (int i = 0; i < 1000; i++) {
        feed(&c, SPAN(BODY));
    }
    feed(&c, SPAN(BODY_END));
    assert_false(client_is_short(&c));
    client_fini(&c);
}

static void test_an_answer_may_be_cut_anywhere(void **state) {
    (void)state;
    static const char answer[] = ANSWER ANSWER_END END;
    for (size_t cut = 1; cut < sizeof answer - 1; cut++) {
        struct client c;
        struct span whole = span_of(answer, sizeof answer - 1);
        start(&c, SPAN(HEAD BODY_END));
        assert_true(client_answer(&c, span_first(whole, cut)));
        assert_false(c.is_answered);
        assert_true(client_answer(&c, span_skip(whole, cut)));
        assert_true(c.is_answered);
        client_fini(&c);
    }
}

static void test_a_worker_that_dies_cuts_the_connection(void **state) {
    (void)state;
    struct client c;
    start(&c, SPAN(HEAD BODY_END));
    assert_true(client_answer(&c, SPAN(ANSWER)));
    client_end(&c);
    assert_int_equal(c.state, CLIENT_LEAVES);
    assert_told(&c.out, "front 6/1:ok\n");
    feed(&c, SPAN(HEAD));
    assert_int_equal(c.state, CLIENT_LEAVES);
    client_fini(&c);
}

static void test_an_abort_of_what_runs_frees_the_connection(void **state) {
    (void)state;
    struct client c;
    start(&c, SPAN(HEAD));
    assert_true(client_answer(&c, SPAN("\1\6\0\1\0\5\0\0o"))); // a record that is not complete
    feed(&c, SPAN(ABORT));
    assert_int_equal(c.state, CLIENT_IDLE);
    assert_told(&c.out, "front 6/1:o\nfront 3/1:%00%00%00%00%00%00%00%00\n");
    client_fini(&c);
}

static void test_a_refused_request_is_answered_and_the_connection_kept(void **state) {
    (void)state;
    struct client c;
    client_init(&c, &conf, -1);
    feed(&c, SPAN(HEAD));
    assert_true(span_eq(client_param(&c, "A"), SPAN("abc")));
    assert_int_equal(client_param(&c, "B").n, 0);
    client_refuse(&c, "x");
    assert_int_equal(c.state, CLIENT_IDLE);
    assert_told(&c.out, "front 6/1:x\nfront 6/1 ends\nfront 3/1:%00%00%00%00%00%00%00%00\n");
    client_fini(&c);
}

static void test_parameters_without_end_are_refused_at_their_bound(void **state) {
    (void)state;
    struct client c;
    struct buf record;
    uint8_t *content = calloc(1, 32000);
    buf_init(&record, 40000);
    assert_int_equal(writer_put(&record, FCGI_PARAMS, 1, span_of(content, 32000)), 0);
    client_init(&c, &conf, -1);
    feed(&c, SPAN(BEGIN));
    size_t n = 0;
    for (; c.state == CLIENT_HEAD && n < 100; n++) {
        feed(&c, buf_span(&record));
    }
    assert_int_equal(n, (1 << 20) / 32000 + 1);
    assert_int_equal(c.state, CLIENT_LEAVES);
    assert_true(buf_len(&c.out) > 0 && buf_len(&c.params) == 0);
    client_fini(&c);
    buf_fini(&record);
    free(content);
}

static void test_the_client_waits_while_its_worker_does_not_read(void **state) {
    (void)state;
    struct client c;
    start(&c, SPAN(HEAD));
    size_t n = 0;
    for (; client_wants(&c) && n < 100000; n++) {
        feed(&c, SPAN("\1\5\0\1\0\1\0\0x")); // the smallest records take the most room
    }
    assert_in_range(n, 1000, 99999);
    buf_take(&c.in, buf_len(&c.in));
    assert_true(client_wants(&c));
    client_fini(&c);
}

static void test_the_worker_waits_while_its_client_does_not_read(void **state) {
    (void)state;
    struct client c;
    start(&c, SPAN(HEAD BODY_END));
    size_t n = 0;
    for (; client_room(&c) > 0 && n < 100000; n++) {
        assert_true(client_answer(&c, SPAN("\1\6\0\1\0\1\0\0x")));
    }
    assert_in_range(n, 1000, 99999);
    assert_false(client_wants(&c)); // nor may it make us answer more
    buf_take(&c.out, buf_len(&c.out));
    assert_true(client_room(&c) > 0);
    client_fini(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_a_kept_connection_serves_again),
        cmocka_unit_test(test_a_request_is_short_once_all_of_a_little_body_is_here),
        cmocka_unit_test(test_an_answer_may_be_cut_anywhere),
        cmocka_unit_test(test_a_worker_that_dies_cuts_the_connection),
        cmocka_unit_test(test_an_abort_of_what_runs_frees_the_connection),
        cmocka_unit_test(test_a_refused_request_is_answered_and_the_connection_kept),
        cmocka_unit_test(test_parameters_without_end_are_refused_at_their_bound),
        cmocka_unit_test(test_the_client_waits_while_its_worker_does_not_read),
        cmocka_unit_test(test_the_worker_waits_while_its_client_does_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
