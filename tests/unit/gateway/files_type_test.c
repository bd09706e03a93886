// SPDX-License-Identifier: MIT
#include "gateway/files_type.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_text_has_the_charset_of_its_site(void **state) {
    (void)state;
    const struct {
        const char *charset, *type, *want;
    } rows[] = {
        {"", "text/html", "text/html"},
        {"utf-8", "text/html", "text/html; charset=utf-8"},
        {"utf-8", "text/css", "text/css; charset=utf-8"},
        {"iso-8859-1", "text/plain", "text/plain; charset=iso-8859-1"},
        {"utf-8", "application/json", "application/json"},
        {"utf-8", "image/svg+xml", "image/svg+xml"},
        {"utf-8", "font/woff2", "font/woff2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena a;
        struct site site = {.charset = span_str(rows[i].charset)};
        struct pair fields[] = {{SPAN("etag"), SPAN("text/x")},
                                {SPAN("Content-Type"), span_str(rows[i].type)}};
        struct file_response r = {.head = {.status = 200, .fields = {fields, 2, 2}}};
        arena_init(&a, 4096);
        assert_int_equal(files_type_put(&r, &site, &a), 0);
        assert_true(span_eq(fields[1].value, span_str(rows[i].want)));
        assert_true(span_eq(fields[0].value, SPAN("text/x")));
        arena_fini(&a);
    }
}

static void test_without_a_body_or_memory(void **state) {
    (void)state;
    struct arena a;
    struct site site = {.charset = SPAN("utf-8")};
    struct pair type = {SPAN("content-type"), SPAN("text/html")};
    struct file_response none = {.head = {.status = 304}};
    struct file_response some = {.head = {.status = 200, .fields = {&type, 1, 1}}};
    arena_init(&a, 0);
    assert_int_equal(files_type_put(&none, &site, &a), 0);
    assert_int_equal(files_type_put(&some, &site, &a), ERR_ARENA_LIMIT);
    arena_fini(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_has_the_charset_of_its_site),
        cmocka_unit_test(test_without_a_body_or_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
