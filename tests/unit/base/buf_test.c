// SPDX-License-Identifier: MIT
#include "base/buf.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void bytes_come_out_in_the_order_in_which_they_went_in(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(buf_put(&b, SPAN("hello ")), 0);
    assert_int_equal(buf_put(&b, SPAN("world")), 0);
    assert_true(span_eq(buf_span(&b), SPAN("hello world")));
    buf_take(&b, 6);
    assert_true(span_eq(buf_span(&b), SPAN("world")));
    assert_int_equal(buf_put(&b, SPAN("!")), 0);
    assert_true(span_eq(buf_span(&b), SPAN("world!")));
    buf_fini(&b);
    assert_int_equal(buf_len(&b), 0);
    buf_fini(&b);
}

static void at_the_limit_nothing_is_put(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 4);
    assert_int_equal(buf_room(&b), 4);
    assert_int_equal(buf_put(&b, SPAN("abc")), 0);
    assert_int_equal(buf_put(&b, SPAN("de")), ERR_BUF_LIMIT);
    assert_null(buf_reserve(&b, 2));
    assert_true(span_eq(buf_span(&b), SPAN("abc")));
    assert_int_equal(buf_put(&b, SPAN("d")), 0);
    assert_int_equal(buf_room(&b), 0);
    assert_int_equal(buf_put(&b, SPAN("")), 0);
    buf_take(&b, 3);
    assert_int_equal(buf_put(&b, SPAN("efg")), 0);
    assert_true(span_eq(buf_span(&b), SPAN("defg")));
    buf_fini(&b);
}

static void what_is_written_in_place_counts_when_it_is_said(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    assert_int_equal(buf_put(&b, SPAN("a")), 0);
    uint8_t *at = buf_reserve(&b, 5000);
    assert_non_null(at);
    memset(at, 'x', 5000);
    assert_int_equal(buf_len(&b), 1);
    buf_wrote(&b, 2);
    assert_true(span_eq(buf_span(&b), SPAN("axx")));
    buf_fini(&b);
}

static void memory_goes_back_only_when_nothing_is_queued(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_null(b.p);
    assert_int_equal(buf_span(&b).n, 0);
    assert_int_equal(buf_put(&b, SPAN("abc")), 0);
    buf_release(&b);
    assert_true(span_eq(buf_span(&b), SPAN("abc")));
    buf_take(&b, 3);
    assert_non_null(b.p);
    buf_release(&b);
    assert_null(b.p);
    assert_int_equal(buf_put(&b, SPAN("again")), 0);
    buf_fini(&b);
}

// A long random run of puts and takes against a counter on each side.
static void a_long_run_neither_loses_nor_swaps_a_byte(void **state) {
    (void)state;
    struct buf b;
    uint32_t seed = 7;
    uint8_t in = 0, out = 0;
    buf_init(&b, 3000);
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1664525u + 1013904223u;
        size_t n = (seed >> 8) % 700;
        if (seed >> 31) {
            uint8_t bytes[700];
            for (size_t j = 0; j < n; j++) {
                bytes[j] = (uint8_t)(in + j);
            }
            size_t len = buf_len(&b);
            if (buf_put(&b, span_of(bytes, n)) == 0) {
                in = (uint8_t)(in + n);
                assert_true(len + n <= 3000);
            } else {
                assert_true(len + n > 3000);
                assert_int_equal(buf_len(&b), len);
            }
        } else {
            n = n < buf_len(&b) ? n : buf_len(&b);
            struct span s = buf_span(&b);
            for (size_t j = 0; j < n; j++) {
                assert_int_equal(s.p[j], out++);
            }
            buf_take(&b, n);
        }
        assert_int_equal((uint8_t)(in - out), (uint8_t)buf_len(&b));
    }
    buf_fini(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_in_the_order_in_which_they_went_in),
        cmocka_unit_test(at_the_limit_nothing_is_put),
        cmocka_unit_test(what_is_written_in_place_counts_when_it_is_said),
        cmocka_unit_test(memory_goes_back_only_when_nothing_is_queued),
        cmocka_unit_test(a_long_run_neither_loses_nor_swaps_a_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
