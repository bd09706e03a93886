// SPDX-License-Identifier: MIT
#include "hints/audience.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *name, *field, *value;
    bool is_anonymous;
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
    {"credentials", "Authorization", "Basic eDp5", false},
};

static void is_judged_as_the_row_says(void **state) {
    const struct row *row = *state;
    struct pair pair = {span_str(row->field), span_str(row->value)};
    struct pairs fields = {.v = &pair, .n = 1, .cap = 1};
    assert_int_equal(audience_is_anonymous(&fields), row->is_anonymous);
}

#define ROWS (sizeof rows / sizeof *rows)

int main(void) {
    struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] =
            (struct CMUnitTest){rows[i].name, is_judged_as_the_row_says, NULL, NULL, &rows[i]};
    }
    return cmocka_run_group_tests_name("rows", table, NULL, NULL);
}
