// SPDX-License-Identifier: MIT
#include "learner/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// n navigations around a mean, by turns above and below it by `spread`.
static struct outcome of(unsigned n, double mean, double spread) {
    struct outcome o = {0};
    for (unsigned i = 0; i < n; i++) {
        outcome_put(&o, mean + (i % 2 ? spread : -spread));
    }
    return o;
}

static void mean_and_variance_are_those_of_the_numbers(void **state) {
    (void)state;
    struct outcome o = {0};
    static const double numbers[] = {2, 4, 4, 4, 5, 5, 7, 9};
    for (unsigned i = 0; i < 8; i++) {
        outcome_put(&o, numbers[i]);
    }
    assert_int_equal(o.n, 8);
    assert_true(o.mean_us > 4.999 && o.mean_us < 5.001);
    assert_true(outcome_variance(&o) > 4.571 && outcome_variance(&o) < 4.572); // 32 / 7
    struct outcome one = of(1, 7, 0);
    assert_true(outcome_variance(&one) == 0);
}

static void old_navigations_fade(void **state) {
    (void)state;
    struct outcome o = of(100000, 1000, 10);
    assert_int_equal(o.n, OUTCOME_MEMORY);
    assert_true(outcome_variance(&o) > 90 && outcome_variance(&o) < 110);
    for (unsigned i = 0; i < 5 * OUTCOME_MEMORY; i++) {
        outcome_put(&o, 5000);
    }
    assert_true(o.mean_us > 4950 && o.mean_us < 5001);
}

static const struct {
    const char *name;
    unsigned hinted_n, held_n;
    double hinted, held, spread;
    bool is_worse;
} rows[] = {
    {"clearly slower", 40, 40, 2000, 1000, 100, true},
    {"too few hinted ones to tell", 29, 40, 2000, 1000, 100, false},
    {"too few held ones to tell", 40, 29, 2000, 1000, 100, false},
    {"within the noise", 40, 40, 1050, 1000, 500, false},
    {"faster", 40, 40, 1000, 2000, 100, false},
    {"beyond noise, but by next to nothing", 400, 400, 100010, 100000, 1, false},
    {"slower by little, seen often", 400, 400, 1100, 1000, 200, true},
};

static void slower_beyond_noise_is_worse(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome hinted = of(rows[i].hinted_n, rows[i].hinted, rows[i].spread);
        struct outcome held = of(rows[i].held_n, rows[i].held, rows[i].spread);
        print_message("%s\n", rows[i].name);
        assert_int_equal(outcome_is_worse(&hinted, &held), rows[i].is_worse);
    }
}

static void the_interval_holds_the_difference(void **state) {
    (void)state;
    struct outcome a = of(100, 1500, 100), b = of(100, 1000, 100);
    struct outcome_gap gap;
    assert_true(outcome_compare(&a, &b, &gap));
    assert_true(gap.us > 499 && gap.us < 501 && gap.low_us < gap.us && gap.high_us > gap.us);
    assert_true(gap.low_us > 400 && gap.high_us < 600);
}

// A crowd of n networks around a mean.
static struct outcome_crowd crowd_of(unsigned n, double mean) {
    struct outcome_crowd c = {.n = 0};
    for (unsigned i = 0; i < n; i++) {
        outcome_crowd_put(&c, (uint16_t)i, mean + (i % 2 ? 10 : -10));
    }
    return c;
}

static void one_network_alone_makes_nothing_worse(void **state) {
    (void)state;
    struct outcome_crowd hinted = crowd_of(10, 1000), held = crowd_of(10, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        outcome_crowd_put(&hinted, 99, 90000);
        outcome_crowd_put(&held, 99, 1);
    }
    assert_int_equal(hinted.n, 11);
    assert_false(outcome_crowd_is_worse(&hinted, &held));
}

static void networks_that_agree_are_believed(void **state) {
    (void)state;
    struct outcome_crowd hinted = crowd_of(3, 2000), held = crowd_of(3, 1000);
    assert_true(outcome_crowd_is_worse(&hinted, &held));
    assert_false(outcome_crowd_is_worse(&held, &hinted));
    hinted = crowd_of(2, 2000);
    assert_false(outcome_crowd_is_worse(&hinted, &held));
    hinted = crowd_of(400, 2000);
    assert_int_equal(hinted.n, OUTCOME_CROWD);
    assert_true(outcome_crowd_is_worse(&hinted, &held));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_and_variance_are_those_of_the_numbers),
        cmocka_unit_test(old_navigations_fade),
        cmocka_unit_test(one_network_alone_makes_nothing_worse),
        cmocka_unit_test(networks_that_agree_are_believed),
        cmocka_unit_test(slower_beyond_noise_is_worse),
        cmocka_unit_test(the_interval_holds_the_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
