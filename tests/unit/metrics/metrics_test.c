// SPDX-License-Identifier: MIT
#include "metrics/metrics.h"

#include "base/message.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const gates[] = {"send", "off"};

static void test_a_reader_sums_over_the_workers(void **state) {
    (void)state;
    struct metrics m;
    metrics_init(&m);
    metrics_name(&m, METRIC_BY_GATE, gates, 2);
    struct metrics_worker *one = metrics_add_worker(&m), *other = metrics_add_worker(&m);
    metrics_add(one, METRIC_SLOT_HINTS, 3);
    metrics_add(other, METRIC_SLOT_HINTS, 4);
    metrics_add_by(other, METRIC_REQUESTS, PROTOCOL_HTTP2, 1);
    metrics_add_by(one, METRIC_RESPONSES, 4, 2);
    assert_int_equal(metrics_read(&m, METRIC_HINTS, 0), 7);
    assert_int_equal(metrics_read(&m, METRIC_REQUESTS, PROTOCOL_HTTP2), 1);
    assert_int_equal(metrics_read(&m, METRIC_REQUESTS, PROTOCOL_HTTP11), 0);
    assert_int_equal(metrics_read(&m, METRIC_RESPONSES, 4), 2);
    assert_int_equal(metrics_read(&m, METRIC_RESPONSES, 3), 0);
    metrics_fini(&m);
    metrics_fini(&m);
}

static void test_a_gauge_falls_where_another_worker_let_it_rise(void **state) {
    (void)state;
    struct metrics m;
    metrics_init(&m);
    struct metrics_worker *one = metrics_add_worker(&m), *other = metrics_add_worker(&m);
    metrics_add(one, METRIC_SLOT_CONNECTIONS_OPEN, 2);
    metrics_add(other, METRIC_SLOT_CONNECTIONS_OPEN, -(uint64_t)1);
    assert_int_equal(metrics_read(&m, METRIC_CONNECTIONS_OPEN, 0), 1);
    metrics_add(other, METRIC_SLOT_CONNECTIONS_OPEN, -(uint64_t)2);
    assert_int_equal(metrics_read(&m, METRIC_CONNECTIONS_OPEN, 0), 0);
    metrics_fini(&m);
}

// A generation of workers ends: what it has counted stays, what it still held open is closed.
static void test_what_a_worker_counted_stays_when_it_has_gone(void **state) {
    (void)state;
    struct metrics m;
    metrics_init(&m);
    metrics_name(&m, METRIC_BY_GATE, gates, 2);
    struct metrics_worker *old = metrics_add_worker(&m), *new = metrics_add_worker(&m);
    metrics_add(old, METRIC_SLOT_HINTS, 3);
    metrics_add(old, METRIC_SLOT_CONNECTIONS_OPEN, 2);
    metrics_add(new, METRIC_SLOT_HINTS, 1);
    metrics_add(old, METRIC_SLOT_CONNECTIONS_OPEN, -(uint64_t)2);
    metrics_drop_worker(&m, old);
    assert_int_equal(metrics_read(&m, METRIC_HINTS, 0), 4);
    assert_int_equal(metrics_read(&m, METRIC_CONNECTIONS_OPEN, 0), 0);
    metrics_drop_worker(&m, new);
    assert_int_equal(metrics_read(&m, METRIC_HINTS, 0), 4);
    metrics_fini(&m);
}

static void test_slots_do_not_overlap(void **state) {
    (void)state;
    unsigned next = 0;
    for (enum metric id = 0; id < METRIC_COUNT; id++) {
        const struct metric_row *row = metric_row(id);
        assert_int_equal(row->slot, next);
        assert_true(row->slots > 0);
        next += row->slots;
    }
    assert_int_equal(next, METRIC_SLOTS);
}

static void test_labels_are_words_of_their_tables(void **state) {
    (void)state;
    struct metrics m;
    metrics_init(&m);
    metrics_name(&m, METRIC_BY_GATE, gates, 2);
    assert_string_equal(metrics_label(&m, METRIC_BY_PROTOCOL, PROTOCOL_HTTP10), "http/1.0");
    assert_string_equal(metrics_label(&m, METRIC_BY_CLASS, 1), "2xx");
    assert_string_equal(metrics_label(&m, METRIC_BY_GATE, 1), "off");
    assert_null(metrics_label(&m, METRIC_BY_GATE, 2));
    assert_string_equal(metrics_label(&m, METRIC_BY_ERROR, ERR_QUEUE_FULL_INDEX), "queue_full");
    assert_null(metrics_label(&m, METRIC_BY_ERROR, ERROR_COUNT));
    metrics_fini(&m);
}

#define TURNS 100000

static void *count(void *worker) {
    for (int i = 0; i < TURNS; i++) {
        metrics_add(worker, METRIC_SLOT_BYTES_OUT, 2);
    }
    return NULL;
}

static void test_workers_count_at_the_same_time(void **state) {
    (void)state;
    struct metrics m;
    pthread_t threads[2];
    metrics_init(&m);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count, metrics_add_worker(&m)), 0);
    }
    uint64_t last = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t now = metrics_read(&m, METRIC_BYTES_OUT, 0);
        assert_true(now >= last);
        last = now;
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(metrics_read(&m, METRIC_BYTES_OUT, 0), 4 * TURNS);
    metrics_fini(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reader_sums_over_the_workers),
        cmocka_unit_test(test_a_gauge_falls_where_another_worker_let_it_rise),
        cmocka_unit_test(test_what_a_worker_counted_stays_when_it_has_gone),
        cmocka_unit_test(test_slots_do_not_overlap),
        cmocka_unit_test(test_labels_are_words_of_their_tables),
        cmocka_unit_test(test_workers_count_at_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
