// SPDX-License-Identifier: MIT
#include "server/wheel.h"

// clang-format off
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

#define ENTRIES 200

static void init(struct wheel *w, struct wheel_entry *e, size_t n, uint64_t now_ms) {
    wheel_init(w, now_ms);
    for (size_t i = 0; i < n; i++) {
        list_init(&e[i].node);
    }
}

static void nobody_waits_for_nothing(void **state) {
    (void)state;
    struct wheel w;
    wheel_init(&w, 12345);
    assert_int_equal(wheel_due(&w), UINT64_MAX);
    assert_null(wheel_next(&w, 99999999));
    assert_int_equal(wheel_due(&w), UINT64_MAX);
}

// From near to beyond the wheel, whatever the time it was made.
static void each_comes_when_it_is_due_and_a_slot_later_at_most(void **state) {
    (void)state;
    static const uint64_t starts[] = {0, 7, 123456789};
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        struct wheel w;
        struct wheel_entry e[ENTRIES];
        unsigned come = 0;
        init(&w, e, ENTRIES, starts[s]);
        for (unsigned i = 0; i < ENTRIES; i++) {
            wheel_put(&w, &e[i], starts[s] + (uint64_t)i * i); // the last after 39.6 seconds
        }
        for (uint64_t now = starts[s]; come < ENTRIES;) {
            for (struct wheel_entry *one; (one = wheel_next(&w, now)) != NULL; come++) {
                assert_true(one->due_ms <= now);
                assert_true(now < one->due_ms + WHEEL_SLOT_MS);
            }
            uint64_t due = wheel_due(&w);
            assert_true(come == ENTRIES ? due == UINT64_MAX : due > now);
            now = due;
        }
    }
}

static void a_loop_that_was_long_busy_misses_nobody(void **state) {
    (void)state;
    struct wheel w;
    struct wheel_entry e[3];
    init(&w, e, 3, 1000);
    wheel_put(&w, &e[0], 1010);
    wheel_put(&w, &e[1], 2000);
    wheel_put(&w, &e[2], 500000);
    assert_ptr_equal(wheel_next(&w, 400000), &e[0]);
    assert_ptr_equal(wheel_next(&w, 400000), &e[1]);
    assert_null(wheel_next(&w, 400000));
    assert_true(wheel_due(&w) <= 500000);
}

static void one_that_is_moved_comes_at_its_last_deadline_only(void **state) {
    (void)state;
    struct wheel w;
    struct wheel_entry e[1];
    init(&w, e, 1, 0);
    wheel_put(&w, e, 100);
    wheel_put(&w, e, 700); // later: stays where it is and is put again
    assert_null(wheel_next(&w, 690));
    wheel_put(&w, e, 695); // sooner
    assert_ptr_equal(wheel_next(&w, 700), e);
    assert_null(wheel_next(&w, 5000));
    wheel_put(&w, e, 6000);
    wheel_put(&w, e, UINT64_MAX);
    assert_null(wheel_next(&w, 9000));
    assert_int_equal(wheel_due(&w), UINT64_MAX);
}

static void one_that_has_left_is_not_told(void **state) {
    (void)state;
    struct wheel w;
    struct wheel_entry e[2];
    init(&w, e, 2, 0);
    wheel_put(&w, &e[0], 50);
    wheel_put(&w, &e[1], 50);
    list_drop(&e[0].node);
    assert_ptr_equal(wheel_next(&w, 50), &e[1]);
    assert_null(wheel_next(&w, 50));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_for_nothing),
        cmocka_unit_test(each_comes_when_it_is_due_and_a_slot_later_at_most),
        cmocka_unit_test(a_loop_that_was_long_busy_misses_nobody),
        cmocka_unit_test(one_that_is_moved_comes_at_its_last_deadline_only),
        cmocka_unit_test(one_that_has_left_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
