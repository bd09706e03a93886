// SPDX-License-Identifier: MIT
// Pools of several workers at the same servers: one cap over all of them, and the order of those
// that wait.
#include "fcgi/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WORKERS 3

static const struct pool_server_conf two[2] = {{.weight = 1}, {.weight = 1}};
static struct pool_share share;
static struct pool pools[WORKERS];
static unsigned woken[WORKERS];

static void on_wake(void *self, unsigned member) {
    (void)self;
    woken[member]++;
}

static void init(size_t servers, unsigned connections, unsigned keepalive) {
    struct pool_conf c = {.servers = two,
                          .server_count = servers,
                          .connections = connections,
                          .keepalive = keepalive,
                          .queue = 10,
                          .max_fails = 3,
                          .queue_timeout_ms = 1000,
                          .keepalive_timeout_ms = 1000};
    pool_share_init(&share, servers, WORKERS, connections);
    share.wake = on_wake;
    for (unsigned i = 0; i < WORKERS; i++) {
        pool_init(&pools[i], &c, &share, i);
        woken[i] = 0;
    }
}

static void fini(void) {
    for (unsigned i = 0; i < WORKERS; i++) {
        pool_fini(&pools[i]);
    }
    pool_share_fini(&share);
    pool_share_fini(&share);
}

static int take(unsigned worker) {
    unsigned server = 99;
    int verdict = pool_take(&pools[worker], 0, 0, &server);
    return verdict == POOL_TAKEN ? (int)server : -1;
}

static void the_cap_counts_over_all_workers(void **state) {
    (void)state;
    init(2, 2, 0);
    assert_int_equal(take(0), 0);
    assert_int_equal(take(1), 1); // the least loaded of all
    assert_int_equal(take(2), 0);
    assert_int_equal(take(0), 1);
    assert_int_equal(take(1), -1);
    pool_put(&pools[2], 0);
    assert_int_equal(take(1), 0);
    fini();
}

static void the_slot_goes_to_who_has_waited_longest_wherever(void **state) {
    (void)state;
    struct pool_waiter w[2] = {{.server = 9}, {.server = 9}};
    init(1, 1, 0);
    list_init(&w[0].node);
    list_init(&w[1].node);
    assert_int_equal(take(0), 0);
    pool_wait(&pools[2], &w[0], 5);
    pool_wait(&pools[1], &w[1], 6);
    pool_put(&pools[0], 0);
    assert_int_equal(take(0), -1); // nobody overtakes who waits
    pool_pass(&pools[0]);
    assert_int_equal(woken[2], 1);
    assert_int_equal(woken[1], 0);
    assert_null(pool_next(&pools[1], 7, true));
    assert_ptr_equal(pool_next(&pools[2], 7, true), &w[0]);
    pool_pass(&pools[2]);
    assert_int_equal(woken[1], 0); // there is nothing to be taken
    pool_put(&pools[2], 0);
    pool_pass(&pools[2]);
    assert_int_equal(woken[1], 1);
    assert_ptr_equal(pool_next(&pools[1], 8, true), &w[1]);
    assert_int_equal(share.waiting, 0);
    fini();
}

static void who_does_not_come_in_its_turn_is_passed_by_in_the_end(void **state) {
    (void)state;
    struct pool_waiter w[2] = {{.server = 9}, {.server = 9}};
    init(1, 1, 0);
    list_init(&w[0].node);
    list_init(&w[1].node);
    pool_wait(&pools[2], &w[0], 5);
    pool_wait(&pools[1], &w[1], 6);
    assert_null(pool_next(&pools[1], 7, true));
    assert_ptr_equal(pool_next(&pools[1], 7, false), &w[1]);
    pool_leave(&pools[2], &w[0]);
    fini();
}

static void the_queue_is_one_for_all_workers(void **state) {
    (void)state;
    struct pool_waiter w[10];
    unsigned server;
    init(1, 1, 0);
    assert_int_equal(take(0), 0);
    for (unsigned i = 0; i < 10; i++) {
        list_init(&w[i].node);
        assert_int_equal(pool_take(&pools[i % WORKERS], 0, 0, &server), POOL_WAIT);
        pool_wait(&pools[i % WORKERS], &w[i], i);
    }
    assert_true(pool_take(&pools[1], 0, 0, &server) < 0);
    for (unsigned i = 0; i < 10; i++) {
        pool_leave(&pools[i % WORKERS], &w[i]);
    }
    fini();
}

static void a_kept_connection_gives_way_to_who_waits_at_another_worker(void **state) {
    (void)state;
    struct pool_idle idle;
    struct pool_waiter w = {.server = 9};
    init(1, 1, 1);
    list_init(&idle.node);
    list_init(&w.node);
    assert_int_equal(take(0), 0);
    pool_put(&pools[0], 0);
    assert_null(pool_keep(&pools[0], 0, &idle, 0));
    assert_int_equal(take(1), -1); // the kept one occupies the only process
    assert_null(pool_shed(&pools[0]));
    pool_wait(&pools[1], &w, 0);
    assert_null(pool_next(&pools[1], 0, true));
    assert_int_equal(woken[0], 1);
    assert_ptr_equal(pool_shed(&pools[0]), &idle);
    assert_null(pool_shed(&pools[0]));
    pool_pass(&pools[0]);
    assert_int_equal(woken[1], 1);
    assert_ptr_equal(pool_next(&pools[1], 0, true), &w);
    // And while another waits none is kept.
    pool_wait(&pools[2], &w, 0);
    pool_put(&pools[1], 0);
    assert_ptr_equal(pool_keep(&pools[1], 0, &idle, 0), &idle);
    pool_leave(&pools[2], &w);
    fini();
}

static void a_kept_connection_is_used_again_where_there_is_no_other_room(void **state) {
    (void)state;
    struct pool_idle idle;
    init(1, 1, 1);
    list_init(&idle.node);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(take(0), 0);
        assert_ptr_equal(pool_reuse(&pools[0], 0), i > 0 ? &idle : NULL);
        assert_int_equal(pool_share_executing(&share, 0), 1);
        pool_put(&pools[0], 0);
        assert_null(pool_keep(&pools[0], 0, &idle, 0));
        assert_true(pool_share_is_full(&share, 0));
    }
    pool_forget(&pools[0], 0, &idle);
    assert_false(pool_share_is_full(&share, 0));
    fini();
}

#define CAP 3
static _Atomic unsigned inside, most;

static void *hammer(void *arg) {
    (void)arg;
    for (int i = 0; i < 20000; i++) {
        if (!pool_share_take(&share, 0)) {
            continue;
        }
        unsigned now = atomic_fetch_add(&inside, 1) + 1;
        unsigned was = atomic_load(&most);
        while (now > was && !atomic_compare_exchange_weak(&most, &was, now)) {
        }
        atomic_fetch_sub(&inside, 1);
        pool_share_put(&share, 0);
        if (i % 3 == 0 && pool_share_keep(&share, 0, 0)) {
            pool_share_drop(&share, 0);
        }
    }
    return NULL;
}

static void threads_never_take_more_than_the_cap(void **state) {
    (void)state;
    pthread_t threads[6];
    pool_share_init(&share, 1, 1, CAP);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, NULL), 0);
    }
    for (int i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_true(most >= 1 && most <= CAP);
    assert_int_equal(share.servers[0].held, 0);
    pool_share_fini(&share);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cap_counts_over_all_workers),
        cmocka_unit_test(the_slot_goes_to_who_has_waited_longest_wherever),
        cmocka_unit_test(who_does_not_come_in_its_turn_is_passed_by_in_the_end),
        cmocka_unit_test(the_queue_is_one_for_all_workers),
        cmocka_unit_test(a_kept_connection_gives_way_to_who_waits_at_another_worker),
        cmocka_unit_test(a_kept_connection_is_used_again_where_there_is_no_other_room),
        cmocka_unit_test(threads_never_take_more_than_the_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
