// SPDX-License-Identifier: MIT
#include "base/error.h"
#include "fcgi/pool_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void addresses_are_taken_apart(void **state) {
    (void)state;
    static const struct {
        const char *text, *host, *path;
        int port;
    } rows[] = {
        {"unix:/run/php/php8.2-fpm.sock", "", "/run/php/php8.2-fpm.sock", 0},
        {"unix:/a b:c", "", "/a b:c", 0},
        {"127.0.0.1:9000", "127.0.0.1", "", 9000},
        {"tcp:127.0.0.1:9000", "127.0.0.1", "", 9000},
        {"php-1.internal_net:65535", "php-1.internal_net", "", 65535},
        {"[::1]:9000", "::1", "", 9000},
        {"tcp:[2001:DB8::192.0.2.1]:1", "2001:DB8::192.0.2.1", "", 1},
        {"unix.example:9000", "unix.example", "", 9000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pool_server_conf s;
        const char *why = "?";
        assert_int_equal(pool_address_parse(span_str(rows[i].text), &s, &why), 0);
        assert_null(why);
        assert_true(span_eq(s.address, span_str(rows[i].text)));
        assert_true(span_eq(s.host, span_str(rows[i].host)));
        assert_true(span_eq(s.path, span_str(rows[i].path)));
        assert_int_equal(s.port, rows[i].port);
        assert_int_equal(s.is_unix, rows[i].path[0] != 0);
    }
}

static void weight_and_backup_stand_behind_the_address(void **state) {
    (void)state;
    static const struct {
        const char *text, *address;
        unsigned weight;
        bool is_backup;
    } rows[] = {
        {"unix:/a b weight=3", "unix:/a b", 3, false},
        {"host:9000  backup", "host:9000", 1, true},
        {"host:9000 backup weight=1000", "host:9000", 1000, true},
        {"unix:/weight=2", "unix:/weight=2", 1, false},
    };
    static const char *const bad[] = {"host:9000 weight=0",
                                      "host:9000 weight=1001",
                                      "host:9000 weight=",
                                      "host:9000 weight=x",
                                      "backup",
                                      " backup",
                                      "host:9000 spare"};
    struct pool_server_conf s;
    const char *why;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(pool_address_parse(span_str(rows[i].text), &s, &why), 0);
        assert_true(span_eq(s.address, span_str(rows[i].address)));
        assert_int_equal(s.weight, rows[i].weight);
        assert_int_equal(s.is_backup, rows[i].is_backup);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(pool_address_parse(span_str(bad[i]), &s, &why), ERR_SYNTAX);
        assert_non_null(why);
    }
}

static void what_is_no_address_is_refused_with_a_reason(void **state) {
    (void)state;
    static const struct span rows[] = {
        SPAN_INIT(""),
        SPAN_INIT("unix:"),
        SPAN_INIT("unix:run/php.sock"),
        SPAN_INIT("unix:/a\0b"),
        SPAN_INIT("9000"),
        SPAN_INIT(":9000"),
        SPAN_INIT("host"),
        SPAN_INIT("host:"),
        SPAN_INIT("host:0"),
        SPAN_INIT("host:65536"),
        SPAN_INIT("host:90x"),
        SPAN_INIT("host:-1"),
        SPAN_INIT("a host:9000"),
        SPAN_INIT("user@host:9000"),
        SPAN_INIT("::1:9000"),
        SPAN_INIT("[::1]"),
        SPAN_INIT("[::1]9000"),
        SPAN_INIT("[::1:9000"),
        SPAN_INIT("[]:9000"),
        SPAN_INIT("[1234]:9000"),
        SPAN_INIT("[::g]:9000"),
        SPAN_INIT("/run/php.sock"),
        SPAN_INIT("tcp:unix:/run/php.sock"),
        SPAN_INIT("http://host:80"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pool_server_conf s;
        const char *why = NULL;
        if (pool_address_parse(rows[i], &s, &why) != ERR_SYNTAX) {
            print_error("taken: %.*s\n", SPAN_ARG(rows[i]));
            fail();
        }
        assert_non_null(why);
    }
}

static void the_longest_path_of_a_socket_is_107_bytes(void **state) {
    (void)state;
    char text[5 + 108] = "unix:";
    struct pool_server_conf s;
    const char *why;
    memset(text + 5, '/', 108);
    assert_int_equal(pool_address_parse(span_of(text, 5 + 108), &s, &why), ERR_SYNTAX);
    assert_int_equal(pool_address_parse(span_of(text, 5 + 107), &s, &why), 0);
    assert_int_equal(s.path.n, POOL_PATH_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken_apart),
        cmocka_unit_test(weight_and_backup_stand_behind_the_address),
        cmocka_unit_test(what_is_no_address_is_refused_with_a_reason),
        cmocka_unit_test(the_longest_path_of_a_socket_is_107_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
