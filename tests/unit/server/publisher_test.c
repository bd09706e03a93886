// SPDX-License-Identifier: MIT
// The way from workers to the learner and back, with real threads: what one worker saw, all find.
// Run with ThreadSanitizer too (preset tsan).
#include "server/publisher.h"

#include "learner/route_key.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define WORKERS 3
#define ROUTES 50
#define ROUNDS 400

static struct loop loop;
static struct publisher publisher;
static struct publisher_worker *workers[WORKERS];
static _Atomic unsigned running;

static const struct siphash_key secret = {1, 2};

static struct span key_of(uint8_t *bytes, unsigned route) {
    char path[32];
    bool is_clean;
    int n = snprintf(path, sizeof path, "/page/%u", route);
    struct route_parts parts = {.site = SPAN("blog.example"), .path = span_of(path, (size_t)n)};
    return route_key(bytes, &parts, &is_clean);
}

static bool put_evidence(struct publisher_worker *w, const struct evidence *e, const char *link) {
    static _Thread_local uint8_t bytes[EVIDENCE_MAX];
    struct evidence_writer writer;
    struct evidence_item item = {.kind = EVIDENCE_LINK, .text = span_str(link)};
    assert_true(evidence_begin(&writer, e, bytes, sizeof bytes));
    if (link != NULL) {
        assert_true(evidence_put(&writer, &item));
    }
    return publisher_put(w, span_of(bytes, evidence_end(&writer)));
}

// Each version of a route needs a style of that number, which a browser can keep.
static bool put(struct publisher_worker *w, unsigned route, unsigned version) {
    char path[32], link[64];
    uint8_t key[ROUTE_KEY_MAX];
    snprintf(path, sizeof path, "/%u-%u.css", route, version);
    snprintf(link, sizeof link, "<%s>; rel=preload; as=style", path);
    struct evidence asset = {.kind = EVIDENCE_ASSET,
                             .status = 200,
                             .at_ms = 1,
                             .as = HINT_AS_STYLE,
                             .reuse = REUSE_OK,
                             .lifetime_s = 60,
                             .key = SPAN("blog.example"),
                             .target = span_str(path)};
    struct evidence page = {.kind = EVIDENCE_PAGE,
                            .status = 200,
                            .at_ms = 1,
                            .who = 1,
                            .network = 1,
                            .key = key_of(key, route),
                            .scheme = SPAN("https"),
                            .authority = SPAN("blog.example"),
                            .target = SPAN("/page")};
    return put_evidence(w, &page, link) && put_evidence(w, &asset, NULL);
}

// A plan that is found is whole: its route and its hint belong together, also while it is replaced.
static unsigned check(struct publisher_worker *w, unsigned route) {
    uint8_t key[ROUTE_KEY_MAX];
    char wanted[32];
    struct offer offer;
    if (!publisher_find(w, route_key_id(&secret, key_of(key, route)), &offer) ||
        offer.plan->hints_n == 0) {
        return 0;
    }
    int n = snprintf(wanted, sizeof wanted, "/%u-", route);
    assert_true(span_has_prefix(offer.plan->hints[0].target, span_of(wanted, (size_t)n)));
    return 1;
}

static unsigned found(struct publisher_worker *w) {
    unsigned n = 0;
    for (unsigned i = 0; i < ROUTES; i++) {
        n += check(w, i);
    }
    publisher_turn_end(w);
    return n;
}

static void *work(void *self) {
    struct publisher_worker *w = self;
    publisher_enter(w);
    for (unsigned round = 0; round < ROUNDS; round++) {
        put(w, round % ROUTES, round);
        for (unsigned i = 0; i < 4; i++) {
            check(w, (round + i * 7) % ROUTES);
        }
        publisher_turn_end(w);
    }
    publisher_leave(w);
    running--;
    return NULL;
}

static void begin(void) {
    struct learner_conf conf = {.secret = secret};
    assert_int_equal(loop_init(&loop), 0);
    publisher_init(&publisher, &loop, &conf);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = publisher_add_worker(&publisher);
    }
}

static void end(void) {
    publisher_close(&publisher);
    loop_fini(&loop);
    publisher_fini(&publisher);
}

static void test_what_one_worker_saw_all_find(void **state) {
    (void)state;
    begin();
    assert_int_equal(check(workers[0], 7), 0);
    publisher_turn_end(workers[0]);
    assert_true(put(workers[0], 7, 1));
    publisher_drain(&publisher);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(check(workers[i], 7), 1);
        publisher_turn_end(workers[i]);
    }
    end();
}

// Workers that put as fast as they are read must not keep the loop from all else.
static void test_a_turn_takes_a_part_and_the_next_the_rest(void **state) {
    (void)state;
    begin();
    unsigned put_n = 0, turns = 1;
    while (
        put_evidence(workers[0], &(struct evidence){.kind = EVIDENCE_ASSET, .status = 404}, NULL)) {
        put_n++;
    }
    assert_true(put_n > 2000);
    while (publisher_drain(&publisher)) {
        uint64_t taken = learner_stats(publisher.model)->evidence;
        assert_true(taken > 0 && taken <= turns * 1024);
        turns++;
    }
    assert_true(turns > 1);
    assert_int_equal(learner_stats(publisher.model)->evidence, put_n);
    end();
}

static void expect_style(const char *wanted) {
    uint8_t key[ROUTE_KEY_MAX];
    struct offer offer;
    assert_true(publisher_find(workers[0], route_key_id(&secret, key_of(key, 7)), &offer));
    assert_int_equal(offer.plan->hints_n, 1);
    assert_true(span_eq(offer.plan->hints[0].target, span_str(wanted)));
    publisher_turn_end(workers[0]);
}

// A deploy: the page's old needs by one worker, its new ones a moment later by another.
static void test_what_was_seen_later_is_learned_later(void **state) {
    (void)state;
    begin();
    assert_true(put(workers[0], 7, 1) && put(workers[1], 7, 2));
    publisher_drain(&publisher);
    expect_style("/7-2.css");
    assert_true(put(workers[2], 7, 3) && put(workers[0], 7, 4));
    publisher_drain(&publisher);
    expect_style("/7-4.css");
    end();
}

// The table keeps one half of an identity as its hash and the other beside it: both count.
static void test_another_identity_is_not_found(void **state) {
    (void)state;
    uint8_t key[ROUTE_KEY_MAX];
    struct offer offer;
    begin();
    assert_true(put(workers[0], 7, 1));
    publisher_drain(&publisher);
    struct route_id id = route_key_id(&secret, key_of(key, 7));
    assert_true(publisher_find(workers[0], id, &offer));
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_false(
            publisher_find(workers[0], (struct route_id){id.a ^ 1ULL << bit, id.b}, &offer));
        assert_false(
            publisher_find(workers[0], (struct route_id){id.a, id.b ^ 1ULL << bit}, &offer));
    }
    publisher_turn_end(workers[0]);
    end();
}

static void test_workers_read_whole_plans_while_the_learner_replaces_them(void **state) {
    (void)state;
    pthread_t threads[WORKERS];
    begin();
    running = WORKERS;
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, workers[i]), 0);
    }
    while (running > 0) {
        publisher_drain(&publisher);
        sched_yield();
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    publisher_drain_all(&publisher);
    assert_int_equal(found(workers[0]), ROUTES);
    end();
}

// Workers of other generations come and go meanwhile: what they put last is taken too.
static void test_workers_that_leave_are_heard_to_the_end(void **state) {
    (void)state;
    pthread_t threads[WORKERS];
    begin();
    running = WORKERS;
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, workers[i]), 0);
    }
    unsigned version = 1;
    do { // once at least, also where the others are quicker
        struct publisher_worker *brief = publisher_add_worker(&publisher);
        assert_true(put(brief, ROUTES, version++));
        publisher_drop_worker(brief);
        publisher_drain(&publisher);
        sched_yield();
    } while (running > 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (unsigned i = 1; i < WORKERS; i++) {
        publisher_drop_worker(workers[i]);
    }
    publisher_drain_all(&publisher);
    assert_ptr_equal(publisher.workers.next, &workers[0]->node);
    assert_ptr_equal(publisher.workers.prev, &workers[0]->node);
    assert_int_equal(found(workers[0]), ROUTES);
    assert_int_equal(check(workers[0], ROUTES), 1);
    publisher_turn_end(workers[0]);
    end();
}

static void test_what_is_forgotten_is_found_no_more(void **state) {
    (void)state;
    uint8_t key[ROUTE_KEY_MAX];
    begin();
    struct publisher_worker *w = workers[0];
    assert_true(put(w, 7, 1));
    publisher_drain(&publisher);
    assert_int_equal(check(w, 7), 1);
    publisher_turn_end(w);
    assert_true(learner_forget(publisher.model, key_of(key, 7)));
    publisher_drain(&publisher);
    assert_int_equal(check(w, 7), 0);
    publisher_turn_end(w);
    end();
}

static void test_what_is_known_of_an_asset_is_found(void **state) {
    (void)state;
    struct offer_asset asset;
    struct route_id id = route_asset_id(&secret, SPAN("blog.example"), SPAN("/7-1.css"));
    begin();
    struct publisher_worker *w = workers[0];
    assert_false(publisher_find_asset(w, id, &asset));
    publisher_turn_end(w);
    assert_true(put(w, 7, 1));
    publisher_drain(&publisher);
    assert_true(publisher_find_asset(w, id, &asset));
    assert_int_equal(asset.state, OFFER_ASSET_REUSABLE);
    assert_int_equal(asset.lifetime_s, 60);
    publisher_turn_end(w);
    end();
}

static unsigned drains;

static void on_drain(void *self) {
    drains += *(unsigned *)self;
}

static void test_who_wants_to_is_asked_with_each_drain(void **state) {
    (void)state;
    unsigned one = 1;
    begin();
    publisher.on_drain = on_drain;
    publisher.drain_self = &one;
    drains = 0;
    publisher_drain(&publisher);
    assert_int_equal(drains, 1);
    publisher_wants_drain(&publisher);
    while (drains < 2) {
        uv_run(&loop.uv, UV_RUN_ONCE);
    }
    end();
}

static void test_a_full_ring_drops_and_the_learner_goes_on(void **state) {
    (void)state;
    begin();
    struct publisher_worker *w = workers[0];
    unsigned n = 0;
    while (put(w, n % ROUTES, n)) {
        n++;
    }
    assert_true(n > 500);
    publisher_drain_all(&publisher);
    assert_true(put(w, 1, 1));
    publisher_drain_all(&publisher);
    assert_in_range(found(w), ROUTES - 1, ROUTES); // of one the asset was what was dropped
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_one_worker_saw_all_find),
        cmocka_unit_test(test_what_was_seen_later_is_learned_later),
        cmocka_unit_test(test_another_identity_is_not_found),
        cmocka_unit_test(test_a_turn_takes_a_part_and_the_next_the_rest),
        cmocka_unit_test(test_workers_read_whole_plans_while_the_learner_replaces_them),
        cmocka_unit_test(test_workers_that_leave_are_heard_to_the_end),
        cmocka_unit_test(test_what_is_forgotten_is_found_no_more),
        cmocka_unit_test(test_what_is_known_of_an_asset_is_found),
        cmocka_unit_test(test_who_wants_to_is_asked_with_each_drain),
        cmocka_unit_test(test_a_full_ring_drops_and_the_learner_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
