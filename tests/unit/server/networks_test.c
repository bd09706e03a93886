// SPDX-License-Identifier: MIT
#include "server/networks.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct siphash_key secret = {1, 2};
static struct networks networks;
static struct config_clients conf;

static struct ip address(const char *text) {
    struct ip a;
    assert_true(ip_parse(&a, span_str(text)));
    return a;
}

static int enter_at(const char *text, bool has_handshake, uint64_t now_us,
                    struct budget_share **share) {
    struct ip from = address(text);
    return networks_enter(&networks, &from, has_handshake, now_us, share);
}

static int enter(const char *text, struct budget_share **share) {
    return enter_at(text, false, 0, share);
}

static struct ip_net loopback;

static int set_up(void **state) {
    (void)state;
    assert_true(ip_net_parse(&loopback, SPAN("127.0.0.0/8")));
    conf = (struct config_clients){
        .ipv4_prefix = 32, .ipv6_prefix = 56, .except = &loopback, .except_n = 1};
    return 0;
}

static void test_a_network_has_so_many_connections_and_another_its_own(void **state) {
    struct budget_share *a[3], *b;
    (void)state;
    conf.connections = 2;
    networks_init(&networks, &conf, &secret);
    assert_int_equal(enter("192.0.2.1", &a[0]), 0);
    assert_int_equal(enter("192.0.2.1", &a[1]), 0);
    assert_ptr_equal(a[0], a[1]);
    assert_int_equal(enter("192.0.2.1", &a[2]), ERR_CLIENT_CONNECTIONS);
    assert_int_equal(enter("::ffff:192.0.2.1", &a[2]), ERR_CLIENT_CONNECTIONS);
    assert_int_equal(enter("192.0.2.2", &b), 0);
    assert_ptr_not_equal(a[0], b);
    networks_leave(a[1]);
    assert_int_equal(enter("192.0.2.1", &a[1]), 0);
    networks_fini(&networks);
}

static void test_the_prefix_says_what_a_network_is(void **state) {
    struct budget_share *a, *b, *c;
    (void)state;
    conf.ipv4_prefix = 25;
    networks_init(&networks, &conf, &secret);
    assert_int_equal(enter("192.0.2.1", &a), 0);
    assert_int_equal(enter("192.0.2.127", &b), 0);
    assert_int_equal(enter("192.0.2.128", &c), 0);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_int_equal(enter("2001:db8:0:1::1", &a), 0);
    assert_int_equal(enter("2001:db8:0:ff:ffff::2", &b), 0);
    assert_int_equal(enter("2001:db8:0:100::1", &c), 0);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    networks_fini(&networks);
}

static void test_who_is_excepted_has_the_bounds_of_all_only(void **state) {
    struct ip nowhere = {.n = 0};
    struct budget_share *a, *b;
    (void)state;
    conf.connections = 1;
    conf.memory = 10;
    conf.all_memory = 100;
    networks_init(&networks, &conf, &secret);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(enter("127.0.0.1", &a), 0);
        assert_int_equal(networks_enter(&networks, &nowhere, true, 0, &b), 0);
        assert_ptr_equal(a, b);
    }
    assert_int_equal(budget_take(a, BUDGET_MEMORY, 100), 0);
    assert_int_equal(budget_take(a, BUDGET_MEMORY, 1), ERR_OVERLOADED);
    assert_int_equal(enter("192.0.2.1", &b), 0);
    assert_int_equal(budget_take(b, BUDGET_MEMORY, 1), ERR_OVERLOADED);
    assert_int_equal(budget_take(b, BUDGET_MEMORY, 11), ERR_CLIENT_MEMORY);
    networks_fini(&networks);
}

static void test_what_is_refused_is_not_taken(void **state) {
    struct budget_share *a;
    (void)state;
    conf.disk = 10;
    networks_init(&networks, &conf, &secret);
    assert_int_equal(enter("192.0.2.1", &a), 0);
    assert_int_equal(budget_room(a, BUDGET_DISK), 10);
    assert_int_equal(budget_take(a, BUDGET_DISK, 7), 0);
    assert_int_equal(budget_take(a, BUDGET_DISK, 4), ERR_CLIENT_DISK);
    assert_int_equal(budget_room(a, BUDGET_DISK), 3);
    budget_add(a, BUDGET_DISK, 5);
    assert_int_equal(budget_room(a, BUDGET_DISK), 0);
    assert_int_equal(budget_check(a, BUDGET_DISK, 1), ERR_CLIENT_DISK);
    assert_int_equal(budget_check(a, BUDGET_DISK, 2), 0);
    budget_put(a, BUDGET_DISK, 12);
    assert_int_equal(budget_room(a, BUDGET_DISK), 10);
    assert_int_equal(budget_room(a, BUDGET_QUEUE), UINT64_MAX); // no bound
    assert_int_equal(budget_take(NULL, BUDGET_DISK, 100), 0);   // nobody
    networks_fini(&networks);
}

static void test_handshakes_have_a_rate_and_ten_seconds_ahead(void **state) {
    struct budget_share *a;
    uint64_t now_us = 5000000;
    (void)state;
    conf.handshakes = 2;
    networks_init(&networks, &conf, &secret);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(enter_at("192.0.2.1", true, now_us, &a), 0);
        networks_leave(a); // that nobody holds the network any more forgives nothing
    }
    assert_int_equal(enter_at("192.0.2.1", true, now_us, &a), ERR_CLIENT_HANDSHAKES);
    assert_int_equal(enter_at("192.0.2.1", true, now_us + 499999, &a), ERR_CLIENT_HANDSHAKES);
    assert_int_equal(enter_at("192.0.2.1", false, now_us, &a), 0); // no handshake
    assert_int_equal(enter_at("192.0.2.2", true, now_us, &a), 0);  // another network
    assert_int_equal(enter_at("192.0.2.1", true, now_us + 500000, &a), 0);
    assert_int_equal(enter_at("192.0.2.1", true, now_us + 500000, &a), ERR_CLIENT_HANDSHAKES);
    networks_fini(&networks);
}

static void test_what_is_held_outlives_its_connection(void **state) {
    struct budget_share *a, *b;
    (void)state;
    conf.orphans = 1;
    networks_init(&networks, &conf, &secret);
    assert_int_equal(enter("192.0.2.1", &a), 0);
    networks_hold(a);
    budget_add(a, BUDGET_ORPHANS, 1);
    networks_leave(a);
    assert_int_equal(enter("192.0.2.1", &b), 0);
    assert_ptr_equal(a, b);
    assert_int_equal(budget_check(b, BUDGET_ORPHANS, 1), ERR_CLIENT_ORPHANS);
    budget_put(a, BUDGET_ORPHANS, 1);
    networks_release(a);
    assert_int_equal(budget_check(b, BUDGET_ORPHANS, 1), 0);
    networks_fini(&networks);
}

// Only those who hold something are kept for certain: a scan of the address space takes no memory.
static void test_networks_that_hold_nothing_are_forgotten(void **state) {
    struct budget_share *share, *kept;
    size_t idle = 0;
    (void)state;
    networks_init(&networks, &conf, &secret);
    assert_int_equal(enter("198.51.100.1", &kept), 0);
    for (unsigned i = 0; i < 3 * NETWORKS_SHARDS * NETWORKS_IDLE; i++) {
        struct ip from = {.n = 4, .bytes = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        assert_int_equal(networks_enter(&networks, &from, false, 0, &share), 0);
        networks_leave(share);
    }
    for (size_t i = 0; i < NETWORKS_SHARDS; i++) {
        size_t n = 0;
        for (struct list *l = networks.shards[i].idle.next; l != &networks.shards[i].idle;
             l = l->next) {
            n++;
        }
        assert_int_equal(n, networks.shards[i].idle_count);
        assert_true(n <= NETWORKS_IDLE);
        idle += n;
    }
    assert_true(idle > NETWORKS_SHARDS * NETWORKS_IDLE / 2);
    assert_int_equal(enter("198.51.100.1", &share), 0);
    assert_ptr_equal(share, kept);
    networks_fini(&networks);
}

static void test_a_fall_of_memory_is_told_once(void **state) {
    struct budget_share *a;
    (void)state;
    networks_init(&networks, &conf, &secret);
    assert_int_equal(enter("192.0.2.1", &a), 0);
    budget_add(a, BUDGET_MEMORY, 100);
    assert_false(budget_fell(&networks.budget, 50));
    budget_put(a, BUDGET_MEMORY, 49);
    assert_false(budget_fell(&networks.budget, 50));
    budget_put(a, BUDGET_MEMORY, 1);
    assert_true(budget_fell(&networks.budget, 50));
    assert_false(budget_fell(&networks.budget, 50));
    networks_fini(&networks);
}

#define THREADS 4
#define TURNS 20000

static void come_and_go(void *self) {
    unsigned seed = (unsigned)(uintptr_t)self;
    for (int i = 0; i < TURNS; i++) {
        struct ip from = {.n = 4, .bytes = {192, 0, 2, (uint8_t)(seed * 7 + (unsigned)i * 13) & 7}};
        struct budget_share *share;
        if (networks_enter(&networks, &from, false, 0, &share) != 0) {
            continue;
        }
        if (budget_take(share, BUDGET_REQUESTS, 1) == 0) {
            networks_hold(share);
            budget_put(share, BUDGET_REQUESTS, 1);
            networks_release(share);
        }
        networks_leave(share);
    }
}

static void test_threads_that_come_and_go_leave_nothing(void **state) {
    uv_thread_t threads[THREADS];
    (void)state;
    conf.connections = conf.requests = 2;
    networks_init(&networks, &conf, &secret);
    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(uv_thread_create(&threads[i], come_and_go, (void *)i), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        uv_thread_join(&threads[i]);
    }
    for (int i = 0; i < BUDGET_KINDS; i++) {
        assert_int_equal(atomic_load(&networks.budget.used[i]), 0);
    }
    for (size_t i = 0; i < NETWORKS_SHARDS; i++) {
        assert_true(list_is_empty(&networks.shards[i].used));
    }
    networks_fini(&networks);
}

static void test_a_request_of_a_front_counts_for_its_client(void **state) {
    struct ip client = address("192.0.2.1"), excepted = address("127.0.0.1");
    struct budget_share *a, *b;
    (void)state;
    conf.connections = 1;
    conf.requests = 1;
    networks_init(&networks, &conf, &secret);
    assert_int_equal(enter("192.0.2.1", &a), 0);
    b = networks_take(&networks, &client);
    assert_ptr_equal(a, b);
    assert_int_equal(budget_take(b, BUDGET_REQUESTS, 1), 0);
    networks_leave(a);
    assert_int_equal(budget_take(b, BUDGET_REQUESTS, 1), ERR_CLIENT_REQUESTS);
    budget_put(b, BUDGET_REQUESTS, 1);
    networks_release(b);
    assert_int_equal(enter("192.0.2.1", &a), 0);
    assert_true(networks_take(&networks, &excepted)->is_excepted);
    networks_fini(&networks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_network_has_so_many_connections_and_another_its_own, set_up),
        cmocka_unit_test_setup(test_the_prefix_says_what_a_network_is, set_up),
        cmocka_unit_test_setup(test_who_is_excepted_has_the_bounds_of_all_only, set_up),
        cmocka_unit_test_setup(test_a_request_of_a_front_counts_for_its_client, set_up),
        cmocka_unit_test_setup(test_what_is_refused_is_not_taken, set_up),
        cmocka_unit_test_setup(test_handshakes_have_a_rate_and_ten_seconds_ahead, set_up),
        cmocka_unit_test_setup(test_what_is_held_outlives_its_connection, set_up),
        cmocka_unit_test_setup(test_networks_that_hold_nothing_are_forgotten, set_up),
        cmocka_unit_test_setup(test_a_fall_of_memory_is_told_once, set_up),
        cmocka_unit_test_setup(test_threads_that_come_and_go_leave_nothing, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
