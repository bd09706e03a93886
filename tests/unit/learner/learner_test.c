// SPDX-License-Identifier: MIT
#include "learner/learner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/class.h"

#define MINUTE_MS 60000
#define DAY_MS ((uint64_t)24 * 3600 * 1000)

static struct class c;

static int start(void **state) {
    (void)state;
    class_init(&c, NULL);
    return 0;
}

static int end(void **state) {
    (void)state;
    class_fini(&c);
    return 0;
}

// ---- need ---------------------------------------------------------------------------------------

static void a_page_seen_once_is_hinted_on_its_second_view(void **state) {
    (void)state;
    assert_string_equal(class_offer(&c, "/a/"), "-");
    class_page(&c, "/a/", 1, "/b.js /a.css @/late.js /d.woff2 /e.jpg =/l.css https://cdn.example");
    assert_string_equal(class_offer(&c, "/a/"),
                        "/a.css /l.css /b.js https://cdn.example /d.woff2 /e.jpg /late.js");
    assert_int_equal(class_find(&c, "/a/")->scope, OFFER_EXACT);
    assert_int_equal(class_find(&c, "/a/")->think_us, 100000);
    assert_int_equal(c.questions, 6);
}

static void nothing_is_hinted_of_which_the_response_was_not_seen(void **state) {
    (void)state;
    c.is_mute = true;
    class_page(&c, "/a/", 1, "/a.css /b.css");
    assert_string_equal(class_offer(&c, "/a/"), "-");
    assert_string_equal(class_verdict(&c, "/a/", "/a.css"), "unknown");
    class_asset(&c, "/a.css", 200, REUSE_OK);
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    class_asset(&c, "/b.css", 200, REUSE_NO_STORE);
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    assert_string_equal(class_verdict(&c, "/a/", "/b.css"), "not_reusable");
    class_asset(&c, "/b.css", 200, REUSE_OK);
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /b.css");
}

static void what_varies_by_origin_is_hinted_to_those_who_send_none(void **state) {
    (void)state;
    c.is_mute = true;
    class_page(&c, "/a/", 1, "/a.css /m.mjs /d.woff2");
    c.asset_flags = EVIDENCE_VARIES_ORIGIN;
    class_asset(&c, "/a.css", 200, REUSE_OK);
    class_asset(&c, "/m.mjs", 200, REUSE_OK); // asked for by a classic script
    class_asset(&c, "/d.woff2", 200, REUSE_VARY_ORIGIN);
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    assert_string_equal(class_verdict(&c, "/a/", "/m.mjs"), "not_reusable");
    c.asset_flags = 0; // it varies no longer
    class_asset(&c, "/m.mjs", 200, REUSE_OK);
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /m.mjs");
    c.asset_flags = EVIDENCE_VARIES_ORIGIN; // it does again
    class_asset(&c, "/m.mjs", 200, REUSE_OK);
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
}

static void data_that_no_page_named_is_not_kept(void **state) {
    (void)state;
    c.is_mute = true;
    class_page(&c, "/a/", 1, "/a.css");
    size_t assets = learner_stats(c.l)->assets;
    c.asset_as = HINT_AS_FETCH;
    class_asset(&c, "/data", 200, REUSE_OK);
    assert_int_equal(learner_stats(c.l)->assets, assets);
    class_asset(&c, "/a.css", 200, REUSE_OK);
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
}

static void an_unknown_asset_is_asked_for_once_a_minute(void **state) {
    (void)state;
    c.is_mute = true;
    class_page(&c, "/a/", 1, "/a.css");
    assert_int_equal(c.questions, 1);
    class_page(&c, "/b/", 1, "/a.css");
    assert_int_equal(c.questions, 1);
    c.now_ms += MINUTE_MS;
    class_page(&c, "/b/", 1, "/a.css");
    assert_int_equal(c.questions, 2);
}

static void an_asset_that_answered_before_its_page_is_known(void **state) {
    (void)state;
    c.is_mute = true;
    class_asset(&c, "/a.css", 200, REUSE_OK);
    class_page(&c, "/a/", 1, "/a.css");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    assert_int_equal(c.questions, 0);
}

static void where_one_network_visits_its_newest_view_counts(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css /b.css");
    class_page(&c, "/a/", 1, "/b.css /new.css");
    assert_string_equal(class_offer(&c, "/a/"), "/b.css /new.css");
    assert_string_equal(class_verdict(&c, "/a/", "/a.css"), "need_low");
    class_page(&c, "/a/", 1, "");
    assert_string_equal(class_offer(&c, "/a/"), "");
}

static void one_network_among_several_changes_nothing(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        class_page(&c, "/a/", i, "/a.css /b.js /c.css");
    }
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /c.css /b.js");
    for (unsigned i = 0; i < 1000; i++) {
        class_page(&c, "/a/", 66, i % 2 ? "/evil.css /c.css /a.css" : "/evil.css");
        assert_string_equal(class_offer(&c, "/a/"), "/a.css /c.css /b.js");
    }
    assert_string_equal(class_verdict(&c, "/a/", "/evil.css"), "need_low");
}

static void of_two_networks_neither_overrules_the_other(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css");
    class_page(&c, "/a/", 2, "/evil.css");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
}

static void what_several_networks_get_from_now_on_replaces_what_was(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 8; i++) {
        class_page(&c, "/a/", i, "/old.css /both.css");
    }
    for (unsigned i = 1; i <= 3; i++) {
        class_page(&c, "/a/", i, "/new.css /both.css");
    }
    assert_string_equal(class_offer(&c, "/a/"), "/both.css /new.css");
}

static void an_old_vote_fades(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css");
    class_page(&c, "/a/", 2, "/a.css");
    c.now_ms += 29 * DAY_MS;
    class_page(&c, "/a/", 3, "/b.css");
    assert_string_equal(class_offer(&c, "/a/"), "/b.css");
}

static void a_route_that_mostly_fails_gets_no_hints(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        class_page(&c, "/a/", i, "/a.css");
    }
    c.status = 302;
    class_page(&c, "/a/", 9, "");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css"); // one network says nothing
    class_page(&c, "/a/", 1, "");
    class_page(&c, "/a/", 2, "");
    assert_string_equal(class_offer(&c, "/a/"), "");
    assert_string_equal(class_verdict(&c, "/a/", "/a.css"), "route_fails");
    c.status = 200;
    for (unsigned i = 1; i <= 3; i++) {
        class_page(&c, "/a/", i, "/a.css");
    }
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    c.status = 404;
    class_page(&c, "/never-seen/", 1, "");
    assert_null(learner_find(c.l, class_key(&c, "/never-seen/")));
}

static void more_than_fit_leave_out_the_least_worthy(void **state) {
    (void)state;
    char links[4096];
    size_t n = 0;
    for (unsigned i = 0; i < 60; i++) {
        n += (size_t)snprintf(links + n, sizeof links - n, "%s/%u.js ", i < 10 ? "@" : "", i);
    }
    snprintf(links + n, sizeof links - n, "/a.css");
    class_page(&c, "/a/", 1, links);
    const struct offer *offer = class_find(&c, "/a/");
    assert_int_equal(offer->plan->hints_n, 50);
    assert_true(span_eq(offer->plan->hints[0].target, SPAN("/a.css")));
    assert_string_equal(class_verdict(&c, "/a/", "/0.js"), "too_many");
}

// ---- privacy ------------------------------------------------------------------------------------

static void what_is_private_needs_three_networks(void **state) {
    (void)state;
    c.flags = EVIDENCE_PRIVATE;
    class_page(&c, "/a/", 1, "/a.css /u/1.css");
    class_page(&c, "/a/", 2, "/a.css /u/2.css");
    assert_string_equal(class_offer(&c, "/a/"), "-");
    assert_string_equal(class_verdict(&c, "/a/", "/a.css"), "few_voters");
    class_page(&c, "/a/", 3, "/a.css /u/3.css");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
}

static void one_who_comes_back_is_no_other_network(void **state) {
    (void)state;
    c.flags = EVIDENCE_PRIVATE;
    for (unsigned i = 0; i < 20; i++) {
        class_page(&c, "/a/", 1 + i % 2, "/a.css");
    }
    assert_string_equal(class_offer(&c, "/a/"), "-");
}

// An intranet whose pages others see as well, but not the same.
static void what_only_insiders_were_given_stays_inside(void **state) {
    (void)state;
    c.flags = EVIDENCE_INSIDE;
    class_page(&c, "/a/", 1, "/a.css /intranet.css");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /intranet.css");
    assert_true(class_find(&c, "/a/")->is_inside);
    c.flags = 0;
    class_page(&c, "/a/", 2, "/a.css");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    assert_false(class_find(&c, "/a/")->is_inside);
    c.flags = EVIDENCE_INSIDE;
    class_page(&c, "/a/", 3, "/a.css /intranet.css");
    class_page(&c, "/a/", 4, "/a.css /intranet.css");
    // Three networks had it, but not nearly all that know the page.
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
}

static void siblings_confirm_what_is_private(void **state) {
    (void)state;
    c.flags = EVIDENCE_PRIVATE;
    class_page(&c, "/x/1", 1, "/a.css /u/1.css");
    class_page(&c, "/x/2", 2, "/a.css /u/2.css");
    class_page(&c, "/x/3", 3, "/a.css /u/3.css");
    class_page(&c, "/x/4", 4, "/a.css /u/4.css");
    assert_string_equal(class_offer(&c, "/x/4"), "/a.css");
    assert_string_equal(class_offer(&c, "/x/never"), "/a.css");
}

static void a_session_serves_sessions_after_three_and_never_the_public(void **state) {
    (void)state;
    for (c.session = 101; c.session <= 102; c.session++) {
        class_page(&c, "/a/", (unsigned)c.session, "/a.css /admin-bar.css");
    }
    assert_string_equal(class_offer(&c, "/a/"), "-");
    class_page(&c, "/a/", 7, "/a.css /admin-bar.css");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /admin-bar.css");
    c.session = 0;
    assert_string_equal(class_offer(&c, "/a/"), "-");
    // A session falls back to what the public gets.
    class_page(&c, "/b/", 1, "/b.css");
    c.session = 200;
    assert_string_equal(class_offer(&c, "/b/"), "/b.css");
}

static void one_network_with_many_sessions_takes_nothing_from_sessions(void **state) {
    (void)state;
    for (c.session = 101; c.session <= 104; c.session++) {
        class_page(&c, "/a/", (unsigned)c.session, "/a.css /admin-bar.css");
    }
    for (c.session = 1000; c.session < 1100; c.session++) {
        class_page(&c, "/a/", 66, "/a.css /evil.css");
        assert_string_equal(class_offer(&c, "/a/"), "/a.css /admin-bar.css");
    }
    c.session = 0;
}

static void urls_that_look_like_secrets_are_not_kept(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css?ver=6.4 /b.css?token=1 /c.js?_wpnonce=3f2a9c1b77");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css?ver=6.4");
    assert_string_equal(class_verdict(&c, "/a/", "/b.css?token=1"), "-");
}

// ---- patterns -----------------------------------------------------------------------------------

static void a_page_never_seen_gets_what_its_siblings_have_in_common(void **state) {
    (void)state;
    class_page(&c, "/2024/a/", 1, "/theme.css /post.css /1.js");
    class_page(&c, "/2024/b/", 2, "/theme.css /post.css /2.js");
    assert_string_equal(class_offer(&c, "/2024/x/"), "-");
    class_page(&c, "/2024/c/", 3, "/theme.css /post.css /3.js");
    assert_string_equal(class_offer(&c, "/2024/x/"), "/theme.css /post.css");
    assert_int_equal(class_find(&c, "/2024/x/")->scope, OFFER_PATTERN);
    class_page(&c, "/about", 1, "/theme.css");
    class_page(&c, "/contact", 2, "/theme.css");
    class_page(&c, "/team", 3, "/theme.css");
    assert_string_equal(class_offer(&c, "/other"), "/theme.css");
    assert_int_equal(class_find(&c, "/other")->scope, OFFER_SITE);
    assert_string_equal(class_offer(&c, "/2024/a/"), "/theme.css /post.css /1.js");
}

static void siblings_that_no_longer_agree_are_no_pattern(void **state) {
    (void)state;
    char path[32], link[32];
    for (unsigned i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "/x/%u", i);
        class_page(&c, path, i, "/a.css");
    }
    assert_string_equal(class_offer(&c, "/x/never"), "/a.css");
    for (unsigned i = 4; i < 10; i++) {
        snprintf(path, sizeof path, "/x/%u", i);
        snprintf(link, sizeof link, "/%u.css", i);
        class_page(&c, path, i, link);
    }
    assert_string_equal(class_offer(&c, "/x/never"), "-");
}

static void a_page_that_needs_nothing_does_not_get_what_its_siblings_need(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        char path[32];
        snprintf(path, sizeof path, "/x/%u", i);
        class_page(&c, path, i, "/a.css");
    }
    class_page(&c, "/x/bare", 4, "");
    assert_string_equal(class_offer(&c, "/x/bare"), "");
    assert_string_equal(class_offer(&c, "/x/never"), "/a.css");
}

static void one_network_cannot_turn_a_pattern(void **state) {
    (void)state;
    char path[32];
    for (unsigned i = 1; i <= 6; i++) {
        snprintf(path, sizeof path, "/x/%u", i);
        class_page(&c, path, i, "/a.css");
    }
    for (unsigned i = 0; i < 200; i++) {
        snprintf(path, sizeof path, "/x/evil%u", i);
        class_page(&c, path, 66, "/evil.css");
        assert_string_equal(class_offer(&c, "/x/never"), "/a.css");
    }
}

static void a_query_has_its_pattern(void **state) {
    (void)state;
    class_page(&c, "/?p=1", 1, "/a.css /post.css");
    class_page(&c, "/?p=2", 2, "/a.css /post.css");
    class_page(&c, "/?p=3", 3, "/a.css /post.css");
    assert_string_equal(class_offer(&c, "/?p=9"), "/a.css /post.css");
    class_page(&c, "/?s=word", 1, "/a.css /search.css");
    assert_string_equal(class_offer(&c, "/?s=other"), "/a.css /search.css");
}

// ---- requests -----------------------------------------------------------------------------------

static void fonts_are_hinted_from_the_third_network_on(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        assert_string_equal(class_offer(&c, "/a/"), i > 1 ? "/a.css" : "-");
        class_page(&c, "/a/", i, "/a.css");
        class_visit(&c, "/a/", i, "/a.css /f.woff2 /emoji.js /photo.jpg");
    }
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /f.woff2");
    const struct hint *font = &class_find(&c, "/a/")->plan->hints[1];
    assert_int_equal(font->crossorigin, HINT_ANONYMOUS);
    assert_true(span_eq(font->type, SPAN("font/woff2")));
}

static void one_network_asks_in_vain(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css");
    for (unsigned i = 0; i < 1000; i++) {
        class_visit(&c, "/a/", 1, "/a.css /f.woff2 /evil.css");
    }
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    class_visit(&c, "/unknown/", 1, "/a.css /f.woff2");
    assert_null(learner_find(c.l, class_key(&c, "/unknown/")));
}

static void a_warm_visit_says_nothing(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 4; i++) {
        class_page(&c, "/a/", i, "/a.css /b.js");
        class_visit(&c, "/a/", i, "/a.css /b.js /f.woff2");
    }
    for (unsigned i = 1; i <= 40; i++) {
        class_page(&c, "/a/", i, "/a.css /b.js");
        class_visit(&c, "/a/", i, "");
    }
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /b.js /f.woff2");
}

static void what_was_hinted_proves_nothing(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        class_page(&c, "/a/", i, "/a.css");
        class_visit(&c, "/a/", i, "/a.css !/f.woff2");
    }
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
}

static void a_font_that_is_no_longer_fetched_without_a_hint_goes(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 4; i++) {
        class_page(&c, "/a/", i, "/a.css");
        class_visit(&c, "/a/", i, "/a.css /f.woff2");
    }
    // Hinted visits fetch it because they were told to, and leave the question open.
    c.flags = EVIDENCE_HINTED;
    for (unsigned i = 5; i <= 20; i++) {
        class_page(&c, "/a/", i, "/a.css");
        class_visit(&c, "/a/", i, "!/a.css !/f.woff2");
    }
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /f.woff2");
    c.flags = EVIDENCE_HELD;
    for (unsigned i = 21; i <= 23; i++) {
        class_page(&c, "/a/", i, "/a.css");
        class_visit(&c, "/a/", i, "/a.css");
    }
    c.flags = 0;
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
}

static void see_and_fetch(const char *path, unsigned from, const char *links, const char *fetched) {
    for (unsigned i = from; i < from + 3; i++) {
        class_page(&c, path, i, links);
        class_visit(&c, path, i, fetched);
    }
}

static void what_only_some_clients_apply_is_no_hint_though_all_fetch_it(void **state) {
    (void)state;
    see_and_fetch("/a/", 1, "/a.css ?/print.css", "/a.css /print.css /f.woff2");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /f.woff2");
    assert_string_equal(class_verdict(&c, "/a/", "/print.css"), "conditional");
    // Pages that were seen after it was fetched say so as well.
    see_and_fetch("/b/", 1, "/a.css", "/a.css /late.css");
    assert_string_equal(class_offer(&c, "/b/"), "/a.css /late.css");
    see_and_fetch("/b/", 4, "/a.css ?/late.css", "/a.css /late.css");
    assert_string_equal(class_offer(&c, "/b/"), "/a.css");
    // Nor on a page never seen.
    see_and_fetch("/c/", 1, "/a.css ?/print.css", "/a.css /print.css");
    assert_string_equal(class_offer(&c, "/never"), "/a.css");
}

static void what_a_page_has_for_everybody_as_well_is_hinted(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "?/a.css /a.css");
    class_page(&c, "/b/", 1, "/a.css ?/a.css");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    assert_string_equal(class_offer(&c, "/b/"), "/a.css");
    class_page(&c, "/a/", 1, "?/a.css");
    assert_string_equal(class_offer(&c, "/a/"), "");
    class_page(&c, "/a/", 1, "/a.css");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
}

static void one_network_cannot_make_a_hint_conditional(void **state) {
    (void)state;
    see_and_fetch("/a/", 1, "/a.css", "/a.css /late.css");
    for (unsigned i = 0; i < 50; i++) {
        class_page(&c, "/a/", 66, "?/a.css ?/late.css");
        assert_string_equal(class_offer(&c, "/a/"), "/a.css /late.css");
    }
}

// Nothing tells a script that scripts insert for everybody from one that only some clients lack.
static void scripts_that_scripts_insert_are_not_hinted(void **state) {
    (void)state;
    see_and_fetch("/a/", 1, "/a.css", "/a.css /wp-emoji-release.min.js");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    see_and_fetch("/a/", 1, "/a.css /x.js /x.css /x.jpg", "/a.css /x.js /x.css /x.jpg");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /x.css /x.js /x.jpg");
    see_and_fetch("/a/", 1, "/a.css", "/a.css /x.js /x.css /x.jpg");
    see_and_fetch("/a/", 4, "/a.css", "/a.css /x.js /x.css /x.jpg");
    see_and_fetch("/a/", 1, "/a.css", "/a.css /x.js /x.css /x.jpg");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /x.css");
}

static void what_a_stylesheet_asked_for_is_told_by_the_stylesheet(void **state) {
    (void)state;
    see_and_fetch("/a/", 1, "/a.css", "/a.css >/imported-for-print.css >/f.woff2");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /f.woff2");
}

static void a_new_version_of_what_is_conditional_is_conditional(void **state) {
    (void)state;
    see_and_fetch("/a/", 1, "/a.css ?/print.css?ver=1", "/a.css /print.css?ver=1");
    see_and_fetch("/a/", 1, "/a.css ?/print.css?ver=2", "/a.css /print.css?ver=2");
    see_and_fetch("/a/", 4, "/a.css ?/print.css?ver=2", "/a.css /print.css?ver=2");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    assert_string_equal(class_verdict(&c, "/a/", "/print.css?ver=2"), "conditional");
}

// ---- freshness ----------------------------------------------------------------------------------

static void a_dead_asset_goes_everywhere_at_once(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css /b.css");
    class_page(&c, "/b/", 1, "/a.css /b.css");
    class_page(&c, "/c/", 1, "/a.css /c.css");
    class_asset(&c, "/a.css", 404, REUSE_OK);
    assert_string_equal(class_offer(&c, "/a/"), "/b.css");
    assert_string_equal(class_offer(&c, "/b/"), "/b.css");
    assert_string_equal(class_offer(&c, "/c/"), "/c.css");
    assert_string_equal(class_verdict(&c, "/a/", "/a.css"), "dead");
    class_asset(&c, "/a.css", 200, REUSE_OK);
    class_page(&c, "/a/", 1, "/a.css /b.css");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /b.css");
}

static void what_an_asset_answers_to_an_odd_request_says_nothing_of_it(void **state) {
    (void)state;
    static const unsigned statuses[] = {304, 206, 400, 405, 412, 416, 429};
    class_page(&c, "/a/", 1, "/a.css");
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        class_asset(&c, "/a.css", statuses[i], REUSE_OK);
        assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    }
}

static void a_new_version_retires_the_old_one_everywhere_at_once(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 5; i++) {
        class_page(&c, "/a/", i, "/s.css?ver=1 /app.3f2a9c1b.js");
        class_page(&c, "/b/", i, "/s.css?ver=1 /app.3f2a9c1b.js");
    }
    class_page(&c, "/a/", 9, "/s.css?ver=2 /app.77d0e1aa.js");
    assert_string_equal(class_offer(&c, "/b/"), "/s.css?ver=1 /app.3f2a9c1b.js");
    class_page(&c, "/a/", 10, "/s.css?ver=2 /app.77d0e1aa.js");
    assert_string_equal(class_offer(&c, "/a/"), "/s.css?ver=2 /app.77d0e1aa.js");
    // The new one is unknown when the old one goes; /b/ is told with its next view.
    class_page(&c, "/b/", 9, "/s.css?ver=2 /app.77d0e1aa.js");
    assert_string_equal(class_offer(&c, "/b/"), "/s.css?ver=2 /app.77d0e1aa.js");
}

// Pages from, from + 1, ... are looked at, each from another network.
static void look_at_all(unsigned from, unsigned n, unsigned network, const char *links) {
    char path[32];
    for (unsigned i = 0; i < n; i++) {
        snprintf(path, sizeof path, "/p%u/", from + i);
        class_page(&c, path, network + i, links);
    }
}

static void a_new_theme_is_learned_with_one_view_of_each_page(void **state) {
    (void)state;
    for (unsigned network = 1; network <= 4; network++) {
        class_page(&c, "/a/", network, "/old.css /own.css");
    }
    look_at_all(10, 12, 10, "/old.css /old.js");
    look_at_all(10, 6, 30, "/new.css");
    assert_string_equal(class_offer(&c, "/a/"), "/own.css");
    assert_string_equal(class_offer(&c, "/p15/"), "/new.css");
    assert_string_equal(class_offer(&c, "/p21/"), "");
    assert_string_equal(class_verdict(&c, "/p21/", "/old.js"), "abandoned");
    class_page(&c, "/a/", 9, "/new.css /own.css");
    assert_string_equal(class_offer(&c, "/a/"), "/own.css /new.css");
    // The old theme again: the first page that has it ends that, and for a day.
    class_page(&c, "/p21/", 9, "/old.css /old.js");
    look_at_all(10, 8, 50, "/new.css");
    assert_string_equal(class_verdict(&c, "/p21/", "/old.css"), "hinted");
}

static void what_only_some_pages_had_is_not_abandoned(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/all.css /shop.css");
    look_at_all(10, 6, 10, "/all.css /shop.css");
    look_at_all(20, 14, 20, "/all.css");
    assert_string_equal(class_offer(&c, "/a/"), "/all.css /shop.css");
}

static void one_network_cannot_make_anything_abandoned(void **state) {
    (void)state;
    look_at_all(10, 10, 10, "/a.css");
    for (unsigned i = 0; i < 200; i++) {
        look_at_all(10 + i % 10, 1, 66, "/evil.css");
        for (unsigned k = 10; k < 20; k++) {
            char path[32];
            snprintf(path, sizeof path, "/p%u/", k);
            assert_string_equal(class_offer(&c, path), "/a.css");
        }
    }
}

static void a_known_new_version_takes_the_place_of_the_old_one(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/s.css?ver=1 /x.css");
    class_page(&c, "/b/", 1, "/s.css?ver=1 /x.css");
    class_asset(&c, "/s.css?ver=2", 200, REUSE_OK);
    class_page(&c, "/a/", 2, "/s.css?ver=2 /x.css");
    class_page(&c, "/a/", 3, "/s.css?ver=2 /x.css");
    assert_string_equal(class_offer(&c, "/b/"), "/s.css?ver=2 /x.css");
}

static void versions_that_are_in_use_side_by_side_stay(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/chunk.3f2a9c1b.js /chunk.77d0e1aa.js");
    class_page(&c, "/b/", 1, "/chunk.3f2a9c1b.js /chunk.9999eeaa.js");
    assert_string_equal(class_offer(&c, "/a/"), "/chunk.3f2a9c1b.js /chunk.77d0e1aa.js");
    class_page(&c, "/c/", 1, "/s.css?ver=1");
    class_page(&c, "/d/", 1, "/s.css?ver=2");
    class_page(&c, "/c/", 1, "/s.css?ver=1"); // out of a page cache
    assert_string_equal(class_offer(&c, "/c/"), "/s.css?ver=1");
    class_page(&c, "/d/", 1, "/s.css?ver=2");
    assert_string_equal(class_offer(&c, "/c/"), "/s.css?ver=1");
    assert_string_equal(class_offer(&c, "/d/"), "/s.css?ver=2");
}

static void what_is_private_retires_nothing(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/s.css?ver=1");
    c.flags = EVIDENCE_PRIVATE;
    class_page(&c, "/b/", 2, "/s.css?ver=666");
    assert_string_equal(class_offer(&c, "/a/"), "/s.css?ver=1");
}

static void a_stylesheet_brings_its_imports_and_not_its_fonts(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css /b.js");
    class_sheet(&c, "/a.css", "/imported.css /f.woff2");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /imported.css /b.js");
    class_sheet(&c, "/a.css", "");
    class_page(&c, "/a/", 1, "/a.css /b.js");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css /b.js");
}

static void a_file_that_just_changed_is_asked_for_again_soon(void **state) {
    (void)state;
    c.reuse = REUSE_YOUNG;
    class_page(&c, "/a/", 1, "/a.css");
    assert_string_equal(class_verdict(&c, "/a/", "/a.css"), "not_reusable");
    c.reuse = REUSE_OK;
    c.now_ms += 9000;
    class_page(&c, "/a/", 1, "/a.css");
    assert_int_equal(c.questions, 1);
    c.now_ms += 1000;
    class_page(&c, "/a/", 1, "/a.css");
    assert_int_equal(c.questions, 2);
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
}

static void a_file_that_may_not_be_kept_is_asked_for_again_after_a_while(void **state) {
    (void)state;
    c.reuse = REUSE_NO_STORE;
    class_page(&c, "/a/", 1, "/a.css");
    c.now_ms += 599000;
    class_page(&c, "/a/", 1, "/a.css");
    assert_int_equal(c.questions, 1);
    c.now_ms += 1000;
    class_page(&c, "/a/", 1, "/a.css");
    assert_int_equal(c.questions, 2);
}

static void a_policy_speaks_of_the_origin_with_its_port(void **state) {
    (void)state;
    c.policy = "content-security-policy: style-src https://site.example:8443";
    c.authority = "site.example:8443";
    class_page(&c, "/a/", 1, "/a.css");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    c.policy = "content-security-policy: style-src https://site.example";
    class_page(&c, "/a/", 1, "/a.css");
    assert_string_equal(class_offer(&c, "/a/"), "");
    assert_string_equal(class_verdict(&c, "/a/", "/a.css"), "blocked");
    c.authority = NULL;
    class_page(&c, "/a/", 1, "/a.css");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
}

static void what_the_pages_policy_blocks_is_not_hinted(void **state) {
    (void)state;
    c.policy = "content-security-policy: style-src 'self'; script-src 'none'";
    class_page(&c, "/a/", 1, "/a.css /b.js");
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    assert_string_equal(class_verdict(&c, "/a/", "/b.js"), "blocked");
}

// ---- outcome ------------------------------------------------------------------------------------

static void where_hints_make_it_slower_they_are_not_sent(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css");
    for (unsigned i = 0; i < 40; i++) {
        c.flags = i % 2 ? EVIDENCE_HINTED : EVIDENCE_HELD;
        c.critical_us = (i % 2 ? 200000 : 100000) + i * 100;
        class_visit(&c, "/a/", 1 + i % 5, "");
        c.flags = i % 2 ? EVIDENCE_HELD : EVIDENCE_HINTED;
        c.critical_us = (i % 2 ? 100000 : 200000) + i * 100;
        class_visit(&c, "/a/", 1 + i % 5, "");
    }
    assert_true(class_find(&c, "/a/")->observe);
    const struct learner_route *r = learner_find(c.l, class_key(&c, "/a/"));
    assert_true(r->is_observed);
    assert_int_equal(r->hinted.n, 40);
    assert_true(r->hinted.mean_us > 190000 && r->held.mean_us < 110000);
    c.now_ms += DAY_MS;
    class_visit(&c, "/a/", 1, "");
    assert_false(class_find(&c, "/a/")->observe); // it is tried again
    c.flags = 0;
    c.critical_us = 0;
}

// ---- room ---------------------------------------------------------------------------------------

static void routes_with_the_same_hints_share_a_plan(void **state) {
    (void)state;
    char path[32];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(path, sizeof path, "/x/%u", i);
        class_page(&c, path, i % 7, "/a.css /b.js");
    }
    assert_int_equal(learner_stats(c.l)->plans, 1);
    assert_ptr_equal(class_find(&c, "/x/1")->plan, class_find(&c, "/x/99")->plan);
}

static void old_routes_are_forgotten(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css");
    c.now_ms += 30 * DAY_MS - MINUTE_MS;
    class_page(&c, "/b/", 1, "/b.css");
    assert_true(learner_tick(c.l, c.now_ms));
    class_settle(&c);
    assert_string_equal(class_offer(&c, "/a/"), "/a.css");
    c.now_ms += MINUTE_MS;
    learner_tick(c.l, c.now_ms);
    class_settle(&c);
    assert_string_equal(class_offer(&c, "/a/"), "-");
    assert_string_equal(class_offer(&c, "/b/"), "/b.css");
    assert_int_equal(learner_stats(c.l)->expired, 1);
}

static void what_is_forgotten_is_dropped(void **state) {
    (void)state;
    size_t empty = learner_stats(c.l)->bytes;
    class_page(&c, "/a/", 1, "/a.css");
    class_page(&c, "/b/", 1, "/a.css");
    assert_true(learner_forget(c.l, class_key(&c, "/a/")));
    assert_false(learner_forget(c.l, class_key(&c, "/a/")));
    class_settle(&c);
    assert_string_equal(class_offer(&c, "/a/"), "-");
    assert_string_equal(class_offer(&c, "/b/"), "/a.css");
    assert_true(learner_forget(c.l, class_key(&c, "/b/")));
    assert_true(learner_forget(c.l, class_key(&c, "/*")));
    class_settle(&c);
    assert_string_equal(class_offer(&c, "/b/"), "-");
    assert_int_equal(learner_stats(c.l)->routes + learner_stats(c.l)->patterns, 0);
    assert_int_equal(learner_stats(c.l)->plans, 0);
    assert_true(empty == 0 || learner_stats(c.l)->bytes < empty + 4096);
    assert_null(learner_first(c.l));
}

static void the_view_lists_all_routes(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css /b.js");
    class_page(&c, "/b/", 1, "/a.css");
    class_page(&c, "/a/", 2, "/a.css /b.js");
    const struct learner_route *r = learner_first(c.l);
    unsigned n = 0;
    for (; r != NULL; r = learner_after(c.l, r), n++) {
        struct learner_hint hint;
        assert_true(learner_hint_at(c.l, r, 0, &hint));
        assert_true(span_eq(hint.hint->target, SPAN("/a.css")));
        assert_int_equal(hint.sources, LEARNER_HTML);
        assert_true(hint.need > 0.9f && hint.need_low > 0.5f && hint.worth_ms > 50);
        assert_false(learner_hint_at(c.l, r, 2, &hint));
    }
    assert_int_equal(n, 3); // with "/*"
    r = learner_find(c.l, class_key(&c, "/a/"));
    assert_int_equal(r->voters, 2);
    assert_int_equal(r->seen, 2);
}

static void a_flood_of_random_urls_pushes_out_nothing_that_is_used(void **state) {
    (void)state;
    static const struct learner_conf small = {.max_routes = 4000, .max_bytes = 4 << 20};
    static struct class flooded;
    char path[64];
    size_t most = 0;
    class_init(&flooded, &small);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(path, sizeof path, "/real/%u", i / 2);
        class_page(&flooded, path, 1 + i % 2, "/a.css /b.js");
    }
    for (unsigned i = 0; i < 1000000; i++) {
        struct learner_news news;
        struct plan *plan;
        struct evidence e = {.kind = EVIDENCE_PAGE,
                             .status = 200,
                             .at_ms = flooded.now_ms,
                             .who = 66,
                             .network = 66,
                             .scheme = SPAN("https"),
                             .authority = SPAN("site.example"),
                             .target = SPAN("/")};
        static uint8_t bytes[EVIDENCE_MAX];
        struct evidence_writer w;
        struct evidence_item item = {.kind = EVIDENCE_HTML,
                                     .text = SPAN("</a.css>; rel=preload; as=style")};
        snprintf(path, sizeof path, "/random/%08x", i * 2654435761u);
        e.key = class_key(&flooded, path);
        evidence_begin(&w, &e, bytes, sizeof bytes);
        evidence_put(&w, &item);
        assert_true(evidence_decode(&e, span_of(bytes, evidence_end(&w))));
        learner_put(flooded.l, &e, flooded.now_ms);
        while (learner_next(flooded.l, &news) == STEP_ITEM) {
        }
        while ((plan = learner_next_retired(flooded.l)) != NULL) {
            plan_free(plan);
        }
        if (i >= 10000) {
            size_t now = learner_stats(flooded.l)->bytes;

            assert_true(most == 0 || now < most + most / 20);
            most = most == 0 ? now : most;
        }
    }
    assert_true(learner_stats(flooded.l)->bytes <= small.max_bytes);
    assert_true(learner_stats(flooded.l)->routes < small.max_routes);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(path, sizeof path, "/real/%u", i);
        assert_string_equal(class_offer(&flooded, path), "/a.css /b.js");
        assert_non_null(learner_find(flooded.l, class_key(&flooded, path)));
    }
    class_fini(&flooded);
}

static void the_bound_of_bytes_holds(void **state) {
    (void)state;
    static const struct learner_conf small = {.max_bytes = 256 << 10};
    static struct class little;
    char path[64], links[128];
    class_init(&little, &small);
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(path, sizeof path, "/x/%u", i);
        snprintf(links, sizeof links, "/%u.css /%u.js", i, i);
        class_page(&little, path, i, links);
        assert_true(learner_stats(little.l)->bytes <= small.max_bytes + (32 << 10));
    }
    assert_true(learner_stats(little.l)->evicted > 0);
    class_fini(&little);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_page_seen_once_is_hinted_on_its_second_view),
        TEST(nothing_is_hinted_of_which_the_response_was_not_seen),
        TEST(what_varies_by_origin_is_hinted_to_those_who_send_none),
        TEST(data_that_no_page_named_is_not_kept),
        TEST(an_unknown_asset_is_asked_for_once_a_minute),
        TEST(an_asset_that_answered_before_its_page_is_known),
        TEST(where_one_network_visits_its_newest_view_counts),
        TEST(one_network_among_several_changes_nothing),
        TEST(of_two_networks_neither_overrules_the_other),
        TEST(what_several_networks_get_from_now_on_replaces_what_was),
        TEST(an_old_vote_fades),
        TEST(a_route_that_mostly_fails_gets_no_hints),
        TEST(more_than_fit_leave_out_the_least_worthy),
        TEST(what_is_private_needs_three_networks),
        TEST(one_who_comes_back_is_no_other_network),
        TEST(what_only_insiders_were_given_stays_inside),
        TEST(siblings_confirm_what_is_private),
        TEST(a_session_serves_sessions_after_three_and_never_the_public),
        TEST(one_network_with_many_sessions_takes_nothing_from_sessions),
        TEST(urls_that_look_like_secrets_are_not_kept),
        TEST(a_page_never_seen_gets_what_its_siblings_have_in_common),
        TEST(siblings_that_no_longer_agree_are_no_pattern),
        TEST(a_page_that_needs_nothing_does_not_get_what_its_siblings_need),
        TEST(one_network_cannot_turn_a_pattern),
        TEST(a_query_has_its_pattern),
        TEST(fonts_are_hinted_from_the_third_network_on),
        TEST(one_network_asks_in_vain),
        TEST(a_warm_visit_says_nothing),
        TEST(what_was_hinted_proves_nothing),
        TEST(what_only_some_clients_apply_is_no_hint_though_all_fetch_it),
        TEST(what_a_page_has_for_everybody_as_well_is_hinted),
        TEST(one_network_cannot_make_a_hint_conditional),
        TEST(scripts_that_scripts_insert_are_not_hinted),
        TEST(what_a_stylesheet_asked_for_is_told_by_the_stylesheet),
        TEST(a_new_version_of_what_is_conditional_is_conditional),
        TEST(a_font_that_is_no_longer_fetched_without_a_hint_goes),
        TEST(a_dead_asset_goes_everywhere_at_once),
        TEST(what_an_asset_answers_to_an_odd_request_says_nothing_of_it),
        TEST(a_new_version_retires_the_old_one_everywhere_at_once),
        TEST(a_new_theme_is_learned_with_one_view_of_each_page),
        TEST(what_only_some_pages_had_is_not_abandoned),
        TEST(one_network_cannot_make_anything_abandoned),
        TEST(a_known_new_version_takes_the_place_of_the_old_one),
        TEST(versions_that_are_in_use_side_by_side_stay),
        TEST(what_is_private_retires_nothing),
        TEST(a_stylesheet_brings_its_imports_and_not_its_fonts),
        TEST(a_file_that_just_changed_is_asked_for_again_soon),
        TEST(a_file_that_may_not_be_kept_is_asked_for_again_after_a_while),
        TEST(a_policy_speaks_of_the_origin_with_its_port),
        TEST(what_the_pages_policy_blocks_is_not_hinted),
        TEST(where_hints_make_it_slower_they_are_not_sent),
        TEST(routes_with_the_same_hints_share_a_plan),
        TEST(old_routes_are_forgotten),
        TEST(what_is_forgotten_is_dropped),
        TEST(the_view_lists_all_routes),
        TEST(a_flood_of_random_urls_pushes_out_nothing_that_is_used),
        TEST(the_bound_of_bytes_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
