// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/condition.h"

#define MTIME 784111777 // Sun, 06 Nov 1994 08:49:37 GMT
#define THEN "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

struct row {
    const char *name, *method, *etag;
    struct {
        const char *name, *value;
    } fields[2];
    enum condition expected;
};

static const struct row rows[] = {
    {"no conditions", "GET", "\"a\"", {{0}}, CONDITION_OK},
    {"the same tag", "GET", "\"a\"", {{"If-None-Match", "\"a\""}}, CONDITION_NOT_MODIFIED},
    {"one of several tags",
     "HEAD",
     "\"a\"",
     {{"If-None-Match", "\"x,\", W/\"a\""}},
     CONDITION_NOT_MODIFIED},
    {"a weak tag of ours", "GET", "W/\"a\"", {{"If-None-Match", "\"a\""}}, CONDITION_NOT_MODIFIED},
    {"in a second field",
     "GET",
     "\"a\"",
     {{"If-None-Match", "\"b\""}, {"if-none-match", "\"a\""}},
     CONDITION_NOT_MODIFIED},
    {"a star", "GET", "\"a\"", {{"If-None-Match", "*"}}, CONDITION_NOT_MODIFIED},
    {"a star on a PUT", "PUT", "\"a\"", {{"If-None-Match", "*"}}, CONDITION_FAILED},
    {"another tag", "GET", "\"a\"", {{"If-None-Match", "\"b\""}}, CONDITION_OK},
    {"a tag without quotes", "GET", "\"a\"", {{"If-None-Match", "a"}}, CONDITION_OK},
    {"a tag where we have none", "GET", "", {{"If-None-Match", "\"a\""}}, CONDITION_OK},
    {"tags go before dates",
     "GET",
     "\"a\"",
     {{"If-None-Match", "\"b\""}, {"If-Modified-Since", AFTER}},
     CONDITION_OK},
    {"not modified since", "GET", "", {{"If-Modified-Since", THEN}}, CONDITION_NOT_MODIFIED},
    {"modified since", "GET", "", {{"If-Modified-Since", BEFORE}}, CONDITION_OK},
    {"a POST has no If-Modified-Since", "POST", "", {{"If-Modified-Since", THEN}}, CONDITION_OK},
    {"no date", "GET", "", {{"If-Modified-Since", "yesterday"}}, CONDITION_OK},
    {"If-Match holds", "PUT", "\"a\"", {{"If-Match", "\"b\", \"a\""}}, CONDITION_OK},
    {"If-Match is strong", "PUT", "W/\"a\"", {{"If-Match", "W/\"a\""}}, CONDITION_FAILED},
    {"If-Match fails", "GET", "\"a\"", {{"If-Match", "\"b\""}}, CONDITION_FAILED},
    {"If-Match with a star", "GET", "\"a\"", {{"If-Match", "*"}}, CONDITION_OK},
    {"unmodified since", "GET", "", {{"If-Unmodified-Since", THEN}}, CONDITION_OK},
    {"modified after all", "GET", "", {{"If-Unmodified-Since", BEFORE}}, CONDITION_FAILED},
    {"If-Match goes before the date",
     "GET",
     "\"a\"",
     {{"If-Match", "\"a\""}, {"If-Unmodified-Since", BEFORE}},
     CONDITION_OK},
    {"both hold, then not modified",
     "GET",
     "\"a\"",
     {{"If-Match", "\"a\""}, {"If-None-Match", "\"a\""}},
     CONDITION_NOT_MODIFIED},
};

static void conditions_are_evaluated_in_order(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair v[2];
        struct request r = {.method = span_str(rows[i].method), .fields = {.v = v, .cap = 2}};
        for (; r.fields.n < 2 && rows[i].fields[r.fields.n].name != NULL; r.fields.n++) {
            v[r.fields.n] = (struct pair){span_str(rows[i].fields[r.fields.n].name),
                                          span_str(rows[i].fields[r.fields.n].value)};
        }
        enum condition got = condition_evaluate(&r, span_str(rows[i].etag), MTIME);
        if (got != rows[i].expected) {
            fail_msg("%s: %d", rows[i].name, got);
        }
    }
}

static void without_a_time_dates_do_not_count(void **state) {
    (void)state;
    struct pair v[] = {{SPAN("if-modified-since"), SPAN(AFTER)}};
    struct request r = {.method = SPAN("GET"), .fields = {v, 1, 1}};
    assert_int_equal(condition_evaluate(&r, SPAN(""), CONDITION_NO_TIME), CONDITION_OK);
    v[0].name = SPAN("if-unmodified-since");
    assert_int_equal(condition_evaluate(&r, SPAN(""), CONDITION_NO_TIME), CONDITION_OK);
}

static bool allows(const char *value, const char *etag) {
    struct pair v[] = {{SPAN("If-Range"), span_str(value)}};
    struct request r = {.method = SPAN("GET"), .fields = {v, value != NULL, 1}};
    return condition_allows_range(&r, span_str(etag), MTIME);
}

static void a_range_counts_for_the_very_same_representation(void **state) {
    (void)state;
    assert_true(allows(NULL, "\"a\""));
    assert_true(allows("\"a\"", "\"a\""));
    assert_true(allows(THEN, "\"a\""));
    assert_false(allows("\"b\"", "\"a\""));
    assert_false(allows("W/\"a\"", "W/\"a\""));
    assert_false(allows("\"a\"", "W/\"a\""));
    assert_false(allows(AFTER, "\"a\""));
    assert_false(allows("rubbish", "\"a\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_are_evaluated_in_order),
        cmocka_unit_test(without_a_time_dates_do_not_count),
        cmocka_unit_test(a_range_counts_for_the_very_same_representation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
