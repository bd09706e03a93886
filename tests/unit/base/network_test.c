// SPDX-License-Identifier: MIT
#include "base/network.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *network, *address;
    bool is_in;
} rows[] = {
    {"127.0.0.0/8", "127.1.2.3", true},
    {"127.0.0.0/8", "128.0.0.1", false},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"192.0.2.128/25", "192.0.2.200", true},
    {"192.0.2.128/25", "192.0.2.100", false},
    {"192.0.2.129/25", "192.0.2.200", true}, // bits behind the prefix say nothing
    {"0.0.0.0/0", "203.0.113.9", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"127.0.0.0/8", "::ffff:127.0.0.1", true},
    {"::1", "::1", true},
    {"::1/128", "::2", false},
    {"2001:db8:1::/49", "2001:db8:1:7fff::1", true},
    {"2001:db8:1::/49", "2001:db8:1:8000::1", false},
    {"::/0", "2001:db8::1", true},
    {"::/0", "192.0.2.1", false},
};

static void test_an_address_is_in_a_network(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct network network;
        const char *why = NULL;
        uint8_t bytes[16];
        bool is_v6 = strchr(rows[i].address, ':') != NULL;
        assert_int_equal(network_parse(span_str(rows[i].network), &network, &why), 0);
        assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, rows[i].address, bytes), 1);
        if (network_has(&network, span_of(bytes, is_v6 ? 16 : 4)) != rows[i].is_in) {
            fail_msg("%s in %s: not %d", rows[i].address, rows[i].network, rows[i].is_in);
        }
        assert_false(network_has(&network, (struct span){NULL, 0}));
    }
}

static void test_what_is_no_network_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "/8",
        "127.0.0.0/33",
        "127.0.0.0/",
        "127.0.0.0/-1",
        "127.0.0.0/8/8",
        "127.0.0",
        "::/129",
        "localhost",
        "[::1]",
        "::1%lo",
        "127.0.0.1:80",
        "1.2.3.4 ",
        "/",
        "127.0.0.0/ 8",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct network network;
        const char *why = NULL;
        if (network_parse(span_str(bad[i]), &network, &why) != ERR_SYNTAX || why == NULL) {
            fail_msg("\"%s\" is taken", bad[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_in_a_network),
        cmocka_unit_test(test_what_is_no_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
