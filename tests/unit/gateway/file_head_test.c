// SPDX-License-Identifier: MIT
#include "gateway/file_head.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct file_info info = {.len = 100, .mtime_s = 784111777, .mtime_ns = 5000};

struct row {
    const char *name, *method, *field, *value;
    int error;
    int status;
    uint64_t from, to;
    const char *range, *len; // of Content-Range and Content-Length; NULL: not there
};

static const struct row rows[] = {
    {"a file", "GET", "accept", "*/*", 0, 200, 0, 100, NULL, "100"},
    {"its head", "HEAD", "accept", "*/*", 0, 200, 0, 0, NULL, "100"},
    {"a range", "GET", "range", "bytes=10-19", 0, 206, 10, 20, "bytes 10-19/100", "10"},
    {"its end", "GET", "range", "bytes=-1", 0, 206, 99, 100, "bytes 99-99/100", "1"},
    {"a range of a head", "HEAD", "range", "bytes=10-19", 0, 200, 0, 0, NULL, "100"},
    {"a range behind the end", "GET", "range", "bytes=100-", ERR_RANGE, 0, 0, 0, NULL, NULL},
    {"two ranges, to be made parts of", "GET", "range", "bytes=0-1,3-4", 0, 206, 0, 100, NULL,
     NULL},
    {"two ranges of which one is there", "GET", "range", "bytes=0-1,300-", 0, 206, 0, 2,
     "bytes 0-1/100", "2"},
    {"what is known", "GET", "if-none-match", "*", 0, 304, 0, 0, NULL, NULL},
    {"what is not older", "GET", "if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT", 0, 304, 0, 0,
     NULL, NULL},
    {"what is newer", "GET", "if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT", 0, 200, 0, 100,
     NULL, "100"},
    {"another file", "GET", "if-match", "\"x\"", ERR_PRECONDITION, 0, 0, 0, NULL, NULL},
};

static void has(const struct row *row, const struct pairs *fields, const char *name,
                const char *value) {
    const struct span *found = pairs_find(fields, span_str(name));
    if (value == NULL ? found != NULL : found == NULL || !span_eq(*found, span_str(value))) {
        fail_msg("%s: %s", row->name, name);
    }
}

static void a_request_gets_what_its_row_says(void **state) {
    (void)state;
    struct file_texts texts;
    file_head_describe(&texts, &info);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct pair pair = {span_str(row->field), span_str(row->value)};
        struct request request = {.method = span_str(row->method), .fields = {&pair, 1, 1}};
        struct file_response r = {.file = NULL};
        struct arena a;
        arena_init(&a, 4096);
        int err = file_head_build(&r, &info, &texts,
                                  &(struct file_request){SPAN("/www/a.css"), &request, &a});
        if (err != row->error || r.len != info.len ||
            (err == 0 &&
             (r.head.status != row->status || r.from != row->from || r.to != row->to))) {
            fail_msg("%s: %d, %u", row->name, err, (unsigned)r.head.status);
        }
        if (err == 0) {
            bool has_body = row->status != 304;
            has(row, &r.head.fields, "content-range", row->range);
            has(row, &r.head.fields, "content-length", row->len);
            has(row, &r.head.fields, "content-type", has_body ? "text/css" : NULL);
            has(row, &r.head.fields, "last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
            has(row, &r.head.fields, "accept-ranges", "bytes");
        }
        arena_fini(&a);
    }
}

static void a_file_that_has_changed_has_another_validator(void **state) {
    (void)state;
    struct file_info later = info, longer = info;
    struct file_texts a, b, c;
    later.mtime_ns += 1000;
    longer.len++;
    file_head_describe(&a, &info);
    file_head_describe(&b, &later);
    file_head_describe(&c, &longer);
    struct span etag = span_of(a.etag, a.etag_n);
    assert_true(etag.n > 2 && etag.p[0] == '"' && etag.p[etag.n - 1] == '"');
    assert_false(span_eq(etag, span_of(b.etag, b.etag_n)));
    assert_false(span_eq(etag, span_of(c.etag, c.etag_n)));
}

static void a_head_without_memory_is_an_error(void **state) {
    (void)state;
    struct request request = {.method = SPAN("GET")};
    struct file_response r = {.file = NULL};
    struct file_texts texts;
    struct arena a;
    file_head_describe(&texts, &info);
    arena_init(&a, 0);
    assert_int_equal(
        file_head_build(&r, &info, &texts, &(struct file_request){SPAN("/a"), &request, &a}),
        ERR_ARENA_LIMIT);
    arena_fini(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_gets_what_its_row_says),
        cmocka_unit_test(a_file_that_has_changed_has_another_validator),
        cmocka_unit_test(a_head_without_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
