// SPDX-License-Identifier: MIT
// The rule of the cap, held against servers in memory that take so many requests at once, in order.
#include "fcgi/pool_cap.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LOOK_MS 20
#define ROOM 1024

// A server with processes; what is beyond them lies unread. Every request takes `work_ms`.
struct server {
    struct pool_cap cap;
    unsigned processes, work_ms, waiting, held;
    uint64_t sent_ms[ROOM], read_ms[ROOM], now_ms; // of the first `held`; read_ms 0: unread
    unsigned changes, done;
};

static void init(struct server *s, unsigned processes, unsigned work_ms) {
    *s = (struct server){.processes = processes, .work_ms = work_ms, .now_ms = 1};
    pool_cap_init(&s->cap, 32, UINT_MAX, s->now_ms);
}

static void end_first(struct server *s, unsigned at) {
    for (unsigned i = at; i + 1 < s->held; i++) {
        s->sent_ms[i] = s->sent_ms[i + 1];
        s->read_ms[i] = s->read_ms[i + 1];
    }
    s->held--;
    s->done++;
}

static void work(struct server *s) {
    unsigned busy = 0;
    for (unsigned i = 0; i < s->held;) {
        if (s->read_ms[i] != 0 && s->now_ms - s->read_ms[i] >= s->work_ms) {
            end_first(s, i);
        } else {
            i++;
        }
    }
    for (unsigned i = 0; i < s->held; i++) {
        s->read_ms[i] = s->read_ms[i] == 0 && busy < s->processes ? s->now_ms : s->read_ms[i];
        busy += s->read_ms[i] != 0;
    }
}

static void send(struct server *s) {
    for (; s->waiting > 0 && s->held < s->cap.most && s->held < ROOM; s->waiting--) {
        s->sent_ms[s->held] = s->now_ms;
        s->read_ms[s->held++] = 0;
    }
}

static void look(struct server *s) {
    struct pool_cap_view v = {.held = s->held, .is_wanted = s->waiting > 0};
    for (unsigned i = 0; i < s->held; i++) {
        v.unread += s->read_ms[i] == 0 && s->now_ms - s->sent_ms[i] >= POOL_CAP_LATE_MS;
    }
    s->changes += pool_cap_look(&s->cap, &v, s->now_ms);
}

// So many milliseconds with so many requests waiting all the time.
static void run(struct server *s, uint64_t ms, unsigned waiting) {
    for (uint64_t end_ms = s->now_ms + ms; s->now_ms < end_ms; s->now_ms += LOOK_MS) {
        s->waiting = waiting;
        work(s);
        send(s);
        work(s);
        look(s);
    }
}

static void what_lies_unread_lowers_the_cap_to_what_is_executed(void **state) {
    (void)state;
    static const struct {
        unsigned processes, work_ms;
    } rows[] = {{1, 2000}, {4, 1000}, {4, 5000}, {12, 3000}, {31, 9000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct server s;
        init(&s, rows[i].processes, rows[i].work_ms);
        run(&s, POOL_CAP_LATE_MS + POOL_CAP_WINDOW_MS + 4 * LOOK_MS, 50);
        assert_int_equal(s.cap.most, rows[i].processes);
    }
}

static void a_server_that_keeps_up_is_never_lowered(void **state) {
    (void)state;
    struct server s;
    init(&s, 64, 300);
    run(&s, 60000, 1);
    assert_true(s.cap.most >= 32);
    // Of short requests many fit into the time that is no harm.
    init(&s, 4, 20);
    run(&s, 300, 3);
    assert_true(s.cap.most > 4);
}

static void what_somebody_waits_for_is_tried_and_found(void **state) {
    (void)state;
    struct server s;
    init(&s, 4, 1000);
    run(&s, 5000, 50);
    s.processes = 40; // more processes were started
    run(&s, 60000, 100);
    assert_in_range(s.cap.most, 38, 60);
}

static void trials_that_are_too_much_become_rare(void **state) {
    (void)state;
    struct server s;
    init(&s, 4, 1000);
    run(&s, 120000, 50);
    unsigned before = s.changes;
    run(&s, 120000, 50);
    assert_in_range(s.changes - before, 2, 12); // up and down again
    assert_in_range(s.cap.most, 4, 5);
    unsigned done = s.done;
    run(&s, 60000, 50);
    assert_in_range(s.done - done, 220, 240); // and the server is never idle
}

static void nothing_is_tried_that_nobody_waits_for(void **state) {
    (void)state;
    struct server s;
    init(&s, 4, 1000);
    run(&s, 2000, 50);
    run(&s, 600000, 0);
    assert_int_equal(s.cap.most, 4);
}

static void a_server_that_executes_nothing_says_nothing(void **state) {
    (void)state;
    struct server s;
    init(&s, 0, 1000);
    run(&s, 60000, 50);
    assert_int_equal(s.cap.most, 32);
    assert_int_equal(s.changes, 0);
}

static void a_process_that_is_replaced_lowers_nothing(void **state) {
    (void)state;
    struct server s;
    init(&s, 8, 2000);
    run(&s, 3000, 50);
    assert_int_equal(s.cap.most, 8);
    struct pool_cap_view few = {.held = 8, .unread = 3, .is_wanted = true};
    struct pool_cap_view all = {.held = 9, .unread = 1, .is_wanted = true};
    for (int i = 0; i < 40; i++) {
        s.now_ms += LOOK_MS;
        pool_cap_look(&s.cap, i % 5 == 0 ? &all : &few, s.now_ms);
    }
    assert_int_equal(s.cap.most, 8);
}

static void it_is_bounded(void **state) {
    (void)state;
    struct server s;
    init(&s, 1000, 1000);
    run(&s, 600000, 1000);
    assert_int_equal(s.cap.most, POOL_CAP_MOST);
    pool_cap_init(&s.cap, 32, 32, s.now_ms);
    run(&s, 60000, 1000);
    assert_int_equal(s.cap.most, 32);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_unread_lowers_the_cap_to_what_is_executed),
        cmocka_unit_test(a_server_that_keeps_up_is_never_lowered),
        cmocka_unit_test(what_somebody_waits_for_is_tried_and_found),
        cmocka_unit_test(trials_that_are_too_much_become_rare),
        cmocka_unit_test(nothing_is_tried_that_nobody_waits_for),
        cmocka_unit_test(a_server_that_executes_nothing_says_nothing),
        cmocka_unit_test(a_process_that_is_replaced_lowers_nothing),
        cmocka_unit_test(it_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
