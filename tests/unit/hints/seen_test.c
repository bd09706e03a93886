// SPDX-License-Identifier: MIT
#include "hints/seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct siphash_key secret = {11, 22};

static struct span name(char *text, int i) {
    sprintf(text, "/asset/%d.css", i);
    return span_str(text);
}

static void nothing_is_allocated_before_the_first_entry(void **state) {
    (void)state;
    struct seen seen;
    seen_init(&seen);
    assert_null(seen.table);
    assert_true(seen_put(&seen, &secret, SPAN("/a"), 0));
    assert_non_null(seen.table);
    seen_fini(&seen);
    assert_null(seen.table);
    seen_fini(&seen);
}

static void the_second_time_is_not_new(void **state) {
    (void)state;
    struct seen seen;
    seen_init(&seen);
    assert_true(seen_put(&seen, &secret, SPAN("/a"), 0));
    assert_false(seen_put(&seen, &secret, SPAN("/a"), 0));
    assert_int_equal(seen.n, 1);
    assert_true(seen_put(&seen, &secret, SPAN("/a?v=1"), 0));
    seen_fini(&seen);
}

static void what_was_put_is_fresh_until_its_time(void **state) {
    (void)state;
    struct seen seen;
    seen_init(&seen);
    assert_false(seen_is_fresh(&seen, &secret, SPAN("/a"), 0));
    assert_true(seen_put(&seen, &secret, SPAN("/a"), 605000));
    assert_true(seen_put(&seen, &secret, SPAN("/pushed"), 0));
    assert_true(seen_is_fresh(&seen, &secret, SPAN("/a"), 5000));
    assert_true(seen_is_fresh(&seen, &secret, SPAN("/a"), 604000));
    assert_false(seen_is_fresh(&seen, &secret, SPAN("/a"), 605000));
    assert_false(seen_is_fresh(&seen, &secret, SPAN("/pushed"), 5000));
    assert_false(seen_is_fresh(&seen, &secret, SPAN("/other"), 5000));
    assert_false(seen_put(&seen, &secret, SPAN("/a"), 0)); // for a push it stays seen
    seen_fini(&seen);
}

static void the_last_word_about_freshness_counts(void **state) {
    (void)state;
    struct seen seen;
    seen_init(&seen);
    seen_put(&seen, &secret, SPAN("/a"), 600000);
    assert_false(seen_put(&seen, &secret, SPAN("/a"), 10000)); // asked for again, now short-lived
    assert_false(seen_is_fresh(&seen, &secret, SPAN("/a"), 10000));
    seen_put(&seen, &secret, SPAN("/a"), UINT64_MAX);
    assert_true(seen_is_fresh(&seen, &secret, SPAN("/a"), 600000));
    seen_put(&seen, &secret, SPAN("/a"), 0); // a push knows nothing of it
    assert_true(seen_is_fresh(&seen, &secret, SPAN("/a"), 600000));
    seen_fini(&seen);
}

static void a_full_table_has_seen_everything(void **state) {
    (void)state;
    struct seen seen;
    char text[40];
    seen_init(&seen);
    for (int i = 0; i < SEEN_MAX; i++) {
        assert_true(seen_put(&seen, &secret, name(text, i), 1000000));
    }
    for (int i = 0; i < 2 * SEEN_MAX; i++) {
        assert_false(seen_put(&seen, &secret, name(text, i), 0));
    }
    assert_int_equal(seen.n, SEEN_MAX);
    assert_false(seen_is_fresh(&seen, &secret, name(text, 0), 0)); // but knows of nothing fresh
    seen_fini(&seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_allocated_before_the_first_entry),
        cmocka_unit_test(the_second_time_is_not_new),
        cmocka_unit_test(what_was_put_is_fresh_until_its_time),
        cmocka_unit_test(the_last_word_about_freshness_counts),
        cmocka_unit_test(a_full_table_has_seen_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
