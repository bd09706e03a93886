// SPDX-License-Identifier: MIT
#include "learner/record_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct span cdn[] = {SPAN_INIT("https://cdn.example")};
static const struct hint_policy policy = {.origins = cdn, .origins_n = 1};

static const struct row {
    const char *name, *text;
    enum record_push push;
    bool is_hint, can_push, push_only;
    const char *target;
} rows[] = {
    {"a style", "</a.css?ver=1>; rel=preload; as=style", RECORD_PUSH_CAN, true, true, false,
     "/a.css?ver=1"},
    {"one that may not be pushed", "</a.css>; rel=preload; as=style", RECORD_PUSH_NO, true, false,
     false, "/a.css"},
    {"one that is only pushed", "</a.css>; rel=preload; as=style", RECORD_PUSH_ONLY, true, true,
     true, "/a.css"},
    {"another origin is never pushed", "<https://cdn.example/x.js>; rel=preload; as=script",
     RECORD_PUSH_ONLY, true, false, false, "https://cdn.example/x.js"},
    {"an origin that is not allowed any more",
     "<https://evil.example/x.js>; rel=preload; as=script", RECORD_PUSH_NO, false, false, false,
     NULL},
    {"a connection", "<https://fonts.example>; rel=preconnect; crossorigin", RECORD_PUSH_NO, true,
     false, false, "https://fonts.example"},
    {"http: was http: before", "<http://fonts.example>; rel=preconnect", RECORD_PUSH_NO, true,
     false, false, "http://fonts.example"},
    {"another relation", "</a.css>; rel=stylesheet", RECORD_PUSH_NO, false, false, false, NULL},
    {"two links", "</a.css>; rel=preload; as=style, </b.css>; rel=preload; as=style",
     RECORD_PUSH_NO, false, false, false, NULL},
    {"a broken link before it", "x, </a.css>; rel=preload; as=style", RECORD_PUSH_NO, false, false,
     false, NULL},
    {"another scheme", "<javascript:x>; rel=preload; as=script", RECORD_PUSH_NO, false, false,
     false, NULL},
    {"nothing", "", RECORD_PUSH_NO, false, false, false, NULL},
};

static void test_hint(void **state) {
    const struct row *row = *state;
    struct arena arena;
    struct hint hint;
    arena_init(&arena, 65536);
    struct record_hint_context context = {
        .site = SPAN("blog.example"), .policy = &policy, .arena = &arena};
    bool is_hint = record_hint_read(&hint, span_str(row->text), row->push, &context);
    assert_int_equal(is_hint, row->is_hint);
    if (is_hint) {
        uint8_t again[RECORD_LINK_MAX];
        assert_true(span_eq(hint.target, span_str(row->target)));
        assert_int_equal(hint.can_push, row->can_push);
        assert_int_equal(hint.push_only, row->push_only);
        size_t n = hint_format(&hint, again, sizeof again);
        assert_true(span_eq(span_of(again, n), span_str(row->text)));
    }
    arena_fini(&arena);
}

static void test_labels_are_read_back(void **state) {
    (void)state;
    enum offer_asset_state asset;
    enum reuse_reason reuse;
    for (int i = 0; i <= OFFER_ASSET_DEAD; i++) {
        assert_true(
            record_state_read(span_str(record_state_label((enum offer_asset_state)i)), &asset));
        assert_int_equal(asset, i);
    }
    for (int i = 0; i < REUSE_REASONS; i++) {
        assert_true(record_reuse_read(span_str(reuse_row((enum reuse_reason)i)->label), &reuse));
        assert_int_equal(reuse, i);
    }
    assert_false(record_state_read(SPAN("alive"), &asset));
    assert_false(record_reuse_read(SPAN(""), &reuse));
}

static void test_compaction_moves_bits_along(void **state) {
    (void)state;
    static struct learner_record r;
    r.votes_n = 1;
    r.votes[0] = (struct record_vote){.html = UINT64_MAX, .fetched = 0x9, .testable = 0x6};
    r.assets[3].bytes = 3;
    r.assets[63].bytes = 63;
    record_compact(&r, UINT64_C(1) << 63 | 0x9);
    assert_int_equal(r.assets_n, 3);
    assert_true(r.assets[1].bytes == 3 && r.assets[2].bytes == 63);
    assert_true(r.votes[0].html == 7 && r.votes[0].fetched == 3 && r.votes[0].testable == 0);
    record_compact(&r, 0);
    assert_true(r.assets_n == 0 && r.votes[0].html == 0);
}

static void test_records_are_checked(void **state) {
    (void)state;
    static struct learner_record good, r;
    uint8_t key[ROUTE_KEY_MAX];
    good = (struct learner_record){.key = route_key_read(key, SPAN("a.example"), false, SPAN("/")),
                                   .assets_n = 2,
                                   .votes_n = 1,
                                   .first_seen_ms = 900,
                                   .last_seen_ms = 5000};
    good.votes[0] = (struct record_vote){.at_ms = 7000, .html = 3};
    r = good;
    assert_true(record_check(&r, 1000));
    assert_true(r.last_seen_ms == 1000 && r.first_seen_ms == 900 && r.votes[0].at_ms == 1000);
    r = good;
    r.votes[0].fetched = 4;
    assert_false(record_check(&r, 1000));
    r = good;
    r.assets_n = RECORD_ASSETS_MAX + 1;
    assert_false(record_check(&r, 1000));
    r = good;
    r.votes_n = RECORD_VOTES_MAX + 1;
    assert_false(record_check(&r, 1000));
    r = good;
    r.held.mean_us = NAN;
    assert_false(record_check(&r, 1000));
    r = good;
    r.hinted.variance = INFINITY;
    assert_false(record_check(&r, 1000));
    r = good;
    r.seen = UINT64_MAX;
    assert_false(record_check(&r, 1000));
    r = good;
    r.key = SPAN("a.example");
    assert_false(record_check(&r, 1000));
}

int main(void) {
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct CMUnitTest tests[ROWS + 3] = {
        cmocka_unit_test(test_labels_are_read_back),
        cmocka_unit_test(test_compaction_moves_bits_along),
        cmocka_unit_test(test_records_are_checked),
    };
    for (size_t i = 0; i < ROWS; i++) {
        tests[3 + i] = (struct CMUnitTest){rows[i].name, test_hint, NULL, NULL, NULL};
        memcpy(&tests[3 + i].initial_state, &(const struct row *){&rows[i]}, sizeof(void *));
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
