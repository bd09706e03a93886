// SPDX-License-Identifier: MIT
#include "gateway/encoders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void no_more_are_given_than_there_may_be(void **state) {
    struct encoders es;
    (void)state;
    encoders_init(&es, 2);
    struct encoder *a = encoders_take(&es, CODING_GZIP, 1), *b = encoders_take(&es, CODING_ZSTD, 1);
    assert_true(a != NULL && b != NULL && a != b);
    assert_null(encoders_take(&es, CODING_GZIP, 1));
    encoders_give_back(&es, a);
    assert_ptr_equal(encoders_take(&es, CODING_GZIP, 1), a); // used again
    encoders_give_back(&es, a);
    struct encoder *c = encoders_take(&es, CODING_GZIP, 2); // of another level
    assert_true(c != NULL && c != a);
    encoders_give_back(&es, b);
    encoders_give_back(&es, c);
    encoders_fini(&es);
    encoders_init(&es, 0);
    assert_null(encoders_take(&es, CODING_GZIP, 1));
    encoders_fini(&es);
}

static void a_bounded_number_waits(void **state) {
    struct encoder *taken[ENCODERS_IDLE + 3];
    struct encoders es;
    (void)state;
    encoders_init(&es, ENCODERS_IDLE + 3);
    for (size_t i = 0; i < ENCODERS_IDLE + 3; i++) {
        taken[i] = encoders_take(&es, i % 3 != 0 ? CODING_GZIP : CODING_BROTLI, 1);
        assert_non_null(taken[i]);
        encoder_feed(taken[i], SPAN("broken off"));
    }
    for (size_t i = 0; i < ENCODERS_IDLE + 3; i++) {
        encoders_give_back(&es, taken[i]);
        assert_true(es.idle_n <= ENCODERS_IDLE);
    }
    assert_int_equal(es.given, 0);
    encoders_fini(&es);
    assert_int_equal(es.idle_n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_are_given_than_there_may_be),
        cmocka_unit_test(a_bounded_number_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
