// SPDX-License-Identifier: MIT
#include "exchange/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

static const struct row {
    const char *name;
    int error;
    const char *field, *value; // that it has
} rows[] = {
    {"a method that a file does not know is told those it knows", ERR_REQUEST_METHOD, "allow",
     "GET, HEAD"},
    {"who comes too early is told when to come again", ERR_QUEUE_FULL, "retry-after", "1"},
    {"a range that does not fit is told the size", ERR_RANGE, "content-range", "bytes */77"},
    {"any page says what it is", ERR_ARENA_LIMIT, "content-type", "text/html; charset=utf-8"},
};

static void check(const struct row *row, const struct page *page) {
    const struct span *value = pairs_find(&page->head.fields, span_str(row->field));
    const struct span *len = pairs_find(&page->head.fields, SPAN("content-length"));
    uint64_t n = 0;
    if (value == NULL || !span_eq(*value, span_str(row->value))) {
        fail_msg("%s", row->name);
    }
    assert_int_equal(page->head.status, error_row(row->error)->status);
    assert_true(len != NULL && span_to_u64(*len, &n) && n == page->body.n && n > 0);
}

// The request may have spent all of its memory.
static void pages_are_whole_whatever_is_left_of_the_budget(void **state) {
    (void)state;
    static const size_t budgets[] = {0, 64, 600, 1 << 20};
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
            struct arena arena;
            struct page page;
            arena_init(&arena, budgets[i]);
            page_error(&page, rows[k].error, 77, &arena);
            check(&rows[k], &page);
            arena_fini(&arena);
        }
    }
}

static void redirects_and_health_need_nothing_of_the_budget(void **state) {
    (void)state;
    struct arena arena;
    struct page page;
    arena_init(&arena, 0);
    page_redirect(&page, 308, SPAN("/x/"), &arena);
    assert_int_equal(page.head.status, 308);
    assert_true(span_eq(*pairs_find(&page.head.fields, SPAN("location")), SPAN("/x/")));
    page_health(&page, false, &arena);
    assert_int_equal(page.head.status, 200);
    assert_true(span_eq(*pairs_find(&page.head.fields, SPAN("allow")), SPAN("GET, HEAD, OPTIONS")));
    arena_fini(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_whole_whatever_is_left_of_the_budget),
        cmocka_unit_test(redirects_and_health_need_nothing_of_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
