// SPDX-License-Identifier: MIT
#include "base/error.h"
#include "fcgi/params.h"
#include "fcgi/reader.h"
#include "fcgi/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define PARAMS 4 // record type

static uint8_t stuff[70000]; // what names and values are cut from

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

// Reads the pairs of one record's content, all of which must be whole, against those expected.
static void check_record(struct span content, const struct pairs *pairs, size_t *at) {
    struct pair got;
    enum step step;
    while ((step = params_next(&content, &got)) == STEP_ITEM) {
        assert_true(*at < pairs->n);
        assert_true(span_eq(got.name, pairs->v[*at].name));
        assert_true(span_eq(got.value, pairs->v[*at].value));
        (*at)++;
    }
    assert_int_equal(step, STEP_MORE);
}

// decode(encode(pairs)) = pairs, record by record, so that no pair straddles two.
static void check_round_trip(const struct pairs *pairs, size_t limit) {
    struct buf b;
    struct reader r;
    struct reader_event e = {.kind = READER_OPEN};
    size_t at = 0;
    buf_init(&b, 1 << 22);
    assert_int_equal(params_put(&b, 9, pairs, limit), 0);
    reader_init(&r);
    reader_feed(&r, buf_span(&b));
    while (reader_next(&r, &e) == STEP_ITEM) {
        assert_int_equal(e.type, PARAMS);
        assert_int_equal(e.id, 9);
        assert_true(e.content_len <= WRITER_CONTENT_MAX);
        if (e.kind == READER_PIECE) {
            assert_int_equal(e.piece.n, e.content_len);
            check_record(e.piece, pairs, &at);
        }
    }
    assert_true(reader_is_between(&r));
    assert_int_equal(e.content_len, 0); // the last record ends the stream
    assert_int_equal(at, pairs->n);
    buf_fini(&b);
}

static void any_set_of_pairs_comes_back_as_it_was(void **state) {
    (void)state;
    uint32_t seed = 42;
    for (size_t i = 0; i < sizeof stuff; i++) {
        stuff[i] = (uint8_t)next_random(&seed);
    }
    for (int round = 0; round < 300; round++) {
        struct arena a;
        struct pairs pairs = {NULL, 0, 0};
        size_t count = next_random(&seed) % 60;
        // Mostly short, some around the lengths where the encoding changes, some near a record.
        static const uint32_t most[] = {20, 20, 20, 130, 300, 9000, 32700};
        arena_init(&a, 1 << 20);
        for (size_t i = 0; i < count; i++) {
            size_t name_n = next_random(&seed) % most[next_random(&seed) % 5];
            size_t value_n = next_random(&seed) % most[next_random(&seed) % 7];
            struct span name = span_of(stuff + next_random(&seed) % 1000, name_n);
            struct span value = span_of(stuff + next_random(&seed) % 1000, value_n);
            assert_int_equal(pairs_put(&pairs, &a, name, value), 0);
        }
        check_round_trip(&pairs, 4u << 20);
        arena_fini(&a);
    }
}

static void lengths_where_the_encoding_changes_come_back(void **state) {
    (void)state;
    static const size_t lengths[] = {0, 1, 127, 128, 255, 256, 65400, 65519, 65520};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        // One whole record is "A", its length in 1 byte, the value and its length in 1 or 4.
        struct pair v[2] = {{SPAN("A"), span_of(stuff, lengths[i])}, {SPAN(""), SPAN("")}};
        check_round_trip(&(struct pairs){v, 2, 2}, 1u << 20);
    }
}

static void the_wire_is_that_of_the_specification(void **state) {
    (void)state;
    struct pair v[] = {{SPAN("AB"), SPAN("c")}, {SPAN("D"), SPAN("")}};
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(params_put(&b, 1, &(struct pairs){v, 2, 2}, 100), 0);
    assert_true(span_eq(buf_span(&b), SPAN("\1\4\0\1\0\x08\0\0\2\1"
                                           "ABc\1\0D"
                                           "\1\4\0\1\0\0\0\0")));
    buf_fini(&b);
}

static void lengths_below_128_take_one_byte(void **state) {
    (void)state;
    for (size_t n = 127; n <= 128; n++) {
        struct pair v[] = {{SPAN(""), span_of(stuff, n)}};
        struct buf b;
        buf_init(&b, 1000);
        assert_int_equal(params_put(&b, 1, &(struct pairs){v, 1, 1}, 1000), 0);
        struct span want = n == 127 ? SPAN("\0\x7f") : SPAN("\0\x80\0\0\x80");
        assert_memory_equal(buf_span(&b).p + 8, want.p, want.n);
        assert_int_equal(buf_span(&b).p[5], want.n + n);
        buf_fini(&b);
    }
}

static void no_pairs_are_only_the_end_of_the_stream(void **state) {
    (void)state;
    check_round_trip(&(struct pairs){NULL, 0, 0}, 0);
}

struct limit_row {
    const char *name;
    size_t name_n, value_n, limit;
    int error;
};

static void what_is_too_large_writes_nothing(void **state) {
    (void)state;
    static const struct limit_row rows[] = {
        {"a pair that fills a record", 0, 65523, 1 << 20, 0},
        {"a pair one byte larger than a record", 0, 65524, 1 << 20, ERR_PARAMS_LIMIT},
        {"a name and a value that fit alone but not together", 40000, 40000, 1 << 20,
         ERR_PARAMS_LIMIT},
        {"lengths whose sum wraps round", SIZE_MAX - 4, 8, 1 << 20, ERR_PARAMS_LIMIT},
        {"a total just at the limit", 4, 94, 107, 0},
        {"a total one byte over the limit", 4, 94, 106, ERR_PARAMS_LIMIT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair v[] = {{SPAN("abc"), SPAN("de")},
                           {span_of(stuff, rows[i].name_n), span_of(stuff, rows[i].value_n)}};
        struct buf b;
        buf_init(&b, 1 << 20);
        if (params_put(&b, 1, &(struct pairs){v, 2, 2}, rows[i].limit) != rows[i].error ||
            (buf_len(&b) > 0) != (rows[i].error == 0)) {
            print_error("%s\n", rows[i].name);
            fail();
        }
        buf_fini(&b);
    }
}

static void a_full_buffer_takes_nothing(void **state) {
    (void)state;
    struct pair v[] = {{SPAN("A"), SPAN("b")}};
    struct buf b;
    buf_init(&b, 23);
    assert_int_equal(params_put(&b, 1, &(struct pairs){v, 1, 1}, 100), ERR_BUF_LIMIT);
    assert_int_equal(buf_len(&b), 0);
    buf_fini(&b);
}

static void lengths_that_point_behind_the_end_are_bad(void **state) {
    (void)state;
    static const struct span rows[] = {
        SPAN_INIT("\1"),
        SPAN_INIT("\1\1a"),
        SPAN_INIT("\2\0a"),
        SPAN_INIT("\x80\0\0"),
        SPAN_INIT("\0\x80\0\0"),
        SPAN_INIT("\0\x80\0\0\2a"),
        SPAN_INIT("\xff\xff\xff\xff\xff\xff\xff\xff"),
        SPAN_INIT("\xff\xff\xff\xff\xff\xff\xff\xff"
                  "abc"),
        SPAN_INIT("\0\xff\xff\xff\xff"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span content = rows[i];
        struct pair pair;
        assert_int_equal(params_next(&content, &pair), STEP_BAD);
        assert_int_equal(content.n, rows[i].n);
    }
}

static void the_long_form_of_a_short_length_is_understood(void **state) {
    (void)state;
    struct span content = SPAN("\x80\0\0\1\x80\0\0\2abc");
    struct pair pair;
    assert_int_equal(params_next(&content, &pair), STEP_ITEM);
    assert_true(span_eq(pair.name, SPAN("a")));
    assert_true(span_eq(pair.value, SPAN("bc")));
    assert_int_equal(params_next(&content, &pair), STEP_MORE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_set_of_pairs_comes_back_as_it_was),
        cmocka_unit_test(lengths_where_the_encoding_changes_come_back),
        cmocka_unit_test(the_wire_is_that_of_the_specification),
        cmocka_unit_test(lengths_below_128_take_one_byte),
        cmocka_unit_test(no_pairs_are_only_the_end_of_the_stream),
        cmocka_unit_test(what_is_too_large_writes_nothing),
        cmocka_unit_test(a_full_buffer_takes_nothing),
        cmocka_unit_test(lengths_that_point_behind_the_end_are_bad),
        cmocka_unit_test(the_long_form_of_a_short_length_is_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
