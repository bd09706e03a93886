// SPDX-License-Identifier: MIT
#include "hints/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct evidence sample = {
    .key = SPAN_INIT("site\0/a b"),
    .scheme = SPAN_INIT("https"),
    .authority = SPAN_INIT("site.example:8443"),
    .target = SPAN_INIT("/a%20b?x=1"),
    .at_ms = 1790000000123,
    .status = 200,
};

static void what_is_encoded_is_decoded(void **state) {
    (void)state;
    struct pair v[] = {{SPAN("Link"), SPAN("</a>")},
                       {SPAN("x"), SPAN("y")},
                       {SPAN("link"), SPAN("")},
                       {SPAN("LINK"), SPAN("</b>, </c>")}};
    struct pairs fields = {v, 4, 4};
    struct evidence e;
    struct span value;
    uint8_t bytes[EVIDENCE_MAX];
    size_t n = evidence_encode(&sample, &fields, bytes, sizeof bytes);
    assert_true(n > 0);
    assert_true(evidence_decode(&e, span_of(bytes, n)));
    assert_true(span_eq(e.key, sample.key));
    assert_true(span_eq(e.scheme, sample.scheme));
    assert_true(span_eq(e.authority, sample.authority));
    assert_true(span_eq(e.target, sample.target));
    assert_int_equal(e.at_ms, sample.at_ms);
    assert_int_equal(e.status, 200);
    assert_int_equal(e.flags, 0);
    assert_int_equal(e.links_n, 3);
    assert_true(evidence_next(&e.links, &value) && span_eq(value, SPAN("</a>")));
    assert_true(evidence_next(&e.links, &value) && value.n == 0);
    assert_true(evidence_next(&e.links, &value) && span_eq(value, SPAN("</b>, </c>")));
    assert_false(evidence_next(&e.links, &value));
}

static void values_that_do_not_fit_are_left_out_whole(void **state) {
    (void)state;
    static uint8_t big[EVIDENCE_MAX];
    memset(big, 'x', sizeof big);
    struct pair v[] = {{SPAN("link"), SPAN("</a>")},
                       {SPAN("link"), span_of(big, sizeof big)},
                       {SPAN("link"), SPAN("</b>")}};
    struct pairs fields = {v, 3, 3};
    struct evidence e;
    struct span value;
    static uint8_t bytes[2 * EVIDENCE_MAX];
    size_t n = evidence_encode(&sample, &fields, bytes, sizeof bytes);
    assert_true(n > 0 && n <= EVIDENCE_MAX);
    assert_true(evidence_decode(&e, span_of(bytes, n)));
    assert_int_equal(e.flags, EVIDENCE_CUT);
    assert_int_equal(e.links_n, 2);
    assert_true(evidence_next(&e.links, &value) && span_eq(value, SPAN("</a>")));
    assert_true(evidence_next(&e.links, &value) && span_eq(value, SPAN("</b>")));
}

static void it_needs_room_for_everything_but_the_links(void **state) {
    (void)state;
    struct pair v = {SPAN("link"), SPAN("</a>")};
    struct pairs fields = {&v, 1, 1}, none = {0};
    uint8_t whole[EVIDENCE_MAX];
    size_t least = evidence_encode(&sample, &none, whole, sizeof whole);
    for (size_t cap = 0; cap < least + 20; cap++) {
        // A block of its own, so that a sanitizer sees a write behind the end.
        uint8_t *bytes = malloc(cap ? cap : 1);
        size_t n = evidence_encode(&sample, &fields, bytes, cap);
        assert_true(cap < least ? n == 0 : n >= least && n <= cap);
        struct evidence e;
        assert_int_equal(n > 0 && evidence_decode(&e, span_of(bytes, n)), n > 0);
        free(bytes);
    }
    struct evidence big = sample;
    static uint8_t scheme[300];
    big.scheme = span_of(scheme, sizeof scheme);
    assert_int_equal(evidence_encode(&big, &none, whole, sizeof whole), 0);
}

static void nothing_else_is_decoded(void **state) {
    (void)state;
    struct pair v = {SPAN("link"), SPAN("</a>")};
    struct pairs fields = {&v, 1, 1};
    struct evidence e;
    uint8_t bytes[EVIDENCE_MAX];
    size_t n = evidence_encode(&sample, &fields, bytes, sizeof bytes);
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *part = malloc(cut ? cut : 1);
        memcpy(part, bytes, cut);
        assert_false(evidence_decode(&e, span_of(part, cut)));
        free(part);
    }
    bytes[n] = 0;
    assert_false(evidence_decode(&e, span_of(bytes, n + 1)));
    bytes[0] ^= 1;
    assert_false(evidence_decode(&e, span_of(bytes, n)));
    bytes[0] ^= 1;
    bytes[2] = 2; // a flag that nobody sets
    assert_false(evidence_decode(&e, span_of(bytes, n)));
}

struct row {
    const char *name;
    enum teach_reason reason;
    const char *request[4], *response[4];
};

static struct row rows[] = {
    {"a plain page teaches", TEACH_OK, {NULL}, {NULL}},
    {"a public page teaches", TEACH_OK, {NULL}, {"cache-control", "public, max-age=60"}},
    {"a page that must be revalidated teaches", TEACH_OK, {NULL}, {"cache-control", "no-cache"}},
    {"a cookie that is no session", TEACH_OK, {"cookie", "wordpress_test_cookie=1"}, {NULL}},
    {"credentials", TEACH_AUTHORIZATION, {"Authorization", "Basic eDp5"}, {NULL}},
    {"a session", TEACH_SESSION, {"cookie", "a=b; PHPSESSID=1"}, {NULL}},
    {"a prefetch", TEACH_PREFETCH, {"sec-purpose", "prefetch;prerender"}, {NULL}},
    {"a range", TEACH_RANGE, {"Range", "bytes=0-1"}, {NULL}},
    {"a cookie is set", TEACH_SET_COOKIE, {NULL}, {"Set-Cookie", "a=b"}},
    {"a private page", TEACH_PRIVATE, {NULL}, {"Cache-Control", "max-age=0, Private"}},
    {"a page with a private field", TEACH_PRIVATE, {NULL}, {"cache-control", "private=\"x\""}},
    {"a page not to be stored", TEACH_PRIVATE, {NULL}, {"cache-control", "no-store"}},
    {"a word that only begins like one", TEACH_OK, {NULL}, {"cache-control", "no-storey"}},
    {"varying by coding", TEACH_OK, {"accept-encoding", "br"}, {"vary", "Accept-Encoding"}},
    {"varying by what nobody said", TEACH_OK, {"accept", "*/*"}, {"vary", "Cookie, Origin"}},
    {"varying by a cookie that was there",
     TEACH_VARY,
     {"cookie", "ab=2"},
     {"Vary", "Accept-Encoding, cookie"}},
    {"varying by the device", TEACH_VARY, {"user-agent", "x"}, {"vary", "User-Agent"}},
    {"varying by everything", TEACH_VARY, {NULL}, {"vary", "*"}},
};

static struct pairs fill(struct pair *pairs, const char *const *fields) {
    struct pairs all = {.v = pairs, .cap = 2};
    for (size_t i = 0; i < 2 && fields[2 * i] != NULL; i++) {
        pairs[i] = (struct pair){span_str(fields[2 * i]), span_str(fields[2 * i + 1])};
        all.n++;
    }
    return all;
}

static void teaches_as_the_row_says(void **state) {
    const struct row *row = *state;
    struct pair asked[2], answered[2];
    struct request request = {.method = SPAN("GET"), .fields = fill(asked, row->request)};
    struct response response = {.status = 200, .fields = fill(answered, row->response)};
    enum teach_reason reason = evidence_may_teach(&request, &response);
    assert_string_equal(teach_reason_row(reason)->label, teach_reason_row(row->reason)->label);
    request.method = SPAN("POST");
    assert_int_equal(evidence_may_teach(&request, &response), TEACH_METHOD);
    request.method = SPAN("HEAD");
    assert_int_equal(evidence_may_teach(&request, &response), TEACH_METHOD);
    request.method = SPAN("GET");
    static const int others[] = {201, 203, 206, 301, 302, 304, 403, 404, 500, 503};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        response.status = others[i];
        assert_int_equal(evidence_may_teach(&request, &response), TEACH_STATUS);
    }
}

static void every_reason_has_words(void **state) {
    (void)state;
    for (int i = 0; i < TEACH_REASONS; i++) {
        assert_true(strlen(teach_reason_row(i)->label) > 0);
        assert_true(strlen(teach_reason_row(i)->sentence) > 5);
    }
}

#define ROWS (sizeof rows / sizeof *rows)

int main(void) {
    struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] = (struct CMUnitTest){rows[i].name, teaches_as_the_row_says, NULL, NULL, &rows[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(values_that_do_not_fit_are_left_out_whole),
        cmocka_unit_test(it_needs_room_for_everything_but_the_links),
        cmocka_unit_test(nothing_else_is_decoded),
        cmocka_unit_test(every_reason_has_words),
    };
    return cmocka_run_group_tests_name("rows", table, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
