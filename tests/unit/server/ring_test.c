// SPDX-License-Identifier: MIT
#include "server/ring.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void test_records_come_out_as_and_in_the_order_they_went_in(void **state) {
    (void)state;
    struct ring r;
    struct span got;
    ring_init(&r, 256);
    // Lengths that meet the end of the ring in every way; twice around and more.
    for (unsigned i = 0; i < 400; i++) {
        uint8_t bytes[64];
        size_t n = i % 61;
        memset(bytes, (int)i, sizeof bytes);
        assert_true(ring_put(&r, span_of(bytes, n)));
        assert_true(ring_peek(&r, &got));
        assert_true(span_eq(got, span_of(bytes, n)));
        ring_taken(&r);
        assert_false(ring_peek(&r, &got));
    }
    ring_fini(&r);
}

static void test_a_full_ring_drops_and_counts_and_keeps_what_it_has(void **state) {
    (void)state;
    struct ring r;
    struct span got;
    unsigned put = 0, taken = 0;
    ring_init(&r, 256);
    while (ring_put(&r, span_of(&put, sizeof put))) {
        put++;
    }
    assert_true(put > 20);
    while (ring_peek(&r, &got)) {
        assert_memory_equal(got.p, &taken, sizeof taken);
        ring_taken(&r);
        taken++;
    }
    assert_int_equal(taken, put);
    ring_fini(&r);
}

static void test_a_record_larger_than_half_the_ring_is_dropped(void **state) {
    (void)state;
    struct ring r;
    uint8_t bytes[256] = {0};
    ring_init(&r, 256);
    assert_false(ring_put(&r, span_of(bytes, sizeof bytes)));
    assert_false(ring_put(&r, span_of(bytes, 125)));
    assert_true(ring_put(&r, span_of(bytes, 124)));
    ring_fini(&r);
}

#define RECORDS 200000u

static void *put_all(void *self) {
    struct ring *r = self;
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint32_t record[8] = {i, ~i};
        while (!ring_put(r, span_of(record, 8 + 4 * (i % 7)))) {
        }
    }
    return NULL;
}

static void test_two_threads_lose_and_mix_nothing(void **state) {
    (void)state;
    struct ring r;
    pthread_t thread;
    struct span got;
    ring_init(&r, 1024);
    assert_int_equal(pthread_create(&thread, NULL, put_all, &r), 0);
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint32_t head[2];
        while (!ring_peek(&r, &got)) {
        }
        assert_int_equal(got.n, 8 + 4 * (i % 7));
        memcpy(head, got.p, sizeof head);
        assert_int_equal(head[0], i);
        assert_int_equal(head[1], ~i);
        ring_taken(&r);
    }
    pthread_join(thread, NULL);
    ring_fini(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_come_out_as_and_in_the_order_they_went_in),
        cmocka_unit_test(test_a_full_ring_drops_and_counts_and_keeps_what_it_has),
        cmocka_unit_test(test_a_record_larger_than_half_the_ring_is_dropped),
        cmocka_unit_test(test_two_threads_lose_and_mix_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
