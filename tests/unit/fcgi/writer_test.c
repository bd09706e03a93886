// SPDX-License-Identifier: MIT
#include "base/error.h"
#include "fcgi/reader.h"
#include "fcgi/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_record_is_padded_to_eight_bytes(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(writer_put(&b, 5, 0x0102, SPAN("abc")), 0);
    assert_true(span_eq(buf_span(&b), SPAN("\1\5\1\2\0\3\5\0abc\0\0\0\0\0")));
    assert_int_equal(buf_len(&b), writer_len(3));
    buf_fini(&b);
}

static void an_end_is_an_empty_record(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(writer_put(&b, 5, 1, SPAN("")), 0);
    assert_int_equal(buf_len(&b), 0);
    assert_int_equal(writer_end(&b, 5, 1), 0);
    assert_true(span_eq(buf_span(&b), SPAN("\1\5\0\1\0\0\0\0")));
    buf_fini(&b);
}

static void nothing_is_written_where_all_does_not_fit(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 23);
    assert_int_equal(writer_put(&b, 5, 1, SPAN("123456789")), ERR_BUF_LIMIT);
    assert_int_equal(buf_len(&b), 0);
    assert_int_equal(writer_put(&b, 5, 1, SPAN("12345678")), 0);
    assert_int_equal(writer_end(&b, 5, 1), ERR_BUF_LIMIT);
    assert_int_equal(buf_len(&b), 16);
    buf_fini(&b);
}

// What the reader makes of the records is the content; no record is full beyond WRITER_CONTENT_MAX.
static void check_round_trip(const uint8_t *content, size_t n) {
    struct buf b;
    struct reader r;
    struct reader_event e;
    size_t got = 0;
    buf_init(&b, 1 << 20);
    assert_int_equal(writer_put(&b, 5, 7, span_of(content, n)), 0);
    assert_int_equal(buf_len(&b), writer_len(n));
    assert_int_equal(buf_len(&b) % 8, 0);
    reader_init(&r);
    reader_feed(&r, buf_span(&b));
    while (reader_next(&r, &e) == STEP_ITEM) {
        assert_int_equal(e.type, 5);
        assert_int_equal(e.id, 7);
        assert_in_range(e.content_len, 1, WRITER_CONTENT_MAX);
        if (e.kind == READER_PIECE) {
            assert_true(got + e.piece.n <= n);
            assert_memory_equal(e.piece.p, content + got, e.piece.n);
            got += e.piece.n;
        }
    }
    assert_true(reader_is_between(&r));
    assert_int_equal(got, n);
    buf_fini(&b);
}

static void no_length_is_cut_to_sixteen_bits(void **state) {
    (void)state;
    static const size_t lengths[] = {0,     1,     7,     8,      9,      65527,  65528,  65529,
                                     65535, 65536, 65537, 131055, 131056, 131057, 131072, 200000};
    uint8_t *content = malloc(200000);
    assert_non_null(content);
    for (size_t i = 0; i < 200000; i++) {
        content[i] = (uint8_t)(i * 31 + i / 256);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        check_round_trip(content, lengths[i]);
    }
    free(content);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_padded_to_eight_bytes),
        cmocka_unit_test(an_end_is_an_empty_record),
        cmocka_unit_test(nothing_is_written_where_all_does_not_fit),
        cmocka_unit_test(no_length_is_cut_to_sixteen_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
