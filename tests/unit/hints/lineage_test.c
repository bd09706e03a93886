// SPDX-License-Identifier: MIT
#include "hints/lineage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct lineage l;

static int start(void **state) {
    (void)state;
    lineage_init(&l);
    return 0;
}

static int end(void **state) {
    (void)state;
    lineage_fini(&l);
    lineage_fini(&l);
    return 0;
}

static void a_cookie_leads_to_whom_it_was_given(void **state) {
    (void)state;
    assert_int_equal(lineage_find(&l, 7), 0);
    assert_int_equal(lineage_find(&l, 0), 0);
    lineage_put(&l, 7, 1);
    lineage_put(&l, 0, 2);
    assert_int_equal(lineage_find(&l, 7), 1);
    assert_int_equal(lineage_find(&l, 0), 2);
    assert_int_equal(lineage_find(&l, 7 + LINEAGE_PLACES), 0);
}

// Else one whose cookie is the same as another's would be now this user and now that one.
static void whose_it_is_does_not_change(void **state) {
    (void)state;
    lineage_put(&l, 7, 1);
    lineage_put(&l, 7, 2);
    assert_int_equal(lineage_find(&l, 7), 1);
}

static void cookies_of_one_place_live_beside_each_other_until_it_is_full(void **state) {
    (void)state;
    for (uint64_t i = 0; i <= LINEAGE_WAYS; i++) {
        lineage_put(&l, 7 + i * LINEAGE_PLACES, 1 + i);
    }
    assert_int_equal(lineage_find(&l, 7), 0); // the oldest had to go
    for (uint64_t i = 1; i <= LINEAGE_WAYS; i++) {
        assert_int_equal(lineage_find(&l, 7 + i * LINEAGE_PLACES), 1 + i);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_cookie_leads_to_whom_it_was_given),
        TEST(whose_it_is_does_not_change),
        TEST(cookies_of_one_place_live_beside_each_other_until_it_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
