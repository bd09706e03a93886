// SPDX-License-Identifier: MIT
#include "hints/learner_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

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
    assert_int_equal(move(), 5); // with "/x/*" and "/*"
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
        TEST(what_is_not_valid_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
