// SPDX-License-Identifier: MIT
#include "base/error.h"
#include "base/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void pairs_keep_their_order_while_the_array_grows(void **state) {
    (void)state;
    struct arena a;
    struct pairs pairs = {NULL, 0, 0};
    uint8_t names[100];
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < 100; i++) {
        names[i] = (uint8_t)i;
        assert_int_equal(pairs_put(&pairs, &a, span_of(&names[i], 1), SPAN("v")), 0);
    }
    assert_int_equal(pairs.n, 100);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(pairs.v[i].name.p[0], i);
    }
    arena_fini(&a);
}

static void the_first_of_a_name_is_found_whatever_its_case(void **state) {
    (void)state;
    struct arena a;
    struct pairs pairs = {NULL, 0, 0};
    arena_init(&a, 1 << 16);
    assert_null(pairs_find(&pairs, SPAN("link")));
    assert_int_equal(pairs_put(&pairs, &a, SPAN("Link"), SPAN("1")), 0);
    assert_int_equal(pairs_put(&pairs, &a, SPAN("link"), SPAN("2")), 0);
    assert_int_equal(pairs_put(&pairs, &a, SPAN("Empty"), SPAN("")), 0);
    assert_true(span_eq(*pairs_find(&pairs, SPAN("LINK")), SPAN("1")));
    assert_int_equal(pairs_find(&pairs, SPAN("empty"))->n, 0);
    assert_null(pairs_find(&pairs, SPAN("lin")));
    arena_fini(&a);
}

static void a_spent_budget_leaves_the_pairs_as_they_were(void **state) {
    (void)state;
    struct arena a;
    struct pairs pairs = {NULL, 0, 0};
    arena_init(&a, 2048);
    int error = 0;
    size_t n = 0;
    while (error == 0 && n < 1000) {
        error = pairs_put(&pairs, &a, SPAN("n"), SPAN("v"));
        n += error == 0;
    }
    assert_int_equal(error, ERR_ARENA_LIMIT);
    assert_int_equal(pairs.n, n);
    assert_true(span_eq(pairs.v[n - 1].name, SPAN("n")));
    arena_fini(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_keep_their_order_while_the_array_grows),
        cmocka_unit_test(the_first_of_a_name_is_found_whatever_its_case),
        cmocka_unit_test(a_spent_budget_leaves_the_pairs_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
