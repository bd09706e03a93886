// SPDX-License-Identifier: MIT
#include "base/tchar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LEN_MOST 20

// RFC 9110, 5.5, as it is written there.
static bool is_text_byte(unsigned c) {
    return c == ' ' || c == '\t' || (c >= 0x21 && c <= 0x7e) || c >= 0x80;
}

static void every_byte_is_judged_at_every_place_of_every_length(void **state) {
    (void)state;
    for (size_t n = 1; n <= LEN_MOST; n++) {
        for (size_t at = 0; at < n; at++) {
            for (unsigned c = 0; c < 256; c++) {
                uint8_t text[LEN_MOST];
                memset(text, at % 2 == 0 ? '\t' : 0xff, sizeof text);
                text[at] = (uint8_t)c;
                assert_int_equal(tchar_is_text(span_of(text, n)), is_text_byte(c));
            }
        }
    }
    assert_true(tchar_is_text(span_of(NULL, 0)));
}

static void a_token_has_one_character_at_least_and_no_others(void **state) {
    (void)state;
    assert_true(tchar_is_token(SPAN("X-a!#$%&'*+-.^_`|~09")));
    assert_false(tchar_is_token(SPAN("")));
    for (unsigned c = 0; c < 256; c++) {
        bool is_other = c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", (int)c) != NULL;
        assert_int_equal(tchar_is((uint8_t)c), !is_other);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_judged_at_every_place_of_every_length),
        cmocka_unit_test(a_token_has_one_character_at_least_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
