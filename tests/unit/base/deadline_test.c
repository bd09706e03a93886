// SPDX-License-Identifier: MIT
#include "base/deadline.h"

#include "base/error.h"

// clang-format off
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

static struct deadline_limits limits(void) {
    struct deadline_limits l;
    deadline_limits_init(&l);
    for (int i = LIMIT_NONE + 1; i < LIMIT_COUNT; i++) {
        l.ms[i] = l.ms[i] > 0 ? l.ms[i] : 30000;
    }
    l.rate[RATE_DOWN] = 2048;
    l.rate[RATE_UP] = 500;
    l.grace_ms = 60000;
    return l;
}

// How many milliseconds a wait lasts in which so many bytes come every so many milliseconds; looked
// at once a second, an hour at most.
static uint64_t lasts(enum deadline_state state, uint64_t bytes, uint64_t each_ms,
                      uint64_t sharers) {
    struct deadline_limits l = limits();
    struct deadline d;
    deadline_init(&d);
    uint64_t now = 5000, end = now + 3600000;
    for (; now < end; now += 1000) {
        uint64_t n = bytes * ((now - 5000) / each_ms);
        struct deadline_moved moved = {n, n, sharers};
        if (deadline_look(&d, &l, state, &moved, now)) {
            break;
        }
    }
    return now - 5000;
}

// Of every row: what never moves ends when its limit says, and what drips ends too.
static void every_wait_ends_for_the_silent_and_the_dripping(void **state) {
    (void)state;
    struct deadline_limits l = limits();
    for (int i = DEADLINE_NOTHING + 1; i < DEADLINE_COUNT; i++) {
        const struct deadline_row *row = deadline_row((enum deadline_state)i);
        assert_int_not_equal(row->limit, LIMIT_NONE);
        assert_int_equal(lasts((enum deadline_state)i, 0, 1000, 1), l.ms[row->limit]);
        // Whatever counts from progress and is a client's has a least rate, or it would never end.
        bool is_client = row->then != DEADLINE_THEN_FAIL;
        assert_true(row->begins == DEADLINE_FROM_ENTRY || row->rate != RATE_ANY || !is_client);
        if (is_client) {
            assert_true(lasts((enum deadline_state)i, 1, 1000, 1) <= l.ms[row->limit] + l.grace_ms);
        }
    }
    assert_int_equal(lasts(DEADLINE_NOTHING, 0, 1000, 1), 3600000);
}

static void honest_slow_clients_stay(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum deadline_state wait;
        uint64_t bytes, each_ms, sharers;
    } rows[] = {
        {"8 KB/s down", DEADLINE_CONN_WRITING, 8000, 1000, 1},
        {"8 KB/s down, in pieces with holes of 25 s", DEADLINE_CONN_WRITING, 200000, 25000, 1},
        {"GPRS, 2.5 KB/s down", DEADLINE_CONN_WRITING, 2500, 1000, 1},
        {"8 KB/s up", DEADLINE_STREAM_BODY, 8000, 1000, 1},
        {"GPRS, 1 KB/s up", DEADLINE_STREAM_BODY, 1000, 1000, 1},
        {"8 KB/s up for a hundred bodies at once", DEADLINE_STREAM_BODY, 80, 1000, 100},
        {"8 KB/s in windows of a hundred streams", DEADLINE_STREAM_WINDOW, 80, 1000, 100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t ms = lasts(rows[i].wait, rows[i].bytes, rows[i].each_ms, rows[i].sharers);
        if (ms != 3600000) {
            fail_msg("%s: ended after %lu ms", rows[i].name, (unsigned long)ms);
        }
    }
}

static void who_holds_us_up_is_ended(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum deadline_state wait;
        uint64_t bytes, each_ms;
    } rows[] = {
        {"a window that opens by a byte a second", DEADLINE_STREAM_WINDOW, 1, 1000},
        {"the connection's window, likewise", DEADLINE_CONN_HELD, 1, 1000},
        {"a body of a byte a second", DEADLINE_STREAM_BODY, 1, 1000},
        {"a reader of 1.4 KB/s", DEADLINE_CONN_WRITING, 1400, 1000},
        {"a byte just before each limit", DEADLINE_STREAM_BODY, 1, 29000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t ms = lasts(rows[i].wait, rows[i].bytes, rows[i].each_ms, 1);
        if (ms > 61000) {
            fail_msg("%s: ended after %lu ms", rows[i].name, (unsigned long)ms);
        }
    }
}

// What was fast long ago is no credit, and what was waited for somebody else no debt.
static void only_time_spent_waiting_counts(void **state) {
    (void)state;
    struct deadline_limits l = limits();
    struct deadline d;
    struct deadline_moved moved = {0, 0, 0};
    deadline_init(&d);
    uint64_t now = 0;
    for (; now < 600000; now += 1000) { // a page of 100 bytes a minute, taken at once
        moved.any = moved.own += now % 60000 == 0 ? 100 : 0;
        assert_false(deadline_look(&d, &l, DEADLINE_NOTHING, &moved, now));
        if (now % 60000 == 0) {
            assert_false(deadline_look(&d, &l, DEADLINE_CONN_WRITING, &moved, now));
        }
    }
    for (; now < 700000; now += 1000) { // a gigabyte a second
        moved.any = moved.own += 1 << 30;
        assert_false(deadline_look(&d, &l, DEADLINE_CONN_WRITING, &moved, now));
    }
    uint64_t slow = now;
    do {
        now += 1000;
        moved.any = moved.own += 10;
    } while (!deadline_look(&d, &l, DEADLINE_CONN_WRITING, &moved, now));
    assert_true(now - slow <= 2 * l.grace_ms);
}

// A stream that stands behind others of its connection has not stalled while those move, but must
// have its share in time.
static void a_stream_stalls_only_if_its_connection_does(void **state) {
    (void)state;
    struct deadline_limits l = limits();
    struct deadline d;
    deadline_init(&d);
    struct deadline_moved moved = {0, 0, 10};
    uint64_t now = 0;
    for (; now < 55000; now += 1000) {
        moved.any += 8000;
        assert_false(deadline_look(&d, &l, DEADLINE_STREAM_BODY, &moved, now));
    }
    moved.own = 16384; // a frame at last
    for (; now < 100000; now += 1000) {
        moved.any += 8000;
        assert_false(deadline_look(&d, &l, DEADLINE_STREAM_BODY, &moved, now));
    }
    while (!deadline_look(&d, &l, DEADLINE_STREAM_BODY, &moved, now += 1000)) {
        moved.any += 8000;
    }
    assert_true(now <= 130000);
}

static void no_limit_is_no_limit(void **state) {
    (void)state;
    struct deadline_limits l;
    struct deadline d;
    struct deadline_moved moved = {0, 0, 0};
    deadline_limits_init(&l);
    deadline_init(&d);
    assert_false(deadline_look(&d, &l, DEADLINE_STREAM_BODY, &moved, 0));
    assert_false(deadline_look(&d, &l, DEADLINE_STREAM_BODY, &moved, UINT64_MAX - 1));
    assert_int_equal(deadline_due(&d, &l), UINT64_MAX);
    assert_int_equal(deadline_look_ms(&l), 1000);
    l.ms[LIMIT_SEND] = 400;
    assert_int_equal(deadline_look_ms(&l), 50);
    l.ms[LIMIT_SEND] = 8;
    assert_int_equal(deadline_look_ms(&l), 10);
    deadline_enter(&d, DEADLINE_CONN_LINGERING, 7, false);
    assert_int_equal(deadline_due(&d, &l), 2007);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wait_ends_for_the_silent_and_the_dripping),
        cmocka_unit_test(honest_slow_clients_stay),
        cmocka_unit_test(who_holds_us_up_is_ended),
        cmocka_unit_test(only_time_spent_waiting_counts),
        cmocka_unit_test(a_stream_stalls_only_if_its_connection_does),
        cmocka_unit_test(no_limit_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
