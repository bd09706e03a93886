// SPDX-License-Identifier: MIT
#include "scan/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct row {
    const char *name;
    struct span text;
    const char *clean;
};

static struct row rows[] = {
    {"what can be sent stays as it is", SPAN_INIT("//a.test/b%20c?d=[e]&f#g"),
     "//a.test/b%20c?d=[e]&f#g"},
    {"blanks and controls at the ends go", SPAN_INIT(" \t\x01 a \n\x1f\0"), "a"},
    {"line breaks and tabs inside go", SPAN_INIT("a\r\nb\tc"), "abc"},
    {"blanks inside are encoded", SPAN_INIT("a b"), "a%20b"},
    {"what ends a link is encoded", SPAN_INIT("a<b>\"c\""), "a%3Cb%3E%22c%22"},
    {"controls inside are encoded",
     SPAN_INIT("a\x01\x7f"
               "b"),
     "a%01%7Fb"},
    {"characters of two, three and four bytes", SPAN_INIT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
     "%C3%A4%E2%82%AC%F0%9F%98%80"},
    {"Latin-1",
     SPAN_INIT("a\xe4"
               "b"),
     ""},
    {"a character that is cut", SPAN_INIT("a\xe2\x82"), ""},
    {"the second half of a character", SPAN_INIT("\x82"), ""},
    {"nothing", SPAN_INIT(""), ""},
    {"nothing but blanks", SPAN_INIT(" \n "), ""},
};

static void test_row(void **state) {
    const struct row *row = *state;
    uint8_t out[64];
    size_t n = reference_clean(row->text, out, sizeof out);
    assert_true(span_eq(span_of(out, n), span_str(row->clean)));
    // One byte less does not do.
    assert_int_equal(reference_clean(row->text, out, n ? n - 1 : 0), 0);
    assert_int_equal(reference_clean(row->text, out, n), n);
}

static void test_what_is_in_the_document_is_not_fetched(void **state) {
    static const char *const inside[] = {"data:,x",      "DATA:x", "blob:x", "about:blank",
                                         "javascript:x", "#x",     "#"};
    static const char *const outside[] = {"data", "a#b", "/data:x", "https://a", "?", "date:x"};
    (void)state;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        assert_true(reference_is_inline(span_str(inside[i])));
    }
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        assert_false(reference_is_inline(span_str(outside[i])));
    }
}

int main(void) {
    struct CMUnitTest tests[sizeof rows / sizeof *rows + 1];
    size_t n = 0;
    for (; n < sizeof rows / sizeof *rows; n++) {
        tests[n] = (struct CMUnitTest){rows[n].name, test_row, NULL, NULL, &rows[n]};
    }
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_what_is_in_the_document_is_not_fetched);
    return _cmocka_run_group_tests("reference", tests, n, NULL, NULL);
}
