// SPDX-License-Identifier: MIT
#include "learner/visit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define S 1000000 // microseconds
#define MS 1000

static const struct siphash_key secret = {1, 2};
static struct visit_table table;
static uint8_t bytes[EVIDENCE_MAX];

static const struct visit_page home = {.client = 7,
                                       .scheme = SPAN_INIT("https"),
                                       .authority = SPAN_INIT("a.example"),
                                       .target = SPAN_INIT("/x?y"),
                                       .key = SPAN_INIT("a\0p/x"),
                                       .has_client_hints = true,
                                       .network = 12,
                                       .at_ms = 13};

static const struct recipient somebody = {.who = 11, .user = 14};

static int setup(void **state) {
    (void)state;
    visit_init(&table, &secret);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    visit_fini(&table);
    visit_fini(&table);
    return 0;
}

static struct visit_asset asset_of(const char *path, enum hint_as as) {
    return (struct visit_asset){.client = 7,
                                .referer = SPAN("https://a.example/x?y"),
                                .scheme = SPAN("https"),
                                .authority = SPAN("a.example"),
                                .target = span_str(path),
                                .as = as,
                                .has_client_hints = true};
}

static struct visit_ref fetch(const char *path, enum hint_as as, uint64_t now_us) {
    struct visit_asset asset = asset_of(path, as);
    return visit_fetch(&table, &asset, now_us);
}

// What the next visit that has ended by then says, fetch by fetch; NULL: there is none.
static const char *told(uint64_t now_us, struct evidence *e) {
    static char text[2048];
    size_t at = 0, n = visit_next(&table, bytes, now_us, false);
    struct evidence_item item;
    if (n == 0) {
        return NULL;
    }
    assert_true(evidence_decode(e, span_of(bytes, n)));
    assert_int_equal(e->kind, EVIDENCE_VISIT);
    struct span items = e->items;
    text[0] = 0;
    while (evidence_next(&items, &item)) {
        at += (size_t)snprintf(
            text + at, sizeof text - at, "%.*s%s%.*s%s%s @%u-%u\n", SPAN_ARG(item.text),
            item.via.n > 0 ? " by " : "", SPAN_ARG(item.via),
            item.flags & EVIDENCE_WAS_HINTED ? " hinted" : "",
            item.flags & EVIDENCE_ANSWERED ? " ok" : "", item.asked_ms, item.done_ms);
    }
    return text;
}

static void what_follows_a_page_is_told_when_it_is_over(void **state) {
    (void)state;
    struct evidence e;
    struct visit_ref page = visit_open(&table, &home, 5 * S);
    visit_answered(&table, page, &somebody, 5 * S + 200 * MS);
    struct visit_ref css = fetch("/a.css", HINT_AS_STYLE, 5 * S + 250 * MS);
    struct visit_ref js = fetch("/a.js", HINT_AS_SCRIPT, 5 * S + 260 * MS);
    visit_fetched(&table, css, true, 5 * S + 300 * MS);
    visit_fetched(&table, js, false, 5 * S + 290 * MS);
    assert_null(told(8 * S + 200 * MS, &e));
    assert_string_equal(told(8 * S + 300 * MS, &e), "/a.css ok @250-300\n/a.js @260-290\n");
    assert_int_equal(e.status, 200);
    assert_int_equal(e.think_us, 200 * MS);
    assert_int_equal(e.lead_us, 0);
    assert_int_equal(e.critical_us, 300 * MS);
    assert_int_equal(e.flags, 0);
    assert_int_equal(e.who, 11);
    assert_int_equal(e.user, 14);
    assert_int_equal(e.network, 12);
    assert_int_equal(e.at_ms, 13);
    assert_true(span_eq(e.key, home.key));
    assert_null(told(100 * S, &e));
}

static void only_the_client_and_page_of_a_visit_find_it(void **state) {
    (void)state;
    struct evidence e;
    visit_answered(&table, visit_open(&table, &home, S), &somebody, S);
    struct visit_asset other = asset_of("/a.css", HINT_AS_STYLE);
    other.client = 8;
    assert_int_equal(visit_fetch(&table, &other, S).place, 0);
    other = asset_of("/a.css", HINT_AS_STYLE);
    other.referer = SPAN("https://a.example/");
    assert_int_equal(visit_fetch(&table, &other, S).place, 0);
    other.referer = SPAN("https://a.example/x");
    assert_int_equal(visit_fetch(&table, &other, S).place, 0);
    other = asset_of("/a.css", HINT_AS_STYLE);
    other.authority = SPAN("b.example"); // the page is on another origin
    assert_int_equal(visit_fetch(&table, &other, S).place, 0);
    other.authority = SPAN("a.exampl");
    assert_int_equal(visit_fetch(&table, &other, S).place, 0);
    other = asset_of("/a.css", HINT_AS_STYLE);
    other.scheme = SPAN("http");
    assert_int_equal(visit_fetch(&table, &other, S).place, 0);
    other.referer = SPAN("https");
    assert_int_equal(visit_fetch(&table, &other, S).place, 0);
    assert_null(told(10 * S, &e));
}

static void a_font_is_found_through_its_stylesheet(void **state) {
    (void)state;
    struct evidence e;
    visit_answered(&table, visit_open(&table, &home, 0), &somebody, 0);
    fetch("/css/a.css", HINT_AS_STYLE, 0);
    struct visit_asset sheet = asset_of("/css/b.css", HINT_AS_STYLE);
    sheet.referer = SPAN("https://a.example/css/a.css");
    assert_int_not_equal(visit_fetch(&table, &sheet, MS).place, 0);
    struct visit_asset font = asset_of("/f.woff2", HINT_AS_FONT);
    font.referer = SPAN("https://a.example/css/b.css");
    assert_int_not_equal(visit_fetch(&table, &font, 2 * MS).place, 0);
    assert_string_equal(told(10 * S, &e), "/css/a.css @0-0\n/css/b.css by /css/a.css @1-0\n"
                                          "/f.woff2 by /css/b.css @2-0\n");
    assert_int_equal(e.critical_us, 0); // none of them was seen to arrive
}

static void what_a_103_asked_for_is_marked(void **state) {
    (void)state;
    struct evidence e;
    struct hint hint = {.target = SPAN_INIT("/in103.css")}, image = {.target = SPAN_INIT("/i.png")};
    struct visit_ref page = visit_open(&table, &home, 0);
    visit_hinted(&table, page, &hint, 10 * MS);
    visit_hinted(&table, page, &image, 11 * MS);
    struct visit_asset early = asset_of("/early.js", HINT_AS_SCRIPT);
    early.has_client_hints = false;
    visit_fetch(&table, &early, 20 * MS);
    fetch("/parallel.js", HINT_AS_SCRIPT, 30 * MS);
    visit_answered(&table, page, &somebody, 50 * MS);
    early.target = SPAN("/late.js");
    visit_fetch(&table, &early, 60 * MS);
    struct visit_asset moz = asset_of("/moz.js", HINT_AS_SCRIPT);
    moz.is_marked = true;
    visit_fetch(&table, &moz, 70 * MS);
    fetch("/in103.css", HINT_AS_STYLE, 80 * MS);
    fetch("/i.png", HINT_AS_IMAGE, 90 * MS);
    fetch("/other.png", HINT_AS_IMAGE, 90 * MS);
    assert_string_equal(told(10 * S, &e),
                        "/early.js hinted @20-0\n/parallel.js @30-0\n/late.js @60-0\n"
                        "/moz.js hinted @70-0\n/in103.css hinted @80-0\n/i.png hinted @90-0\n");
    assert_int_equal(e.flags, EVIDENCE_HINTED);
    assert_int_equal(e.lead_us, 40 * MS);
}

// Firefox and curl send no client hints with anything, so lacking them says nothing.
static void who_sends_no_client_hints_is_not_told_by_them(void **state) {
    (void)state;
    struct evidence e;
    struct visit_page page = home;
    struct hint hint = {.target = SPAN_INIT("/in103.css")};
    page.has_client_hints = false;
    struct visit_ref ref = visit_open(&table, &page, 0);
    visit_hinted(&table, ref, &hint, 0);
    struct visit_asset plain = asset_of("/a.js", HINT_AS_SCRIPT);
    plain.has_client_hints = false;
    visit_fetch(&table, &plain, 0);
    visit_answered(&table, ref, &somebody, MS);
    assert_string_equal(told(10 * S, &e), "/a.js @0-0\n");
}

static void who_was_held_back_is_told(void **state) {
    (void)state;
    struct evidence e;
    struct visit_ref page = visit_open(&table, &home, 0);
    visit_held(&table, page);
    visit_answered(&table, page, &somebody, 0);
    fetch("/a.css", HINT_AS_STYLE, 0);
    assert_non_null(told(10 * S, &e));
    assert_int_equal(e.flags, EVIDENCE_HELD);
}

static void an_asset_counts_once(void **state) {
    (void)state;
    struct evidence e;
    visit_answered(&table, visit_open(&table, &home, 0), &somebody, 0);
    assert_int_not_equal(fetch("/a.css", HINT_AS_STYLE, 0).place, 0);
    assert_int_equal(fetch("/a.css", HINT_AS_STYLE, MS).place, 0);
    assert_string_equal(told(10 * S, &e), "/a.css @0-0\n");
}

static void nothing_is_told_of(void **state) {
    (void)state;
    struct evidence e;
    visit_drop(&table, visit_open(&table, &home, 0)); // an error page
    fetch("/a.css", HINT_AS_STYLE, 0);
    visit_answered(&table, visit_open(&table, &home, 0), &somebody, 0); // a warm visit
    assert_null(told(10 * S, &e));
    visit_open(&table, &home, 20 * S); // without an answer
    fetch("/a.css", HINT_AS_STYLE, 20 * S);
    assert_null(told(79 * S, &e));
    assert_int_not_equal(fetch("/b.css", HINT_AS_STYLE, 79 * S).place, 0);
    assert_null(told(81 * S, &e));
    assert_int_equal(fetch("/c.css", HINT_AS_STYLE, 81 * S).place, 0);
}

static void a_reload_ends_the_visit_before(void **state) {
    (void)state;
    struct evidence e;
    struct visit_ref old = visit_open(&table, &home, 0);
    visit_answered(&table, old, &somebody, 0);
    struct visit_ref css = fetch("/a.css", HINT_AS_STYLE, 0);
    struct visit_ref page = visit_open(&table, &home, S);
    visit_fetched(&table, css, true, S); // too late for it
    visit_drop(&table, old);
    visit_answered(&table, page, &somebody, S);
    fetch("/b.css", HINT_AS_STYLE, S);
    assert_string_equal(told(S, &e), "/a.css @0-0\n");
    assert_null(told(S, &e));
    assert_string_equal(told(9 * S, &e), "/b.css @0-0\n");
}

static void it_is_over_after_a_while_whatever_goes_on(void **state) {
    (void)state;
    struct evidence e;
    char path[16];
    unsigned n = 0;
    visit_answered(&table, visit_open(&table, &home, 0), &somebody, 0);
    for (uint64_t at = 0; at <= 20; at++) {
        snprintf(path, sizeof path, "/%u.js", (unsigned)at);
        n += fetch(path, HINT_AS_SCRIPT, at * S).place != 0;
    }
    assert_int_equal(n, 16); // the last one 15 seconds after the page
    assert_non_null(told(20 * S, &e));
    assert_int_equal(e.items_n, 16);
}

static void what_comes_long_after_all_else_held_nothing_up(void **state) {
    (void)state;
    struct evidence e;
    visit_answered(&table, visit_open(&table, &home, 0), &somebody, 100 * MS);
    visit_fetched(&table, fetch("/a.css", HINT_AS_STYLE, 150 * MS), true, 2 * S);
    visit_fetched(&table, fetch("/f.woff2", HINT_AS_FONT, 2 * S + 10 * MS), true, 2 * S + 50 * MS);
    fetch("/lazy.js", HINT_AS_SCRIPT, 3 * S + 900 * MS);
    assert_non_null(told(20 * S, &e));
    assert_int_equal(e.items_n, 3);
    assert_int_equal(e.critical_us, 2 * S + 50 * MS);
}

static void a_visit_has_bounds(void **state) {
    (void)state;
    struct evidence e;
    char path[32];
    visit_answered(&table, visit_open(&table, &home, 0), &somebody, 0);
    for (int i = 0; i < VISIT_FETCHES + 3; i++) {
        snprintf(path, sizeof path, "/%d.css", i);
        fetch(path, HINT_AS_STYLE, 0);
    }
    assert_int_equal(table.cut, 3);
    assert_non_null(told(10 * S, &e));
    assert_int_equal(e.items_n, VISIT_FETCHES);
    assert_int_equal(e.flags, EVIDENCE_CUT);
    visit_answered(&table, visit_open(&table, &home, 0), &somebody, 0);
    static char big[VISIT_TEXT + 1] = "/";
    memset(big + 1, 'x', sizeof big - 2);
    assert_int_equal(fetch(big, HINT_AS_STYLE, 0).place, 0);
    assert_int_equal(table.cut, 4);
    struct visit_page page = home;
    page.target = span_str(big);
    assert_int_equal(visit_open(&table, &page, 0).place, 0);
    assert_int_equal(table.refused, 1);
}

// Navigations beyond the bound are left out; those that are under way stay whole, and the places
// are used again.
static void the_table_has_bounds(void **state) {
    (void)state;
    struct evidence e;
    struct visit_page page = home;
    for (unsigned round = 0; round < 3; round++) {
        uint64_t now = round * 100 * S;
        for (unsigned i = 0; i < VISIT_MOST + 10; i++) {
            page.client = page.network = i;
            struct visit_ref ref = visit_open(&table, &page, now);
            assert_int_equal(ref.place != 0, i < VISIT_MOST);
            visit_answered(&table, ref, &somebody, now);
            struct visit_asset asset = asset_of("/a.css", HINT_AS_STYLE);
            asset.client = i;
            assert_int_equal(visit_fetch(&table, &asset, now).place != 0, i < VISIT_MOST);
        }
        assert_int_equal(table.refused, 10 * (round + 1));
        for (unsigned i = 0; i < VISIT_MOST; i++) {
            assert_string_equal(told(now + 4 * S, &e), "/a.css @0-0\n");
        }
        assert_null(told(now + 4 * S, &e));
    }
}

static void whose_a_visit_is_its_response_says(void **state) {
    (void)state;
    struct evidence e;
    struct recipient recipient = {.who = 21, .user = 0, .flags = EVIDENCE_PRIVATE | EVIDENCE_NAMED};
    visit_answered(&table, visit_open(&table, &home, 0), &recipient, 0);
    fetch("/a.css", HINT_AS_STYLE, 0);
    assert_string_equal(told(4 * S, &e), "/a.css @0-0\n");
    assert_int_equal(e.who, 21);
    assert_int_equal(e.user, 0);
    assert_int_equal(e.flags, EVIDENCE_PRIVATE | EVIDENCE_NAMED);
}

static void a_visit_whose_client_has_left_is_soon_over(void **state) {
    (void)state;
    struct evidence e;
    struct visit_ref page = visit_open(&table, &home, 5 * S);
    visit_left(&table, page, 5 * S); // before it is answered: nothing to be ended yet
    visit_answered(&table, page, &somebody, 5 * S);
    fetch("/a.css", HINT_AS_STYLE, 5 * S);
    visit_left(&table, page, 5 * S + 100 * MS);
    assert_true(visit_is_awaiting(&table));
    assert_null(told(5 * S + 100 * MS + VISIT_LEFT_US, &e));
    assert_string_equal(told(5 * S + 101 * MS + VISIT_LEFT_US, &e), "/a.css @0-0\n");
    visit_left(&table, page, 6 * S); // of one that is over
}

static void a_visit_that_goes_on_elsewhere_is_not_over(void **state) {
    (void)state;
    struct evidence e;
    struct visit_ref page = visit_open(&table, &home, 5 * S);
    visit_answered(&table, page, &somebody, 5 * S);
    visit_left(&table, page, 5 * S);
    fetch("/a.css", HINT_AS_STYLE, 5 * S + 200 * MS); // by another connection
    assert_null(told(8 * S, &e));
    assert_string_equal(told(9 * S, &e), "/a.css @200-0\n");
}

static void one_network_does_not_take_all_the_room(void **state) {
    (void)state;
    struct visit_page page = home;
    for (unsigned round = 0; round < 3; round++) { // answered, given up, and without a fetch
        for (unsigned i = 0; i < 2 * VISIT_MOST; i++) {
            page.client = i;
            struct visit_ref ref = visit_open(&table, &page, round * 100 * S);
            assert_int_equal(ref.place != 0, i < VISIT_EACH);
            if (round != 1) {
                visit_answered(&table, ref, &somebody, round * 100 * S);
            }
        }
        page.network = 99;
        struct visit_ref other = visit_open(&table, &page, round * 100 * S);
        assert_int_not_equal(other.place, 0);
        visit_drop(&table, other);
        page.network = home.network;
        assert_int_equal(visit_next(&table, bytes, round * 100 * S + 90 * S, false), 0);
    }
}

static void at_the_end_all_are_told(void **state) {
    (void)state;
    visit_answered(&table, visit_open(&table, &home, 0), &somebody, 0);
    fetch("/a.css", HINT_AS_STYLE, 0);
    assert_int_equal(visit_next(&table, bytes, 0, false), 0);
    assert_int_not_equal(visit_next(&table, bytes, 0, true), 0);
    assert_int_equal(visit_next(&table, bytes, 0, true), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_follows_a_page_is_told_when_it_is_over),
        TEST(only_the_client_and_page_of_a_visit_find_it),
        TEST(a_font_is_found_through_its_stylesheet),
        TEST(what_a_103_asked_for_is_marked),
        TEST(who_sends_no_client_hints_is_not_told_by_them),
        TEST(who_was_held_back_is_told),
        TEST(an_asset_counts_once),
        TEST(nothing_is_told_of),
        TEST(a_reload_ends_the_visit_before),
        TEST(it_is_over_after_a_while_whatever_goes_on),
        TEST(what_comes_long_after_all_else_held_nothing_up),
        TEST(a_visit_has_bounds),
        TEST(the_table_has_bounds),
        TEST(whose_a_visit_is_its_response_says),
        TEST(a_visit_whose_client_has_left_is_soon_over),
        TEST(a_visit_that_goes_on_elsewhere_is_not_over),
        TEST(one_network_does_not_take_all_the_room),
        TEST(at_the_end_all_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
