// SPDX-License-Identifier: MIT
#include "learner/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct evidence page = {
    .kind = EVIDENCE_PAGE,
    .flags = EVIDENCE_SESSION | EVIDENCE_PRIVATE,
    .status = 200,
    .at_ms = 1790000000123,
    .who = 0x0123456789abcdef,
    .network = 0xfedcba9876543210,
    .user = 0x1122334455667788,
    .think_us = 123456789,
    .key = SPAN_INIT("site\0s/a b"),
    .scheme = SPAN_INIT("https"),
    .authority = SPAN_INIT("site.example:8443"),
    .target = SPAN_INIT("/a%20b?x=1"),
};

static const struct evidence visit = {
    .kind = EVIDENCE_VISIT,
    .flags = EVIDENCE_HINTED | EVIDENCE_HELD,
    .status = 404,
    .at_ms = 1,
    .who = 2,
    .network = 3,
    .think_us = 4,
    .lead_us = 5,
    .critical_us = UINT32_MAX,
    .key = SPAN_INIT("site\0p/"),
};

static const struct evidence asset = {
    .kind = EVIDENCE_ASSET,
    .flags = EVIDENCE_VARIES_ORIGIN,
    .status = 302,
    .as = 3,
    .reuse = 7,
    .lifetime_s = 86400,
    .bytes = 1ULL << 40,
    .key = SPAN_INIT("site"),
    .target = SPAN_INIT("/a.css?ver=1"),
};

static const struct evidence sheet = {
    .kind = EVIDENCE_SHEET, .key = SPAN_INIT("site"), .target = SPAN_INIT("/a.css")};

static const struct evidence_item page_items[] = {
    {.kind = EVIDENCE_POLICY, .text = SPAN_INIT("referrer-policy: origin")},
    {.kind = EVIDENCE_LINK, .text = SPAN_INIT("</a>")},
    {.kind = EVIDENCE_LINK, .text = SPAN_INIT("")},
    {.kind = EVIDENCE_BASE, .text = SPAN_INIT("/base/")},
    {.kind = EVIDENCE_HTML, .flags = EVIDENCE_BODY | EVIDENCE_LATE, .text = SPAN_INIT("</b>")},
    {.kind = EVIDENCE_FONT, .text = SPAN_INIT("/c.woff2")},
};

static const struct evidence_item visit_items[] = {
    {.kind = EVIDENCE_FETCH,
     .flags = EVIDENCE_WAS_HINTED | EVIDENCE_ANSWERED,
     .as = 5,
     .asked_ms = 17,
     .done_ms = 40000,
     .text = SPAN_INIT("/f.woff2"),
     .via = SPAN_INIT("/a.css")},
    {.kind = EVIDENCE_FETCH, .text = SPAN_INIT("/x")},
};

static const struct evidence_item sheet_items[] = {
    {.kind = EVIDENCE_IMPORT, .text = SPAN_INIT("b.css")},
    {.kind = EVIDENCE_FONT, .text = SPAN_INIT("c.woff2")},
};

static const struct sample {
    const struct evidence *e;
    const struct evidence_item *items;
    size_t n;
} samples[] = {{&page, page_items, sizeof page_items / sizeof *page_items},
               {&visit, visit_items, sizeof visit_items / sizeof *visit_items},
               {&asset, NULL, 0},
               {&sheet, sheet_items, sizeof sheet_items / sizeof *sheet_items}};
#define SAMPLES (sizeof samples / sizeof *samples)

static size_t encode(const struct sample *s, uint8_t *bytes, size_t cap) {
    struct evidence_writer w;
    if (!evidence_begin(&w, s->e, bytes, cap)) {
        return 0;
    }
    for (size_t i = 0; i < s->n; i++) {
        evidence_put(&w, &s->items[i]);
    }
    return evidence_end(&w);
}

static void check_head(const struct evidence *e, const struct evidence *like) {
    assert_int_equal(e->kind, like->kind);
    assert_int_equal(e->flags, like->flags);
    assert_int_equal(e->status, like->status);
    assert_int_equal(e->at_ms, like->at_ms);
    assert_int_equal(e->who, like->who);
    assert_int_equal(e->user, like->user);
    assert_int_equal(e->network, like->network);
    assert_int_equal(e->think_us, like->think_us);
    assert_int_equal(e->lead_us, like->lead_us);
    assert_int_equal(e->critical_us, like->critical_us);
    assert_int_equal(e->as, like->as);
    assert_int_equal(e->reuse, like->reuse);
    assert_int_equal(e->lifetime_s, like->lifetime_s);
    assert_int_equal(e->bytes, like->bytes);
    assert_true(span_eq(e->key, like->key) && span_eq(e->scheme, like->scheme));
    assert_true(span_eq(e->authority, like->authority) && span_eq(e->target, like->target));
}

static void check_item(const struct evidence_item *item, const struct evidence_item *like) {
    assert_int_equal(item->kind, like->kind);
    assert_int_equal(item->flags, like->flags);
    assert_int_equal(item->as, like->as);
    assert_int_equal(item->asked_ms, like->asked_ms);
    assert_int_equal(item->done_ms, like->done_ms);
    assert_true(span_eq(item->text, like->text) && span_eq(item->via, like->via));
}

static void what_is_encoded_is_decoded(void **state) {
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        uint8_t bytes[EVIDENCE_MAX];
        struct evidence e;
        struct evidence_item item;
        size_t n = encode(&samples[i], bytes, sizeof bytes);
        assert_true(n > 0);
        assert_true(evidence_decode(&e, span_of(bytes, n)));
        check_head(&e, samples[i].e);
        assert_int_equal(e.items_n, samples[i].n);
        for (size_t k = 0; k < samples[i].n; k++) {
            assert_true(evidence_next(&e.items, &item));
            check_item(&item, &samples[i].items[k]);
        }
        assert_false(evidence_next(&e.items, &item));
    }
}

static void items_that_do_not_fit_are_left_out_whole(void **state) {
    (void)state;
    static uint8_t big[EVIDENCE_MAX], bytes[2 * EVIDENCE_MAX];
    struct evidence_item item = {.kind = EVIDENCE_LINK, .text = SPAN("</a>")};
    struct evidence_item large = {.kind = EVIDENCE_LINK, .text = span_of(big, sizeof big)};
    struct evidence_writer w;
    struct evidence e;
    assert_true(evidence_begin(&w, &page, bytes, sizeof bytes));
    assert_true(evidence_put(&w, &item));
    assert_false(evidence_put(&w, &large));
    assert_true(evidence_put(&w, &item));
    size_t n = evidence_end(&w);
    assert_true(n <= EVIDENCE_MAX);
    assert_true(evidence_decode(&e, span_of(bytes, n)));
    assert_int_equal(e.flags, page.flags | EVIDENCE_CUT);
    assert_int_equal(e.items_n, 2);
    assert_true(evidence_next(&e.items, &item) && span_eq(item.text, SPAN("</a>")));
    assert_true(evidence_next(&e.items, &item) && span_eq(item.text, SPAN("</a>")));
}

static void it_needs_room_for_everything_but_the_items(void **state) {
    (void)state;
    uint8_t whole[EVIDENCE_MAX];
    const struct sample none = {&page, NULL, 0};
    size_t least = encode(&none, whole, sizeof whole);
    for (size_t cap = 0; cap < least + 40; cap++) {
        // A block of its own, so that a sanitizer sees a write behind the end.
        uint8_t *bytes = malloc(cap ? cap : 1);
        size_t n = encode(&samples[0], bytes, cap);
        assert_true(cap < least ? n == 0 : n >= least && n <= cap);
        struct evidence e;
        assert_int_equal(n > 0 && evidence_decode(&e, span_of(bytes, n)), n > 0);
        free(bytes);
    }
    struct evidence big = page;
    static uint8_t scheme[300];
    big.scheme = span_of(scheme, sizeof scheme);
    assert_int_equal(encode(&(struct sample){&big, NULL, 0}, whole, sizeof whole), 0);
}

static void a_part_of_it_is_not_decoded(void **state) {
    (void)state;
    struct evidence e;
    uint8_t bytes[EVIDENCE_MAX];
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t n = encode(&samples[i], bytes, sizeof bytes);
        for (size_t cut = 0; cut < n; cut++) {
            uint8_t *part = malloc(cut ? cut : 1);
            memcpy(part, bytes, cut);
            assert_false(evidence_decode(&e, span_of(part, cut)));
            free(part);
        }
        bytes[n] = 0;
        assert_false(evidence_decode(&e, span_of(bytes, n + 1)));
    }
}

// What nobody writes: the kind, flags and items of other kinds, kinds that there are not.
static void nothing_else_is_decoded(void **state) {
    (void)state;
    static const struct {
        const char *why;
        size_t sample, at;
        uint8_t value;
    } changes[] = {
        {"another program's", 0, 0, 'e'},
        {"an earlier version", 0, 1, 1},
        {"a kind that there is not", 0, 2, 4},
        {"the flag of a visit on a page", 0, 3, EVIDENCE_HINTED},
        {"the flag of an asset on a visit", 1, 3, EVIDENCE_VARIES_ORIGIN},
        {"a flag of a visit on an asset", 2, 3, EVIDENCE_INSIDE},
        {"a flag on an asset", 2, 3, EVIDENCE_CUT},
        {"a flag of a page on a sheet", 3, 3, EVIDENCE_SESSION},
        {"a status beyond all", 0, 4, 4},
        {"a content that there is not", 2, 50, 6},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        uint8_t bytes[EVIDENCE_MAX];
        struct evidence e;
        size_t n = encode(&samples[changes[i].sample], bytes, sizeof bytes);
        assert_true(evidence_decode(&e, span_of(bytes, n)));
        bytes[changes[i].at] = changes[i].value;
        if (evidence_decode(&e, span_of(bytes, n))) {
            fail_msg("%s was decoded", changes[i].why);
        }
    }
}

static void no_item_stands_where_it_does_not_belong(void **state) {
    (void)state;
    static const struct {
        const struct evidence *e;
        struct evidence_item item;
    } wrong[] = {
        {&page, {.kind = EVIDENCE_FETCH}},
        {&page, {.kind = EVIDENCE_IMPORT}},
        {&page, {.kind = EVIDENCE_LINK, .flags = EVIDENCE_BODY}},
        {&page, {.kind = EVIDENCE_HTML, .flags = EVIDENCE_WAS_HINTED}},
        {&page, {.kind = EVIDENCE_HTML, .as = 1}},
        {&page, {.kind = EVIDENCE_HTML, .asked_ms = 1}},
        {&page, {.kind = EVIDENCE_HTML, .done_ms = 1}},
        {&page, {.kind = EVIDENCE_HTML, .via = SPAN_INIT("/a.css")}},
        {&visit, {.kind = EVIDENCE_LINK}},
        {&visit, {.kind = EVIDENCE_FETCH, .flags = EVIDENCE_LATE}},
        {&visit, {.kind = EVIDENCE_FETCH, .as = 6}},
        {&asset, {.kind = EVIDENCE_LINK}},
        {&sheet, {.kind = EVIDENCE_HTML}},
        {&sheet, {.kind = EVIDENCE_ITEMS}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint8_t bytes[EVIDENCE_MAX];
        struct evidence e;
        size_t n = encode(&(struct sample){wrong[i].e, &wrong[i].item, 1}, bytes, sizeof bytes);
        assert_true(n > 0);
        assert_false(evidence_decode(&e, span_of(bytes, n)));
    }
}

struct row {
    const char *name;
    enum learn_reason reason;
    const char *request[4], *response[4];
};

static struct row rows[] = {
    {"a plain page teaches", LEARN_OK, {NULL}, {NULL}},
    {"a public page teaches", LEARN_OK, {NULL}, {"cache-control", "public, max-age=60"}},
    {"a private page teaches, with its flag", LEARN_OK, {NULL}, {"cache-control", "private"}},
    {"a session teaches its audience", LEARN_OK, {"cookie", "a=b; PHPSESSID=1"}, {NULL}},
    {"a prefetch", LEARN_PREFETCH, {"sec-purpose", "prefetch;prerender"}, {NULL}},
    {"a range", LEARN_RANGE, {"Range", "bytes=0-1"}, {NULL}},
    {"varying by coding", LEARN_OK, {"accept-encoding", "br"}, {"vary", "Accept-Encoding"}},
    {"varying by what nobody said", LEARN_OK, {"accept", "*/*"}, {"vary", "Cookie, Origin"}},
    {"varying by a cookie that was there",
     LEARN_VARY,
     {"cookie", "ab=2"},
     {"Vary", "Accept-Encoding, cookie"}},
    {"varying by the device", LEARN_VARY, {"user-agent", "x"}, {"vary", "User-Agent"}},
    {"varying by everything", LEARN_VARY, {NULL}, {"vary", "*"}},
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
    enum learn_reason reason = evidence_may_learn(&request, &response, false);
    assert_string_equal(learn_reason_row(reason)->label, learn_reason_row(row->reason)->label);
    request.method = SPAN("POST");
    assert_int_equal(evidence_may_learn(&request, &response, false), LEARN_METHOD);
    request.method = SPAN("HEAD");
    assert_int_equal(evidence_may_learn(&request, &response, false), LEARN_METHOD);
    request.method = SPAN("GET");
    static const uint64_t bodies[] = {1, BODY_UNKNOWN};
    for (size_t i = 0; i < 2; i++) {
        request.body_len = bodies[i]; // others do not send it, and it is no part of the route
        assert_int_equal(evidence_may_learn(&request, &response, false), LEARN_METHOD);
    }
    request.body_len = 0;
    static const int failing[] = {201, 203, 204, 301, 302, 403, 404, 500, 503};
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        response.status = failing[i];
        assert_int_equal(evidence_may_learn(&request, &response, false),
                         row->reason == LEARN_OK ? LEARN_STATUS : row->reason);
    }
    static const int conditional[] = {206, 304, 412, 416};
    for (size_t i = 0; i < sizeof conditional / sizeof *conditional; i++) {
        response.status = conditional[i];
        assert_int_not_equal(evidence_may_learn(&request, &response, false), LEARN_OK);
        assert_int_not_equal(evidence_may_learn(&request, &response, false), LEARN_STATUS);
    }
}

// A session is told apart by its credentials, so varying by them does not tell more.
static void a_session_may_vary_by_what_makes_it_one(void **state) {
    (void)state;
    struct pair asked[2] = {{SPAN("cookie"), SPAN("PHPSESSID=1")}, {SPAN("user-agent"), SPAN("x")}};
    struct pair vary = {SPAN("vary"), SPAN("Cookie, Authorization")};
    struct request request = {.method = SPAN("GET"), .fields = {asked, 2, 2}};
    struct response response = {.status = 200, .fields = {&vary, 1, 1}};
    assert_int_equal(evidence_may_learn(&request, &response, true), LEARN_OK);
    assert_int_equal(evidence_may_learn(&request, &response, false), LEARN_VARY);
    vary.value = SPAN("cookie, user-agent");
    assert_int_equal(evidence_may_learn(&request, &response, true), LEARN_VARY);
}

static void a_response_for_one_user_is_private(void **state) {
    (void)state;
    static const struct {
        const char *name, *value;
        bool is_private;
    } fields[] = {
        {"cache-control", "public, max-age=60", false},
        {"cache-control", "no-cache", false},
        {"cache-control", "no-storey", false},
        {"cache-control", "max-age=0, Private", true},
        {"Cache-Control", "private=\"x\"", true},
        {"Cache-Control", "x=\"a, b\", no-store", true},
        {"Cache-Control", "x=\"a, private, b\"", false}, // a text, not a directive
        {"cache-control", "no-store", true},
        {"Set-Cookie", "a=b", true},
        {"set-cookies", "a=b", false},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct pair v[2] = {{SPAN("vary"), SPAN("x")},
                            {span_str(fields[i].name), span_str(fields[i].value)}};
        struct response response = {.status = 200, .fields = {v, 2, 2}};
        assert_int_equal(evidence_is_private(&response), fields[i].is_private);
    }
}

static void every_reason_has_words(void **state) {
    (void)state;
    for (int i = 0; i < LEARN_REASONS; i++) {
        assert_true(strlen(learn_reason_row(i)->label) > 0);
        assert_true(strlen(learn_reason_row(i)->sentence) > 5);
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
        cmocka_unit_test(items_that_do_not_fit_are_left_out_whole),
        cmocka_unit_test(it_needs_room_for_everything_but_the_items),
        cmocka_unit_test(a_part_of_it_is_not_decoded),
        cmocka_unit_test(nothing_else_is_decoded),
        cmocka_unit_test(no_item_stands_where_it_does_not_belong),
        cmocka_unit_test(a_session_may_vary_by_what_makes_it_one),
        cmocka_unit_test(a_response_for_one_user_is_private),
        cmocka_unit_test(every_reason_has_words),
    };
    return cmocka_run_group_tests_name("rows", table, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
