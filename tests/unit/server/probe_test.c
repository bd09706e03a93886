// SPDX-License-Identifier: MIT
// What the disk says of assets that nobody has asked for yet: a page is learned, and with the next
// drain it is known which of its assets are worth hinting.
#include "server/probe.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct siphash_key secret = {1, 2};
static const struct span suffix = SPAN_INIT(".php"), denied = SPAN_INIT("/secret/*");
static char root[64];
static struct loop loop;
static struct publisher learning;
static struct publisher_worker *worker;
static struct probe probe;
static struct router router;
static struct arena arena;
static struct site site;

static const struct hint_policy *find_policy(void *self, struct span name) {
    (void)self;
    return span_eq(name, site.name) ? &site.policy : NULL;
}

// A file that was not changed for long, so that a browser keeps it.
static void put_file(const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    struct timespec long_ago[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(futimens(fd, long_ago), 0);
    close(fd);
}

static int setup(void **state) {
    (void)state;
    struct learner_conf conf = {.secret = secret, .find_policy = find_policy};
    snprintf(root, sizeof root, "/tmp/outrider-probe-XXXXXX");
    assert_non_null(mkdtemp(root));
    site = (struct site){.name = SPAN("blog.example"),
                         .root = span_str(root),
                         .suffixes = {&suffix, 1},
                         .denied = {&denied, 1},
                         .pool = 0,
                         .policy = {.learn = 15}};
    arena_init(&arena, 1 << 16);
    assert_int_equal(router_init(&router, &arena, &site, 1), 0);
    assert_int_equal(loop_init(&loop), 0);
    publisher_init(&learning, &loop, &conf);
    worker = publisher_add_worker(&learning);
    probe_init(&probe, &learning, &router);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    char command[128];
    publisher_close(&learning);
    loop_fini(&loop);
    probe_fini(&probe);
    publisher_fini(&learning);
    arena_fini(&arena);
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

// A page that needs the style is seen.
static void see(const char *path) {
    static uint8_t bytes[EVIDENCE_MAX];
    char link[256];
    uint8_t key[ROUTE_KEY_MAX];
    bool is_clean;
    struct route_parts parts = {.site = site.name, .path = SPAN("/page/")};
    snprintf(link, sizeof link, "<%s>; rel=preload; as=style", path);
    struct evidence e = {.kind = EVIDENCE_PAGE,
                         .status = 200,
                         .at_ms = 1,
                         .who = 1,
                         .network = 1,
                         .key = route_key(key, &parts, &is_clean),
                         .scheme = SPAN("https"),
                         .authority = SPAN("blog.example"),
                         .target = SPAN("/page/")};
    struct evidence_item item = {.kind = EVIDENCE_HTML, .text = span_str(link)};
    struct evidence_writer w;
    assert_true(evidence_begin(&w, &e, bytes, sizeof bytes));
    assert_true(evidence_put(&w, &item));
    assert_true(publisher_put(worker, span_of(bytes, evidence_end(&w))));
    publisher_drain(&learning);
}

static enum offer_asset_state known(const char *path) {
    struct offer_asset asset = {.state = OFFER_ASSET_NONE};
    struct route_id id = route_asset_id(&secret, site.name, span_str(path));
    bool is_known = publisher_find_asset(worker, id, &asset);
    publisher_turn_end(worker);
    return is_known ? asset.state : OFFER_ASSET_NONE;
}

static void a_file_is_judged_by_the_head_that_it_would_get(void **state) {
    (void)state;
    put_file("a.css", "a{}");
    see("/a.css?ver=1");
    assert_int_equal(known("/a.css?ver=1"), OFFER_ASSET_REUSABLE);
    assert_int_equal(probe.asked, 1);
    assert_int_equal(probe.files_n, 1);
}

static void what_is_not_there_or_may_not_be_seen_is_dead(void **state) {
    (void)state;
    put_file("is.css", "a{}");
    site.pool = SITE_NO_POOL; // nobody else could have it
    static const char *const paths[] = {"/gone.css", "/secret/x.css", "/.hidden.css"};
    for (size_t i = 0; i < 3; i++) {
        see(paths[i]);
        assert_int_not_equal(known(paths[i]), OFFER_ASSET_REUSABLE);
    }
    assert_int_equal(probe.missing, 3);
}

static void what_a_script_would_answer_stays_unknown(void **state) {
    (void)state;
    put_file("style.php", "<?php");
    site.front.path = SPAN("/index.php");
    site.front.file = SPAN("/nowhere/index.php");
    see("/style.php?x");
    see("/made-up.css");
    assert_int_equal(known("/style.php?x"), OFFER_ASSET_NONE);
    assert_int_equal(known("/made-up.css"), OFFER_ASSET_NONE);
    assert_int_equal(probe.asked, 2);
    assert_int_equal(probe.files_n + probe.missing, 0);
}

// What it imports is told, as the learner was given it.
static void a_stylesheet_is_read(void **state) {
    (void)state;
    struct evidence e;
    struct evidence_item item;
    size_t n = sizeof probe.bytes;
    put_file("a.css", "@import 'import.css'; @font-face { font-family: a; src: url(f.woff2) }");
    see("/a.css");
    while (n > 0 && !evidence_decode(&e, span_of(probe.bytes, n))) {
        n--;
    }
    assert_true(n > 0);
    assert_int_equal(e.kind, EVIDENCE_SHEET);
    assert_true(span_eq(e.authority, site.name) && span_eq(e.target, SPAN("/a.css")));
    assert_true(evidence_next(&e.items, &item));
    assert_int_equal(item.kind, EVIDENCE_IMPORT);
    assert_true(span_eq(item.text, SPAN("import.css")));
    assert_true(evidence_next(&e.items, &item));
    assert_int_equal(item.kind, EVIDENCE_FONT);
    assert_true(span_eq(item.text, SPAN("f.woff2")));
}

static void a_stylesheet_is_not_read_where_nothing_is_learned_from_it(void **state) {
    (void)state;
    site.policy.learn = LEARNER_HTML;
    put_file("a.css", "@import 'import.css';");
    see("/a.css");
    assert_int_equal(known("/a.css"), OFFER_ASSET_REUSABLE);
    for (size_t i = 0; i < sizeof probe.bytes; i++) {
        assert_int_equal(probe.bytes[i], 0); // nothing was written
    }
}

static void many_questions_are_answered_piece_by_piece(void **state) {
    (void)state;
    char path[32];
    for (unsigned i = 0; i < 3 * PROBE_QUESTIONS; i++) {
        snprintf(path, sizeof path, "f%u.css", i);
        put_file(path, "a{}");
    }
    uint64_t before = probe.asked;
    learning.on_drain = NULL; // all pages are seen first
    for (unsigned i = 0; i < 2 * PROBE_QUESTIONS; i++) {
        snprintf(path, sizeof path, "/f%u.css", i);
        see(path);
    }
    probe_turn(&probe);
    assert_in_range(probe.asked - before, 1, PROBE_QUESTIONS);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_judged_by_the_head_that_it_would_get),
        TEST(what_is_not_there_or_may_not_be_seen_is_dead),
        TEST(what_a_script_would_answer_stays_unknown),
        TEST(a_stylesheet_is_read),
        TEST(a_stylesheet_is_not_read_where_nothing_is_learned_from_it),
        TEST(many_questions_are_answered_piece_by_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
