// SPDX-License-Identifier: MIT
#include "learner/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OWN 4
#define MOST 64
#define FLOODER 0x123456789abcdef1
#define OTHER 0xfedcba9876543215

static struct quota share;

static unsigned granted(uint64_t network, uint32_t second, unsigned times) {
    unsigned n = 0;
    for (unsigned i = 0; i < times; i++) {
        n += quota_take(&share, network, second);
    }
    return n;
}

static void who_asks_for_all_leaves_half_to_others(void **state) {
    (void)state;
    quota_init(&share, OWN, MOST);
    assert_int_equal(granted(FLOODER, 7, 10000), MOST / 2);
    assert_false(quota_is_modest(&share, FLOODER, 7));
    assert_true(quota_is_modest(&share, OTHER, 7));
    assert_int_equal(granted(OTHER, 7, 10000), OWN);
    assert_int_equal(granted(FLOODER, 7, 10000), 0);
    assert_int_equal(granted(FLOODER, 8, 10000), MOST / 2); // a new second
}

static void all_together_get_no_more_than_there_is(void **state) {
    (void)state;
    unsigned n = 0;
    quota_init(&share, OWN, MOST);
    for (uint64_t network = 0; network < 100000; network++) {
        n += granted(network * 0x9e3779b97f4a7c15, 9, 2);
    }
    assert_int_equal(n, MOST);
}

static void who_meets_another_in_a_place_meets_him_no_longer_in_the_next_second(void **state) {
    (void)state;
    uint64_t twin = FLOODER ^ 1ULL << 40; // the same place until its bit comes into view
    quota_init(&share, OWN, MOST);
    granted(FLOODER, 0, 100);
    assert_false(quota_is_modest(&share, twin, 0));
    granted(FLOODER, 35, 100);
    assert_true(quota_is_modest(&share, twin, 35));
}

static void before_anything_was_granted_all_is_there(void **state) {
    (void)state;
    quota_init(&share, OWN, MOST);
    assert_int_equal(granted(FLOODER, 0, 10000), MOST / 2); // second 0 is one as any other
    assert_int_equal(granted(OTHER, 0, 10000), OWN);
}

static void nobody_holds_more_than_his_part(void **state) {
    (void)state;
    static struct quota_loans loans;
    quota_loans_init(&loans, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(quota_borrow(&loans, FLOODER));
    }
    assert_false(quota_borrow(&loans, FLOODER));
    assert_true(quota_borrow(&loans, OTHER));
    quota_return(&loans, FLOODER);
    assert_true(quota_borrow(&loans, FLOODER));
    assert_false(quota_borrow(&loans, FLOODER));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_for_all_leaves_half_to_others),
        cmocka_unit_test(all_together_get_no_more_than_there_is),
        cmocka_unit_test(who_meets_another_in_a_place_meets_him_no_longer_in_the_next_second),
        cmocka_unit_test(before_anything_was_granted_all_is_there),
        cmocka_unit_test(nobody_holds_more_than_his_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
