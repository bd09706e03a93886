// SPDX-License-Identifier: MIT
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_code_has_its_own_row(void **state) {
    (void)state;
#define ERROR(code, http, where, word, words)                                                      \
    assert_true(code < 0);                                                                         \
    assert_string_equal(error_row(code)->name, #code);                                             \
    assert_int_equal(error_row(code)->status, http);                                               \
    assert_int_equal(error_row(code)->scope, where);                                               \
    assert_string_equal(error_row(code)->label, word);                                             \
    assert_string_equal(error_row(code)->text, words);
#include "base/error.def"
#undef ERROR
}

static void labels_are_unique_and_fit_a_metric(void **state) {
    (void)state;
    for (int i = 1; i <= ERROR_COUNT; i++) {
        const char *label = error_row(-i)->label;
        assert_true(strlen(label) > 0);
        assert_int_equal(strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(label));
        for (int j = 1; j < i; j++) {
            assert_string_not_equal(label, error_row(-j)->label);
        }
    }
}

static void every_status_is_one_for_an_error(void **state) {
    (void)state;
    for (int i = 1; i <= ERROR_COUNT; i++) {
        int status = error_row(-i)->status;
        assert_true(status >= 400 && status <= 599);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_own_row),
        cmocka_unit_test(labels_are_unique_and_fit_a_metric),
        cmocka_unit_test(every_status_is_one_for_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
