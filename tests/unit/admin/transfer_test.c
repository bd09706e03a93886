// SPDX-License-Identifier: MIT
#include "admin/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct row {
    const char *name, *text;
    const char *head; // NULL: it does not start
    const char *routes[3];
    enum step end;
    const char *cursor;
} rows[] = {
    {"routes one after another",
     "{\"version\":1,\"routes\":[{\"a\":1},{\"b\":2}],\"x\":1}",
     "{\"version\":1,\"routes\":[",
     {"{\"a\":1}", "{\"b\":2}"},
     STEP_MORE,
     ""},
    {"blanks make no difference",
     " { \"routes\" :\n[\n{ } ,\t{\r} ] }",
     " { \"routes\" :\n[",
     {"{ }", "{\r}"},
     STEP_MORE,
     ""},
    {"braces in strings are no braces",
     "{\"routes\":[{\"a\":\"}{\\\"}\",\"b\":{\"c\":\"\\\\\"}}]}",
     "{\"routes\":[",
     {"{\"a\":\"}{\\\"}\",\"b\":{\"c\":\"\\\\\"}}"},
     STEP_MORE,
     ""},
    {"none at all", "{\"routes\":[]}", "{\"routes\":[", {NULL}, STEP_MORE, ""},
    {"where it goes on",
     "{\"routes\":[{}],\"truncated\":true,\"next\":\"00af\"}",
     "{\"routes\":[",
     {"{}"},
     STEP_MORE,
     "00af"},
    {"an array that does not end", "{\"routes\":[{}", "{\"routes\":[", {"{}"}, STEP_BAD, ""},
    {"an object that does not end",
     "{\"routes\":[{\"a\":{}",
     "{\"routes\":[",
     {NULL},
     STEP_BAD,
     ""},
    {"a string that does not end", "{\"routes\":[{\"a\\\"}", "{\"routes\":[", {NULL}, STEP_BAD, ""},
    {"something that is no object", "{\"routes\":[1]}", "{\"routes\":[", {NULL}, STEP_BAD, ""},
    {"no routes", "{\"version\":1}", NULL, {NULL}, STEP_BAD, ""},
    {"routes that are no array", "{\"routes\":{}}", NULL, {NULL}, STEP_BAD, ""},
    {"nothing", "", NULL, {NULL}, STEP_BAD, ""},
};

static void test_row(void **state) {
    const struct row *row = *state;
    struct transfer t;
    struct span route;
    enum step step;
    size_t i = 0;
    assert_int_equal(transfer_init(&t, span_str(row->text)), row->head != NULL);
    if (row->head == NULL) {
        return;
    }
    assert_true(span_eq(t.head, span_str(row->head)));
    while ((step = transfer_next(&t, &route)) == STEP_ITEM) {
        assert_non_null(row->routes[i]);
        assert_true(span_eq(route, span_str(row->routes[i++])));
    }
    assert_null(row->routes[i]);
    assert_int_equal(step, row->end);
    if (step == STEP_MORE) {
        assert_true(span_eq(transfer_cursor(&t), span_str(row->cursor)));
    }
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
