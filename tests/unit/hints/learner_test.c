// SPDX-License-Identifier: MIT
#include "hints/learner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define DAY_MS ((uint64_t)24 * 3600 * 1000)

static struct learner_conf conf = {.secret = {1, 2}};

// Puts a response of site.example that carries one Link field.
static void put(struct learner *l, const char *path, const char *link, uint64_t now_ms) {
    struct pair v = {SPAN("link"), span_str(link)};
    struct pairs fields = {&v, link[0] ? 1 : 0, 1};
    uint8_t bytes[EVIDENCE_MAX];
    struct arena arena;
    struct evidence e = {.scheme = SPAN("https"),
                         .authority = SPAN("site.example"),
                         .target = span_str(path),
                         .status = 200};
    arena_init(&arena, 4096);
    e.key = route_key(&arena, SPAN("site.example"), span_str(path));
    size_t n = evidence_encode(&e, &fields, bytes, sizeof bytes);
    assert_true(evidence_decode(&e, span_of(bytes, n)));
    learner_put(l, &e, now_ms);
    memset(bytes, 0xee, n); // the learner keeps nothing of it
    arena_fini(&arena);
}

// What is published, as "path: link\n" each; "path: drop\n" for a plan without hints.
static const char *published(struct learner *l) {
    static char text[4096];
    struct plan *plan;
    size_t n = 0;
    text[0] = 0;
    while (learner_next(l, &plan) == STEP_ITEM) {
        struct span path = route_key_path(plan->key), link = plan->link;
        if (plan->hints_n == 0) {
            link = SPAN("drop");
        }
        n += (size_t)snprintf(text + n, sizeof text - n, "%.*s: %.*s\n", SPAN_ARG(path),
                              SPAN_ARG(link));
        assert_int_equal(plan->hash, route_key_hash(&conf.secret, plan->key));
        plan_free(plan);
    }
    return text;
}

static const struct learner_route *find(struct learner *l, const char *path) {
    struct arena arena;
    arena_init(&arena, 4096);
    struct span key = route_key(&arena, SPAN("site.example"), span_str(path));
    const struct learner_route *r = learner_find(l, key);
    arena_fini(&arena);
    return r;
}

static void a_response_with_links_becomes_a_plan(void **state) {
    (void)state;
    struct learner *l = learner_new(&conf);
    put(l, "/a/", "<b.js>; rel=preload; as=script, </a.css>; rel=preload; as=style; nopush", 1000);
    assert_string_equal(published(l), "/a/: </a.css>; rel=preload; as=style, "
                                      "</a/b.js>; rel=preload; as=script\n");
    assert_string_equal(published(l), "");
    const struct learner_route *r = find(l, "/a/");
    assert_int_equal(r->hints_n, 2);
    assert_false(r->hints[0].can_push);
    assert_true(r->hints[1].can_push);
    assert_int_equal(r->seen, 1);
    assert_int_equal(r->first_seen_ms, 1000);
    assert_int_equal(r->version, 1);
    learner_free(l);
}

static void the_same_again_is_not_published_again(void **state) {
    (void)state;
    struct learner *l = learner_new(&conf);
    put(l, "/", "</a.css>; rel=preload; as=style", 1000);
    published(l);
    put(l, "/", "</a.css>;as=\"style\";rel=preload", 2000);
    assert_string_equal(published(l), "");
    const struct learner_route *r = find(l, "/");
    assert_int_equal(r->seen, 2);
    assert_int_equal(r->first_seen_ms, 1000);
    assert_int_equal(r->last_seen_ms, 2000);
    learner_free(l);
}

static void the_last_response_counts(void **state) {
    (void)state;
    struct learner *l = learner_new(&conf);
    put(l, "/", "</a.css?v=1>; rel=preload; as=style", 1000);
    put(l, "/", "</a.css?v=2>; rel=preload; as=style", 1001);
    assert_string_equal(published(l), "/: </a.css?v=2>; rel=preload; as=style\n");
    size_t bytes = learner_stats(l)->bytes;
    put(l, "/", "</a.css?v=3>; rel=preload; as=style", 1002);
    assert_string_equal(published(l), "/: </a.css?v=3>; rel=preload; as=style\n");
    assert_int_equal(find(l, "/")->version, 2);
    assert_int_equal(learner_stats(l)->bytes, bytes); // what it replaced is given back
    learner_free(l);
}

static void a_route_that_lost_its_links_is_dropped_but_remembered(void **state) {
    (void)state;
    struct learner *l = learner_new(&conf);
    put(l, "/", "</a.css>; rel=preload; as=style", 1000);
    published(l);
    put(l, "/", "", 1001);
    assert_string_equal(published(l), "/: drop\n");
    assert_int_equal(find(l, "/")->hints_n, 0);
    assert_int_equal(find(l, "/")->seen, 2);
    put(l, "/", "", 1002);
    assert_string_equal(published(l), "");
    learner_free(l);
}

static void a_route_without_a_usable_link_is_not_kept(void **state) {
    (void)state;
    struct learner *l = learner_new(&conf);
    char path[32];
    for (int i = 0; i < 10000; i++) {
        snprintf(path, sizeof path, "/random/%d", i);
        put(l, path, i % 2 ? "" : "</wp-json/>; rel=\"https://api.w.org/\"", 1000);
    }
    assert_string_equal(published(l), "");
    assert_int_equal(learner_stats(l)->routes, 0);
    assert_int_equal(learner_stats(l)->bytes, 0);
    assert_int_equal(learner_stats(l)->ignored, 10000);
    assert_int_equal(learner_stats(l)->links.reasons[HINT_REL], 5000);
    assert_null(learner_first(l));
    learner_free(l);
}

static void too_many_routes_push_out_the_one_not_seen_for_longest(void **state) {
    (void)state;
    struct learner_conf small = conf;
    small.max_routes = 3;
    struct learner *l = learner_new(&small);
    put(l, "/1", "</a>; rel=preload; as=style", 1);
    put(l, "/2", "</a>; rel=preload; as=style", 2);
    put(l, "/3", "</a>; rel=preload; as=style", 3);
    put(l, "/1", "</a>; rel=preload; as=style", 4);
    published(l);
    put(l, "/4", "</a>; rel=preload; as=style", 5);
    assert_string_equal(published(l), "/4: </a>; rel=preload; as=style\n/2: drop\n");
    assert_null(find(l, "/2"));
    assert_int_equal(learner_stats(l)->evicted, 1);
    // Newest first.
    const struct learner_route *r = learner_first(l);
    static const char *const order[] = {"/4", "/1", "/3"};
    for (int i = 0; i < 3; i++, r = learner_after(l, r)) {
        assert_true(span_eq(route_key_path(r->key), span_str(order[i])));
    }
    assert_null(r);
    learner_free(l);
}

static void memory_stays_within_its_bound(void **state) {
    (void)state;
    struct learner_conf small = conf;
    small.max_bytes = 64 << 10;
    struct learner *l = learner_new(&small);
    char path[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(path, sizeof path, "/%d", i);
        put(l, path, "</a>; rel=preload; as=style, </b>; rel=preload; as=script", (uint64_t)i);
        assert_true(learner_stats(l)->bytes <= small.max_bytes);
        if (i % 100 == 0) {
            published(l);
        }
    }
    assert_true(learner_stats(l)->routes > 20);
    assert_int_equal(learner_stats(l)->routes + learner_stats(l)->evicted, 1000);
    learner_free(l); // with drops not yet pulled
}

static void what_was_dropped_and_learned_again_is_published_in_that_order(void **state) {
    (void)state;
    struct learner_conf small = conf;
    small.max_routes = 1;
    struct learner *l = learner_new(&small);
    put(l, "/1", "</a>; rel=preload; as=style", 1);
    published(l);
    put(l, "/2", "</a>; rel=preload; as=style", 2);
    put(l, "/1", "</b>; rel=preload; as=style", 3);
    assert_string_equal(published(l), "/1: drop\n/1: </b>; rel=preload; as=style\n");
    learner_free(l);
}

static void old_routes_are_forgotten(void **state) {
    (void)state;
    struct learner *l = learner_new(&conf);
    assert_true(learner_deadline(l) == UINT64_MAX);
    put(l, "/1", "</a>; rel=preload; as=style", DAY_MS);
    put(l, "/2", "</a>; rel=preload; as=style", 2 * DAY_MS);
    published(l);
    assert_true(learner_deadline(l) == 8 * DAY_MS);
    learner_tick(l, 8 * DAY_MS - 1);
    assert_string_equal(published(l), "");
    learner_tick(l, 8 * DAY_MS);
    assert_string_equal(published(l), "/1: drop\n");
    learner_tick(l, 5); // the clock went back
    assert_string_equal(published(l), "");
    learner_tick(l, 100 * DAY_MS);
    assert_string_equal(published(l), "/2: drop\n");
    assert_int_equal(learner_stats(l)->expired, 2);
    assert_int_equal(learner_stats(l)->bytes, 0);
    learner_free(l);
}

static void a_route_is_forgotten_on_request(void **state) {
    (void)state;
    struct learner *l = learner_new(&conf);
    put(l, "/1", "</a>; rel=preload; as=style", 1);
    published(l);
    assert_true(learner_forget(l, find(l, "/1")->key));
    assert_null(find(l, "/1"));
    assert_string_equal(published(l), "/1: drop\n");
    assert_false(learner_forget(l, SPAN("site.example\0/1")));
    // One that was never published needs no drop.
    put(l, "/2", "</a>; rel=preload; as=style", 1);
    assert_true(learner_forget(l, find(l, "/2")->key));
    assert_string_equal(published(l), "");
    learner_free(l);
}

static void refusals_are_told(void **state) {
    (void)state;
    struct learner *l = learner_new(&conf);
    put(l, "/",
        "</a>; rel=preload; as=style, </b>; rel=preload, broken, </c>; rel=preload; "
        "as=style; media=print",
        1);
    uint32_t want = UINT32_C(1) << HINT_AS_MISSING | UINT32_C(1) << HINT_MEDIA;
    assert_int_equal(find(l, "/")->refused, want);
    assert_int_equal(learner_stats(l)->links.broken, 1);
    assert_int_equal(learner_stats(l)->links.reasons[HINT_OK], 1);
    learner_free(l);
}

static const struct hint_policy *allow_cdn(void *self, struct span site) {
    static const struct span origins[] = {SPAN_INIT("https://cdn.example")};
    static const struct hint_policy policy = {origins, 1};
    *(int *)self += 1;
    return span_eq(site, SPAN("site.example")) ? &policy : NULL;
}

static void the_sites_policy_is_asked(void **state) {
    (void)state;
    int calls = 0;
    struct learner_conf strict = conf;
    strict.find_policy = allow_cdn;
    strict.policy_self = &calls;
    struct learner *l = learner_new(&strict);
    put(l, "/", "<https://cdn.example/a>; rel=preload; as=style", 1);
    assert_string_equal(published(l), "/: <https://cdn.example/a>; rel=preload; as=style\n");
    assert_int_equal(calls, 1);
    learner_free(l);
    l = learner_new(&conf);
    put(l, "/", "<https://cdn.example/a>; rel=preload; as=style", 1);
    assert_string_equal(published(l), "/: <https://cdn.example>; rel=preconnect\n");
    learner_free(l);
}

static void evidence_of_no_route_is_ignored(void **state) {
    (void)state;
    struct learner *l = learner_new(&conf);
    struct evidence e = {.key = SPAN("no key"), .scheme = SPAN("https")};
    learner_put(l, &e, 1);
    assert_int_equal(learner_stats(l)->ignored, 1);
    assert_string_equal(published(l), "");
    learner_free(l);
}

static void the_hints_of_a_route_are_capped(void **state) {
    (void)state;
    static char link[8000];
    struct learner_conf small = conf;
    size_t n = 0;
    for (int i = 0; i < 200; i++) {
        n += (size_t)snprintf(link + n, sizeof link - n, "</%d>; rel=preload; as=image, ", i);
    }
    snprintf(link + n, sizeof link - n, "</s>; rel=preload; as=style");
    small.max_hints = 4;
    struct learner *l = learner_new(&small);
    put(l, "/", link, 1);
    assert_int_equal(find(l, "/")->hints_n, 4);
    assert_true(span_eq(find(l, "/")->hints[0].target, SPAN("/s")));
    learner_free(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_with_links_becomes_a_plan),
        cmocka_unit_test(the_same_again_is_not_published_again),
        cmocka_unit_test(the_last_response_counts),
        cmocka_unit_test(a_route_that_lost_its_links_is_dropped_but_remembered),
        cmocka_unit_test(a_route_without_a_usable_link_is_not_kept),
        cmocka_unit_test(too_many_routes_push_out_the_one_not_seen_for_longest),
        cmocka_unit_test(memory_stays_within_its_bound),
        cmocka_unit_test(what_was_dropped_and_learned_again_is_published_in_that_order),
        cmocka_unit_test(old_routes_are_forgotten),
        cmocka_unit_test(a_route_is_forgotten_on_request),
        cmocka_unit_test(refusals_are_told),
        cmocka_unit_test(the_sites_policy_is_asked),
        cmocka_unit_test(evidence_of_no_route_is_ignored),
        cmocka_unit_test(the_hints_of_a_route_are_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
