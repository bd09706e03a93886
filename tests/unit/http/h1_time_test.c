// SPDX-License-Identifier: MIT
// The clock of HTTP/1: what is told of a body that does not come, under a clock that the test
// turns.
#include "http/h1.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define POST "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"

struct world {
    struct h1_conf conf;
    struct h1 h;
    struct deadline_limits limits;
    uint64_t now;
    struct front_stream *stream;
    size_t unconsumed;
    unsigned late;
    int error; // of the reset
};

static void pull(struct world *w) {
    struct front_event e;
    while (front_next(&w->h.front, &e) == STEP_ITEM) {
        w->stream = e.stream;
        w->unconsumed += e.body.n;
        w->late += e.kind == FRONT_LATE;
        if (e.kind == FRONT_RESET) {
            w->error = e.error;
            front_release(&w->h.front, e.stream);
            w->stream = NULL;
        }
    }
}

static void feed(struct world *w, struct span bytes) {
    front_feed(&w->h.front, bytes);
    pull(w);
}

static void init(struct world *w, const char *first) {
    *w = (struct world){.now = 1000};
    h1_conf_init(&w->conf);
    h1_init(&w->h, &w->conf);
    deadline_limits_init(&w->limits);
    w->limits.ms[LIMIT_BODY] = 30000;
    w->limits.ms[LIMIT_REQUEST] = 600000;
    w->limits.rate[RATE_UP] = 500;
    w->limits.grace_ms = 60000;
    feed(w, span_str(first));
    assert_non_null(w->stream);
}

// So many seconds, in each of which so many bytes come and are consumed.
static void pass(struct world *w, unsigned seconds, size_t bytes) {
    static const uint8_t zeros[4096];
    for (unsigned i = 0; i < seconds; i++, w->now += 1000) {
        front_tick(&w->h.front, &(struct front_clock){&w->limits, w->now, true});
        pull(w);
        feed(w, span_of(zeros, bytes));
        if (w->stream != NULL) {
            front_consumed(&w->h.front, w->stream, w->unconsumed);
        }
        w->unconsumed = 0;
    }
}

static void a_body_that_stops_coming_is_told_once_a_limit(void **state) {
    (void)state;
    struct world w;
    init(&w, POST);
    pass(&w, 30, 0);
    assert_int_equal(w.late, 0);
    pass(&w, 1, 0);
    assert_int_equal(w.late, 1);
    pass(&w, 30, 0);
    assert_int_equal(w.late, 2);
    front_fini(&w.h.front);
}

static void a_body_slower_than_the_rate_is_told(void **state) {
    (void)state;
    struct world w;
    init(&w, POST);
    pass(&w, 62, 400);
    assert_int_equal(w.late, 1);
    front_fini(&w.h.front);
}

static void a_body_that_comes_fast_enough_is_not(void **state) {
    (void)state;
    struct world w;
    init(&w, POST);
    pass(&w, 150, 600);
    assert_int_equal(w.late, 0);
    front_fini(&w.h.front);
}

// What was told and is not consumed is in our hands.
static void a_body_that_we_hold_up_is_not(void **state) {
    (void)state;
    struct world w;
    init(&w, POST "abc");
    for (unsigned i = 0; i < 300; i++, w.now += 1000) {
        front_tick(&w.h.front, &(struct front_clock){&w.limits, w.now, true});
        pull(&w);
    }
    assert_int_equal(w.late, 0);
    front_fini(&w.h.front);
}

static void a_request_ends_however_it_moves(void **state) {
    (void)state;
    struct world w;
    init(&w, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    pass(&w, 600, 0);
    assert_int_equal(w.error, 0);
    pass(&w, 1, 0);
    assert_int_equal(w.error, ERR_TIMEOUT);
    assert_int_equal(front_phase(&w.h.front), FRONT_CLOSING);
    front_fini(&w.h.front);
}

// The time of one request is none of the next one.
static void each_request_has_its_own_time(void **state) {
    (void)state;
    struct world w;
    struct response r = {.status = 204};
    init(&w, POST);
    pass(&w, 25, 4000);
    pass(&w, 500, 0);
    assert_true(w.late == 0 && w.error == 0);
    assert_int_equal(front_head(&w.h.front, w.stream, &r, true), 0);
    struct front_event e;
    assert_int_equal(front_next(&w.h.front, &e), STEP_ITEM);
    assert_int_equal(e.kind, FRONT_DONE);
    front_release(&w.h.front, e.stream);
    feed(&w, SPAN(POST));
    pass(&w, 29, 0);
    assert_true(w.late == 0 && w.error == 0);
    pass(&w, 2, 0);
    assert_int_equal(w.late, 1);
    front_fini(&w.h.front);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_that_stops_coming_is_told_once_a_limit),
        cmocka_unit_test(a_body_slower_than_the_rate_is_told),
        cmocka_unit_test(a_body_that_comes_fast_enough_is_not),
        cmocka_unit_test(a_body_that_we_hold_up_is_not),
        cmocka_unit_test(a_request_ends_however_it_moves),
        cmocka_unit_test(each_request_has_its_own_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
