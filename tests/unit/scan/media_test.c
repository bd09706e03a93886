// SPDX-License-Identifier: MIT
#include "scan/media.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct row {
    const char *name, *list;
    bool is_every;
};

static struct row rows[] = {
    {"no media", "", true},
    {"blanks", " \n", true},
    {"all", "all", true},
    {"screen in any case", " SCREEN\t", true},
    {"only screen", "only screen", true},
    {"only, and many blanks", "Only \n  all ", true},
    {"one of several", "print, (min-width: 9px), screen", true},
    {"the first of several", "screen,print", true},
    {"print", "print", false},
    {"not screen", "not screen", false},
    {"not all", "not all", false},
    {"only", "only", false},
    {"only only screen", "only only screen", false},
    {"with a condition", "screen and (min-width: 9px)", false},
    {"a condition alone", "(min-width: 9px)", false},
    {"a name that only begins so", "screens", false},
    {"a list inside of parentheses", "(a, screen, b)", false},
    {"a parenthesis too many", "a), screen", true},
    {"an empty query in a list matches nothing", "print,", false},
    {"commas only", ",,", false},
};

static void test_row(void **state) {
    const struct row *row = *state;
    assert_int_equal(media_is_every_screen(span_str(row->list)), row->is_every);
}

int main(void) {
    struct CMUnitTest tests[sizeof rows / sizeof *rows];
    size_t n = 0;
    for (; n < sizeof rows / sizeof *rows; n++) {
        tests[n] = (struct CMUnitTest){rows[n].name, test_row, NULL, NULL, &rows[n]};
    }
    return _cmocka_run_group_tests("media", tests, n, NULL, NULL);
}
