// SPDX-License-Identifier: MIT
#include "hints/audience.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *name, *field, *value;
    bool is_public;
};

static struct row rows[] = {
    {"no cookie", "accept", "*/*", true},
    {"the test cookie of WordPress", "cookie", "wordpress_test_cookie=WP%20Cookie%20check", true},
    {"a cookie that counts visitors", "cookie", "_ga=GA1.2.3; _gid=x; has_js=1", true},
    {"a WordPress log-in", "cookie", "a=b; wordpress_logged_in_0123abcd=x", false},
    {"a WordPress administrator", "cookie", "wordpress_sec_0123=x", false},
    {"a password-protected post", "cookie", "wp-postpass_0123=x", false},
    {"somebody who commented", "Cookie", "comment_author_0123=Eve; a=b", false},
    {"a cart of WooCommerce", "cookie", "wp_woocommerce_session_0123=x", false},
    {"a PHP session", "cookie", "PHPSESSID=abc", false},
    {"a PHP session without a blank before it", "cookie", "a=b;PHPSESSID=abc", false},
    {"a PHP session in another case", "cookie", "phpsessid=abc", false},
    {"Laravel", "cookie", "laravel_session=x", false},
    {"another framework's session", "cookie", "my_shop_session=x", false},
    {"Drupal", "cookie", "SESS49960de5880e8c687434170f6476605b=x", false},
    {"Drupal over TLS", "cookie", "SSESS49960de5880e8c687434170f6476605b=x", false},
    {"Magento", "cookie", "frontend=x", false},
    {"Java", "cookie", "JSESSIONID=x", false},
    {"a token somewhere in the name", "cookie", "__my_auth_token_2=x", false},
    {"a session cookie's name as a value", "cookie", "x=PHPSESSID", true},
    {"a longer name than an exact pattern", "cookie", "frontend2=x", true},
    {"a cookie without an equals sign", "cookie", "PHPSESSID", false},
    {"an empty cookie field", "cookie", "", true},
    {"a session under a guarded name", "cookie", "__Host-PHPSESSID=x", false},
    {"one under a guarded name over TLS", "cookie", "a=b; __Secure-sid=x", false},
    {"Drupal under a guarded name", "cookie", "__Secure-SSESS49960de5=x", false},
    {"OpenCart", "cookie", "OCSESSID=x", false},
    {"Moodle", "cookie", "MoodleSessionlive=x", false},
    {"ASP.NET", "cookie", ".AspNetCore.Identity.Application=x", false},
    {"a guarded name that is no session's", "cookie", "__Host-consent=x", true},
    {"credentials", "Authorization", "Basic eDp5", false},
};

static const struct span own[] = {SPAN_INIT("shop_*"), SPAN_INIT("*")};
static const struct audience_conf conf = {.secret = {1, 2}};
static const struct audience_conf shop = {.secret = {1, 2}, .cookies = own, .cookies_n = 1};
static const struct audience_address here = {4, {10, 1, 2, 3}};

static void is_judged_as_the_row_says(void **state) {
    const struct row *row = *state;
    struct pair pair = {span_str(row->field), span_str(row->value)};
    struct pairs fields = {.v = &pair, .n = 1, .cap = 1};
    assert_int_equal(!audience_is_session(&conf, &fields), row->is_public);
    assert_int_equal(audience_session(&conf, &fields, &here) == 0, row->is_public);
}

static void a_site_may_have_cookies_of_its_own(void **state) {
    (void)state;
    assert_false(audience_is_session_cookie(&conf, SPAN("shop_user")));
    assert_true(audience_is_session_cookie(&shop, SPAN("Shop_User")));
    assert_false(audience_is_session_cookie(&shop, SPAN("my_shop")));
    assert_true(audience_is_session_cookie(&shop, SPAN("PHPSESSID")));
    struct audience_conf any = {.cookies = own + 1, .cookies_n = 1};
    assert_true(audience_is_session_cookie(&any, SPAN("x")));
}

static uint64_t session_of(const char *cookies, const char *agent) {
    struct pair v[] = {{SPAN("user-agent"), span_str(agent)}, {SPAN("cookie"), span_str(cookies)}};
    struct pairs fields = {v, 2, 2};
    return audience_session(&shop, &fields, &here);
}

static void one_session_is_one_whatever_changes_beside_it(void **state) {
    (void)state;
    uint64_t first = session_of("PHPSESSID=a; wp-settings-1=x", "A");
    assert_true(first != 0);
    assert_true(first == session_of("wp-settings-1=y; PHPSESSID=a", "A"));
    assert_true(first == session_of("PHPSESSID=a", "B"));
    assert_true(first != session_of("PHPSESSID=b", "A"));
    assert_true(session_of("wordpress_logged_in_1=z; PHPSESSID=a", "A") ==
                session_of("PHPSESSID=b; wordpress_logged_in_1=z", "A"));
}

static void a_cookie_that_changes_makes_no_new_session(void **state) {
    (void)state;
    assert_true(session_of("laravel_session=a", "A") == session_of("laravel_session=b", "A"));
    assert_true(session_of("shop_x=a", "A") == session_of("shop_x=b", "A"));
    assert_true(session_of("laravel_session=a", "A") != session_of("laravel_session=a", "B"));
}

static void credentials_are_the_session(void **state) {
    (void)state;
    struct pair v[] = {{SPAN("cookie"), SPAN("PHPSESSID=1")},
                       {SPAN("Authorization"), SPAN("Basic eDp5")},
                       {SPAN("cookie"), SPAN("PHPSESSID=2")}};
    struct pairs all = {v, 3, 3}, alone = {v + 1, 1, 1};
    assert_true(audience_session(&conf, &all, &here) == audience_session(&conf, &alone, &here));
}

static uint64_t session_by(const char *credentials) {
    struct pair v = {SPAN("authorization"), span_str(credentials)};
    struct pairs fields = {&v, 1, 1};
    return audience_session(&conf, &fields, &here);
}

// One user who counts as several would make his own pages look like those of enough sessions.
static void credentials_that_are_computed_anew_make_no_new_session(void **state) {
    (void)state;
    assert_true(session_by("Basic eDp5") != session_by("Basic eDp6"));
    assert_true(session_by("Digest nc=00000001, response=\"a\"") ==
                session_by("Digest nc=00000002, response=\"b\""));
    assert_true(session_by("Bearer eyJ.1") == session_by("Bearer eyJ.2"));
    assert_true(session_of("session=eyJ.1", "A") == session_of("session=eyJ.2", "A"));
}

static uint64_t network_of(uint8_t n, const uint8_t *bytes) {
    struct audience_address a = {.n = n};
    memcpy(a.bytes, bytes, n);
    return audience_network(&conf.secret, &a);
}

static void a_network_is_a_24_or_a_56(void **state) {
    (void)state;
    static const uint8_t v4[] = {10, 1, 2, 3}, near4[] = {10, 1, 2, 255}, far4[] = {10, 1, 3, 3};
    static const uint8_t mapped[16] = {[10] = 255, [11] = 255, [12] = 10, [13] = 1, [14] = 2};
    static const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 1, 1};
    static const uint8_t near6[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 1, 255, 9};
    static const uint8_t far6[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 2, 1};
    assert_true(network_of(4, v4) == network_of(4, near4));
    assert_true(network_of(4, v4) != network_of(4, far4));
    assert_true(network_of(4, v4) == network_of(16, mapped));
    assert_true(network_of(16, v6) == network_of(16, near6));
    assert_true(network_of(16, v6) != network_of(16, far6));
    assert_true(network_of(4, v4) != 0);
    assert_true(network_of(0, v4) == 0);
}

static void a_client_is_an_address_and_a_program(void **state) {
    (void)state;
    static const struct audience_address there = {4, {10, 1, 2, 4}};
    struct pair v = {SPAN("user-agent"), SPAN("A")};
    struct pairs a = {&v, 1, 1}, none = {0};
    uint64_t client = audience_client(&conf.secret, &here, &a);
    assert_true(client == audience_client(&conf.secret, &here, &a));
    assert_true(client != audience_client(&conf.secret, &there, &a));
    assert_true(client != audience_client(&conf.secret, &here, &none));
}

#define ROWS (sizeof rows / sizeof *rows)

int main(void) {
    struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] =
            (struct CMUnitTest){rows[i].name, is_judged_as_the_row_says, NULL, NULL, &rows[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_may_have_cookies_of_its_own),
        cmocka_unit_test(one_session_is_one_whatever_changes_beside_it),
        cmocka_unit_test(a_cookie_that_changes_makes_no_new_session),
        cmocka_unit_test(credentials_are_the_session),
        cmocka_unit_test(credentials_that_are_computed_anew_make_no_new_session),
        cmocka_unit_test(a_network_is_a_24_or_a_56),
        cmocka_unit_test(a_client_is_an_address_and_a_program),
    };
    return cmocka_run_group_tests_name("rows", table, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
