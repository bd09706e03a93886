// SPDX-License-Identifier: MIT
#include "http/encoder.h"

#include "base/buf.h"
#include "http/coding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const enum coding_kind kinds[] = {CODING_GZIP, CODING_BROTLI, CODING_ZSTD};
static const int least[] = {1, 0, 1}, most[] = {9, 6, 6}; // levels

#define KINDS (sizeof kinds / sizeof *kinds)
#define LIMIT (14500u << 10)

// A page of so many bytes that can be packed, but not to nothing.
static void make_page(struct buf *page, size_t len) {
    uint32_t random = 1;
    buf_init(page, LIMIT);
    while (buf_len(page) < len) {
        char text[64];
        random = random * 1664525u + 1013904223u;
        int n = snprintf(text, sizeof text, "<p class=a%u>%u</p>\n", random >> 28, random >> 12);
        buf_put(page, span_first(span_of(text, (size_t)n), len - buf_len(page)));
    }
}

static void pull(struct encoder *e, size_t cap, struct buf *out) {
    uint8_t buffer[4096];
    struct span piece;
    enum step step;
    while ((step = encoder_next(e, buffer, cap, &piece)) == STEP_ITEM) {
        assert_true(piece.n > 0 && piece.n <= cap);
        assert_int_equal(buf_put(out, piece), 0);
    }
    assert_int_equal(step, STEP_MORE);
}

// What a client makes of it; *is_whole: it has ended.
static void unpack(enum coding_kind kind, struct span packed, struct buf *plain, bool *is_whole) {
    struct coding c;
    struct span piece;
    uint8_t buffer[4096];
    enum step step;
    buf_init(plain, LIMIT);
    coding_init(&c, kind, UINT64_MAX);
    coding_feed(&c, packed);
    while ((step = coding_next(&c, buffer, sizeof buffer, &piece)) == STEP_ITEM) {
        buf_put(plain, piece);
    }
    assert_int_equal(step, STEP_MORE);
    *is_whole = coding_is_done(&c);
    coding_fini(&c);
}

static void check_plain(enum coding_kind kind, const struct buf *packed, struct span want,
                        bool is_over) {
    struct buf plain;
    bool is_whole;
    unpack(kind, buf_span(packed), &plain, &is_whole);
    assert_true(span_eq(buf_span(&plain), want));
    assert_int_equal(is_whole, is_over);
    buf_fini(&plain);
}

// Packs in pieces of `cut` bytes, taken out in pieces of `cap`.
static void pack(struct encoder *e, struct span in, size_t cut, size_t cap, struct buf *out) {
    buf_init(out, LIMIT);
    while (in.n > 0) {
        encoder_feed(e, span_first(in, cut));
        in = span_skip(in, cut);
        pull(e, cap, out);
    }
    encoder_end(e);
    pull(e, cap, out);
    pull(e, cap, out);
}

static void every_level_gives_back_what_was_put_in(void **state) {
    struct buf page, packed;
    (void)state;
    make_page(&page, 40000);
    for (size_t i = 0; i < KINDS; i++) {
        for (int level = least[i]; level <= most[i]; level++) {
            struct encoder *e = encoder_new(kinds[i], level);
            assert_non_null(e);
            pack(e, buf_span(&page), 4096, 4096, &packed);
            assert_true(buf_len(&packed) < buf_len(&page) / 2);
            check_plain(kinds[i], &packed, buf_span(&page), true);
            assert_true(encoder_memory(e) <= 6u << 20);
            buf_fini(&packed);
            encoder_free(e);
        }
    }
    buf_fini(&page);
}

static void how_the_input_is_cut_does_not_matter(void **state) {
    static const size_t cuts[] = {1, 2, 3, 1000, 5000};
    static const size_t caps[] = {4096, 16, 17, 100, 4096};
    struct buf page, whole, packed;
    (void)state;
    make_page(&page, 3000);
    for (size_t i = 0; i < KINDS; i++) {
        struct encoder *e = encoder_new(kinds[i], 4);
        pack(e, buf_span(&page), buf_len(&page), 4096, &whole);
        encoder_free(e);
        for (size_t k = 0; k < sizeof cuts / sizeof *cuts; k++) {
            e = encoder_new(kinds[i], 4);
            pack(e, buf_span(&page), cuts[k], caps[k], &packed);
            check_plain(kinds[i], &packed, buf_span(&page), true);
            assert_true(span_eq(buf_span(&packed), buf_span(&whole)));
            buf_fini(&packed);
            encoder_free(e);
        }
        buf_fini(&whole);
    }
    buf_fini(&page);
}

static void what_was_fed_can_be_read_after_a_flush(void **state) {
    struct buf packed;
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct encoder *e = encoder_new(kinds[i], 1);
        buf_init(&packed, LIMIT);
        encoder_flush(e);
        pull(e, 4096, &packed);
        assert_int_equal(buf_len(&packed), 0); // nothing was fed
        encoder_feed(e, SPAN("first "));
        pull(e, 4096, &packed);
        encoder_flush(e);
        pull(e, 16, &packed);
        check_plain(kinds[i], &packed, SPAN("first "), false);
        size_t n = buf_len(&packed);
        encoder_flush(e);
        pull(e, 4096, &packed);
        assert_int_equal(buf_len(&packed), n); // it is out
        encoder_feed(e, SPAN("second"));
        encoder_flush(e);
        pull(e, 4096, &packed);
        check_plain(kinds[i], &packed, SPAN("first second"), false);
        encoder_end(e);
        pull(e, 4096, &packed);
        check_plain(kinds[i], &packed, SPAN("first second"), true);
        buf_fini(&packed);
        encoder_free(e);
    }
}

static void nothing_is_a_body_too(void **state) {
    struct buf packed;
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct encoder *e = encoder_new(kinds[i], 1);
        pack(e, span_of(NULL, 0), 1, 16, &packed);
        assert_true(buf_len(&packed) > 0);
        check_plain(kinds[i], &packed, span_of(NULL, 0), true);
        buf_fini(&packed);
        encoder_free(e);
    }
}

static void one_that_was_reset_is_as_a_new_one(void **state) {
    struct buf page, first, second;
    (void)state;
    make_page(&page, 3000);
    for (size_t i = 0; i < KINDS; i++) {
        struct encoder *e = encoder_new(kinds[i], 3);
        pack(e, buf_span(&page), 500, 4096, &first);
        if (encoder_reset(e)) {
            encoder_feed(e, SPAN("broken off"));
            encoder_reset(e);
            pack(e, buf_span(&page), 500, 4096, &second);
            assert_true(span_eq(buf_span(&first), buf_span(&second)));
            buf_fini(&second);
        } else {
            assert_int_equal(kinds[i], CODING_BROTLI);
        }
        buf_fini(&first);
        encoder_free(e);
    }
    buf_fini(&page);
}

static void a_coding_that_cannot_be_packed_has_no_encoder(void **state) {
    (void)state;
    assert_null(encoder_new(CODING_IDENTITY, 1));
    assert_null(encoder_new(CODING_DEFLATE, 1));
    assert_null(encoder_new(CODING_UNKNOWN, 1));
    encoder_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_gives_back_what_was_put_in),
        cmocka_unit_test(how_the_input_is_cut_does_not_matter),
        cmocka_unit_test(what_was_fed_can_be_read_after_a_flush),
        cmocka_unit_test(nothing_is_a_body_too),
        cmocka_unit_test(one_that_was_reset_is_as_a_new_one),
        cmocka_unit_test(a_coding_that_cannot_be_packed_has_no_encoder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
