// SPDX-License-Identifier: MIT
#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_span(struct span s, const char *text) {
    assert_int_equal(s.n, strlen(text));
    if (s.n > 0) {
        assert_memory_equal(s.p, text, s.n);
    }
}

static void equality_looks_at_length_and_bytes(void **state) {
    (void)state;
    assert_true(span_eq(SPAN("abc"), span_str("abc")));
    assert_false(span_eq(SPAN("abc"), SPAN("abd")));
    assert_false(span_eq(SPAN("abc"), SPAN("ab")));
    assert_true(span_eq(span_str(NULL), SPAN("")));
    assert_true(span_eq(SPAN("a\0b"), span_of("a\0b", 3)));
}

static void case_is_folded_in_ascii_only(void **state) {
    (void)state;
    assert_true(span_eq_nocase(SPAN("Content-TYPE"), SPAN("content-type")));
    assert_false(span_eq_nocase(SPAN("a"), SPAN("ab")));
    assert_false(span_eq_nocase(SPAN("\xc4"), SPAN("\xe4")));
    // '[' and '{' differ in the bit by which cases differ, but are no letters.
    assert_false(span_eq_nocase(SPAN("["), SPAN("{")));
    assert_false(span_eq_nocase(SPAN("@"), SPAN("`")));
    assert_true(span_eq_nocase(SPAN("AZ"), SPAN("az")));
}

// Byte by byte, as the words of eight have to find it.
static bool is_same(uint8_t a, uint8_t b) {
    return span_lower_byte(a) == span_lower_byte(b);
}

static void each_byte_at_each_place_is_compared_without_case(void **state) {
    (void)state;
    for (size_t n = 1; n <= 17; n++) {
        for (unsigned pair = 0; pair < 256 * 256; pair++) {
            uint8_t a[17], b[17], x = (uint8_t)(pair >> 8), y = (uint8_t)pair;
            size_t at = pair * 7 % n;
            memcpy(a, "Abcdefgh{jklmnopQ", sizeof a);
            memcpy(b, "aBcdeFGH{jKlmnOPq", sizeof b);
            a[at] = x;
            b[at] = y;
            assert_int_equal(span_eq_nocase(span_of(a, n), span_of(b, n)), is_same(x, y));
        }
    }
}

static void prefix_and_suffix_may_be_the_whole_or_nothing(void **state) {
    (void)state;
    assert_true(span_has_prefix(SPAN("abc"), SPAN("ab")));
    assert_true(span_has_prefix(SPAN("abc"), SPAN("abc")));
    assert_true(span_has_prefix(SPAN("abc"), SPAN("")));
    assert_false(span_has_prefix(SPAN("ab"), SPAN("abc")));
    assert_false(span_has_prefix(SPAN("abc"), SPAN("bc")));
    assert_true(span_has_suffix(SPAN("abc"), SPAN("bc")));
    assert_true(span_has_suffix(SPAN("abc"), SPAN("abc")));
    assert_true(span_has_suffix(SPAN(""), SPAN("")));
    assert_false(span_has_suffix(SPAN("bc"), SPAN("abc")));
    assert_false(span_has_suffix(SPAN("abc"), SPAN("ab")));
}

static void cutting_beyond_the_end_gives_what_there_is(void **state) {
    (void)state;
    assert_span(span_skip(SPAN("abc"), 1), "bc");
    assert_span(span_skip(SPAN("abc"), 3), "");
    assert_span(span_skip(SPAN("abc"), 9), "");
    assert_span(span_skip(span_str(NULL), 0), "");
    assert_span(span_skip(span_str(NULL), 9), "");
    assert_null(span_skip(span_str(NULL), 9).p);
    assert_span(span_first(SPAN("abc"), 2), "ab");
    assert_span(span_first(SPAN("abc"), 0), "");
    assert_span(span_first(SPAN("abc"), 9), "abc");
}

static void what_is_not_found_is_at_the_end(void **state) {
    (void)state;
    assert_int_equal(span_index(SPAN("abcb"), 'b'), 1);
    assert_int_equal(span_index(SPAN("abc"), 'x'), 3);
    assert_int_equal(span_index(span_str(NULL), 'x'), 0);
    assert_int_equal(span_find(SPAN("a--b-->"), SPAN("-->")), 4);
    assert_int_equal(span_find(SPAN("abc"), SPAN("bcd")), 3);
    assert_int_equal(span_find(SPAN("abc"), SPAN("")), 0);
    assert_int_equal(span_find(span_str(NULL), SPAN("a")), 0);
}

static void trimming_takes_spaces_and_tabs_of_both_ends(void **state) {
    (void)state;
    assert_span(span_trim(SPAN(" \ta b\t ")), "a b");
    assert_span(span_trim(SPAN(" \t ")), "");
    assert_span(span_trim(SPAN("")), "");
    assert_span(span_trim(SPAN("\na\r")), "\na\r");
}

static void cutting_at_commas_gives_empty_parts_too(void **state) {
    (void)state;
    struct span rest = SPAN("a,,b,"), part;
    static const char *const want[] = {"a", "", "b", ""};
    for (size_t i = 0; i < 4; i++) {
        assert_true(span_cut(&rest, ',', &part));
        assert_span(part, want[i]);
    }
    assert_false(span_cut(&rest, ',', &part));
    rest = SPAN("");
    assert_true(span_cut(&rest, ',', &part));
    assert_span(part, "");
    assert_false(span_cut(&rest, ',', &part));
}

static void numbers_are_digits_that_fit(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"0", true, 0},
        {"007", true, 7},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"28446744073709551615", false, 0},
        {"184467440737095516150", false, 0},
        {"", false, 0},
        {"+1", false, 0},
        {"-1", false, 0},
        {" 1", false, 0},
        {"1e3", false, 0},
        {"0x1", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 0;
        assert_int_equal(span_to_u64(span_str(rows[i].text), &value), rows[i].ok);
        assert_int_equal(value, rows[i].value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_looks_at_length_and_bytes),
        cmocka_unit_test(case_is_folded_in_ascii_only),
        cmocka_unit_test(each_byte_at_each_place_is_compared_without_case),
        cmocka_unit_test(prefix_and_suffix_may_be_the_whole_or_nothing),
        cmocka_unit_test(cutting_beyond_the_end_gives_what_there_is),
        cmocka_unit_test(what_is_not_found_is_at_the_end),
        cmocka_unit_test(trimming_takes_spaces_and_tabs_of_both_ends),
        cmocka_unit_test(cutting_at_commas_gives_empty_parts_too),
        cmocka_unit_test(numbers_are_digits_that_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
