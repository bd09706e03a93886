// SPDX-License-Identifier: MIT
#include "learner/asset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct siphash_key secret = {1, 2};
static struct asset_table t;

static int start(void **state) {
    (void)state;
    asset_table_init(&t, 8, 64, &secret);
    return 0;
}

static int end(void **state) {
    (void)state;
    asset_table_fini(&t);
    return 0;
}

static struct asset *put(const char *url) {
    struct hint hint = {.target = span_str(url), .rel = HINT_PRELOAD, .as = HINT_AS_STYLE};
    return asset_put(&t, SPAN("s"), &hint);
}

static void the_same_hint_is_one_asset(void **state) {
    (void)state;
    struct asset *a = put("/a.css");
    assert_ptr_equal(put("/a.css"), a);
    assert_ptr_equal(asset_at(&t, a->number), a);
    assert_ptr_equal(asset_find(&t, SPAN("s"), SPAN("/a.css")), a->file);
    assert_null(asset_find(&t, SPAN("other"), SPAN("/a.css")));
    struct hint hint = a->hint;
    hint.crossorigin = HINT_ANONYMOUS;
    hint.type = SPAN("text/css");
    struct asset *b = asset_put(&t, SPAN("s"), &hint);
    assert_ptr_not_equal(b, a);
    assert_ptr_equal(b->file, a->file);
    assert_true(span_eq(b->hint.type, SPAN("text/css")));
    assert_int_equal(t.files, 1);
}

static void ways_to_hint_a_file_are_bounded(void **state) {
    (void)state;
    struct hint hint = {.target = SPAN("/a.css"), .rel = HINT_PRELOAD, .as = HINT_AS_STYLE};
    char text[16];
    for (unsigned i = 0; i < 2 * ASSET_VARIANTS_MAX; i++) {
        snprintf(text, sizeof text, "sha256-%u", i);
        hint.integrity = span_str(text);
        assert_int_equal(asset_put(&t, SPAN("s"), &hint) != NULL, i < ASSET_VARIANTS_MAX);
    }
    assert_int_equal(t.refused, ASSET_VARIANTS_MAX);
}

static void only_idle_files_make_room(void **state) {
    (void)state;
    char path[16];
    asset_keep(&t, put("/kept.css"));
    for (unsigned i = 0; i < 100; i++) {
        snprintf(path, sizeof path, "/%u.css", i);
        assert_non_null(put(path));
        assert_true(t.files <= 8);
    }
    assert_non_null(asset_find(&t, SPAN("s"), SPAN("/kept.css")));
    assert_null(asset_find(&t, SPAN("s"), SPAN("/0.css")));
    for (unsigned i = 93; i < 100; i++) {
        snprintf(path, sizeof path, "/%u.css", i);
        asset_keep(&t, put(path));
    }
    assert_null(put("/more.css"));
    assert_int_equal(t.refused, 1);
    asset_release(&t, put("/99.css"));
    assert_non_null(put("/more.css"));
}

static void what_is_in_a_plan_is_told(void **state) {
    (void)state;
    struct asset *a = put("/a.css");
    assert_true(asset_set_state(&t, a->file, OFFER_ASSET_REUSABLE, REUSE_OK));
    assert_null(asset_next_news(&t)); // nobody needs it
    asset_plan(&t, a, true);
    asset_plan(&t, a, true);
    assert_ptr_equal(asset_next_news(&t), a->file);
    assert_null(asset_next_news(&t));
    assert_true(asset_set_state(&t, a->file, OFFER_ASSET_DEAD, REUSE_STATUS));
    assert_false(asset_set_state(&t, a->file, OFFER_ASSET_DEAD, REUSE_STATUS));
    assert_ptr_equal(asset_next_news(&t), a->file);
    asset_plan(&t, a, false);
    assert_null(asset_next_news(&t));
    asset_plan(&t, a, false);
    assert_ptr_equal(asset_next_news(&t), a->file);
    assert_int_equal(a->file->plans, 0);
    assert_null(asset_next_news(&t));
}

static void a_question_is_asked_once_a_while_and_while_it_matters(void **state) {
    (void)state;
    struct asset *a = put("/a.css");
    asset_ask(&t, a->file, 1000, 60);
    assert_null(asset_next_question(&t)); // nobody refers to it
    asset_keep(&t, a);
    asset_ask(&t, a->file, 1000, 60);
    asset_ask(&t, a->file, 1059, 60);
    assert_ptr_equal(asset_next_question(&t), a->file);
    asset_ask(&t, a->file, 1059, 60);
    assert_null(asset_next_question(&t));
    asset_ask(&t, a->file, 1060, 60);
    assert_ptr_equal(asset_next_question(&t), a->file);
    asset_ask(&t, a->file, 1, 60); // the clock went back
    assert_ptr_equal(asset_next_question(&t), a->file);
    struct asset *far = put("https://cdn.example/a.css");
    asset_keep(&t, far);
    asset_ask(&t, far->file, 1000, 60);
    assert_null(asset_next_question(&t));
}

static void routes_wait_once(void **state) {
    (void)state;
    struct asset *a = put("/a.css");
    struct route_id id = {1, 2}, out;
    asset_wait(&t, a->file, id);
    asset_wait(&t, a->file, id);
    assert_true(asset_take_wait(&t, a->file, &out));
    assert_true(route_id_eq(id, out));
    assert_false(asset_take_wait(&t, a->file, &out));
}

// What a network is given: a page with up to two of the files. The file that was replaced, or NULL.
static struct asset_file *page(uint16_t network, struct asset *a, struct asset *b,
                               uint64_t now_ms) {
    struct asset_file *files[] = {a->file, b != NULL ? b->file : NULL}, *old = NULL, *last = NULL;
    struct asset_sight sight = {files, b != NULL ? 2 : 1, network, now_ms};
    while (asset_retire(&t, &sight, &old)) {
        last = old;
    }
    return last;
}

static void a_newer_version_replaces_an_older_one(void **state) {
    (void)state;
    struct asset *one = put("/a.css?ver=1"), *other = put("/b.css?ver=1");
    assert_null(page(1, one, other, 1000));
    assert_null(asset_newer(&t, one));
    struct asset *two = put("/a.css?ver=2");
    assert_null(page(1, two, other, 2000));
    assert_null(page(1, two, other, 2500)); // the same network
    assert_ptr_equal(page(2, two, other, 3000), one->file);
    assert_ptr_equal(asset_newer(&t, one), two);
    assert_null(asset_newer(&t, two));
    // The old one again, out of some cache: of two networks, so both are in use.
    assert_null(page(1, one, NULL, 4000));
    assert_ptr_equal(asset_newer(&t, one), two);
    assert_null(page(2, one, NULL, 4500));
    assert_null(asset_newer(&t, one));
    assert_null(page(1, two, NULL, 5000));
    assert_null(page(2, two, NULL, 5500));
    assert_null(asset_newer(&t, one));
}

static void a_newer_name_has_to_be_proven(void **state) {
    (void)state;
    struct asset *one = put("/app.3f2a9c1b.js");
    assert_null(page(1, one, NULL, 1000));
    struct asset *two = put("/app.77d0e1aa.js");
    assert_null(page(1, two, NULL, 2000));
    assert_null(page(1, two, NULL, 3000)); // the same network
    assert_null(page(1, one, NULL, 4000));
    assert_null(page(2, two, NULL, 5000)); // the old one was seen since
    assert_ptr_equal(page(3, two, NULL, 6000), one->file);
}

static void names_that_are_no_versions_are_kept_apart_longer_each_time(void **state) {
    (void)state;
    uint64_t day = (uint64_t)24 * 3600 * 1000, now = day;
    struct asset *one = put("/user-3f2a9c1b.css"), *two = put("/user-77d0e1aa.css");
    assert_null(page(1, one, NULL, now));
    assert_null(page(1, two, NULL, now));
    assert_ptr_equal(page(2, two, NULL, now), one->file);
    for (unsigned i = 0; i < 3; i++) {
        assert_null(page(1, one, NULL, now));
        assert_null(page(2, one, NULL, now)); // not replaced after all
        now += day << i;
        struct asset *other = put(i % 2 ? "/user-0000aaaa.css" : "/user-1111bbbb.css");
        assert_null(page(1, other, NULL, now - 1));
        assert_null(page(2, other, NULL, now - 1));
        struct asset *next = put(i == 0   ? "/user-2222cccc.css"
                                 : i == 1 ? "/user-3333dddd.css"
                                          : "/user-4444eeee.css");
        assert_null(page(1, next, NULL, now));
        assert_non_null(page(2, next, NULL, now));
        one = other;
    }
}

static void versions_on_one_page_do_not_replace_each_other(void **state) {
    (void)state;
    struct asset *one = put("/chunk.3f2a9c1b.js"), *two = put("/chunk.77d0e1aa.js");
    assert_null(page(1, one, NULL, 1000));
    assert_null(page(1, one, two, 2000));
    assert_null(page(2, one, two, 2500));
    assert_null(page(1, two, NULL, 3000));
    assert_null(page(2, two, NULL, 3500));
    assert_null(asset_newer(&t, one));
}

static void one_network_keeps_no_versions_apart(void **state) {
    (void)state;
    struct asset *one = put("/a.css?ver=1"), *two = put("/a.css?ver=2");
    assert_null(page(1, one, NULL, 1000));
    assert_null(page(66, one, two, 2000)); // what a user wrote
    assert_null(page(66, one, two, 3000));
    assert_null(page(1, two, NULL, 4000));
    assert_ptr_equal(page(2, two, NULL, 5000), one->file);
    assert_null(page(66, one, NULL, 6000));
    assert_null(page(66, one, two, 7000));
    assert_ptr_equal(asset_newer(&t, one), two);
}

static void imports_are_kept_while_their_sheet_is_known(void **state) {
    (void)state;
    struct asset *sheet = put("/a.css"), *import = put("/b.css");
    asset_set_imports(&t, sheet->file, &import, 1);
    asset_set_imports(&t, sheet->file, &import, 1);
    assert_int_equal(import->refs, 1);
    asset_set_imports(&t, sheet->file, NULL, 0);
    assert_int_equal(import->refs, 0);
    asset_set_imports(&t, sheet->file, &import, 1);
    while (asset_shed(&t)) { // the sheet goes first, and by that its import
    }
    assert_int_equal(t.files, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_same_hint_is_one_asset),
        TEST(ways_to_hint_a_file_are_bounded),
        TEST(only_idle_files_make_room),
        TEST(what_is_in_a_plan_is_told),
        TEST(a_question_is_asked_once_a_while_and_while_it_matters),
        TEST(routes_wait_once),
        TEST(a_newer_version_replaces_an_older_one),
        TEST(a_newer_name_has_to_be_proven),
        TEST(names_that_are_no_versions_are_kept_apart_longer_each_time),
        TEST(versions_on_one_page_do_not_replace_each_other),
        TEST(one_network_keeps_no_versions_apart),
        TEST(imports_are_kept_while_their_sheet_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
