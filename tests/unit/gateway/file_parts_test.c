// SPDX-License-Identifier: MIT
#include "gateway/file_parts.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char content[] = "0123456789";
static const struct siphash_key key = {1, 2};
static const struct ranges two = {{{6, 2}, {0, 1}}, 2};

#define FILE_OF(type)                                                                              \
    {                                                                                              \
        .len = 10, .to = 10, .ranges = &two, .head = {                                             \
            .status = 206,                                                                         \
            .fields = {(struct pair[]){{SPAN_INIT("etag"), SPAN_INIT("\"a\"")},                    \
                                       {SPAN_INIT("Content-Type"), SPAN_INIT(type)}},              \
                       2, 2}                                                                       \
        }                                                                                          \
    }

// The body, as the relay sends it.
static size_t send(struct file_response *r, char *out) {
    struct span text;
    size_t n = 0;
    do {
        memcpy(out + n, content + r->from, (size_t)(r->to - r->from));
        n += (size_t)(r->to - r->from);
        r->from = r->to;
        if (!file_parts_next(r, &text)) {
            break;
        }
        memcpy(out + n, text.p, text.n);
        n += text.n;
    } while (true);
    return n;
}

static void two_ranges_are_two_parts_of_the_length_that_was_said(void **state) {
    (void)state;
    struct file_response r = FILE_OF("text/css; charset=utf-8");
    struct arena a;
    char body[1000], want[1000], boundary[64];
    arena_init(&a, 8192);
    assert_int_equal(file_parts_put(&r, &two, &key, &a), 0);
    struct span type = *pairs_find(&r.head.fields, SPAN("content-type")),
                start = SPAN("multipart/byteranges; boundary=");
    assert_true(span_has_prefix(type, start));
    snprintf(boundary, sizeof boundary, "%.*s", SPAN_ARG(span_skip(type, start.n)));
    snprintf(want, sizeof want,
             "\r\n--%s\r\nContent-Type: text/css; charset=utf-8\r\nContent-Range: bytes "
             "6-7/10\r\n\r\n67\r\n--%s\r\nContent-Type: text/css; charset=utf-8\r\nContent-Range: "
             "bytes 0-0/10\r\n\r\n0\r\n--%s--\r\n",
             boundary, boundary, boundary);
    size_t n = send(&r, body);
    uint64_t len;
    assert_true(span_eq(span_of(body, n), span_str(want)));
    assert_true(span_to_u64(*pairs_find(&r.head.fields, SPAN("content-length")), &len));
    assert_int_equal(len, n);
    assert_false(file_parts_next(&r, &type));
    arena_fini(&a);
}

static void another_version_has_another_boundary(void **state) {
    (void)state;
    struct file_response r = FILE_OF("a/b"), other = FILE_OF("a/b");
    struct arena a;
    arena_init(&a, 8192);
    other.head.fields.v[0].value = SPAN("\"b\"");
    assert_int_equal(file_parts_put(&r, &two, &key, &a), 0);
    assert_int_equal(file_parts_put(&other, &two, &key, &a), 0);
    assert_false(span_eq(r.head.fields.v[1].value, other.head.fields.v[1].value));
    arena_fini(&a);
}

static void as_many_ranges_as_there_may_be_fit_and_no_memory_is_an_error(void **state) {
    (void)state;
    struct ranges all = {.n = RANGES_MOST};
    for (size_t i = 0; i < RANGES_MOST; i++) {
        all.v[i] = (struct range){UINT64_MAX - 100 + i, 1};
    }
    bool was_short = false;
    for (size_t budget = 0;; budget += 4096) {
        struct file_response r = FILE_OF("text/html");
        struct arena a;
        r.len = UINT64_MAX;
        arena_init(&a, budget);
        int err = file_parts_put(&r, &all, &key, &a);
        arena_fini(&a);
        if (err == 0) {
            break;
        }
        assert_int_equal(err, ERR_ARENA_LIMIT);
        assert_true(budget < 128u << 10);
        was_short = true;
    }
    assert_true(was_short);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_ranges_are_two_parts_of_the_length_that_was_said),
        cmocka_unit_test(another_version_has_another_boundary),
        cmocka_unit_test(as_many_ranges_as_there_may_be_fit_and_no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
