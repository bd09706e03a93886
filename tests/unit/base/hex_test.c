// SPDX-License-Identifier: MIT
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void digits_of_both_cases_and_no_others_are_read(void **state) {
    (void)state;
    static const char digits[] = "0123456789abcdef", large[] = "0123456789ABCDEF";
    for (int c = 0; c < 256; c++) {
        const char *at = c != 0 ? strchr(digits, c) : NULL, *big = c != 0 ? strchr(large, c) : NULL;
        int wanted = at != NULL ? (int)(at - digits) : big != NULL ? (int)(big - large) : -1;
        assert_int_equal(hex_value((uint8_t)c), wanted);
    }
}

static void an_escape_is_a_percent_sign_and_two_digits(void **state) {
    (void)state;
    static const struct {
        struct span text;
        int byte;
    } rows[] = {
        {SPAN_INIT("%41"), 'A'}, {SPAN_INIT("%ffx"), 255},  {SPAN_INIT("%Ff"), 255},
        {SPAN_INIT("%00"), 0},   {SPAN_INIT(""), -1},       {SPAN_INIT("%"), -1},
        {SPAN_INIT("%4"), -1},   {SPAN_INIT("%4g"), -1},    {SPAN_INIT("%g4"), -1},
        {SPAN_INIT("%-1"), -1},  {SPAN_INIT("%% 1"), -1},   {SPAN_INIT("41"), -1},
        {SPAN_INIT("x%41"), -1}, {SPAN_INIT("%\0001"), -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(hex_escape_read(rows[i].text), rows[i].byte);
    }
}

static void every_byte_comes_back_as_it_was(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        uint8_t escape[3], pair[2];
        assert_ptr_equal(hex_escape_put(escape, (uint8_t)c), escape + 3);
        assert_ptr_equal(hex_put(pair, (uint8_t)c), pair + 2);
        assert_int_equal(hex_escape_read(span_of(escape, 3)), c);
        assert_int_equal(hex_byte(pair), c);
    }
    uint8_t escape[3], pair[2];
    hex_escape_put(escape, 0xab);
    hex_put(pair, 0xab);
    assert_memory_equal(escape, "%AB", 3); // RFC 3986, 2.1
    assert_memory_equal(pair, "ab", 2);
}

static void a_number_has_no_leading_zeros(void **state) {
    (void)state;
    static const struct {
        uint64_t value;
        const char *text;
    } rows[] = {
        {0, "0"},   {9, "9"},         {15, "f"},
        {16, "10"}, {0xabc0, "abc0"}, {UINT64_MAX, "ffffffffffffffff"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t text[HEX_NUMBER_MAX];
        size_t n = (size_t)(hex_put_number(text, rows[i].value) - text);
        assert_int_equal(n, strlen(rows[i].text));
        assert_memory_equal(text, rows[i].text, n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_of_both_cases_and_no_others_are_read),
        cmocka_unit_test(an_escape_is_a_percent_sign_and_two_digits),
        cmocka_unit_test(every_byte_comes_back_as_it_was),
        cmocka_unit_test(a_number_has_no_leading_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
