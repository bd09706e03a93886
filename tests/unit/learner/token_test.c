// SPDX-License-Identifier: MIT
#include "learner/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const fine[] = {
    "/style.css",
    "/wp-content/themes/x/style.css?ver=6.4.2",
    "/wp-includes/blocks/navigation/style.min.css?ver=3f2a9c1b77d0e1aa9c1b",
    "/app.css?id=68b329da9893e34099c7d8ad5cb9c940",
    "/build/app.3f2a9c1b77d0e1aa9c1b3f2a9c1b77d0.js",
    "/assets/index-B_x9-a2K.js",
    "/_next/static/Qk3nXb0yZ1m2n3o4p5q6r/app.js",
    "/style.css?v=1700000000",
    "/style.css?1700000000",
    "/style.css?t=1700000000",
    "/wp-admin/load-styles.php?c=0&dir=ltr&load%5Bchunk_0%5D=dashicons,admin-bar,common",
    "/css?family=Open+Sans:400,700&display=swap&subset=latin-ext",
    "/print.css?media=screen",
    "/css?family=Open+Sans%3A400%2C700&display=swap",
    "/css2?family=Noto%20Sans%3Aital%2Cwght%400%2C400%3B1%2C700",
    "/_static/?\?/wp-content/a.css,/wp-content/b.css?m=1700000000",
    "/min/?g=a%2Cb",
    "/a.css?%",
    "/a.css?x=%e",
    "https://cdn.example/x.js?v=3",
};

static const char *const doubtful[] = {
    "/a.css?x=d41d8cd98f00b204e9800998ecf8427e",
    "/a.css?d41d8cd98f00b204e9800998ecf8427e",
    "/a.css?d41d8cd98f00b204e9800998ecf8427e=1",
    "/a.css?1b6a41f02ce0983d4a7c",
    "/a.css?x=Zk3nX0b9yQ1m2N3o4P5q6R7s",
    "/a.css?x=Zk3nX0b9yQ1m%322N3o4P5q6R7s",
    "/a.css?_=1700000000",
    "/a.css?_=f4b3d2",
    "/a.css?x=123e4567-e89b-12d3-a456-426614174000",
    "/a.css?ver=123e4567-e89b-12d3-a456-426614174000",
    ("/sites/default/files/css/css_x.css?delta=0&language=en&theme=olivero&include="
     "eJxdjcEOwjAIhl-o2R5hr9C4bwAdjW2pQJf59hJvu_zJB_z8bFgd9zQTVWLxWpCYR1uHTB3k"),
    "/_static/?\?-eJx9jEEKgDAMBD-kBvHgRXyLpEFbm6Q0qfh8Cx6Eve3sDNwZkAuDwuXkkEBLYjX",
    "/css.php?css=public%3Adefault.css&k=0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33",
    "/u/Zk3nX0b9yQ1m2N3o4P5q6R7sZk3nX0b9yQ1m2N3o4P5q6R7s/a.css",
};

static const char *const secret[] = {
    "/a.css?token=1",
    "/a.css?TOKEN=1",
    "/a.css?%74oken=1",
    "/a.js?x[token]=1",
    "/a.js?x%5Btoken%5D=1",
    "/a.js?x%5btoken%5d=1",
    "/a.js?my_token=abc",
    "/a.js?_wpnonce=3f2a9c1b77",
    "/a.css?ver=1&sig=abc",
    "/a.css?x=d41d8cd98f00b204e9800998ecf8427e&sig=abc",
    "/f.woff2?X-Amz-Signature=abc&X-Amz-Date=1",
    "/f.woff2?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260101%2Fs3&X-Amz-Expires=60",
    "/f.woff2?Expires=1700000000&Signature=x&Key-Pair-Id=K",
    "/f.woff2?Policy=eyJTdGF0ZW1lbnQiOlt7&Signature=x&Key-Pair-Id=K",
    "/a.css?sid=4",
    "/a.css;jsessionid=ABC",
    "/a.css?x=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP",
    "/a.css?x=%65yJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP",
    "/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP/a.css",
    "/a.css?user=7",
    "/a.css?email=a@b.example",
    "/a.css?reset=1",
    "/a.css?token",
    "https://cdn.example/x.js?access_token=3",
};

static void check(const char *const *urls, size_t n, enum token want) {
    for (size_t i = 0; i < n; i++) {
        print_message("%d: %s\n", want, urls[i]);
        assert_int_equal(token_of(span_str(urls[i])), want);
    }
}

static void what_is_for_one_person_is_told_from_what_is_for_all(void **state) {
    (void)state;
    check(fine, sizeof fine / sizeof *fine, TOKEN_NONE);
    check(doubtful, sizeof doubtful / sizeof *doubtful, TOKEN_DOUBTFUL);
    check(secret, sizeof secret / sizeof *secret, TOKEN_SECRET);
}

static void versions_have_their_names(void **state) {
    (void)state;
    assert_true(token_is_version_key(SPAN("ver")));
    assert_true(token_is_version_key(SPAN("V")));
    assert_false(token_is_version_key(SPAN("verb")));
    assert_false(token_is_version_key(SPAN("")));
}

static const char *const thought_of[] = {
    "2024",
    "05",
    "wp-content",
    "version1700000000",
    "jquery-ui-1.13",
    "html5shiv",
    "MyTheme",
    "MyTheme2Pro",
    "bootstrap5",
    "x86_64",
    "ie8",
    "mp3player",
    "css",
    "en-GB",
    "DesktopModules",
    "my-post-no-7",
    "iphone-14-pro",
    "a2890",
    "responsive",
    "",
    "20240501123000",
    "WordPress",
};

static const char *const made_up[] = {
    "123e4567-e89b-12d3-a456-426614174000",
    "d41d8cd98f00b204e9800998ecf8427e",
    "Zk3nX0b9yQ1m2N3o4P5q6R",
    "x7Kp2mQ9aZ4tB1c",
    "3f9a1c2e",
    "a1B2c3",
    "share-x7Kp2mQ9aZ4tB1c",
    "7f3k9d2m",
};

static void names_that_nobody_thought_of_are_told_from_words(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof thought_of / sizeof *thought_of; i++) {
        print_message("word: %s\n", thought_of[i]);
        assert_false(token_is_name(span_str(thought_of[i])));
    }
    for (size_t i = 0; i < sizeof made_up / sizeof *made_up; i++) {
        print_message("name: %s\n", made_up[i]);
        assert_true(token_is_name(span_str(made_up[i])));
    }
}

static void names_are_looked_for_in_hosts_and_folders(void **state) {
    static const struct {
        const char *url, *name;
    } rows[] = {
        {"/share/x7Kp2mQ9aZ4tB1c/theme.css", "x7Kp2mQ9aZ4tB1c"},
        {"https://x7kp2mq9az4tb1c.files.example", "x7kp2mq9az4tb1c"},
        {"https://x7kp2mq9az4tb1c.files.example/a.css", "x7kp2mq9az4tb1c"},
        {"https://files.example/3f9a1c2e/a.css?v=1", "3f9a1c2e"},
        {"/files/123e4567-e89b-12d3-a456-426614174000.css", "123e4567-e89b-12d3-a456-426614174000"},
        {"/build/app.3f9a1c2e.css", NULL},
        {"/assets/index-B_x9a2K3.js?ver=3f9a1c2e", NULL},
        {"/wp-content/themes/x/style.css", NULL},
        {"https://fonts.example", NULL},
    };
    struct span names[2];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("%s\n", rows[i].url);
        size_t n = token_names(span_str(rows[i].url), names, 2);
        assert_int_equal(n, rows[i].name != NULL);
        assert_true(n == 0 || span_eq(names[0], span_str(rows[i].name)));
    }
    struct span one;
    assert_int_equal(token_names(SPAN("/3f9a1c2e/a1B2c3/x.css"), names, 2), 2);
    assert_int_equal(token_names(SPAN("/3f9a1c2e/a1B2c3/x.css"), &one, 1), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_for_one_person_is_told_from_what_is_for_all),
        cmocka_unit_test(versions_have_their_names),
        cmocka_unit_test(names_that_nobody_thought_of_are_told_from_words),
        cmocka_unit_test(names_are_looked_for_in_hosts_and_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
