// SPDX-License-Identifier: MIT
#include "config/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct row {
    const char *name, *text;
    const char *want; // the tokens, each in [] with its line; then "!line why"
};

static const struct row rows[] = {
    {"nothing", "", ""},
    {"words and marks", "a = b, {c} += 1\n", "[a]1[=]1[b]1[,]1[{]1[c]1[}]1[+=]1[1]1"},
    {"lines", "a\n\r\nb\n\tc", "[a]1[b]3[c]4"},
    {"a comment of each kind", "a # b\n// c\nd /* e\nf */ g /**/h", "[a]1[d]3[g]4[h]4"},
    {"strings", "\"a b\" 'c\"d' \"\" \"\\\"\\\\\\$\"",
     "[\"a b\"]1['c\"d']1[\"\"]1[\"\\\"\\\\\\$\"]1"},
    {"strings hold marks", "\"{}#//=\"", "[\"{}#//=\"]1"},
    {"a variable", "\"${HOME:-x}\"", "[\"${HOME:-x}\"]1"},
    {"a variable with a quote", "\"${A\"}",
     "!1 ${ without its }; write \\${ for the characters "
     "themselves"},
    {"no variable in single quotes", "'${'", "['${']1"},
    {"a string over two lines", "x\n\"a\nb\"", "[x]1!2 a quote is not closed on its line"},
    {"a string to the end", "\"a", "!1 a quote is not closed on its line"},
    {"a backslash at the end", "\"a\\", "!1 only \\\", \\\\ and \\$ may follow a backslash"},
    {"an octal escape", "\"\\777\"", "!1 only \\\", \\\\ and \\$ may follow a backslash"},
    {"an escape in single quotes", "'\\n'", "!1 only \\' and \\\\ may follow a backslash"},
    {"a comment in a word", "/srv//x", "!1 // and /* begin a comment; put the text into quotes"},
    {"a comment to the end", "a /* b\n*", "[a]1!1 a comment is not closed"},
    {"a control character", "a \x01", "[a]1!1 a character that may only stand in quotes"},
    {"a control character in a string", "'\x1b'", "!1 a control character"},
    {"a control character in a comment", "# \x7f", "!1 a control character"},
    {"a lonely plus", "a + b", "[a]1!1 a character that may only stand in quotes"},
    {"a parenthesis", "include(x)", "[include]1!1 a character that may only stand in quotes"},
    {"other languages in quotes", "\"\xc3\xa9\"", "[\"\xc3\xa9\"]1"},
};

static void test_text_becomes_tokens(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scan s;
        struct scan_token t;
        enum step step;
        char got[1024] = "";
        size_t at = 0;
        scan_init(&s, span_str(rows[i].text));
        while ((step = scan_next(&s, &t)) == STEP_ITEM) {
            at += (size_t)snprintf(got + at, sizeof got - at, "[%.*s]%u", SPAN_ARG(t.text), t.line);
        }
        if (step == STEP_BAD) {
            snprintf(got + at, sizeof got - at, "!%u %s", s.line, s.why);
        }
        if (strcmp(got, rows[i].want) != 0) {
            fail_msg("%s: %s", rows[i].name, got);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text_becomes_tokens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
