// SPDX-License-Identifier: MIT
// What pages of users may have that their pattern must not hint to others.
#include "learner/learner_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/learning_pupil.h"

#define STYLE "</a.css>; rel=preload; as=style"

static struct pupil pupil;

static int setup(void **state) {
    (void)state;
    pupil_init(&pupil, (struct learner_conf){0});
    return 0;
}

static int teardown(void **state) {
    (void)state;
    pupil_fini(&pupil);
    return 0;
}

static struct pupil_visitor anybody(const char *path, uint64_t network) {
    return (struct pupil_visitor){.path = path, .query = "", .network = network};
}

// The page as a network was given it: STYLE, and one more link in it or a policy field.
static void view(const char *path, uint64_t network, const char *link, const char *policy) {
    struct evidence_item items[3] = {{.kind = EVIDENCE_HTML, .text = SPAN(STYLE)},
                                     {.kind = EVIDENCE_HTML, .text = span_str(link)}};
    size_t n = 2;
    if (policy != NULL) {
        items[n++] = (struct evidence_item){.kind = EVIDENCE_POLICY, .text = span_str(policy)};
    }
    struct pupil_visitor v = anybody(path, network);
    pupil.now_ms += 1000;
    pupil_page(&pupil, &v, items, n);
}

static bool is_offered(const char *path, const char *target) {
    struct pupil_visitor v = anybody(path, 999);
    return pupil_hints(&pupil, &v, target);
}

// ---- names --------------------------------------------------------------------------------------

static const char *const tokens[] = {"123e4567-e89b-12d3-a456-426614174000",
                                     "d41d8cd98f00b204e9800998ecf8427e", "Zk3nX0b9yQ1m2N3o4P5q6R",
                                     "x7Kp2mQ9aZ4tB1c"};

static void what_is_named_after_a_share_stays_in_it(void **state) {
    (void)state;
    for (size_t t = 0; t < sizeof tokens / sizeof *tokens; t++) {
        char path[128], link[256], asset[128];
        snprintf(asset, sizeof asset, "/share/%s/theme.css", tokens[t]);
        snprintf(link, sizeof link, "<%s>; rel=preload; as=style", asset);
        for (unsigned i = 0; i < 12; i++) { // several people who were told it
            snprintf(path, sizeof path, "/share/%s/page-%u", tokens[t], i % 6);
            view(path, 1 + i % 4, link, NULL);
            snprintf(path, sizeof path, "/other-%u/page", i);
            view(path, 10 + i, STYLE, NULL);
        }
        snprintf(path, sizeof path, "/share/%s/page-never-seen", tokens[t]);
        assert_true(is_offered(path, asset));
        assert_false(is_offered("/share/guess/x", asset));
        assert_false(is_offered("/never-seen", asset));
        assert_true(is_offered("/share/guess/x", "/a.css"));
    }
}

static void a_secret_host_is_hinted_to_no_other_page(void **state) {
    (void)state;
    static const char link[] = "<https://x7kp2mq9az4tb1c.files.example>; rel=preconnect";
    for (unsigned i = 0; i < 12; i++) {
        char path[64];
        snprintf(path, sizeof path, "/files/page-%u", i);
        view(path, 1 + i % 4, link, NULL);
        snprintf(path, sizeof path, "/more-%u/page", i);
        view(path, 1 + i % 4, link, NULL);
    }
    assert_false(is_offered("/files/guess", "https://x7kp2mq9az4tb1c.files.example"));
    assert_false(is_offered("/guess", "https://x7kp2mq9az4tb1c.files.example"));
    assert_true(is_offered("/files/guess", "/a.css"));
}

static void a_folder_that_nobody_thought_of_needs_three_networks(void **state) {
    (void)state;
    static const char link[] = "</build/3f9a1c2e/app.css>; rel=preload; as=style";
    for (unsigned i = 0; i < 9; i++) {
        view("/", 1 + i % 2, link, NULL);
    }
    assert_false(is_offered("/", "/build/3f9a1c2e/app.css"));
    view("/", 3, link, NULL);
    assert_true(is_offered("/", "/build/3f9a1c2e/app.css"));
}

static void secret_routes_are_neither_kept_nor_listed(void **state) {
    (void)state;
    static struct learner_record record;
    view("/share/x7Kp2mQ9aZ4tB1c/page", 1, STYLE, NULL);
    view("/plain/page", 1, STYLE, NULL);
    unsigned listed = 0, kept = 0;
    for (const struct learner_route *r = learner_first(pupil.l); r != NULL;
         r = learner_after(pupil.l, r)) {
        assert_int_equal(span_find(r->key, SPAN("x7Kp")), r->key.n);
        listed++;
    }
    while (learner_next_changed(pupil.l, &record) == STEP_ITEM) {
        assert_int_equal(span_find(record.key, SPAN("x7Kp")), record.key.n);
        kept++;
    }
    assert_int_equal(listed, 4); // the page, "/plain/*", "/share/*" and "/*"
    assert_int_equal(kept, 4);
    assert_true(is_offered("/share/x7Kp2mQ9aZ4tB1c/page", "/a.css"));
}

static void a_record_of_a_secret_route_is_refused(void **state) {
    (void)state;
    static struct learner_record record;
    static uint8_t bytes[ROUTE_KEY_MAX];
    bool is_clean;
    struct route_parts parts = {.site = SPAN(PUPIL_SITE), .path = SPAN("/s/x7Kp2mQ9aZ4tB1c")};
    record = (struct learner_record){.key = route_key(bytes, &parts, &is_clean), .seen = 1};
    assert_false(learner_restore(pupil.l, &record, pupil.now_ms));
    assert_int_equal(learner_stats(pupil.l)->routes, 0);
}

// ---- users who write pages ----------------------------------------------------------------------

static void one_network_teaches_no_pattern(void **state) {
    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        char path[64];
        snprintf(path, sizeof path, "/young/page-%u", i);
        view(path, 1, STYLE, NULL);
    }
    assert_false(is_offered("/young/never-seen", "/a.css"));
    view("/young/page-77", 2, STYLE, NULL);
    assert_true(is_offered("/young/never-seen", "/a.css"));
}

static void pages_of_one_author_teach_nothing_beside_them(void **state) {
    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        char path[64];
        snprintf(path, sizeof path, "/u/mallory/page-%u", i);
        view(path, 1 + i % 4, "</u-clear.css>; rel=preload; as=style", NULL);
    }
    assert_true(is_offered("/u/mallory/never-seen", "/u-clear.css"));
    assert_false(is_offered("/u/alice/never-seen", "/u-clear.css"));
    assert_false(is_offered("/never-seen", "/u-clear.css"));
}

// A script answers what has a query; the disk has the rest.
static bool look_up_files(void *self, struct span path, struct evidence *asset) {
    bool is_script = span_has_prefix(path, SPAN("/clear"));
    (void)self;
    asset->network = is_script ? 7 : 0; // one who was told to fetch it
    return true;
}

static void what_a_script_answers_by_its_query_is_in_no_pattern(void **state) {
    (void)state;
    pupil.look_up = look_up_files;
    for (unsigned i = 0; i < 24; i++) {
        char path[64];
        snprintf(path, sizeof path, i % 2 ? "/forum/page-%u" : "/blog/page-%u", i);
        view(path, 1 + i % 4, "</clear.css?cart=all>; rel=preload; as=style", NULL);
    }
    assert_true(is_offered("/forum/page-1", "/clear.css?cart=all")); // it has it itself
    assert_false(is_offered("/forum/never-seen", "/clear.css?cart=all"));
    assert_false(is_offered("/never-seen", "/clear.css?cart=all"));
    for (unsigned i = 0; i < 48; i++) {
        char path[64];
        snprintf(path, sizeof path, i % 2 ? "/forum/page-%u" : "/blog/page-%u", i);
        view(path, 1 + i % 4, "</style.css?ver=6.4>; rel=preload; as=style", NULL);
    }
    assert_true(is_offered("/never-seen", "/style.css?ver=6.4"));
}

static void a_host_is_hinted_to_others_where_the_site_itself_names_it(void **state) {
    (void)state;
    static const char tracker[] = "<https://tracker.example>; rel=preconnect",
                      own[] = "<https://static." PUPIL_SITE ">; rel=preconnect",
                      cdn[] = "<https://cdn.example>; rel=preconnect",
                      policy[] = "content-security-policy: default-src 'self' https://cdn.example "
                                 "https://*.example";
    for (unsigned i = 0; i < 12; i++) {
        char path[64];
        snprintf(path, sizeof path, "/forum/page-%u", i);
        view(path, 1 + i % 4, i % 4 == 0 ? own : i % 4 == 1 ? tracker : cdn, policy);
    }
    for (unsigned i = 0; i < 48; i++) {
        char path[64];
        snprintf(path, sizeof path, "/forum/page-%u", 100 + i);
        view(path, 1 + i % 4, tracker, NULL);
    }
    assert_false(is_offered("/forum/never-seen", "https://tracker.example"));
    for (unsigned i = 0; i < 48; i++) {
        char path[64];
        snprintf(path, sizeof path, "/forum/page-%u", 200 + i);
        view(path, 1 + i % 4, own, NULL);
    }
    assert_true(is_offered("/forum/never-seen", "https://static." PUPIL_SITE));
    for (unsigned i = 0; i < 48; i++) {
        char path[64];
        snprintf(path, sizeof path, "/forum/page-%u", 300 + i);
        view(path, 1 + i % 4, cdn, NULL);
    }
    assert_true(is_offered("/forum/never-seen", "https://cdn.example"));
}

static void a_page_hints_four_connections_at_most(void **state) {
    (void)state;
    struct evidence_item items[50];
    static char links[50][64];
    for (unsigned i = 0; i < 50; i++) {
        snprintf(links[i], sizeof links[i], "<https://host-%u.example>; rel=preconnect", i);
        items[i] = (struct evidence_item){.kind = EVIDENCE_HTML, .text = span_str(links[i])};
    }
    struct pupil_visitor v = anybody("/", 1);
    pupil_page(&pupil, &v, items, 50);
    assert_int_equal(pupil_plan(&pupil, &v)->hints_n, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_named_after_a_share_stays_in_it),
        TEST(a_secret_host_is_hinted_to_no_other_page),
        TEST(a_folder_that_nobody_thought_of_needs_three_networks),
        TEST(secret_routes_are_neither_kept_nor_listed),
        TEST(a_record_of_a_secret_route_is_refused),
        TEST(one_network_teaches_no_pattern),
        TEST(pages_of_one_author_teach_nothing_beside_them),
        TEST(what_a_script_answers_by_its_query_is_in_no_pattern),
        TEST(a_host_is_hinted_to_others_where_the_site_itself_names_it),
        TEST(a_page_hints_four_connections_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
