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
    "https://cdn.example/x.js?v=3",
};

static const char *const suspect[] = {
    "/a.css?token=1",
    "/a.css?TOKEN=1",
    "/a.js?x[token]=1",
    "/a.js?x%5Btoken%5D=1",
    "/a.js?my_token=abc",
    "/a.js?_wpnonce=3f2a9c1b77",
    "/a.css?ver=1&sig=abc",
    "/f.woff2?X-Amz-Signature=abc&X-Amz-Date=1",
    "/f.woff2?Expires=1700000000&Signature=x&Key-Pair-Id=K",
    "/a.css?sid=4",
    "/a.css;jsessionid=ABC",
    "/a.css?_=1700000000",
    "/a.css?x=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP",
    "/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP/a.css",
    "/a.css?x=123e4567-e89b-12d3-a456-426614174000",
    "/a.css?ver=123e4567-e89b-12d3-a456-426614174000",
    "/a.css?x=d41d8cd98f00b204e9800998ecf8427e",
    "/a.css?d41d8cd98f00b204e9800998ecf8427e=1",
    "/a.css?x=Zk3nX0b9yQ1m2N3o4P5q6R7s",
    "/u/Zk3nX0b9yQ1m2N3o4P5q6R7sZk3nX0b9yQ1m2N3o4P5q6R7s/a.css",
    "/a.css?user=7",
    "/a.css?email=a@b.example",
    "https://cdn.example/x.js?access_token=3",
};

static void what_is_for_one_person_is_told_from_what_is_for_all(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        print_message("fine: %s\n", fine[i]);
        assert_false(token_is_in(span_str(fine[i])));
    }
    for (size_t i = 0; i < sizeof suspect / sizeof *suspect; i++) {
        print_message("not:  %s\n", suspect[i]);
        assert_true(token_is_in(span_str(suspect[i])));
    }
}

static void versions_have_their_names(void **state) {
    (void)state;
    assert_true(token_is_version_key(SPAN("ver")));
    assert_true(token_is_version_key(SPAN("V")));
    assert_false(token_is_version_key(SPAN("verb")));
    assert_false(token_is_version_key(SPAN("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_for_one_person_is_told_from_what_is_for_all),
        cmocka_unit_test(versions_have_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
