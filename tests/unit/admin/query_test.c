// SPDX-License-Identifier: MIT
#include "admin/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct row {
    const char *name, *target, *value; // of "site"; NULL: none
    uint64_t number;                   // of "limit" in [1, 100], else 7
} rows[] = {
    {"a value", "/routes?site=a.example&limit=5", "a.example", 5},
    {"the first counts", "/routes?site=a&site=b", "a", 7},
    {"encoded bytes", "/routes?site=%2Fa%20%C3%A9", "/a \xc3\xa9", 7},
    {"what only looks encoded stays", "/routes?site=%2&limit=%", "%2", 7},
    {"at the end too", "/routes?site=100%", "100%", 7},
    {"an empty value", "/routes?site=", "", 7},
    {"a name without a value is none", "/routes?site&limit", NULL, 7},
    {"a longer name is another one", "/routes?sites=a&xsite=b", NULL, 7},
    {"no query", "/routes", NULL, 7},
    {"a number too small or too large is cut", "/?limit=0", NULL, 1},
    {"and so is a large one", "/?limit=18446744073709551615", NULL, 100},
    {"what is no number is none", "/?limit=-1", NULL, 7},
};

static void test_row(void **state) {
    const struct row *row = *state;
    static const struct query_range range = {1, 100, 7};
    struct arena arena;
    struct span value;
    arena_init(&arena, 4096);
    bool is_found = query_find(span_str(row->target), SPAN("site"), &arena, &value);
    assert_int_equal(is_found, row->value != NULL);
    assert_true(!is_found || span_eq(value, span_str(row->value)));
    assert_int_equal(query_number(span_str(row->target), SPAN("limit"), &range), row->number);
    arena_fini(&arena);
}

int main(void) {
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct CMUnitTest tests[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        tests[i] = (struct CMUnitTest){rows[i].name, test_row, NULL, NULL, NULL};
        memcpy(&tests[i].initial_state, &(const struct row *){&rows[i]}, sizeof(void *));
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
