// SPDX-License-Identifier: MIT
#include "exchange/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FIELDS_MOST 8

// The trusted fronts are 10.0.0.0/8, 2001:db8:f::/48 and unix sockets.
static struct ip_net nets[2];

static struct client_trust trust_of(const enum forwarded_field *fields, size_t n) {
    assert_true(ip_net_parse(&nets[0], SPAN("10.0.0.0/8")));
    assert_true(ip_net_parse(&nets[1], SPAN("2001:db8:f::/48")));
    return (struct client_trust){.nets = nets,
                                 .nets_n = 2,
                                 .has_unix = true,
                                 .fields = fields,
                                 .fields_n = n,
                                 .has_host = true};
}

// "name: value|name: value" into pairs; borrows the text.
static struct pairs fields_of(const char *text, struct pair *v) {
    struct pairs fields = {.v = v, .cap = FIELDS_MOST};
    struct span rest = span_str(text), line;
    while (rest.n > 0 && span_cut(&rest, '|', &line)) {
        size_t colon = span_index(line, ':');
        v[fields.n++] =
            (struct pair){span_first(line, colon), span_trim(span_skip(line, colon + 1))};
    }
    return fields;
}

static void print(const struct client *c, bool is_front, char *out, size_t cap) {
    static const char *const schemes[] = {"-", "http", "https"};
    char ip[IP_TEXT_LEN];
    ip_print(&c->ip, ip);
    snprintf(out, cap, "%s:%u %s %.*s:%u%s%s", ip, c->port, schemes[c->scheme], SPAN_ARG(c->host),
             c->server_port, c->is_vouched ? " vouched" : "", is_front ? " front" : "");
}

struct row {
    const char *name, *peer, *fields, *wanted;
};

static void check(const struct client_trust *trust, const struct row *row) {
    struct pair v[FIELDS_MOST];
    struct pairs fields = fields_of(row->fields, v);
    struct ip peer = {.n = 0};
    struct client c;
    char text[256];
    if (row->peer[0] != 0) {
        assert_true(ip_parse(&peer, span_str(row->peer)));
    }
    bool is_front = client_read(&c, trust, &peer, 1234, &fields);
    print(&c, is_front, text, sizeof text);
    if (strcmp(text, row->wanted) != 0) {
        fail_msg("%s: %s", row->name, text);
    }
}

static void test_x_forwarded_for(void **state) {
    (void)state;
    static const enum forwarded_field field = FORWARDED_FIELD_X_FORWARDED_FOR;
    static const struct row rows[] = {
        {"one hop", "10.0.0.1", "X-Forwarded-For: 192.0.2.7", "192.0.2.7:0 - :0 vouched front"},
        {"a unix socket", "", "X-Forwarded-For: 192.0.2.7", "192.0.2.7:0 - :0 vouched front"},
        {"a front of IPv6", "2001:db8:f::2", "X-Forwarded-For: 2001:db8::9",
         "2001:db8::9:0 - :0 vouched front"},
        {"what the client wrote stands left", "10.0.0.1", "X-Forwarded-For: 1.1.1.1, 192.0.2.7",
         "192.0.2.7:0 - :0 vouched front"},
        {"past fronts that are trusted", "10.0.0.1",
         "X-Forwarded-For: 1.1.1.1, 192.0.2.7, 10.9.9.9, 2001:db8:f::1",
         "192.0.2.7:0 - :0 vouched front"},
        {"only fronts: the first of them", "10.0.0.1", "X-Forwarded-For: 10.5.5.5, 10.9.9.9",
         "10.5.5.5:0 - :0 vouched front"},
        {"a field added behind the client's", "10.0.0.1",
         "X-Forwarded-For: 1.1.1.1|X-Other: x|x-forwarded-for: 192.0.2.7",
         "192.0.2.7:0 - :0 vouched front"},
        {"with ports", "10.0.0.1", "X-Forwarded-For: 192.0.2.7:4711, 10.0.0.2:80",
         "192.0.2.7:4711 - :0 vouched front"},
        {"IPv6 with a port", "10.0.0.1", "X-Forwarded-For: [2001:db8::9]:1",
         "2001:db8::9:1 - :0 vouched front"},
        {"IPv4 written as IPv6", "10.0.0.1", "X-Forwarded-For: ::ffff:192.0.2.7",
         "192.0.2.7:0 - :0 vouched front"},
        {"empty elements", "10.0.0.1", "X-Forwarded-For: , 192.0.2.7 ,,",
         "192.0.2.7:0 - :0 vouched front"},
        {"garbage that nobody has to look at", "10.0.0.1", "X-Forwarded-For: <x>, 192.0.2.7",
         "192.0.2.7:0 - :0 vouched front"},
        {"garbage on the way", "10.0.0.1", "X-Forwarded-For: 192.0.2.7, unknown, 10.0.0.2",
         "10.0.0.1:1234 - :0 front"},
        {"garbage at the end", "10.0.0.1", "X-Forwarded-For: 192.0.2.7, localhost",
         "10.0.0.1:1234 - :0 front"},
        {"a quoted list", "10.0.0.1", "X-Forwarded-For: \"1.1.1.1, 192.0.2.7\"",
         "10.0.0.1:1234 - :0 front"},
        {"nothing", "10.0.0.1", "", "10.0.0.1:1234 - :0 front"},
        {"an empty field", "10.0.0.1", "X-Forwarded-For:", "10.0.0.1:1234 - :0 front"},
        {"another name", "10.0.0.1", "X-Real-IP: 192.0.2.7|Forwarded: for=192.0.2.7",
         "10.0.0.1:1234 - :0 front"},
        {"the scheme", "10.0.0.1", "X-Forwarded-For: 192.0.2.7|X-Forwarded-Proto: HTTPS",
         "192.0.2.7:0 https :0 vouched front"},
        {"the scheme of that hop", "10.0.0.1",
         "X-Forwarded-For: 192.0.2.7, 10.0.0.2|X-Forwarded-Proto: https, http",
         "192.0.2.7:0 https :0 vouched front"},
        {"a scheme that the client wrote", "10.0.0.1",
         "X-Forwarded-For: 192.0.2.7|X-Forwarded-Proto: https|X-Forwarded-Proto: http",
         "192.0.2.7:0 http :0 vouched front"},
        {"an unknown scheme", "10.0.0.1", "X-Forwarded-For: 192.0.2.7|X-Forwarded-Proto: ftp",
         "192.0.2.7:0 - :0 vouched front"},
        {"a scheme without an address", "10.0.0.1", "X-Forwarded-Proto: https",
         "10.0.0.1:1234 https :0 front"},
        {"host and port", "10.0.0.1",
         "X-Forwarded-For: 192.0.2.7|X-Forwarded-Host: a.example|X-Forwarded-Port: 8443",
         "192.0.2.7:0 - a.example:8443 vouched front"},
        {"a bad port", "10.0.0.1", "X-Forwarded-For: 192.0.2.7|X-Forwarded-Port: 0",
         "192.0.2.7:0 - :0 vouched front"},
        {"nobody who is not trusted", "192.0.2.1",
         "X-Forwarded-For: 10.0.0.1|X-Forwarded-Proto: https|X-Forwarded-Host: a.example",
         "192.0.2.1:1234 - :0"},
        {"nor in the neighbourhood", "11.0.0.1", "X-Forwarded-For: 192.0.2.7",
         "11.0.0.1:1234 - :0"},
    };
    struct client_trust trust = trust_of(&field, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&trust, &rows[i]);
    }
}

static void test_forwarded(void **state) {
    (void)state;
    static const enum forwarded_field field = FORWARDED_FIELD_FORWARDED;
    static const struct row rows[] = {
        {"all of it", "10.0.0.1", "Forwarded: for=192.0.2.7;proto=https;host=a.example;by=10.0.0.1",
         "192.0.2.7:0 https a.example:0 vouched front"},
        {"quoted", "10.0.0.1",
         "Forwarded: For=\"[2001:db8::9]:4711\" ; Host=\"a.example:8443\";Proto=\"http\"",
         "2001:db8::9:4711 http a.example:8443:0 vouched front"},
        {"the client's own element", "10.0.0.1",
         "Forwarded: for=1.1.1.1;proto=https, for=192.0.2.7", "192.0.2.7:0 - :0 vouched front"},
        {"two fields", "10.0.0.1", "Forwarded: for=1.1.1.1|Forwarded: for=192.0.2.7, for=10.1.1.1",
         "192.0.2.7:0 - :0 vouched front"},
        {"an escaped address", "10.0.0.1", "Forwarded: for=\"192.0.2\\.7\"",
         "192.0.2.7:0 - :0 vouched front"},
        {"a comma inside quotes", "10.0.0.1", "Forwarded: for=\"1.1.1.1, for=192.0.2.7\"",
         "10.0.0.1:1234 - :0 front"},
        {"unknown", "10.0.0.1", "Forwarded: for=unknown", "10.0.0.1:1234 - :0 front"},
        {"hidden", "10.0.0.1", "Forwarded: for=_gazonk", "10.0.0.1:1234 - :0 front"},
        {"no for", "10.0.0.1", "Forwarded: proto=https", "10.0.0.1:1234 - :0 front"},
        {"two for", "10.0.0.1", "Forwarded: for=1.1.1.1;for=192.0.2.7", "10.0.0.1:1234 - :0 front"},
        {"an open quote", "10.0.0.1", "Forwarded: for=\"192.0.2.7", "10.0.0.1:1234 - :0 front"},
        {"nobody who is not trusted", "192.0.2.1", "Forwarded: for=10.0.0.1",
         "192.0.2.1:1234 - :0"},
    };
    struct client_trust trust = trust_of(&field, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&trust, &rows[i]);
    }
}

static void test_the_first_field_that_names_somebody(void **state) {
    (void)state;
    static const enum forwarded_field fields[] = {FORWARDED_FIELD_CF_CONNECTING_IP,
                                                  FORWARDED_FIELD_X_FORWARDED_FOR};
    static const struct row rows[] = {
        {"the first", "10.0.0.1", "X-Forwarded-For: 1.1.1.1|CF-Connecting-IP: 192.0.2.7",
         "192.0.2.7:0 - :0 vouched front"},
        {"the second", "10.0.0.1", "X-Forwarded-For: 192.0.2.8", "192.0.2.8:0 - :0 vouched front"},
        {"one address only", "10.0.0.1", "CF-Connecting-IP: 1.1.1.1, 2.2.2.2",
         "10.0.0.1:1234 - :0 front"},
        {"not twice", "10.0.0.1", "CF-Connecting-IP: 1.1.1.1|CF-Connecting-IP: 2.2.2.2",
         "10.0.0.1:1234 - :0 front"},
    };
    struct client_trust trust = trust_of(fields, 2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&trust, &rows[i]);
    }
}

static void test_a_list_longer_than_any(void **state) {
    (void)state;
    static const enum forwarded_field field = FORWARDED_FIELD_X_FORWARDED_FOR;
    char text[2048] = "X-Forwarded-For: 192.0.2.7";
    for (int i = 0; i < 64; i++) {
        strcat(text, ", 10.0.0.2");
    }
    struct client_trust trust = trust_of(&field, 1);
    check(&trust, &(struct row){"65 hops", "10.0.0.1", text, "10.0.0.1:1234 - :0 front"});
}

static void test_a_host_only_by_choice(void **state) {
    (void)state;
    static const enum forwarded_field field = FORWARDED_FIELD_X_FORWARDED_FOR;
    struct client_trust trust = trust_of(&field, 1);
    trust.has_host = false;
    check(&trust, &(struct row){"no host", "10.0.0.1",
                                "X-Forwarded-For: 192.0.2.7|X-Forwarded-Host: a.example",
                                "192.0.2.7:0 - :0 vouched front"});
}

static void test_private_addresses_and_nobody(void **state) {
    (void)state;
    static const enum forwarded_field field = FORWARDED_FIELD_X_FORWARDED_FOR;
    struct client_trust private = {.has_private = true, .fields = &field, .fields_n = 1};
    struct client_trust nobody = {.fields = &field, .fields_n = 1};
    static const char fields[] = "X-Forwarded-For: 192.0.2.7";
    check(&private,
          &(struct row){"private", "192.168.1.1", fields, "192.0.2.7:0 - :0 vouched front"});
    check(&private, &(struct row){"public", "8.8.8.8", fields, "8.8.8.8:1234 - :0"});
    check(&private, &(struct row){"unix", "", fields, ":1234 - :0"});
    check(&nobody, &(struct row){"nobody", "127.0.0.1", fields, "127.0.0.1:1234 - :0"});
}

static void test_what_an_untrusted_peer_claims(void **state) {
    (void)state;
    static const struct {
        const char *fields;
        enum forwarded_field claim;
    } rows[] = {
        {"Host: a|Cookie: x-forwarded-for", FORWARDED_FIELDS},
        {"X-FORWARDED-FOR: 1.1.1.1", FORWARDED_FIELD_X_FORWARDED_FOR},
        {"Accept: x|Front-End-Https: on", FORWARDED_FIELD_FRONT_END_HTTPS},
        {"X-Original-URL: /admin", FORWARDED_FIELD_X_ORIGINAL_URL},
        {"X-Requested-With: x|True-Client-IP: 1.1.1.1|Forwarded: x",
         FORWARDED_FIELD_TRUE_CLIENT_IP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair v[FIELDS_MOST];
        struct pairs fields = fields_of(rows[i].fields, v);
        assert_int_equal(client_claim(&fields), rows[i].claim);
    }
}

static void test_the_names(void **state) {
    (void)state;
    for (unsigned i = 0; i < FORWARDED_FIELDS; i++) {
        const char *name = forwarded_field_name((enum forwarded_field)i);
        assert_int_equal(forwarded_field_find(span_str(name)), i);
    }
    assert_int_equal(forwarded_field_find(SPAN("")), FORWARDED_FIELDS);
    assert_int_equal(forwarded_field_find(SPAN("x-forwarded-fo")), FORWARDED_FIELDS);
    assert_true(forwarded_field_names_client(FORWARDED_FIELD_FORWARDED));
    assert_false(forwarded_field_names_client(FORWARDED_FIELD_X_FORWARDED_PROTO));
    assert_false(forwarded_field_names_client(FORWARDED_FIELD_X_ORIGINAL_URL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_x_forwarded_for),
        cmocka_unit_test(test_forwarded),
        cmocka_unit_test(test_the_first_field_that_names_somebody),
        cmocka_unit_test(test_a_list_longer_than_any),
        cmocka_unit_test(test_a_host_only_by_choice),
        cmocka_unit_test(test_private_addresses_and_nobody),
        cmocka_unit_test(test_what_an_untrusted_peer_claims),
        cmocka_unit_test(test_the_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
