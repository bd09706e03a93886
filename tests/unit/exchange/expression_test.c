// SPDX-License-Identifier: MIT
#include "exchange/expression.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
    const char *name, *text, *path;
    int found;
    const char *first, *second;
} rows[] = {
    {"a part is caught", "^/post/([0-9]+)$", "/post/17", 1, "17", NULL},
    {"what is not there", "^/post/([0-9]+)$", "/post/x", 0, NULL, NULL},
    {"it is searched, not compared", "b+", "/abbc", 1, NULL, NULL},
    {"the end is the very end", "\\.html$", "/a.html\n", 0, NULL, NULL},
    {"a line feed is a byte like others", "^/a/(.*)$", "/a/b\nc", 1, "b\nc", NULL},
    {"bytes above 0x7f are bytes", "^/(.)(.)$", "/\xc3\xa9", 1, "\xc3", "\xa9"},
    {"what catches nothing is empty", "^/(x)?(y)$", "/y", 1, "", "y"},
    {"in any case, if asked for", "(?i)^/A$", "/a", 1, NULL, NULL},
    {"an empty path", "^$", "", 1, NULL, NULL},
};

static void test_what_is_found(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena a;
        char why[EXPRESSION_WHY_LEN];
        struct span parts[EXPRESSION_PARTS];
        size_t n;
        arena_init(&a, SIZE_MAX);
        const struct expression *e = expression_new(span_str(rows[i].text), &a, why);
        assert_non_null(e);
        if (expression_find(e, span_str(rows[i].path), parts, &n) != rows[i].found ||
            (rows[i].first != NULL && (n < 2 || !span_eq(parts[1], span_str(rows[i].first)))) ||
            (rows[i].second != NULL && (n < 3 || !span_eq(parts[2], span_str(rows[i].second))))) {
            fail_msg("%s", rows[i].name);
        }
        arena_fini(&a);
    }
}

static void test_what_is_no_expression_is_told(void **state) {
    (void)state;
    const char *const texts[] = {"(",    "[a",  "a{2,1}",  "*",
                                 "(?<n", "\\C", "(*UTF)a", "()()()()()()()()()()"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct arena a;
        char why[EXPRESSION_WHY_LEN] = "";
        arena_init(&a, SIZE_MAX);
        assert_null(expression_new(span_str(texts[i]), &a, why));
        assert_true(why[0] != 0);
        arena_fini(&a);
    }
}

// Who chooses the path chooses how long the search takes: it ends, and not with "no".
static void test_a_search_without_end_is_an_error(void **state) {
    (void)state;
    struct arena a;
    char why[EXPRESSION_WHY_LEN];
    struct span parts[EXPRESSION_PARTS];
    size_t n;
    uint8_t path[4000];
    memset(path, 'a', sizeof path);
    memcpy(path + sizeof path - 2, "b!", 2);
    arena_init(&a, SIZE_MAX);
    const struct expression *e = expression_new(SPAN("^/?(a+)+b$"), &a, why);
    assert_int_equal(expression_find(e, span_of(path, sizeof path), parts, &n), ERR_ROUTE_LIMIT);
    arena_fini(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_found),
        cmocka_unit_test(test_what_is_no_expression_is_told),
        cmocka_unit_test(test_a_search_without_end_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
