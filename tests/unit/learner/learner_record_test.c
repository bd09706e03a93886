// SPDX-License-Identifier: MIT
#include "learner/learner_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "support/class.h"

static struct class c, other;
static struct learner_record record;

static int start(void **state) {
    (void)state;
    class_init(&c, NULL);
    class_init(&other, NULL);
    return 0;
}

static int end(void **state) {
    (void)state;
    class_fini(&c);
    class_fini(&other);
    return 0;
}

// Moves what changed from one to the other. How many records that were.
static unsigned move(void) {
    unsigned n = 0;
    while (learner_next_changed(c.l, &record) == STEP_ITEM) {
        if (record.is_gone) {
            learner_forget(other.l, record.key);
        } else {
            assert_true(learner_restore(other.l, &record, c.now_ms));
        }
        n++;
    }
    class_settle(&other);
    return n;
}

static void another_learner_goes_on_from_the_records(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        class_page(&c, "/x/a", i, "/a.css /b.js");
        class_visit(&c, "/x/a", i, "/a.css /b.js /f.woff2");
    }
    class_page(&c, "/x/b", 4, "/a.css /b.js");
    class_page(&c, "/x/c", 5, "/a.css /b.js");
    class_page(&c, "/y", 6, "/a.css /b.js");
    assert_int_equal(move(), 6); // with "/x/*" and "/*"
    static const char *const paths[] = {"/x/a", "/x/b", "/x/never", "/never"};
    char text[256];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        snprintf(text, sizeof text, "%s", class_offer(&c, paths[i]));
        assert_string_not_equal(text, "-");
        assert_string_equal(class_offer(&other, paths[i]), text);
    }
    assert_int_equal(other.questions, 0); // it knows what the assets answered
    assert_int_equal(move(), 0);
    const struct learner_route *r = learner_find(other.l, class_key(&other, "/x/a"));
    assert_int_equal(r->seen, 3);
    assert_int_equal(r->voters, 3);
    assert_int_equal(r->think_us, 100000);
    // It goes on with the votes of the first one.
    class_page(&other, "/x/a", 66, "/evil.css");
    assert_string_equal(class_offer(&other, "/x/a"), "/a.css /b.js /f.woff2");
}

static void what_was_forgotten_is_said_once_and_only_of_what_was_stored(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css");
    class_page(&c, "/b/", 1, "/a.css");
    assert_int_equal(move(), 3);
    class_page(&c, "/new/", 1, "/a.css");
    learner_forget(c.l, class_key(&c, "/a/"));
    learner_forget(c.l, class_key(&c, "/new/"));
    assert_int_equal(move(), 2); // "/a/" and "/*"
    assert_null(learner_find(other.l, class_key(&other, "/a/")));
    assert_int_equal(move(), 0);
}

static void putting_a_record_again_replaces_what_was_there(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css");
    move();
    size_t bytes = learner_stats(other.l)->bytes;
    for (unsigned i = 0; i < 10; i++) {
        const struct learner_route *r = learner_find(c.l, class_key(&c, "/a/"));
        assert_true(learner_record_of(c.l, r, &record));
        assert_true(learner_restore(other.l, &record, c.now_ms));
        class_settle(&other);
    }
    class_page(&other, "/a/", 1, "/a.css");
    assert_true(learner_stats(other.l)->bytes < bytes + 2048);
    assert_string_equal(class_offer(&other, "/a/"), "/a.css");
}

static void outcomes_are_kept(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css");
    c.flags = EVIDENCE_HINTED;
    for (unsigned i = 0; i < 10; i++) {
        c.critical_us = 1000 + i % 2 * 200;
        class_visit(&c, "/a/", 1, "");
    }
    move();
    const struct learner_route *r = learner_find(other.l, class_key(&other, "/a/"));
    assert_int_equal(r->hinted.n, 10);
    assert_true(r->hinted.mean_us > 1099 && r->hinted.mean_us < 1101);
    assert_true(r->hinted.variance > 11000 && r->hinted.variance < 11200);
    assert_int_equal(r->held.n, 0);
}

// ---- restarts -----------------------------------------------------------------------------------

#define KEPT_MAX 64

// What a store has: the newest record of each route, complete in itself.
static struct kept {
    struct learner_record record;
    struct arena texts;
    unsigned at; // the higher, the later it was written
} kept[KEPT_MAX];
static unsigned kept_n, writes;

static void copy(struct arena *arena, struct span *s) {
    *s = s->n > 0 ? arena_copy(arena, *s) : span_of(NULL, 0);
}

static void keep(const struct learner_record *r) {
    unsigned i = 0;
    while (i < kept_n && !span_eq(kept[i].record.key, r->key)) {
        i++;
    }
    assert_true(i < KEPT_MAX);
    struct kept *k = &kept[i];
    if (i == kept_n) {
        arena_init(&k->texts, 1 << 20);
        kept_n++;
    }
    arena_reset(&k->texts);
    k->record = *r;
    k->at = ++writes;
    copy(&k->texts, &k->record.key);
    copy(&k->texts, &k->record.csp);
    copy(&k->texts, &k->record.referrer);
    copy(&k->texts, &k->record.origin);
    for (size_t n = 0; n < r->assets_n; n++) {
        struct record_asset *a = &k->record.assets[n];
        copy(&k->texts, &a->hint.target);
        copy(&k->texts, &a->hint.type);
        copy(&k->texts, &a->hint.integrity);
        copy(&k->texts, &a->newer);
        copy(&k->texts, &a->imports);
    }
}

static void lose_all(void) {
    while (kept_n > 0) {
        arena_fini(&kept[--kept_n].texts);
    }
}

// All records into the other one, those written last first: a store has but one row of each asset.
static void restart(void) {
    for (unsigned at = writes; at > 0; at--) {
        for (unsigned i = 0; i < kept_n; i++) {
            if (kept[i].at == at && !kept[i].record.is_gone) {
                assert_true(learner_restore(other.l, &kept[i].record, c.now_ms));
            }
        }
    }
    other.is_mute = true; // what its questions bring comes later
    class_settle(&other);
    other.now_ms = c.now_ms;
}

static uint32_t seed;

static uint32_t chance(uint32_t n) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % n;
}

static const char *words(const char *const *pool, uint32_t n, uint32_t of) {
    static char text[1024];
    size_t len = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (chance(of) > 0) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len ? " " : "", pool[i]);
        }
    }
    return text;
}

static const char *const pages[] = {"/a/", "/b/", "/x/1", "/x/2", "/x/3", "/x/4", "/?p=1"};

static void teach(unsigned step) {
    static const char *const policies[] = {
        NULL, "content-security-policy: style-src 'self'; script-src 'none'",
        "content-security-policy: style-src https://site.example:8443", "referrer-policy: origin"};
    static const char *const fetches[] = {"/a.css",    "/s.css?ver=1", "/f.woff2",
                                          "/late.css", "/print.css",   "!/b.js"};
    static const char *const assets[] = {"/a.css", "/b.js", "/late.css", "/i.css", "/p.css"};
    char version[2][32];
    for (unsigned i = 0; i < 2; i++) {
        snprintf(version[i], sizeof version[i], "/s.css?ver=%u", 1 + step / 60 + i * chance(2));
    }
    const char *links[] = {"/a.css", version[0],    chance(9) ? "/b.js" : "@/b.js", "/p.css",
                           "/d.js",  "?/print.css", version[chance(40) == 0],       "/e.jpg"};
    const char *page = pages[chance(sizeof pages / sizeof *pages)];
    unsigned network = 1 + chance(5);
    c.now_ms += chance(1200) * 1000;
    c.session = chance(5) == 0 ? 101 + chance(4) : 0;
    c.flags = chance(4) == 0 ? EVIDENCE_PRIVATE : 0;
    c.policy = chance(3) ? NULL : policies[chance(4)];
    c.authority = chance(2) ? NULL : "site.example:8443";
    c.status = chance(12) == 0 ? 302 : 200;
    switch (chance(8)) {
    case 0:
        class_asset(&c, assets[chance(5)], chance(5) ? 200 : 404,
                    chance(4) ? REUSE_OK : REUSE_YOUNG);
        break;
    case 1:
        class_sheet(&c, chance(2) ? "/a.css" : "/p.css", chance(4) ? "/i.css /f.woff2" : "/j.css");
        break;
    case 2:
    case 3:
        c.flags = chance(3) == 0 ? EVIDENCE_HINTED : 0;
        class_visit(&c, page, network, words(fetches, 6, 3));
        break;
    default:
        class_page(&c, page, network, words(links, 8, 5));
    }
}

static void expect_same_offers(void) {
    static const char *const paths[] = {"/a/",  "/b/",      "/x/1",  "/x/2",  "/x/3",
                                        "/x/4", "/x/never", "/?p=1", "/?p=9", "/never"};
    for (c.session = 0; c.session < 2; c.session++) {
        other.session = c.session;
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
            char text[2048];
            snprintf(text, sizeof text, "%s", class_offer(&c, paths[i]));
            if (strcmp(class_offer(&other, paths[i]), text) != 0) {
                print_error("of %s\n", paths[i]);
            }
            assert_string_equal(class_offer(&other, paths[i]), text);
        }
    }
}

static const struct hint_policy *policy(void *self, struct span site) {
    static const struct hint_policy repeating = {.has_policy = true};
    (void)self;
    (void)site;
    return &repeating;
}

// Whatever was learned, a restart changes no plan; also when one follows upon another.
static void a_restart_changes_no_plan(void **state) {
    (void)state;
    const struct learner_conf conf = {.find_policy = policy};
    for (seed = 1; seed <= 40; seed++) {
        uint32_t first = seed;
        kept_n = writes = 0;
        class_fini(&c);
        class_init(&c, &conf);
        for (unsigned step = 0; step < 240; step++) {
            teach(step);
            c.flags = 0;
            while (learner_next_changed(c.l, &record) == STEP_ITEM) {
                keep(&record);
            }
            if (step % 20 == 19) {
                class_fini(&other);
                class_init(&other, &conf);
                restart();
                expect_same_offers();
            }
            if (step % 80 == 79) { // and it goes on from there
                uint64_t now_ms = c.now_ms;
                class_fini(&c);
                c = other;
                c.is_mute = false;
                c.now_ms = now_ms;
                class_init(&other, &conf);
            }
        }
        lose_all();
        seed = first;
    }
}

static void a_retired_version_stays_retired(void **state) {
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        class_page(&c, "/a/", i, "/s.css?ver=1 /x.css");
        class_page(&c, "/b/", i, "/s.css?ver=1 /x.css");
    }
    class_page(&c, "/a/", 2, "/s.css?ver=2 /x.css");
    class_page(&c, "/a/", 3, "/s.css?ver=2 /x.css");
    assert_string_equal(class_offer(&c, "/b/"), "/x.css");
    move();
    assert_string_equal(class_offer(&other, "/b/"), "/x.css");
    class_page(&other, "/b/", 4, "/x.css");
    assert_string_equal(class_offer(&other, "/b/"), "/s.css?ver=2 /x.css");
    // Nor does it come back as the newer one.
    class_page(&other, "/c/", 4, "/s.css?ver=2 /x.css");
    assert_string_equal(class_offer(&other, "/c/"), "/s.css?ver=2 /x.css");
}

static void what_was_abandoned_stays_so(void **state) {
    (void)state;
    static const char *const old = "/old.css /x.css";
    char path[32];
    for (unsigned i = 0; i < 18; i++) {
        snprintf(path, sizeof path, "/p%u/", i % 12);
        class_page(&c, path, 1 + i, i < 12 ? old : "/x.css");
    }
    move();
    assert_string_equal(class_verdict(&other, "/p11/", "/old.css"), "abandoned");
    class_page(&other, "/p11/", 50, "/x.css /new.css");
    assert_string_equal(class_offer(&other, "/p11/"), "/x.css /new.css");
}

// What all pages had, three of ten networks do not take away; nor do they after a restart.
static void what_all_pages_had_stays_firm(void **state) {
    (void)state;
    char path[32];
    for (unsigned i = 0; i < 42; i++) {
        bool is_other = i >= 12 && i % 10 < 3;
        snprintf(path, sizeof path, "/f/%u/", i);
        class_page(&c, path, 1 + i % 10, is_other ? "/b.css" : "/a.css");
    }
    assert_string_equal(class_offer(&c, "/f/never/"), "/a.css");
    move();
    class_page(&other, "/f/more/", 1, "/b.css");
    assert_string_equal(class_offer(&other, "/f/never/"), "/a.css");
}

static void what_a_stylesheet_imports_and_how_a_route_failed_are_kept(void **state) {
    (void)state;
    class_sheet(&c, "/a.css", "/i.css");
    class_page(&c, "/a/", 1, "/a.css ?/print.css");
    class_page(&c, "/f/", 1, "/a.css");
    c.status = 302;
    class_page(&c, "/f/", 1, "");
    move();
    class_page(&other, "/a/", 1, "/a.css ?/print.css");
    assert_string_equal(class_offer(&other, "/a/"), "/a.css /i.css");
    assert_string_equal(class_verdict(&other, "/a/", "/print.css"), "conditional");
    assert_string_equal(class_verdict(&other, "/f/", "/a.css"), "route_fails");
}

static void what_is_not_valid_is_refused(void **state) {
    (void)state;
    class_page(&c, "/a/", 1, "/a.css");
    assert_int_equal(learner_next_changed(c.l, &record), STEP_ITEM);
    struct learner_record good = record;
    record.key = SPAN("no key");
    assert_false(learner_restore(other.l, &record, 1));
    record = good;
    record.assets_n = RECORD_ASSETS_MAX + 1;
    assert_false(learner_restore(other.l, &record, 1));
    record = good;
    record.votes_n = RECORD_VOTES_MAX + 1;
    assert_false(learner_restore(other.l, &record, 1));
    record = good;
    record.votes[0].html = 2; // there is one asset
    assert_false(learner_restore(other.l, &record, 1));
    record = good;
    record.assets[0].hint.target = SPAN("");
    assert_false(learner_restore(other.l, &record, 1));
    record = good;
    record.is_gone = true;
    assert_false(learner_restore(other.l, &record, 1));
    assert_int_equal(learner_stats(other.l)->routes, 0);
    record = good;
    record.assets[0].hint.target = SPAN("/a.css?token=1");
    assert_true(learner_restore(other.l, &record, 1)); // the page, without that asset
    assert_false(learner_hint_at(other.l, learner_find(other.l, good.key), 0,
                                 &(struct learner_hint){.hint = NULL}));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(another_learner_goes_on_from_the_records),
        TEST(what_was_forgotten_is_said_once_and_only_of_what_was_stored),
        TEST(putting_a_record_again_replaces_what_was_there),
        TEST(outcomes_are_kept),
        TEST(a_restart_changes_no_plan),
        TEST(what_all_pages_had_stays_firm),
        TEST(a_retired_version_stays_retired),
        TEST(what_was_abandoned_stays_so),
        TEST(what_a_stylesheet_imports_and_how_a_route_failed_are_kept),
        TEST(what_is_not_valid_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
