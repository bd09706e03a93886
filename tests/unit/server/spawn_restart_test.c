// SPDX-License-Identifier: MIT
#include "server/spawn_restart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// What one process does, life after life, and the pause after each.
struct row {
    const char *name;
    struct {
        uint64_t lived_ms;
        bool is_clean;
        uint64_t pause;
    } lives[12];
};

static const struct row rows[] = {
    {"a program that cannot run is tried less and less often",
     {{5, false, 100},
      {5, false, 200},
      {5, false, 400},
      {5, false, 800},
      {5, false, 1600},
      {5, false, 3200},
      {5, false, 6400},
      {5, false, 10000},
      {5, false, 10000},
      {5, false, 10000},
      {5, false, 10000},
      {5, false, 10000}}},
    {"who lived for ten seconds begins anew",
     {{0, false, 100},
      {9999, false, 200},
      {10000, false, 100},
      {0, false, 200},
      {86400000, false, 100}}},
    {"a program that did its work and ended is started again at once",
     {{1000, true, 0}, {5000, true, 0}, {20, false, 100}, {1000, true, 0}, {20, false, 100}}},
    {"one that ends well but too soon is held up for a second at most",
     {{0, true, 100},
      {999, true, 200},
      {0, true, 400},
      {0, true, 800},
      {0, true, 1000},
      {0, true, 1000},
      {0, false, 6400}}},
};

static void test_pauses(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct spawn_restart r = {0};
        for (size_t k = 0;
             k < 12 && (k == 0 || rows[i].lives[k].pause > 0 || rows[i].lives[k].lived_ms > 0);
             k++) {
            uint64_t pause =
                spawn_restart_pause(&r, rows[i].lives[k].lived_ms, rows[i].lives[k].is_clean);
            if (pause != rows[i].lives[k].pause) {
                fail_msg("%s: %u ms after life %u", rows[i].name, (unsigned)pause, (unsigned)k);
            }
        }
    }
}

static unsigned failures_until_hopeless(bool is_clean) {
    struct spawn_restart r = {0};
    unsigned n = 0;
    assert_false(spawn_restart_is_hopeless(&r));
    while (!spawn_restart_is_hopeless(&r)) {
        spawn_restart_pause(&r, 0, is_clean);
        n++;
        assert_true(n < 100);
    }
    spawn_restart_pause(&r, SPAWN_RESTART_STEADY_LIFE_MS, is_clean);
    assert_false(spawn_restart_is_hopeless(&r));
    return n;
}

static void test_some_failures_in_a_row_are_hopeless_until_it_runs(void **state) {
    (void)state;
    assert_int_equal(failures_until_hopeless(false), 4);
    assert_int_equal(failures_until_hopeless(true), 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_some_failures_in_a_row_are_hopeless_until_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
