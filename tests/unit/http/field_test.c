// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/field.h"

#include "base/tchar.h"

static void token_characters_are_those_of_the_rfc(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool expected = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
        assert_int_equal(tchar_is((uint8_t)c), expected);
    }
    assert_false(tchar_is_token(SPAN("")));
    assert_false(tchar_is_token(SPAN("a b")));
    assert_true(field_is_name(SPAN("X-Y_z.9")));
}

static void every_byte_is_judged_at_every_place_of_a_value(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool is_blank = c == ' ' || c == '\t';
        bool expected = (c >= ' ' && c != 0x7f) || c == '\t';
        for (size_t at = 0; at < 19; at++) {
            uint8_t text[19];
            memset(text, 'x', sizeof text);
            text[at] = (uint8_t)c;
            bool is_end = at == 0 || at == sizeof text - 1;
            assert_int_equal(field_is_value(span_of(text, sizeof text)),
                             expected && !(is_blank && is_end));
        }
    }
    assert_true(field_is_value(SPAN("")));
    assert_false(field_is_value(SPAN(" ")));
}

struct list_row {
    const char *name, *value, *elements; // joined by "|"
};

static void lists_are_cut_at_commas_outside_quotes(void **state) {
    (void)state;
    static const struct list_row rows[] = {
        {"one element", "a", "a|"},
        {"blanks around elements go", " a ,\tb\t", "a|b|"},
        {"empty elements are skipped", ",, a,,b, ,", "a|b|"},
        {"a comma in a quoted string does not cut", "\"a,b\";x=1, c", "\"a,b\";x=1|c|"},
        {"a quoted quote does not end the string", "\"a\\\",b\", c", "\"a\\\",b\"|c|"},
        {"an open string reaches to the end", "a, \"b, c", "a|\"b, c|"},
        {"a backslash at the very end is no trap", "\"a\\", "\"a\\|"},
        {"nothing has no elements", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char got[64] = "";
        struct span rest = span_str(rows[i].value), element;
        while (field_next_element(&rest, &element)) {
            strncat(got, (const char *)element.p, element.n);
            strcat(got, "|");
        }
        if (strcmp(got, rows[i].elements) != 0) {
            fail_msg("%s: %s", rows[i].name, got);
        }
    }
}

static void parts_are_cut_at_semicolons_outside_quotes(void **state) {
    (void)state;
    struct span rest = SPAN("a; b=\"x;y\" ;;c"), part;
    const char *expected[] = {"a", "b=\"x;y\"", "", "c"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(field_next_part(&rest, &part));
        assert_true(span_eq(part, span_str(expected[i])));
    }
    assert_false(field_next_part(&rest, &part));
}

static void tokens_are_found_over_several_fields(void **state) {
    (void)state;
    struct pair v[] = {
        {SPAN("Connection"), SPAN("keep-alive")},
        {SPAN("Host"), SPAN("close")},
        {SPAN("connection"), SPAN("x, Close")},
    };
    struct pairs fields = {v, 3, 3};
    assert_true(field_has_token(&fields, SPAN("CONNECTION"), SPAN("close")));
    assert_true(field_has_token(&fields, SPAN("connection"), SPAN("keep-alive")));
    assert_false(field_has_token(&fields, SPAN("connection"), SPAN("keep")));
    assert_int_equal(field_find(&fields, SPAN("connection"), 0), 0);
    assert_int_equal(field_find(&fields, SPAN("connection"), 1), 2);
    assert_int_equal(field_find(&fields, SPAN("connection"), 3), 3);
    assert_int_equal(field_find(&fields, SPAN("te"), 0), 3);
}

static void connection_specific_fields_are_known_in_any_case(void **state) {
    (void)state;
    assert_true(field_is_connection_specific(SPAN("Connection")));
    assert_true(field_is_connection_specific(SPAN("transfer-encoding")));
    assert_true(field_is_connection_specific(SPAN("TE")));
    assert_false(field_is_connection_specific(SPAN("content-length")));
    assert_false(field_is_connection_specific(SPAN("trailer")));
    uint8_t out[8];
    assert_true(span_eq(field_lower(SPAN("ETag-9Z"), out), SPAN("etag-9z")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_characters_are_those_of_the_rfc),
        cmocka_unit_test(every_byte_is_judged_at_every_place_of_a_value),
        cmocka_unit_test(lists_are_cut_at_commas_outside_quotes),
        cmocka_unit_test(parts_are_cut_at_semicolons_outside_quotes),
        cmocka_unit_test(tokens_are_found_over_several_fields),
        cmocka_unit_test(connection_specific_fields_are_known_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
