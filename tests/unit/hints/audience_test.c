// SPDX-License-Identifier: MIT
#include "hints/audience.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct row {
    const char *name, *field, *value;
    enum audience_kind kind;
};

#define PUBLIC AUDIENCE_PUBLIC
#define UNSURE AUDIENCE_UNSURE
#define SESSION AUDIENCE_SESSION

static struct row rows[] = {
    {"no cookie", "accept", "*/*", PUBLIC},
    {"the test cookie of WordPress", "cookie", "wordpress_test_cookie=WP%20Cookie%20check", PUBLIC},
    {"cookies that count visitors", "cookie", "_ga=GA1.2.3; _gid=x; has_js=1; _ga_X1=y", PUBLIC},
    {"what somebody agreed to", "cookie", "OptanonConsent=a; cmplz_marketing=allow", PUBLIC},
    {"a balancer's cookie", "cookie", "AWSALBCORS=x; __cf_bm=y", PUBLIC},
    {"a cookie that the operator knows", "cookie", "theme=dark", PUBLIC},
    {"a cookie that nobody knows", "cookie", "a=b", UNSURE},
    {"one of them among others", "cookie", "_ga=1; auth=alice; has_js=1", UNSURE},
    {"a name that is a hash", "cookie", "0123456789abcdef0123456789abcdef=x", UNSURE},
    {"a harmless name with more behind it", "cookie", "has_json=1", UNSURE},
    {"a WordPress log-in", "cookie", "a=b; wordpress_logged_in_0123abcd=x", SESSION},
    {"a WordPress administrator", "cookie", "wordpress_sec_0123=x", SESSION},
    {"a password-protected post", "cookie", "wp-postpass_0123=x", SESSION},
    {"somebody who commented", "Cookie", "comment_author_0123=Eve; a=b", SESSION},
    {"a cart of WooCommerce", "cookie", "wp_woocommerce_session_0123=x", SESSION},
    {"a PHP session", "cookie", "PHPSESSID=abc", SESSION},
    {"a PHP session without a blank before it", "cookie", "a=b;PHPSESSID=abc", SESSION},
    {"a PHP session in another case", "cookie", "phpsessid=abc", SESSION},
    {"Laravel", "cookie", "laravel_session=x", SESSION},
    {"another framework's session", "cookie", "my_shop_session=x", SESSION},
    {"Drupal", "cookie", "SESS49960de5880e8c687434170f6476605b=x", SESSION},
    {"Drupal over TLS", "cookie", "SSESS49960de5880e8c687434170f6476605b=x", SESSION},
    {"Magento", "cookie", "frontend=x", SESSION},
    {"Java", "cookie", "JSESSIONID=x", SESSION},
    {"a token somewhere in the name", "cookie", "__my_auth_token_2=x", SESSION},
    {"a session cookie's name as a value", "cookie", "x=PHPSESSID", UNSURE},
    {"a longer name than an exact pattern", "cookie", "frontend2=x", UNSURE},
    {"a cookie without an equals sign", "cookie", "PHPSESSID", SESSION},
    {"an empty cookie field", "cookie", "", PUBLIC},
    {"a session under a guarded name", "cookie", "__Host-PHPSESSID=x", SESSION},
    {"one under a guarded name over TLS", "cookie", "a=b; __Secure-sid=x", SESSION},
    {"Drupal under a guarded name", "cookie", "__Secure-SSESS49960de5=x", SESSION},
    {"OpenCart", "cookie", "OCSESSID=x", SESSION},
    {"Moodle", "cookie", "MoodleSessionlive=x", SESSION},
    {"ASP.NET", "cookie", ".AspNetCore.Identity.Application=x", SESSION},
    {"a harmless cookie under a guarded name", "cookie", "__Host-consent=x", PUBLIC},
    {"credentials", "Authorization", "Basic eDp5", SESSION},
    {"a front's word for who it is", "X-Auth-User", "alice", SESSION},
    {"a client certificate", "x-ssl-client-s-dn", "CN=alice", SESSION},
    {"a front that says nobody", "X-Auth-User", "", PUBLIC},
};

static const struct span own[] = {SPAN_INIT("shop_*")};
static const struct span harmless[] = {SPAN_INIT("theme"), SPAN_INIT("frontend")};
static const struct span fields[] = {SPAN_INIT("x-auth-*"), SPAN_INIT("*-client-*"),
                                     SPAN_INIT("x-jwt-assertion")};
static const struct audience_conf conf = {.session = {.v = own, .n = 1},
                                          .harmless = {.v = harmless, .n = 1},
                                          .fields = {.v = fields, .n = 3}};
static const struct siphash_key secret = {1, 2};
static const struct ip here = {4, {10, 1, 2, 3}};

static struct audience audience_by(const char *field, const char *value) {
    struct pair pair = {span_str(field), span_str(value)};
    struct pairs all = {.v = &pair, .n = 1, .cap = 1};
    return audience_of(&conf, &all);
}

static void is_judged_as_the_row_says(void **state) {
    const struct row *row = *state;
    struct audience a = audience_by(row->field, row->value);
    assert_int_equal(a.kind, row->kind);
    assert_int_equal(a.credential.n > 0, row->kind != PUBLIC);
}

static void is_by(const char *cookies, const char *credential, bool changes) {
    struct audience a = audience_by("cookie", cookies);
    char text[128];
    snprintf(text, sizeof text, "%.*s", SPAN_ARG(a.credential));
    assert_string_equal(text, credential);
    assert_int_equal(a.changes, changes);
}

static void the_operator_knows_better_than_the_tables(void **state) {
    (void)state;
    struct audience_conf site = {.session = {.v = harmless, .n = 1},
                                 .harmless = {.v = harmless + 1, .n = 1}};
    struct pair pair = {SPAN("cookie"), SPAN("theme=1")};
    struct pairs all = {&pair, 1, 1};
    assert_int_equal(audience_of(&site, &all).kind, SESSION);
    pair.value = SPAN("frontend=1");
    assert_int_equal(audience_of(&site, &all).kind, PUBLIC);
    assert_int_equal(audience_of(&conf, &all).kind, SESSION);
    assert_int_equal(audience_by("cookie", "Shop_User=1").kind, SESSION);
    assert_int_equal(audience_by("cookie", "my_shop=1").kind, UNSURE);
}

static void sorted_names_match_as_they_did(void **state) {
    (void)state;
    static const char *const names[] = {"x-auth-user", "X-Auth-", "x-auth", "y-client-z",  "x",
                                        "Q",           "qq",      "",       "remote-user", "x-y"};
    struct span sorted[] = {SPAN_INIT("X-Auth-*"), SPAN_INIT("*-client-*"),
                            SPAN_INIT("remote-user"), SPAN_INIT("*user")};
    struct span plain[] = {sorted[0], sorted[1], sorted[2], sorted[3]};
    struct audience_conf fast = {.fields = audience_names_sort(sorted, 4)};
    struct audience_conf slow = {.fields = {.v = plain, .n = 4}};
    assert_int_equal(fast.fields.open, 2);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct pair pair = {span_str(names[i]), SPAN("alice")};
        struct pairs all = {&pair, 1, 1};
        assert_int_equal(audience_of(&fast, &all).kind, audience_of(&slow, &all).kind);
    }
    struct span open[] = {SPAN_INIT("q*")};
    struct pair pair = {SPAN("Query"), SPAN("alice")};
    fast.fields = audience_names_sort(open, 1);
    assert_int_equal(audience_of(&fast, &(struct pairs){&pair, 1, 1}).kind, SESSION);
}

static void one_session_is_one_whatever_changes_beside_it(void **state) {
    (void)state;
    is_by("PHPSESSID=a; wp-settings-1=x", "PHPSESSID=a", false);
    is_by("wp-settings-1=y; PHPSESSID=a", "PHPSESSID=a", false);
    is_by("wordpress_logged_in_1=z; PHPSESSID=a", "wordpress_logged_in_1=z", false);
    is_by("PHPSESSID=b; wordpress_logged_in_1=z", "wordpress_logged_in_1=z", false);
    is_by("x_jwt=a; shop_x=1; PHPSESSID=b", "shop_x=1", false);
    is_by("a=1; x_jwt=2", "x_jwt=2", true);
    is_by("laravel_session=2", "laravel_session=2", true);
}

// Of cookies that nobody knows the one that stands for somebody, wherever it is.
static void the_likeliest_of_unknown_cookies_stands_for_the_user(void **state) {
    (void)state;
    is_by("last=/x; auth=alice; z=1", "auth=alice", false);
    is_by("z=1; auth=alice; last=/y", "auth=alice", false);
    is_by("zz=1; aa=2", "aa=2", false);
    is_by("aa=2; zz=1", "aa=2", false);
    is_by("b=2; bb=1", "b=2", false);
}

static void credentials_are_the_session(void **state) {
    (void)state;
    struct pair v[] = {{SPAN("cookie"), SPAN("PHPSESSID=1")},
                       {SPAN("Authorization"), SPAN("Basic eDp5")},
                       {SPAN("x-auth-user"), SPAN("eve")},
                       {SPAN("cookie"), SPAN("PHPSESSID=2")}};
    struct pairs all = {v, 4, 4};
    struct audience a = audience_of(&conf, &all);
    assert_true(span_eq(a.credential, SPAN("Basic eDp5")) && !a.changes && a.cookie.n == 0);
    v[1].value = SPAN("Bearer eyJ.1"); // which is another one each hour
    assert_true(span_eq(audience_of(&conf, &all).credential, SPAN("eve")));
    all.v = v + 1;
    all.n = 1;
    assert_true(audience_of(&conf, &all).changes);
    v[1] = (struct pair){SPAN("X-Jwt-Assertion"), SPAN("eyJ.1")};
    assert_true(audience_of(&conf, &all).changes);
}

static uint64_t agent_of(const char *agent, const char *languages) {
    struct pair v[] = {{SPAN("user-agent"), span_str(agent)},
                       {SPAN("accept-language"), span_str(languages)}};
    struct pairs all = {v, 2, 2};
    return audience_agent(&secret, &all);
}

static void hashes_tell_users_apart(void **state) {
    (void)state;
    assert_true(agent_of("A", "de") == agent_of("A", "de"));
    assert_true(agent_of("A", "de") != agent_of("A", "en"));
    assert_true(agent_of("A", "de") != agent_of("B", "de"));
    assert_true(audience_credential(&secret, SPAN("a=1")) ==
                audience_credential(&secret, SPAN("a=1")));
    assert_true(audience_credential(&secret, SPAN("a=1")) !=
                audience_credential(&secret, SPAN("a=2")));
}

static uint64_t network_of(uint8_t n, const uint8_t *bytes) {
    struct ip a = ip_of(bytes, n);
    return audience_network(&secret, &a);
}

static void a_network_is_a_24_or_a_48(void **state) {
    (void)state;
    static const uint8_t v4[] = {10, 1, 2, 3}, near4[] = {10, 1, 2, 255}, far4[] = {10, 1, 3, 3};
    static const uint8_t mapped[16] = {[10] = 255, [11] = 255, [12] = 10, [13] = 1, [14] = 2};
    static const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, 0, 7, 1, 1};
    static const uint8_t near6[16] = {0x20, 1, 0xd, 0xb8, 0, 7, 255, 255, 9};
    static const uint8_t far6[16] = {0x20, 1, 0xd, 0xb8, 0, 8, 1, 1};
    static const uint8_t nat64[16] = {0, 0x64, 0xff, 0x9b, [12] = 10, [13] = 1, [14] = 2};
    static const uint8_t to4[16] = {0x20, 2, 10, 1, 2, 77, 1};
    static const uint8_t far_to4[16] = {0x20, 2, 10, 1, 3, 77, 1};
    assert_true(network_of(4, v4) == network_of(4, near4));
    assert_true(network_of(4, v4) != network_of(4, far4));
    assert_true(network_of(4, v4) == network_of(16, mapped));
    assert_true(network_of(16, v6) == network_of(16, near6));
    assert_true(network_of(16, v6) != network_of(16, far6));
    assert_true(network_of(4, v4) == network_of(16, nat64));
    assert_true(network_of(4, v4) == network_of(16, to4));
    assert_true(network_of(4, v4) != network_of(16, far_to4));
    assert_true(network_of(4, v4) != 0);
    assert_true(network_of(0, v4) == 0);
}

static void inside_is_what_the_internet_does_not_lead_to(void **state) {
    (void)state;
    static const struct ip none = {0}, office = {4, {192, 168, 3, 1}}, self = {16, {[15] = 1}};
    static const struct ip far4 = {4, {192, 0, 2, 1}}, far6 = {16, {0x20, 1, 0xd, 0xb8}};
    assert_true(audience_is_inside(&none) && audience_is_inside(&office));
    assert_true(audience_is_inside(&self));
    assert_false(audience_is_inside(&far4) || audience_is_inside(&far6));
}

static void a_client_is_an_address_and_a_program(void **state) {
    (void)state;
    static const struct ip there = {4, {10, 1, 2, 4}};
    struct pair v = {SPAN("user-agent"), SPAN("A")};
    struct pairs a = {&v, 1, 1}, none = {0};
    uint64_t client = audience_client(&secret, &here, &a);
    assert_true(client == audience_client(&secret, &here, &a));
    assert_true(client != audience_client(&secret, &there, &a));
    assert_true(client != audience_client(&secret, &here, &none));
}

#define ROWS (sizeof rows / sizeof *rows)

int main(void) {
    struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] =
            (struct CMUnitTest){rows[i].name, is_judged_as_the_row_says, NULL, NULL, &rows[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_operator_knows_better_than_the_tables),
        cmocka_unit_test(sorted_names_match_as_they_did),
        cmocka_unit_test(one_session_is_one_whatever_changes_beside_it),
        cmocka_unit_test(the_likeliest_of_unknown_cookies_stands_for_the_user),
        cmocka_unit_test(credentials_are_the_session),
        cmocka_unit_test(hashes_tell_users_apart),
        cmocka_unit_test(a_network_is_a_24_or_a_48),
        cmocka_unit_test(inside_is_what_the_internet_does_not_lead_to),
        cmocka_unit_test(a_client_is_an_address_and_a_program),
    };
    return cmocka_run_group_tests_name("rows", table, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
