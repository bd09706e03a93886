// SPDX-License-Identifier: MIT
// The way from workers to the learner and back, with real threads: what one worker saw, all find.
// Run with ThreadSanitizer too (preset tsan).
#include "server/learning.h"

#include "hints/route_key.h"

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
static struct learning learning;
static _Atomic unsigned running;

static struct span key_of(struct arena *a, unsigned route) {
    char path[32];
    int n = snprintf(path, sizeof path, "/page/%u", route);
    return route_key(a, SPAN("blog.example"), span_of(path, (size_t)n));
}

// Each version of a route hints a style of that number, on all workers alike.
static bool put(struct learning_worker *w, unsigned route, unsigned version) {
    static _Thread_local uint8_t bytes[EVIDENCE_MAX];
    struct arena a;
    char value[64];
    arena_init(&a, 1 << 16);
    int n = snprintf(value, sizeof value, "</%u-%u.css>; rel=preload; as=style", route, version);
    struct pair field = {SPAN("link"), span_of(value, (size_t)n)};
    struct pairs fields = {.v = &field, .n = 1, .cap = 1};
    struct evidence e = {.key = key_of(&a, route),
                         .scheme = SPAN("https"),
                         .authority = SPAN("blog.example"),
                         .target = SPAN("/page"),
                         .at_ms = 1,
                         .status = 200};
    size_t len = evidence_encode(&e, &fields, bytes, sizeof bytes);
    arena_fini(&a);
    assert_true(len > 0);
    return learning_put(w, span_of(bytes, len));
}

// A plan that is found is whole: its key and its link belong together, also while it is replaced.
static unsigned check(struct learning_worker *w, unsigned route) {
    struct arena a;
    char wanted[32];
    unsigned found = 0;
    arena_init(&a, 1 << 16);
    const struct plan *plan = learning_find(w, key_of(&a, route));
    if (plan != NULL) {
        int n = snprintf(wanted, sizeof wanted, "</%u-", route);
        assert_true(span_eq(plan->key, key_of(&a, route)));
        assert_true(span_has_prefix(plan->link, span_of(wanted, (size_t)n)));
        found = 1;
    }
    arena_fini(&a);
    return found;
}

static void *work(void *self) {
    struct learning_worker *w = self;
    learning_enter(w);
    for (unsigned round = 0; round < ROUNDS; round++) {
        put(w, round % ROUTES, round);
        for (unsigned i = 0; i < 4; i++) {
            check(w, (round + i * 7) % ROUTES);
        }
        learning_turn_end(w);
    }
    learning_leave(w);
    running--;
    return NULL;
}

static void begin(void) {
    struct learner_conf conf = {.secret = {1, 2}};
    assert_int_equal(loop_init(&loop), 0);
    learning_init(&learning, &loop, &conf, WORKERS);
}

static void end(void) {
    learning_close(&learning);
    loop_fini(&loop);
    learning_fini(&learning);
}

static void test_what_one_worker_saw_all_find(void **state) {
    (void)state;
    begin();
    struct learning_worker *w = learning.workers;
    assert_int_equal(check(&w[0], 7), 0);
    learning_turn_end(&w[0]);
    assert_true(put(&w[0], 7, 1));
    learning_drain(&learning);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(check(&w[i], 7), 1);
        learning_turn_end(&w[i]);
    }
    end();
}

static void test_workers_read_whole_plans_while_the_learner_replaces_them(void **state) {
    (void)state;
    pthread_t threads[WORKERS];
    begin();
    running = WORKERS;
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, &learning.workers[i]), 0);
    }
    while (running > 0) {
        learning_drain(&learning);
        sched_yield();
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    learning_drain(&learning);
    assert_int_equal(learning.plans, ROUTES);
    end();
}

static void test_a_full_ring_drops_and_the_learner_goes_on(void **state) {
    (void)state;
    begin();
    struct learning_worker *w = &learning.workers[0];
    unsigned n = 0;
    while (put(w, n % ROUTES, n)) {
        n++;
    }
    assert_true(n > 1000);
    assert_int_equal(w->ring.dropped, 1);
    learning_drain(&learning);
    assert_true(put(w, 1, 1));
    learning_drain(&learning);
    assert_int_equal(learning.plans, ROUTES);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_one_worker_saw_all_find),
        cmocka_unit_test(test_workers_read_whole_plans_while_the_learner_replaces_them),
        cmocka_unit_test(test_a_full_ring_drops_and_the_learner_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
