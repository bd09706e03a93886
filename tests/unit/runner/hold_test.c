// SPDX-License-Identifier: MIT
#include "runner/hold.h"
#include "support/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define INTERIM "Status: 103 Early Hints\r\nLink: </a>\r\n\r\n"
#define SEEN "Status: 103 Early Hints\r\\nLink: </a>\r\\n\r\\n"
#define FINAL "Content-Type: text/plain\r\n\r\nbody"

static const struct {
    const char *name;
    struct span output;
    const char *passes; // while the body is not read
} rows[] = {
    {"a final head waits", SPAN_INIT(FINAL), ""},
    {"an interim block passes", SPAN_INIT(INTERIM), "ready:" SEEN "\n"},
    {"what follows an interim block waits", SPAN_INIT(INTERIM FINAL), "ready:" SEEN "\n"},
    {"two interim blocks pass", SPAN_INIT(INTERIM INTERIM FINAL), "ready:" SEEN SEEN "\n"},
    {"half an interim block waits", SPAN_INIT("Status: 103\r\nLink: </a>\r\n"), ""},
    {"a block behind the final head is body", SPAN_INIT(FINAL INTERIM), ""},
    {"what is no head waits", SPAN_INIT("no head at all\n\n" INTERIM), ""},
    {"nothing passes of nothing", SPAN_INIT(""), ""},
};

static void begin(void *self) {
    hold_init(self, 1000);
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct hold *h = self;
    assert_true(hold_put(h, bytes));
    struct span ready = hold_ready(h, false);
    split_data(t, "ready", ready);
    hold_take(h, ready.n);
    assert_int_equal(hold_ready(h, false).n, 0);
}

static void end(void *self, struct buf *t) {
    struct hold *h = self;
    (void)t;
    // All that was put came out, or is ready once the body is read.
    assert_int_equal(h->passed + hold_ready(h, true).n, h->fed);
    hold_fini(h);
    hold_fini(h);
}

static void test_rows(void **state) {
    (void)state;
    struct hold hold;
    struct split split = {begin, piece, end, &hold};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf got;
        print_message("%s\n", rows[i].name);
        split_check(&split, rows[i].output, &got);
        assert_int_equal(buf_put(&got, SPAN("\0")), 0);
        assert_string_equal((const char *)buf_span(&got).p, rows[i].passes);
        buf_fini(&got);
    }
}

static void test_more_than_may_be_held_is_not_taken(void **state) {
    (void)state;
    struct hold h;
    hold_init(&h, 40);
    assert_true(hold_put(&h, SPAN(FINAL)));
    assert_false(hold_put(&h, SPAN(FINAL)));
    assert_true(span_eq(hold_ready(&h, true), SPAN(FINAL)));
    hold_take(&h, 10);
    assert_true(hold_put(&h, SPAN("0123456789")));
    hold_fini(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_more_than_may_be_held_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
