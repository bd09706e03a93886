// SPDX-License-Identifier: MIT
#include "http/status.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_status_of_an_error_that_a_client_sees_has_words(void **state) {
    (void)state;
    for (int i = 0; i < ERROR_COUNT; i++) {
        int status = error_row(-1 - i)->status;
        // 499 is for logs: its client is gone.
        assert_true(status == 499 || status_reason(status).n > 0);
    }
}

static void a_status_without_usual_words_has_none(void **state) {
    (void)state;
    assert_int_equal(status_reason(299).n, 0);
    assert_true(span_eq(status_reason(103), SPAN("Early Hints")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_of_an_error_that_a_client_sees_has_words),
        cmocka_unit_test(a_status_without_usual_words_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
