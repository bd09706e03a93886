// SPDX-License-Identifier: MIT
#include "http/coding.h"

#include "base/buf.h"
#include "support/split.h"

#include <brotli/encode.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmocka.h>

enum wrapper { WRAPPER_NONE, WRAPPER_GZIP, WRAPPER_ZLIB, WRAPPER_RAW, WRAPPER_BROTLI };

// What text becomes in each; `out` is for the caller to free.
static void pack(enum wrapper wrapper, struct span in, int window, struct buf *out) {
    static const int bits[] = {[WRAPPER_GZIP] = 31, [WRAPPER_ZLIB] = 15, [WRAPPER_RAW] = -15};
    size_t most = BrotliEncoderMaxCompressedSize(in.n) + compressBound(in.n) + 64;
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (unsigned)in.n};
    buf_init(out, most + in.n);
    if (wrapper == WRAPPER_NONE) {
        buf_put(out, in);
        return;
    }
    z.next_out = buf_reserve(out, most);
    z.avail_out = (unsigned)most;
    if (wrapper == WRAPPER_BROTLI) {
        assert_true(
            BrotliEncoderCompress(9, window, BROTLI_MODE_TEXT, in.n, in.p, &most, z.next_out));
        buf_wrote(out, most);
        return;
    }
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits[wrapper], 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_wrote(out, most - z.avail_out);
    deflateEnd(&z);
}

struct subject {
    struct coding coding;
    enum coding_kind kind;
    uint64_t most;
    bool is_bad;
};

static void begin(void *self) {
    struct subject *s = self;
    s->is_bad = false;
    coding_init(&s->coding, s->kind, s->most);
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct subject *s = self;
    struct span out;
    uint8_t buffer[7];
    enum step step;
    if (s->is_bad || bytes.n == 0) {
        return;
    }
    coding_feed(&s->coding, bytes);
    while ((step = coding_next(&s->coding, buffer, sizeof buffer, &out)) == STEP_ITEM) {
        assert_true(out.n > 0);
        split_data(t, "out", out);
    }
    if (step == STEP_BAD) {
        s->is_bad = true;
        split_line(t, "bad\n");
    }
}

static void end(void *self, struct buf *t) {
    struct subject *s = self;
    split_line(t, "%s\n", coding_is_done(&s->coding) ? "done" : "more");
    coding_fini(&s->coding);
    coding_fini(&s->coding);
    assert_int_equal(s->coding.memory.used, 0);
}

static void check(enum coding_kind kind, uint64_t most, struct span input, const char *want) {
    struct subject subject = {.kind = kind, .most = most};
    struct split split = {begin, piece, end, &subject};
    struct buf got;
    split_check(&split, input, &got);
    if (!span_eq(buf_span(&got), span_str(want))) {
        print_error("%.*s", SPAN_ARG(buf_span(&got)));
    }
    assert_true(span_eq(buf_span(&got), span_str(want)));
    buf_fini(&got);
}

#define TEXT "<p>one two one two one two</p>"

struct row {
    const char *name;
    enum wrapper wrapper;
    enum coding_kind kind;
    uint64_t most;
    size_t missing;   // bytes left out at the end
    struct span more; // bytes behind it
    const char *want;
};

static struct row rows[] = {
    {"identity", WRAPPER_NONE, CODING_IDENTITY, 99, 0, {NULL, 0}, "out:" TEXT "\nmore\n"},
    {"gzip", WRAPPER_GZIP, CODING_GZIP, 99, 0, {NULL, 0}, "out:" TEXT "\ndone\n"},
    {"deflate", WRAPPER_ZLIB, CODING_DEFLATE, 99, 0, {NULL, 0}, "out:" TEXT "\ndone\n"},
    {"deflate without its wrapper",
     WRAPPER_RAW,
     CODING_DEFLATE,
     99,
     0,
     {NULL, 0},
     "out:" TEXT "\ndone\n"},
    {"br", WRAPPER_BROTLI, CODING_BROTLI, 99, 0, {NULL, 0}, "out:" TEXT "\ndone\n"},
    {"what is behind the end is left alone", WRAPPER_GZIP, CODING_GZIP, 99, 0,
     SPAN_INIT("\x1f\x8bgarbage"), "out:" TEXT "\ndone\n"},
    {"a body that breaks off", WRAPPER_GZIP, CODING_GZIP, 99, 1, {NULL, 0}, "out:" TEXT "\nmore\n"},
    {"no more than was asked for, of identity",
     WRAPPER_NONE,
     CODING_IDENTITY,
     6,
     0,
     {NULL, 0},
     "out:<p>one\ndone\n"},
    {"no more than was asked for, of gzip",
     WRAPPER_GZIP,
     CODING_GZIP,
     6,
     0,
     {NULL, 0},
     "out:<p>one\ndone\n"},
    {"no more than was asked for, of deflate",
     WRAPPER_RAW,
     CODING_DEFLATE,
     6,
     0,
     {NULL, 0},
     "out:<p>one\ndone\n"},
    {"no more than was asked for, of br",
     WRAPPER_BROTLI,
     CODING_BROTLI,
     6,
     0,
     {NULL, 0},
     "out:<p>one\ndone\n"},
    {"nothing was asked for", WRAPPER_GZIP, CODING_GZIP, 0, 0, {NULL, 0}, "done\n"},
    {"text that is no gzip", WRAPPER_NONE, CODING_GZIP, 99, 0, {NULL, 0}, "bad\ndone\n"},
    {"text that is no deflate", WRAPPER_NONE, CODING_DEFLATE, 99, 0, {NULL, 0}, "bad\ndone\n"},
    {"zlib is no gzip", WRAPPER_ZLIB, CODING_GZIP, 99, 0, {NULL, 0}, "bad\ndone\n"},
    {"one byte of deflate says nothing",
     WRAPPER_ZLIB,
     CODING_DEFLATE,
     99,
     sizeof TEXT,
     {NULL, 0},
     NULL},
    {"a coding that is not known", WRAPPER_NONE, CODING_UNKNOWN, 99, 0, {NULL, 0}, "bad\ndone\n"},
};

static void test_row(void **state) {
    const struct row *row = *state;
    struct buf packed, input;
    pack(row->wrapper, SPAN(TEXT), 16, &packed);
    buf_init(&input, 1 << 16);
    size_t n = row->want == NULL ? 1 : buf_len(&packed) - row->missing;
    buf_put(&input, span_first(buf_span(&packed), n));
    buf_put(&input, row->more);
    check(row->kind, row->most, buf_span(&input), row->want ? row->want : "more\n");
    buf_fini(&packed);
    buf_fini(&input);
}

static void test_a_checksum_that_is_wrong_is_bad(void **state) {
    struct buf packed;
    (void)state;
    pack(WRAPPER_GZIP, SPAN(TEXT), 0, &packed);
    packed.p[packed.to - 5] ^= 1;
    check(CODING_GZIP, 99, buf_span(&packed), "out:" TEXT "\nbad\ndone\n");
    buf_fini(&packed);
}

static void test_the_name_says_which_coding(void **state) {
    static const struct {
        struct span value;
        enum coding_kind kind;
    } names[] = {
        {SPAN_INIT(""), CODING_IDENTITY},        {SPAN_INIT("Identity"), CODING_IDENTITY},
        {SPAN_INIT(" GZIP\t"), CODING_GZIP},     {SPAN_INIT("x-gzip"), CODING_GZIP},
        {SPAN_INIT("deflate"), CODING_DEFLATE},  {SPAN_INIT("br"), CODING_BROTLI},
        {SPAN_INIT("gzip, br"), CODING_UNKNOWN}, {SPAN_INIT("ZStd"), CODING_ZSTD},
        {SPAN_INIT("gzipped"), CODING_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(coding_kind_of(names[i].value), names[i].kind);
    }
}

// Unpacks all of it; the most memory that the decoder had.
static size_t peak_of(enum coding_kind kind, struct span in, uint64_t most, enum step *last) {
    static uint8_t buffer[4096];
    struct coding c;
    struct span out;
    size_t peak = 0;
    coding_init(&c, kind, most);
    coding_feed(&c, in);
    while ((*last = coding_next(&c, buffer, sizeof buffer, &out)) == STEP_ITEM) {
        peak = c.memory.used > peak ? c.memory.used : peak;
    }
    assert_true(coding_is_done(&c));
    coding_fini(&c);
    return peak;
}

static void test_a_bomb_stops_at_the_bound_and_in_bounded_memory(void **state) {
    static const struct {
        enum wrapper wrapper;
        enum coding_kind kind;
        int window;
        enum step last;
    } bombs[] = {
        {WRAPPER_GZIP, CODING_GZIP, 0, STEP_MORE},
        {WRAPPER_BROTLI, CODING_BROTLI, 18, STEP_MORE},
        {WRAPPER_BROTLI, CODING_BROTLI, 24, STEP_BAD}, // wants 16 MB
    };
    (void)state;
    size_t n = 32 << 20;
    uint8_t *blank = calloc(1, n);
    assert_non_null(blank);
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        struct buf packed;
        enum step last;
        pack(bombs[i].wrapper, span_of(blank, n), bombs[i].window, &packed);
        size_t peak = peak_of(bombs[i].kind, buf_span(&packed), 1 << 17, &last);
        assert_true(peak <= CODING_MEMORY_MOST);
        assert_int_equal(last, bombs[i].last);
        buf_fini(&packed);
    }
    free(blank);
}

// Encoders write the window that they would like into the stream, however short the page is.
static void test_pages_fit_into_the_memory_whatever_window_they_name(void **state) {
    enum step last;
    struct buf page, packed;
    uint32_t random = 1;
    (void)state;
    buf_init(&page, 1 << 20);
    while (buf_len(&page) < 200000) {
        random = random * 1664525u + 1013904223u;
        split_line(&page, "<p class=a%u>%u</p>", random >> 24, random >> 8);
    }
    for (int window = 16; window <= 24; window++) {
        pack(WRAPPER_BROTLI, buf_span(&page), window, &packed);
        size_t peak = peak_of(CODING_BROTLI, buf_span(&packed), 1 << 17, &last);
        assert_int_equal(last, STEP_MORE);
        assert_true(peak > 0 && peak <= CODING_MEMORY_MOST);
        buf_fini(&packed);
    }
    buf_fini(&page);
}

static void test_nothing_is_allocated_before_bytes_came(void **state) {
    struct coding c;
    struct span out;
    uint8_t buffer[8];
    (void)state;
    coding_init(&c, CODING_GZIP, 99);
    coding_feed(&c, span_of(NULL, 0));
    assert_int_equal(coding_next(&c, buffer, sizeof buffer, &out), STEP_MORE);
    assert_int_equal(c.memory.used, 0);
    assert_null(c.state);
    coding_fini(&c);
}

int main(void) {
    struct CMUnitTest tests[sizeof rows / sizeof *rows + 5];
    size_t n = 0;
    for (; n < sizeof rows / sizeof *rows; n++) {
        tests[n] = (struct CMUnitTest){rows[n].name, test_row, NULL, NULL, &rows[n]};
    }
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_a_checksum_that_is_wrong_is_bad);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_the_name_says_which_coding);
    tests[n++] =
        (struct CMUnitTest)cmocka_unit_test(test_a_bomb_stops_at_the_bound_and_in_bounded_memory);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(
        test_pages_fit_into_the_memory_whatever_window_they_name);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_nothing_is_allocated_before_bytes_came);
    return _cmocka_run_group_tests("coding", tests, n, NULL, NULL);
}
