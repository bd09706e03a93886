// SPDX-License-Identifier: MIT
#include "server/spawn_output.h"

#include "support/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void begin(void *self) {
    spawn_output_init(self);
}

static void put(struct buf *transcript, const struct spawn_output *o, struct span line) {
    split_line(transcript, "%.*s%s\n", SPAN_ARG(line), o->is_cut ? " (cut)" : "");
}

static void piece(void *self, struct span bytes, struct buf *transcript) {
    struct spawn_output *o = self;
    struct span line;
    spawn_output_feed(o, bytes);
    while (spawn_output_next(o, &line) == STEP_ITEM) {
        put(transcript, o, line);
    }
}

static void end(void *self, struct buf *transcript) {
    struct spawn_output *o = self;
    struct span line;
    while (spawn_output_last(o, &line) == STEP_ITEM) {
        put(transcript, o, line);
    }
}

static void expect(const char *name, struct span input, struct span want) {
    struct spawn_output o;
    struct buf whole;
    split_check(&(struct split){begin, piece, end, &o}, input, &whole);
    if (!span_eq(buf_span(&whole), want)) {
        fail_msg("%s: got\n%.*s", name, SPAN_ARG(buf_span(&whole)));
    }
    buf_fini(&whole);
}

static const struct {
    const char *name, *input, *want;
} rows[] = {
    {"nothing", "", ""},
    {"a line", "one\n", "one\n"},
    {"lines", "one\ntwo\n", "one\ntwo\n"},
    {"the last line needs no end", "one\ntwo", "one\ntwo\n"},
    {"empty lines are none", "\n\none\n\r\n\n", "one\n"},
    {"both ends of a line", "one\r\ntwo\r\n", "one\ntwo\n"},
    {"a carriage return inside stays", "a\rb\n", "a\rb\n"},
};

static void test_output_is_cut_into_lines(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(rows[i].name, span_str(rows[i].input), span_str(rows[i].want));
    }
}

// A line of `len` bytes between two short ones.
static void expect_long(size_t len, bool is_cut) {
    char input[3 * SPAWN_LINE_MOST], want[3 * SPAWN_LINE_MOST], x[3 * SPAWN_LINE_MOST];
    size_t kept = len < SPAWN_LINE_MOST ? len : SPAWN_LINE_MOST;
    memset(x, 'x', sizeof x);
    int n = snprintf(input, sizeof input, "a\n%.*s\nb\n", (int)len, x);
    int m = snprintf(want, sizeof want, "a\n%.*s%s\nb\n", (int)kept, x, is_cut ? " (cut)" : "");
    expect("long", span_of(input, (size_t)n), span_of(want, (size_t)m));
}

static void test_a_long_line_is_cut_short_and_the_next_is_whole(void **state) {
    (void)state;
    expect_long(SPAWN_LINE_MOST - 1, false);
    expect_long(SPAWN_LINE_MOST, false);
    expect_long(SPAWN_LINE_MOST + 1, true);
    expect_long(2 * SPAWN_LINE_MOST, true);
    expect_long(2 * SPAWN_LINE_MOST + 1, true);
}

static void test_only_so_many_lines_a_second_and_the_others_are_counted(void **state) {
    (void)state;
    struct spawn_quota q = {0};
    unsigned dropped;
    for (unsigned i = 0; i < SPAWN_LINES_MOST; i++) {
        assert_true(spawn_quota_take(&q, 5000 + i, &dropped));
        assert_int_equal(dropped, 0);
    }
    for (unsigned i = 0; i < 7; i++) {
        assert_false(spawn_quota_take(&q, 5999, &dropped));
    }
    assert_true(spawn_quota_take(&q, 6000, &dropped));
    assert_int_equal(dropped, 7);
    assert_true(spawn_quota_take(&q, 6000, &dropped));
    assert_int_equal(dropped, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_is_cut_into_lines),
        cmocka_unit_test(test_a_long_line_is_cut_short_and_the_next_is_whole),
        cmocka_unit_test(test_only_so_many_lines_a_second_and_the_others_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
