// SPDX-License-Identifier: MIT
#include "base/error.h"
#include "fcgi/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct pool_server_conf three[3] = {{.weight = 1}, {.weight = 1}, {.weight = 1}};
static const struct pool_server_conf uneven[3] = {
    {.weight = 1}, {.weight = 3}, {.weight = 1, .is_backup = true}};

static struct pool_conf conf(size_t servers, unsigned connections, unsigned queue) {
    return (struct pool_conf){
        .servers = three,
        .server_count = servers,
        .connections = connections,
        .queue = queue,
        .max_fails = 3,
        .fail_timeout_ms = 10000,
        .queue_timeout_ms = 1000,
        .keepalive_timeout_ms = 500,
    };
}

static struct pool_share share;

// The pool of the only worker.
static void init(struct pool *p, struct pool_conf c) {
    pool_share_fini(&share);
    pool_share_init(&share, c.server_count, 1, c.connections);
    pool_init(p, &c, &share, 0);
}

static void give(struct pool *p, unsigned server, enum pool_outcome outcome, uint64_t now) {
    pool_judge(p, server, outcome, now, now);
    pool_put(p, server);
}

static unsigned take(struct pool *p, uint64_t now) {
    unsigned server = 99;
    assert_int_equal(pool_take(p, now, 0, &server), POOL_TAKEN);
    return server;
}

static void fail_times(struct pool *p, unsigned server, int n, uint64_t now) {
    for (int i = 0; i < n; i++) {
        p->turn = server; // the tests say which one fails
        assert_int_equal(take(p, now), server);
        give(p, server, POOL_FAILED, now);
    }
}

static void requests_go_round_and_to_the_least_loaded(void **state) {
    (void)state;
    struct pool p;
    init(&p, conf(3, 0, 0));
    assert_int_equal(take(&p, 0), 0);
    assert_int_equal(take(&p, 0), 1);
    assert_int_equal(take(&p, 0), 2);
    assert_int_equal(take(&p, 0), 0);
    give(&p, 2, POOL_GOOD, 0);
    assert_int_equal(take(&p, 0), 2);
    give(&p, 0, POOL_GOOD, 0);
    give(&p, 0, POOL_GOOD, 0);
    assert_int_equal(take(&p, 0), 0);
    assert_int_equal(p.active, 3);
    pool_fini(&p);
    pool_fini(&p);
}

static void load_is_shared_by_weight_and_backups_have_none(void **state) {
    (void)state;
    struct pool p;
    struct pool_conf c = conf(3, 0, 0);
    c.servers = uneven;
    init(&p, c);
    for (int i = 0; i < 40; i++) {
        take(&p, 0);
    }
    assert_int_equal(p.servers[0].active, 10);
    assert_int_equal(p.servers[1].active, 30);
    assert_int_equal(p.servers[2].active, 0);
    pool_fini(&p);
}

static void a_backup_is_asked_only_while_all_others_are_out(void **state) {
    (void)state;
    struct pool p;
    struct pool_conf c = conf(3, 0, 0);
    c.servers = uneven;
    init(&p, c);
    for (int i = 0; i < 6; i++) {
        unsigned server = take(&p, 0);
        assert_int_not_equal(server, 2);
        give(&p, server, POOL_FAILED, 0);
    }
    assert_int_equal(take(&p, 1), 2);
    give(&p, 2, POOL_GOOD, 1);
    assert_int_equal(take(&p, 2), 2);
    give(&p, 2, POOL_GOOD, 2);
    assert_int_not_equal(take(&p, 20000), 2);
    pool_fini(&p);
}

static void without_a_limit_nobody_waits(void **state) {
    (void)state;
    struct pool p;
    init(&p, conf(1, 0, 0));
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(take(&p, 0), 0);
    }
    pool_fini(&p);
}

static void at_the_limit_requests_wait_and_then_are_refused(void **state) {
    (void)state;
    struct pool p;
    struct pool_waiter w;
    unsigned server;
    list_init(&w.node);
    init(&p, conf(2, 1, 1));
    take(&p, 0);
    take(&p, 0);
    assert_int_equal(pool_take(&p, 0, 0, &server), POOL_WAIT);
    pool_wait(&p, &w, 0);
    assert_int_equal(pool_take(&p, 0, 0, &server), ERR_QUEUE_FULL);
    assert_null(pool_next(&p, 0, true));
    give(&p, 1, POOL_GOOD, 0);
    assert_ptr_equal(pool_next(&p, 0, true), &w);
    assert_int_equal(w.server, 1);
    assert_null(pool_next(&p, 0, true));
    assert_int_equal(p.active, 2);
    pool_fini(&p);
}

static void nobody_overtakes_who_waits(void **state) {
    (void)state;
    struct pool p;
    struct pool_waiter w[2];
    unsigned server;
    list_init(&w[0].node);
    list_init(&w[1].node);
    init(&p, conf(1, 1, 5));
    take(&p, 0);
    pool_wait(&p, &w[0], 0);
    pool_wait(&p, &w[1], 0);
    give(&p, 0, POOL_GOOD, 0);
    assert_int_equal(pool_take(&p, 0, 0, &server), POOL_WAIT);
    assert_ptr_equal(pool_next(&p, 0, true), &w[0]);
    give(&p, 0, POOL_GOOD, 0);
    assert_ptr_equal(pool_next(&p, 0, true), &w[1]);
    give(&p, 0, POOL_GOOD, 0);
    assert_int_equal(take(&p, 0), 0);
    pool_fini(&p);
}

static void without_a_queue_a_full_pool_refuses(void **state) {
    (void)state;
    struct pool p;
    unsigned server;
    init(&p, conf(1, 1, 0));
    take(&p, 0);
    assert_int_equal(pool_take(&p, 0, 0, &server), ERR_QUEUE_FULL);
    pool_fini(&p);
}

static void waiters_expire_in_order_and_may_leave(void **state) {
    (void)state;
    struct pool p;
    struct pool_waiter w[3];
    init(&p, conf(1, 1, 3));
    assert_int_equal(pool_deadline(&p, 0), UINT64_MAX);
    take(&p, 0);
    for (int i = 0; i < 3; i++) {
        list_init(&w[i].node);
        pool_wait(&p, &w[i], (uint64_t)(i * 10));
    }
    assert_int_equal(pool_deadline(&p, 30), 1000);
    assert_null(pool_expired(&p, 999));
    pool_leave(&p, &w[1]);
    pool_leave(&p, &w[1]);
    assert_int_equal(p.waiting, 2);
    assert_ptr_equal(pool_expired(&p, 1000), &w[0]);
    assert_null(pool_expired(&p, 1019));
    assert_ptr_equal(pool_expired(&p, 1020), &w[2]);
    assert_null(pool_expired(&p, 5000));
    assert_int_equal(p.waiting, 0);
    pool_fini(&p);
}

static void a_server_that_fails_is_out_for_a_time(void **state) {
    (void)state;
    struct pool p;
    init(&p, conf(2, 0, 0));
    fail_times(&p, 0, 2, 100);
    assert_false(pool_is_down(&p, 0, 100));
    fail_times(&p, 0, 1, 100);
    assert_true(pool_is_down(&p, 0, 100));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(take(&p, 10099), 1); // though the other is less loaded
    }
    // One request tries it again; until that one is answered no other does.
    assert_int_equal(take(&p, 10100), 0);
    assert_int_equal(take(&p, 10100), 1);
    give(&p, 0, POOL_FAILED, 10200);
    assert_int_equal(take(&p, 20199), 1);
    assert_int_equal(take(&p, 20200), 0);
    give(&p, 0, POOL_GOOD, 20300);
    assert_false(pool_is_down(&p, 0, 20300));
    assert_int_equal(take(&p, 20300), 0);
    assert_int_equal(take(&p, 20300), 0);
    pool_fini(&p);
}

static void failures_far_apart_or_interrupted_do_not_add_up(void **state) {
    (void)state;
    struct pool p;
    init(&p, conf(2, 0, 0));
    fail_times(&p, 0, 2, 0);
    fail_times(&p, 0, 2, 10001);
    assert_false(pool_is_down(&p, 0, 10001));
    p.turn = 0;
    assert_int_equal(take(&p, 10001), 0);
    give(&p, 0, POOL_GOOD, 10001);
    fail_times(&p, 0, 2, 10002);
    assert_false(pool_is_down(&p, 0, 10002));
    pool_fini(&p);
}

static void a_client_that_goes_away_says_nothing_about_the_server(void **state) {
    (void)state;
    struct pool p;
    init(&p, conf(1, 0, 0));
    fail_times(&p, 0, 2, 0);
    take(&p, 0);
    give(&p, 0, POOL_NEUTRAL, 0);
    assert_false(pool_is_down(&p, 0, 0));
    fail_times(&p, 0, 1, 0);
    assert_true(pool_is_down(&p, 0, 0));
    pool_fini(&p);
}

static void when_all_are_out_all_are_in(void **state) {
    (void)state;
    struct pool p;
    init(&p, conf(2, 0, 0));
    fail_times(&p, 0, 3, 0);
    fail_times(&p, 1, 3, 0);
    assert_true(pool_is_down(&p, 0, 1) && pool_is_down(&p, 1, 1));
    unsigned first = take(&p, 1);
    assert_int_equal(take(&p, 1), 1 - first);
    pool_fini(&p);
}

static void waiting_for_a_good_server_is_better_than_a_bad_one(void **state) {
    (void)state;
    struct pool p;
    struct pool_waiter w;
    unsigned server;
    list_init(&w.node);
    init(&p, conf(2, 1, 5));
    fail_times(&p, 0, 3, 0);
    assert_int_equal(take(&p, 1), 1);
    assert_int_equal(pool_take(&p, 1, 0, &server), POOL_WAIT);
    p.conf.queue_timeout_ms = 60000;
    pool_wait(&p, &w, 1);
    assert_null(pool_next(&p, 9999, true));
    // The server that comes back is a reason to wake up, but not for ever.
    assert_int_equal(pool_deadline(&p, 1), 10000);
    assert_int_equal(pool_deadline(&p, 10000), 60001);
    assert_ptr_equal(pool_next(&p, 10000, true), &w);
    assert_int_equal(w.server, 0);
    pool_fini(&p);
}

static void a_retry_goes_elsewhere_if_there_is_an_elsewhere(void **state) {
    (void)state;
    struct pool p;
    unsigned server;
    init(&p, conf(2, 0, 0));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(pool_take(&p, 0, 1 << 1, &server), POOL_TAKEN);
        assert_int_equal(server, 0);
    }
    pool_fini(&p);
    init(&p, conf(1, 0, 0));
    assert_int_equal(pool_take(&p, 0, 1 << 0, &server), POOL_TAKEN);
    assert_int_equal(server, 0);
    pool_fini(&p);
}

static void a_request_is_tried_at_every_server_those_that_are_out_too(void **state) {
    (void)state;
    struct pool p;
    unsigned server;
    init(&p, conf(3, 0, 0));
    fail_times(&p, 1, 3, 0);
    assert_int_equal(pool_take(&p, 1, 1 << 0, &server), POOL_TAKEN);
    assert_int_equal(server, 2);
    assert_int_equal(pool_take(&p, 1, 1 << 0 | 1 << 2, &server), POOL_TAKEN);
    assert_int_equal(server, 1);
    pool_fini(&p);
}

static void who_waits_to_be_tried_again_does_not_get_the_server_that_failed(void **state) {
    (void)state;
    struct pool p;
    struct pool_waiter w = {.tried = 1 << 0};
    list_init(&w.node);
    init(&p, conf(2, 1, 5));
    p.turn = 1;
    assert_int_equal(take(&p, 0), 1);
    pool_wait(&p, &w, 0);
    assert_null(pool_next(&p, 0, true)); // though the other is free
    give(&p, 1, POOL_GOOD, 0);
    assert_ptr_equal(pool_next(&p, 0, true), &w);
    assert_int_equal(w.server, 1);
    pool_fini(&p);
}

static void fault(struct pool *p, unsigned server, uint64_t key, uint64_t now) {
    pool_judge(p, server, POOL_FAULTY, key, now);
}

static void one_bad_url_is_not_the_servers_failure_and_many_are(void **state) {
    (void)state;
    struct pool p;
    init(&p, conf(2, 0, 0));
    for (int i = 0; i < 20; i++) {
        fault(&p, 0, 77, 0);
    }
    assert_false(pool_is_down(&p, 0, 0));
    fault(&p, 0, 78, 0);
    fault(&p, 0, 77, 0);
    assert_false(pool_is_down(&p, 0, 0));
    pool_judge(&p, 0, POOL_GOOD, 0, 0); // another page of it works
    fault(&p, 0, 77, 0);
    fault(&p, 0, 78, 0);
    assert_false(pool_is_down(&p, 0, 0));
    fault(&p, 0, 79, 0);
    assert_true(pool_is_down(&p, 0, 0));
    // Faults long ago do not count, and may be the first of the next ones.
    fault(&p, 1, 1, 0);
    fault(&p, 1, 2, 0);
    fault(&p, 1, 3, 10001);
    fault(&p, 1, 1, 10001);
    assert_false(pool_is_down(&p, 1, 10001));
    fault(&p, 1, 2, 10001);
    assert_true(pool_is_down(&p, 1, 10001));
    pool_fini(&p);
}

static void kept_connections_are_used_newest_first_and_age_oldest_first(void **state) {
    (void)state;
    struct pool p;
    struct pool_idle c[3];
    struct pool_conf with = conf(2, 0, 0);
    with.keepalive = 2;
    init(&p, with);
    for (int i = 0; i < 3; i++) {
        list_init(&c[i].node);
    }
    assert_null(pool_reuse(&p, 0));
    assert_null(pool_keep(&p, 0, &c[0], 0));
    assert_null(pool_keep(&p, 0, &c[1], 10));
    assert_ptr_equal(pool_keep(&p, 0, &c[2], 20), &c[0]);
    assert_null(pool_reuse(&p, 1));
    assert_ptr_equal(pool_reuse(&p, 0), &c[2]);
    assert_null(pool_keep(&p, 0, &c[2], 30));
    assert_int_equal(pool_deadline(&p, 30), 510);
    assert_null(pool_aged(&p, 509));
    assert_ptr_equal(pool_aged(&p, 510), &c[1]);
    assert_null(pool_aged(&p, 510));
    pool_forget(&p, 0, &c[2]);
    pool_forget(&p, 0, &c[2]);
    assert_null(pool_reuse(&p, 0));
    assert_int_equal(p.servers[0].idle_count, 0);
    assert_int_equal(pool_deadline(&p, 510), UINT64_MAX);
    pool_fini(&p);
}

static void by_default_no_connection_is_kept(void **state) {
    (void)state;
    struct pool p;
    struct pool_idle c;
    list_init(&c.node);
    init(&p, conf(1, 0, 0));
    assert_ptr_equal(pool_keep(&p, 0, &c, 0), &c);
    assert_null(pool_reuse(&p, 0));
    pool_fini(&p);
}

// Random requests in random order: executions never exceed the limit, whoever waits is served first
// come first, and all come to an end.
static void a_storm_keeps_every_bound(void **state) {
    (void)state;
    enum { WAITERS = 20 };
    struct pool p;
    struct pool_waiter w[WAITERS];
    unsigned running[3] = {0}, server;
    uint32_t seed = 3;
    init(&p, conf(3, 4, WAITERS));
    for (int i = 0; i < WAITERS; i++) {
        list_init(&w[i].node);
    }
    for (uint64_t now = 0; now < 50000; now++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned pick = (seed >> 8) % WAITERS;
        if (seed >> 31) {
            int verdict = pool_take(&p, now, 0, &server);
            if (verdict == POOL_TAKEN) {
                running[server]++;
            } else if (verdict == POOL_WAIT && list_is_empty(&w[pick].node)) {
                pool_wait(&p, &w[pick], now);
            }
        } else if (running[pick % 3] > 0) {
            running[pick % 3]--;
            give(&p, pick % 3, (enum pool_outcome)(seed >> 20) % 4, now);
        }
        struct pool_waiter *next;
        uint64_t last = 0;
        while ((next = pool_next(&p, now, true)) != NULL) {
            assert_true(next->deadline_ms >= last);
            last = next->deadline_ms;
            running[next->server]++;
        }
        while (pool_expired(&p, now) != NULL) {
        }
        assert_true(running[0] <= 4 && running[1] <= 4 && running[2] <= 4);
        assert_int_equal(p.active, running[0] + running[1] + running[2]);
        assert_true(p.waiting <= WAITERS);
    }
    while (pool_expired(&p, UINT64_MAX) != NULL) {
    }
    assert_int_equal(p.waiting, 0);
    pool_fini(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_go_round_and_to_the_least_loaded),
        cmocka_unit_test(load_is_shared_by_weight_and_backups_have_none),
        cmocka_unit_test(a_backup_is_asked_only_while_all_others_are_out),
        cmocka_unit_test(without_a_limit_nobody_waits),
        cmocka_unit_test(at_the_limit_requests_wait_and_then_are_refused),
        cmocka_unit_test(nobody_overtakes_who_waits),
        cmocka_unit_test(without_a_queue_a_full_pool_refuses),
        cmocka_unit_test(waiters_expire_in_order_and_may_leave),
        cmocka_unit_test(a_server_that_fails_is_out_for_a_time),
        cmocka_unit_test(failures_far_apart_or_interrupted_do_not_add_up),
        cmocka_unit_test(a_client_that_goes_away_says_nothing_about_the_server),
        cmocka_unit_test(when_all_are_out_all_are_in),
        cmocka_unit_test(waiting_for_a_good_server_is_better_than_a_bad_one),
        cmocka_unit_test(a_retry_goes_elsewhere_if_there_is_an_elsewhere),
        cmocka_unit_test(a_request_is_tried_at_every_server_those_that_are_out_too),
        cmocka_unit_test(who_waits_to_be_tried_again_does_not_get_the_server_that_failed),
        cmocka_unit_test(one_bad_url_is_not_the_servers_failure_and_many_are),
        cmocka_unit_test(kept_connections_are_used_newest_first_and_age_oldest_first),
        cmocka_unit_test(by_default_no_connection_is_kept),
        cmocka_unit_test(a_storm_keeps_every_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
