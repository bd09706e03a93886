// SPDX-License-Identifier: MIT
#include "exchange/body_reader.h"

#include "http/coding.h"
#include "http/mime.h"
#include "learner/evidence.h"
#include "scan/html_scan.h"
#include "support/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmocka.h>

struct subject {
    struct body_reader_pool pool;
    struct body_reader_conf conf;
    struct body_reader *reader;
    struct evidence_writer writer;
    uint8_t bytes[EVIDENCE_MAX];
};

static void begin(void *self) {
    struct subject *s = self;
    struct evidence e = {.kind = s->conf.kind == BODY_READER_PAGE ? EVIDENCE_PAGE : EVIDENCE_SHEET,
                         .status = 200};
    assert_true(evidence_begin(&s->writer, &e, s->bytes, sizeof s->bytes));
    s->conf.writer = &s->writer;
    s->reader = body_reader_new(&s->pool, &s->conf);
    assert_non_null(s->reader);
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct subject *s = self;
    (void)t;
    body_reader_feed(s->reader, bytes);
}

// Gives the reader back and writes down what is in the evidence.
static void tell(struct subject *s, struct buf *t) {
    static const char *const kinds[EVIDENCE_ITEMS] = {
        [EVIDENCE_HTML] = "html",     [EVIDENCE_BASE] = "base",     [EVIDENCE_FONT] = "font",
        [EVIDENCE_IMPORT] = "import", [EVIDENCE_POLICY] = "policy",
    };
    struct evidence e;
    struct evidence_item item;
    bool is_bad = body_reader_is_bad(s->reader);
    body_reader_free(s->reader);
    assert_true(evidence_decode(&e, span_of(s->bytes, evidence_end(&s->writer))));
    while (evidence_next(&e.items, &item)) {
        assert_non_null(kinds[item.kind]);
        split_line(t, "%s%s%s%s %.*s\n", kinds[item.kind],
                   item.flags & EVIDENCE_BODY ? " body" : "",
                   item.flags & EVIDENCE_LATE ? " late" : "",
                   item.flags & EVIDENCE_CONDITIONAL ? " conditional" : "", SPAN_ARG(item.text));
    }
    split_line(t, "%s%s", e.flags & EVIDENCE_CUT ? "cut\n" : "", is_bad ? "bad\n" : "");
}

static void end(void *self, struct buf *t) {
    struct subject *s = self;
    body_reader_end(s->reader);
    assert_true(body_reader_is_done(s->reader));
    tell(s, t);
}

static struct subject subject;

static int setup(void **state) {
    (void)state;
    subject = (struct subject){.reader = NULL};
    body_reader_pool_init(&subject.pool, 0, &coding_unpack);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    assert_int_equal(subject.pool.given, 0);
    body_reader_pool_fini(&subject.pool);
    body_reader_pool_fini(&subject.pool);
    return 0;
}

static void check(enum body_reader_kind kind, const char *coding, struct span body,
                  const char *items) {
    struct split split = {begin, piece, end, &subject};
    struct buf got;
    subject.conf = (struct body_reader_conf){.kind = kind, .content_encoding = span_str(coding)};
    split_check(&split, body, &got);
    assert_true(buf_put(&got, SPAN("\0")) == 0);
    assert_string_equal((const char *)buf_span(&got).p, items);
    buf_fini(&got);
}

static const char page[] =
    "<!doctype html><head><meta http-equiv=content-security-policy content=\"img-src\n*\">"
    "<link rel=stylesheet href=a.css><link rel=stylesheet href=a.css>"
    "<link rel=stylesheet href=p.css media=print><base href=/b/>"
    "<link rel=stylesheet href=a.css><script defer src='c.js'></script>"
    "<style>@font-face{src:url(d)}@font-face{src:url(e);unicode-range:U+0400-045F}</style></head>"
    "<script src='c.js'></script><link rel=stylesheet href=a.css><script src=f.js></script>";

static const char page_items[] = "policy content-security-policy: img-src *\n"
                                 "html <a.css>; rel=preload; as=style\n"
                                 "html conditional <p.css>; rel=preload; as=style\n"
                                 "base /b/\n"
                                 "html <a.css>; rel=preload; as=style\n"
                                 "html late <c.js>; rel=preload; as=script\n"
                                 "font d\n"
                                 "font e\n"
                                 "html body <f.js>; rel=preload; as=script\n";

static const char sheet[] =
    "@import 'p' print;@import 'a';@import url(a) screen;@font-face{src:url(b)}"
    "@font-face{src:url(c);unicode-range:U+1";

static const char sheet_items[] = "import a\nfont b\nfont c\n";

static void pack(int bits, struct span in, struct buf *out) {
    z_stream z = {.next_in = Z_NULL};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t most = deflateBound(&z, in.n);
    buf_init(out, most);
    z.next_in = (Bytef *)(uintptr_t)in.p;
    z.avail_in = (unsigned)in.n;
    z.next_out = buf_reserve(out, most);
    z.avail_out = (unsigned)most;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_wrote(out, most - z.avail_out);
    deflateEnd(&z);
}

static void test_a_page_teaches_what_its_html_needs(void **state) {
    (void)state;
    check(BODY_READER_PAGE, "", span_str(page), page_items);
}

static void test_a_stylesheet_teaches_imports_and_fonts(void **state) {
    (void)state;
    check(BODY_READER_SHEET, "identity", span_str(sheet), sheet_items);
}

static void test_a_compressed_body_teaches_the_same(void **state) {
    struct buf packed;
    (void)state;
    pack(15 + 16, span_str(page), &packed);
    check(BODY_READER_PAGE, "gzip", buf_span(&packed), page_items);
    buf_fini(&packed);
    pack(15, span_str(sheet), &packed);
    check(BODY_READER_SHEET, "deflate", buf_span(&packed), sheet_items);
    // One that broke off is not taken for complete.
    check(BODY_READER_SHEET, "deflate", span_first(buf_span(&packed), packed.to - 4),
          "import a\nfont b\n");
    buf_fini(&packed);
}

static void test_a_body_that_is_not_what_its_coding_says_ends_its_reading(void **state) {
    (void)state;
    check(BODY_READER_PAGE, "gzip", span_str(page), "bad\n");
}

static void test_a_body_that_breaks_off_ends_nothing(void **state) {
    struct buf got;
    (void)state;
    buf_init(&got, 1024);
    subject.conf = (struct body_reader_conf){.kind = BODY_READER_SHEET};
    begin(&subject);
    body_reader_feed(subject.reader, SPAN("@import 'a';@import 'b"));
    assert_false(body_reader_is_done(subject.reader));
    tell(&subject, &got);
    assert_true(span_eq(buf_span(&got), SPAN("import a\n")));
    buf_fini(&got);
}

static void test_what_a_document_teaches_is_bounded(void **state) {
    struct buf html, got;
    (void)state;
    buf_init(&html, 1 << 20);
    buf_init(&got, 1 << 20);
    for (int i = 0; i <= BODY_READER_ITEMS_MAX; i++) {
        split_line(&html, "<script src=%d></script>", i);
    }
    subject.conf = (struct body_reader_conf){.kind = BODY_READER_PAGE};
    begin(&subject);
    body_reader_feed(subject.reader, buf_span(&html));
    assert_true(body_reader_is_done(subject.reader));
    tell(&subject, &got);
    assert_true(span_has_suffix(buf_span(&got), SPAN("html <255>; rel=preload; as=script\ncut\n")));
    buf_fini(&html);
    buf_fini(&got);
}

static void test_a_bomb_is_looked_at_up_to_the_bound(void **state) {
    struct buf html, packed, got;
    (void)state;
    buf_init(&html, 16 << 20);
    buf_init(&got, 1024);
    memset(buf_reserve(&html, 8 << 20), ' ', 8 << 20);
    buf_wrote(&html, 8 << 20);
    pack(15 + 16, buf_span(&html), &packed);
    subject.conf =
        (struct body_reader_conf){.kind = BODY_READER_PAGE, .content_encoding = SPAN("gzip")};
    begin(&subject);
    body_reader_feed(subject.reader, span_first(buf_span(&packed), HTML_SCAN_MOST / 512));
    assert_true(body_reader_is_done(subject.reader));
    tell(&subject, &got);
    assert_int_equal(buf_len(&got), 0);
    buf_fini(&html);
    buf_fini(&packed);
    buf_fini(&got);
}

static void test_the_pool_is_bounded_and_used_again(void **state) {
    struct body_reader_conf conf = {.kind = BODY_READER_PAGE};
    struct body_reader_pool pool;
    (void)state;
    body_reader_pool_init(&pool, 2, &coding_unpack);
    struct body_reader *a = body_reader_new(&pool, &conf), *b = body_reader_new(&pool, &conf);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(body_reader_new(&pool, &conf));
    assert_int_equal(pool.refused, 1);
    body_reader_free(a);
    body_reader_free(NULL);
    assert_ptr_equal(body_reader_new(&pool, &conf), a);
    body_reader_free(a);
    body_reader_free(b);
    assert_int_equal(pool.kept, 2);
    body_reader_pool_fini(&pool);
    assert_int_equal(pool.kept, 0);
}

static void test_nothing_is_learned_where_there_is_nothing_to_read(void **state) {
    static const struct body_reader_conf confs[] = {
        {.kind = BODY_READER_NONE},
        {.kind = BODY_READER_PAGE, .content_encoding = SPAN_INIT("compress")},
        {.kind = BODY_READER_PAGE, .content_encoding = SPAN_INIT("gzip, br")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof confs / sizeof *confs; i++) {
        assert_null(body_reader_new(&subject.pool, &confs[i]));
    }
    assert_int_equal(subject.pool.given + subject.pool.kept + subject.pool.refused, 0);
}

static void test_the_content_type_says_what_could_be_learned(void **state) {
    static const struct {
        struct span type;
        enum body_reader_kind kind;
    } types[] = {
        {SPAN_INIT("text/html; charset=UTF-8"), BODY_READER_PAGE},
        {SPAN_INIT("Text/HTML"), BODY_READER_PAGE},
        {SPAN_INIT("text/css;charset=UTF-8"), BODY_READER_SHEET},
        {SPAN_INIT("text/plain"), BODY_READER_NONE},
        {SPAN_INIT("text/html5"), BODY_READER_NONE},
        {SPAN_INIT(""), BODY_READER_NONE},
    };
    (void)state;
    assert_int_equal(body_reader_kind_of(span_of(NULL, 0)), BODY_READER_NONE);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        assert_int_equal(body_reader_kind_of(mime_essence(types[i].type)), types[i].kind);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_page_teaches_what_its_html_needs),
        TEST(test_a_stylesheet_teaches_imports_and_fonts),
        TEST(test_a_compressed_body_teaches_the_same),
        TEST(test_a_body_that_is_not_what_its_coding_says_ends_its_reading),
        TEST(test_a_body_that_breaks_off_ends_nothing),
        TEST(test_what_a_document_teaches_is_bounded),
        TEST(test_a_bomb_is_looked_at_up_to_the_bound),
        TEST(test_the_pool_is_bounded_and_used_again),
        TEST(test_nothing_is_learned_where_there_is_nothing_to_read),
        TEST(test_the_content_type_says_what_could_be_learned),
    };
    return cmocka_run_group_tests_name("body_reader", tests, NULL, NULL);
}
