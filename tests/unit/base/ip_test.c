// SPDX-License-Identifier: MIT
#include "base/ip.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void test_an_address_or_none(void **state) {
    (void)state;
    static const struct {
        const char *text, *printed; // NULL: none
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"::", "::"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::FFFF:c000:201", "192.0.2.1"},
        {"", NULL},
        {"192.0.2", NULL},
        {"192.0.2.256", NULL},
        {"192.0.2.01", NULL},
        {"0x7f.1", NULL},
        {"2130706433", NULL},
        {" 192.0.2.1", NULL},
        {"192.0.2.1 ", NULL},
        {"192.0.2.1:80", NULL},
        {"[::1]", NULL},
        {"fe80::1%eth0", NULL},
        {"1::2::3", NULL},
        {"unknown", NULL},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ip ip;
        char text[IP_TEXT_LEN];
        bool is_good = ip_parse(&ip, span_str(rows[i].text));
        if (is_good != (rows[i].printed != NULL)) {
            fail_msg("%s", rows[i].text);
        }
        if (is_good) {
            assert_int_equal(ip_print(&ip, text), strlen(rows[i].printed));
            assert_string_equal(text, rows[i].printed);
        }
    }
    struct ip ip;
    assert_false(ip_parse(&ip, span_of("1.2.3.4\0", 8)));
}

static void test_a_node_has_a_port_or_none(void **state) {
    (void)state;
    static const struct {
        const char *text, *printed;
        uint16_t port;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", 0},
        {"192.0.2.1:47011", "192.0.2.1", 47011},
        {"[2001:db8::1]:443", "2001:db8::1", 443},
        {"[2001:db8::1]", "2001:db8::1", 0},
        {"2001:db8::1", "2001:db8::1", 0},
        {"[::ffff:10.0.0.1]:1", "10.0.0.1", 1},
        {"192.0.2.1:", NULL, 0},
        {"192.0.2.1:65536", NULL, 0},
        {"192.0.2.1:+1", NULL, 0},
        {"192.0.2.1:000080", NULL, 0},
        {"[192.0.2.1]:80", NULL, 0},
        {"[2001:db8::1", NULL, 0},
        {"[2001:db8::1]x", NULL, 0},
        {"[]", NULL, 0},
        {"", NULL, 0},
        {"unknown", NULL, 0},
        {"_hidden", NULL, 0},
        {"example.com", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ip ip;
        char text[IP_TEXT_LEN];
        uint16_t port;
        bool is_good = ip_parse_node(&ip, &port, span_str(rows[i].text));
        if (is_good != (rows[i].printed != NULL)) {
            fail_msg("%s", rows[i].text);
        }
        if (is_good) {
            ip_print(&ip, text);
            assert_string_equal(text, rows[i].printed);
            assert_int_equal(port, rows[i].port);
        }
    }
}

static void test_a_network_holds_an_address(void **state) {
    (void)state;
    static const struct {
        const char *net, *ip;
        bool has;
    } rows[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.128/25", "192.0.2.129", true},
        {"0.0.0.0/0", "203.0.113.7", true},
        {"0.0.0.0/0", "::1", false},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::ffff:10.0.0.0/104", "10.1.2.3", true},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ip_net net;
        struct ip ip;
        assert_true(ip_net_parse(&net, span_str(rows[i].net)));
        assert_true(ip_parse(&ip, span_str(rows[i].ip)));
        if (ip_net_has(&net, &ip) != rows[i].has) {
            fail_msg("%s %s", rows[i].net, rows[i].ip);
        }
    }
    assert_false(ip_net_has(&(struct ip_net){{4, {0}}, 0}, &(struct ip){.n = 0}));
}

static void test_what_is_no_network(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",           "10.0.0.1/8",  "10.0.0.0/33",  "10.0.0.0/",
        "10.0.0.0/a", "10.0.0.0/-1", "10.0.0.0/008", "10/8",
        "::/129",     "::1/64",      "private",      "::ffff:1.2.3.4/8"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ip_net net;
        if (ip_net_parse(&net, span_str(rows[i]))) {
            fail_msg("%s", rows[i]);
        }
    }
}

static void test_private_addresses(void **state) {
    (void)state;
    static const char *const private[] = {
        "127.0.0.1", "10.1.2.3", "172.31.255.255", "192.168.0.1", "169.254.1.1",
        "::1",       "fd00::1",  "fe80::1",        "100.64.0.1",  "::ffff:10.0.0.1"};
    static const char *const public[] = {"8.8.8.8",     "172.32.0.1", "192.169.0.1", "2001:db8::1",
                                         "100.128.0.1", "::",         "::2"};
    struct ip ip;
    for (size_t i = 0; i < sizeof private / sizeof private[0]; i++) {
        assert_true(ip_parse(&ip, span_str(private[i])) && ip_is_private(&ip));
    }
    for (size_t i = 0; i < sizeof public / sizeof public[0]; i++) {
        assert_true(ip_parse(&ip, span_str(public[i])) && !ip_is_private(&ip));
    }
    assert_false(ip_is_private(&(struct ip){.n = 0}));
}

// Every choice of groups that are zero, with the others of one to four digits.
static void test_printing_is_as_inet_ntop_has_it(void **state) {
    static const uint16_t values[] = {0x1, 0x20, 0xa00, 0xfedc};
    (void)state;
    for (unsigned i = 0; i < 256 * 4; i++) {
        uint8_t bytes[16] = {0};
        for (unsigned k = 0; k < 8; k++) {
            uint16_t group = i >> k & 1 ? values[(i / 256 + k) % 4] : 0;
            bytes[2 * k] = (uint8_t)(group >> 8);
            bytes[2 * k + 1] = (uint8_t)group;
        }
        char text[IP_TEXT_LEN], want[IP_TEXT_LEN];
        struct ip six = {.n = 16}, four = {.n = 4};
        memcpy(six.bytes, bytes, 16);
        memcpy(four.bytes, bytes + i % 13, 4);
        assert_int_equal(ip_print(&six, text),
                         strlen(inet_ntop(AF_INET6, bytes, want, sizeof want)));
        assert_string_equal(text, want);
        inet_ntop(AF_INET, four.bytes, want, sizeof want);
        assert_int_equal(ip_print(&four, text), strlen(want));
        assert_string_equal(text, want);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_or_none),
        cmocka_unit_test(test_a_node_has_a_port_or_none),
        cmocka_unit_test(test_a_network_holds_an_address),
        cmocka_unit_test(test_what_is_no_network),
        cmocka_unit_test(test_private_addresses),
        cmocka_unit_test(test_printing_is_as_inet_ntop_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
