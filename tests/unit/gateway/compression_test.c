// SPDX-License-Identifier: MIT
#include "gateway/compression.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define FIELDS_MAX 4
#define HTML "Content-Type", "text/html; charset=utf-8"
#define NONE CODING_IDENTITY

static const struct span types[] = {SPAN_INIT("text/*"), SPAN_INIT("*+json")};

static struct site site = {
    .compress = {.mode = SITE_COMPRESS_ALL,
                 .codings = {CODING_ZSTD, CODING_GZIP},
                 .codings_n = 2,
                 .gzip_level = 5,
                 .zstd_level = 3,
                 .types = {types, 2},
                 .min_size = 100},
};

static const struct row {
    const char *name;
    int status;
    const char *fields[2 * FIELDS_MAX];
    enum site_compress mode;
    bool is_file, is_old, is_off;
    enum coding_kind coding;
    bool varies;
} rows[] = {
    {"a page", 200, {HTML}, SITE_COMPRESS_ALL, false, false, false, CODING_GZIP, true},
    {"an error page", 404, {HTML}, SITE_COMPRESS_ALL, false, false, false, CODING_GZIP, true},
    {"an own status", 600, {HTML}, SITE_COMPRESS_ALL, false, false, false, CODING_GZIP, true},
    {"nothing is compressed", 200, {HTML}, SITE_COMPRESS_OFF, true, false, false, NONE, false},
    {"only files are", 200, {HTML}, SITE_COMPRESS_FILES, false, false, false, NONE, false},
    {"and this is one", 200, {HTML}, SITE_COMPRESS_FILES, true, false, false, CODING_GZIP, true},
    {"not on this route", 200, {HTML}, SITE_COMPRESS_ALL, true, false, true, NONE, false},
    {"HTTP/1.0", 200, {HTML}, SITE_COMPRESS_ALL, false, true, false, NONE, true},
    {"no type", 200, {"a", "b"}, SITE_COMPRESS_ALL, false, false, false, NONE, false},
    {"a type by its end",
     200,
     {"content-type", "Application/LD+JSON"},
     SITE_COMPRESS_ALL,
     false,
     false,
     false,
     CODING_GZIP,
     true},
    {"an image",
     200,
     {"content-type", "image/png"},
     SITE_COMPRESS_ALL,
     false,
     false,
     false,
     NONE,
     false},
    {"compressed already",
     200,
     {HTML, "content-encoding", "br"},
     SITE_COMPRESS_ALL,
     false,
     false,
     false,
     NONE,
     false},
    {"no-transform",
     200,
     {HTML, "cache-control", "public, No-Transform"},
     SITE_COMPRESS_ALL,
     false,
     false,
     false,
     NONE,
     false},
    {"too short",
     200,
     {HTML, "content-length", "99"},
     SITE_COMPRESS_ALL,
     false,
     false,
     false,
     NONE,
     false},
    {"just long enough",
     200,
     {HTML, "content-length", "100"},
     SITE_COMPRESS_ALL,
     false,
     false,
     false,
     CODING_GZIP,
     true},
    {"a redirect", 302, {HTML}, SITE_COMPRESS_ALL, false, false, false, NONE, false},
    {"no content", 204, {HTML}, SITE_COMPRESS_ALL, false, false, false, NONE, false},
    {"reset content", 205, {HTML}, SITE_COMPRESS_ALL, false, false, false, NONE, false},
    {"a part",
     206,
     {HTML, "content-range", "bytes 0-1/9"},
     SITE_COMPRESS_ALL,
     false,
     false,
     false,
     NONE,
     true},
    {"a part under another status",
     200,
     {HTML, "content-range", "bytes 0-1/9"},
     SITE_COMPRESS_ALL,
     false,
     false,
     false,
     NONE,
     true},
    {"parts of a file",
     206,
     {"content-type", "multipart/byteranges"},
     SITE_COMPRESS_ALL,
     true,
     false,
     false,
     NONE,
     true},
    {"a file that has not changed",
     304,
     {"etag", "\"a\""},
     SITE_COMPRESS_ALL,
     true,
     false,
     false,
     CODING_GZIP,
     true},
    {"a page that has not changed",
     304,
     {"etag", "\"a\""},
     SITE_COMPRESS_ALL,
     false,
     false,
     false,
     NONE,
     false},
};

static struct pairs pairs_of(struct pair *v, const char *const *fields) {
    struct pairs all = {v, 0, FIELDS_MAX};
    for (size_t i = 0; i < FIELDS_MAX && fields[2 * i] != NULL; i++) {
        v[all.n++] = (struct pair){span_str(fields[2 * i]), span_str(fields[2 * i + 1])};
    }
    return all;
}

static void a_response_is_compressed_as_its_row_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct pair v[FIELDS_MAX], accept = {SPAN("accept-encoding"), SPAN("gzip, br")};
        struct route_rule off = {.has_compress = true};
        struct request request = {.fields = {&accept, 1, 1},
                                  .protocol = row->is_old ? PROTOCOL_HTTP10 : PROTOCOL_HTTP2};
        struct response response = {.status = row->status, .fields = pairs_of(v, row->fields)};
        struct compression_question q = {.site = &site,
                                         .rule = row->is_off ? &off : NULL,
                                         .request = &request,
                                         .response = &response,
                                         .is_file = row->is_file,
                                         .type = SPAN("text/css"),
                                         .len = 100};
        site.compress.mode = row->mode;
        struct compression got = compression_of(&q);
        if (got.coding != row->coding || got.varies != row->varies) {
            fail_msg("%s: %d, %d", row->name, got.coding, got.varies);
        }
        q.len = 99;
        if (row->is_file && row->status != 200 && compression_of(&q).varies) {
            fail_msg("%s: of a short file", row->name);
        }
        accept.value = SPAN("br;q=1, identity");
        if (compression_of(&q).coding != NONE) {
            fail_msg("%s: not asked for", row->name);
        }
    }
    assert_int_equal(compression_level(&site, CODING_GZIP), 5);
    assert_int_equal(compression_level(&site, CODING_ZSTD), 3);
}

static const struct head {
    const char *name;
    int status;
    struct compression how;
    const char *fields[2 * FIELDS_MAX];
    const char *want;
} heads[] = {
    {"what the bytes were is left out",
     200,
     {CODING_GZIP, true},
     {HTML, "Content-Length", "9", "Accept-Ranges", "bytes", "Content-Digest", "x"},
     "Content-Type: text/html; charset=utf-8\ncontent-encoding: gzip\nvary: Accept-Encoding\n"},
    {"and other checksums",
     200,
     {CODING_ZSTD, true},
     {"digest", "a", "content-md5", "b", "Repr-Digest", "c"},
     "content-encoding: zstd\nvary: Accept-Encoding\n"},
    {"a strong tag becomes weak",
     200,
     {CODING_GZIP, true},
     {"ETag", "\"a\""},
     "ETag: W/\"a\"\ncontent-encoding: gzip\nvary: Accept-Encoding\n"},
    {"a weak one stays",
     200,
     {CODING_GZIP, true},
     {"etag", "W/\"a\""},
     "etag: W/\"a\"\ncontent-encoding: gzip\nvary: Accept-Encoding\n"},
    {"304 has the same tag and no coding",
     304,
     {CODING_GZIP, true},
     {"etag", "\"a\""},
     "etag: W/\"a\"\nvary: Accept-Encoding\n"},
    {"what goes as it is stays as it is",
     200,
     {CODING_IDENTITY, true},
     {"etag", "\"a\"", "content-length", "9", "digest", "x"},
     "etag: \"a\"\ncontent-length: 9\ndigest: x\nvary: Accept-Encoding\n"},
    {"Vary stands beside another",
     200,
     {CODING_IDENTITY, true},
     {"Vary", "Cookie"},
     "Vary: Cookie\nvary: Accept-Encoding\n"},
    {"but not twice",
     200,
     {CODING_IDENTITY, true},
     {"Vary", "Cookie, accept-encoding"},
     "Vary: Cookie, accept-encoding\n"},
    {"nor where everything counts", 200, {CODING_IDENTITY, true}, {"vary", "*"}, "vary: *\n"},
};

static void a_head_says_what_is_sent(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct pair v[FIELDS_MAX];
        struct response from = {.status = heads[i].status, .fields = pairs_of(v, heads[i].fields)},
                        to;
        struct arena a;
        char text[1000];
        size_t n = 0;
        arena_init(&a, 1 << 16);
        assert_int_equal(compression_head(&heads[i].how, &from, &a, &to), 0);
        for (size_t k = 0; k < to.fields.n; k++) {
            n += (size_t)snprintf(text + n, sizeof text - n, "%.*s: %.*s\n",
                                  SPAN_ARG(to.fields.v[k].name), SPAN_ARG(to.fields.v[k].value));
        }
        assert_int_equal(to.status, from.status);
        if (strcmp(text, heads[i].want) != 0) {
            fail_msg("%s: %s", heads[i].name, text);
        }
        arena_fini(&a);
        arena_init(&a, 0);
        assert_int_equal(compression_head(&heads[i].how, &from, &a, &to), ERR_ARENA_LIMIT);
        arena_fini(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_is_compressed_as_its_row_says),
        cmocka_unit_test(a_head_says_what_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
