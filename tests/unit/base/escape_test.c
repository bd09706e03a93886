// SPDX-License-Identifier: MIT
#include "base/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct row {
    const char *says;
    enum escape how;
    struct span text;
    const char *want;
} rows[] = {
    {"plain text stays", ESCAPE_LINE, SPAN_INIT("GET /a?b=\"c\""), "GET /a?b=\"c\""},
    {"a backslash is doubled in a line", ESCAPE_LINE, SPAN_INIT("a\\b"), "a\\\\b"},
    {"no end of a line comes through", ESCAPE_LINE, SPAN_INIT("a\r\nb"), "a\\x0d\\x0ab"},
    {"nothing ends the quotes", ESCAPE_QUOTED, SPAN_INIT("a\"b\\\"c"), "a\\x22b\\x5c\\x22c"},
    {"no terminal is told anything", ESCAPE_QUOTED, SPAN_INIT("\x1b]0;x\x07\x9bJ"),
     "\\x1b]0;x\\x07\\x9bJ"},
    {"a zero is written", ESCAPE_QUOTED, SPAN_INIT("a\0b"), "a\\x00b"},
    {"nothing ends a string of JSON", ESCAPE_JSON, SPAN_INIT("a\"b\\c\n"), "a\\\"b\\\\c\\u000a"},
    {"UTF-8 is kept in ASCII", ESCAPE_JSON, SPAN_INIT("\xc3\xbc\xe2\x82\xac"), "\\u00fc\\u20ac"},
    {"a character beyond 16 bits is a pair", ESCAPE_JSON, SPAN_INIT("\xf0\x9f\x98\x80"),
     "\\ud83d\\ude00"},
    {"controls of 8 bits and turned text are visible", ESCAPE_JSON,
     SPAN_INIT("\xc2\x9b\xe2\x80\xae"), "\\u009b\\u202e"},
    {"what is no UTF-8 is replaced byte by byte", ESCAPE_JSON, SPAN_INIT("a\xff\xc3(\xed\xa0\x80"),
     "a\\ufffd\\ufffd(\\ufffd\\ufffd\\ufffd"},
    {"a form that is too long is none", ESCAPE_JSON, SPAN_INIT("\xc0\xaf\xe0\x80\xaf"),
     "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd"},
    {"a character that is cut is none", ESCAPE_JSON, SPAN_INIT("\xe2\x82"), "\\ufffd\\ufffd"},
};

static void test_rows(void **state) {
    char out[128];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = escape_text(rows[i].how, rows[i].text, out, sizeof out);
        out[n] = 0;
        if (strcmp(out, rows[i].want) != 0) {
            fail_msg("%s: %s", rows[i].says, out);
        }
    }
}

// Every byte in every place of every way leaves only printable ASCII, and nothing that ends quotes.
static void test_no_byte_breaks_out(void **state) {
    (void)state;
    for (unsigned c = 0; c < 65536; c++) {
        uint8_t text[] = {'a', (uint8_t)(c >> 8), (uint8_t)c, 'b'};
        for (int how = ESCAPE_LINE; how <= ESCAPE_JSON; how++) {
            char out[64];
            size_t n = escape_text((enum escape)how, span_of(text, sizeof text), out, sizeof out);
            for (size_t i = 0; i < n; i++) {
                bool is_quote = out[i] == '"' && how != ESCAPE_LINE;
                bool is_escaped = how == ESCAPE_JSON && i > 0 && out[i - 1] == '\\';
                assert_true(out[i] >= 0x20 && out[i] < 0x7f && (!is_quote || is_escaped));
            }
        }
    }
}

// Several bytes are looked at at once: a byte among plain ones is found wherever it stands.
static void test_a_byte_is_found_in_every_place(void **state) {
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        for (size_t at = 0; at < 40; at++) {
            uint8_t text[40];
            memset(text, 'a', sizeof text);
            text[at] = (uint8_t)c;
            for (int how = ESCAPE_LINE; how <= ESCAPE_JSON; how++) {
                char out[64], alone[16];
                size_t n =
                    escape_text((enum escape)how, span_of(text, sizeof text), out, sizeof out);
                size_t one = escape_text((enum escape)how, span_of(text + at, 1), alone, 16);
                assert_int_equal(n, 39 + one);
                assert_memory_equal(out + at, alone, one);
            }
        }
    }
}

static void test_what_is_cut_ends_with_dots_and_no_half_form(void **state) {
    struct span text = SPAN("ab\x01\x01\x01\x01");
    char out[32];
    (void)state;
    assert_int_equal(escape_text(ESCAPE_QUOTED, text, out, 18), 18);
    assert_int_equal(escape_text(ESCAPE_QUOTED, text, out, 17), 17);
    assert_memory_equal(out, "ab\\x01\\x01\\x01...", 17);
    for (size_t cap = 3; cap < 17; cap++) {
        size_t n = escape_text(ESCAPE_QUOTED, text, out, cap);
        assert_true(n <= cap && n >= 3);
        assert_memory_equal(out + n - 3, "...", 3);
        assert_true((n - 3) < 2 || (n - 3 - 2) % 4 == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_byte_breaks_out),
        cmocka_unit_test(test_a_byte_is_found_in_every_place),
        cmocka_unit_test(test_what_is_cut_ends_with_dots_and_no_half_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
