// SPDX-License-Identifier: MIT
#include "hints/holdback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct siphash_key secret = {3, 4};

static unsigned held_in(struct holdback *h, unsigned share, unsigned n) {
    unsigned held = 0;
    for (unsigned i = 0; i < n; i++) {
        held += holdback_draw(h, share);
    }
    return held;
}

static void a_share_of_none_holds_nothing_back(void **state) {
    (void)state;
    struct holdback h;
    holdback_init(&h, &secret, 0);
    assert_int_equal(held_in(&h, 0, 100000), 0);
}

static void the_first_block_holds_nothing_back(void **state) {
    (void)state;
    for (uint64_t salt = 0; salt < 100; salt++) {
        struct holdback h;
        holdback_init(&h, &secret, salt);
        assert_int_equal(held_in(&h, 200, 50), 0);
        assert_int_equal(held_in(&h, 200, 50), 1);
    }
}

static void each_block_holds_exactly_one_back(void **state) {
    (void)state;
    static const unsigned shares[] = {1, 7, 200, 300, 3333, 5000, 9999, 10000};
    for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
        struct holdback h;
        unsigned share = shares[s];
        holdback_init(&h, &secret, 9);
        // `share` blocks make 10,000 navigations, whether it divides that or not.
        assert_int_equal(held_in(&h, share, HOLDBACK_WHOLE), share - 1);
        assert_int_equal(held_in(&h, share, HOLDBACK_WHOLE), share);
        assert_int_equal(held_in(&h, share, HOLDBACK_WHOLE), share);
    }
}

static void more_than_all_is_all(void **state) {
    (void)state;
    struct holdback h;
    holdback_init(&h, &secret, 0);
    assert_false(holdback_draw(&h, 20000));
    assert_int_equal(held_in(&h, 20000, 1000), 1000);
}

// The place in the block: about as often in each quarter, and another one for another salt.
static void the_place_in_the_block_cannot_be_foretold(void **state) {
    (void)state;
    struct holdback a, b;
    unsigned quarters[4] = {0}, same = 0;
    holdback_init(&a, &secret, 1);
    holdback_init(&b, &secret, 2);
    for (unsigned i = 0; i < 100 * 1000; i++) {
        bool in_a = holdback_draw(&a, 100), in_b = holdback_draw(&b, 100);
        quarters[i % 100 / 25] += in_a;
        same += in_a && in_b;
    }
    for (int i = 0; i < 4; i++) {
        assert_in_range(quarters[i], 200, 300);
    }
    assert_true(same < 40); // 10 are expected by chance
}

static void another_share_starts_anew(void **state) {
    (void)state;
    struct holdback h;
    holdback_init(&h, &secret, 5);
    held_in(&h, 5000, 999);
    assert_int_equal(held_in(&h, 1000, 10), 0);
    assert_int_equal(held_in(&h, 1000, 10), 1);
    assert_int_equal(held_in(&h, 0, 10), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_of_none_holds_nothing_back),
        cmocka_unit_test(the_first_block_holds_nothing_back),
        cmocka_unit_test(each_block_holds_exactly_one_back),
        cmocka_unit_test(more_than_all_is_all),
        cmocka_unit_test(the_place_in_the_block_cannot_be_foretold),
        cmocka_unit_test(another_share_starts_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
