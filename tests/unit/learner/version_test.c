// SPDX-License-Identifier: MIT
#include "learner/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *name, *url, *stem; // "*" for a version; empty: it has none
} rows[] = {
    {"a plain name", "/style.css", ""},
    {"ver=", "/style.css?ver=6.4.2", "/style.css?ver=*"},
    {"another key stays", "/style.css?ver=1&a=b", "/style.css?ver=*&a=b"},
    {"a bare number", "/style.css?1700000000", "/style.css?*"},
    {"an id that is a hash", "/app.css?id=68b329da9893e34099c7", "/app.css?id=*"},
    {"an id that is none", "/app.css?id=5", ""},
    {"a hash in the name", "/app.3f2a9c1b.js", "/app.*.js"},
    {"a hash behind a dash", "/index-DiwrgTda.js", "/index-*.js"},
    {"a hash of a module bundler", "/chunk-2VQ7XK4D.js", "/chunk-*.js"},
    {"a word is no hash", "/deadbeef.css", ""},
    {"nor is another", "/carousel.css", ""},
    {"a version number in the name", "/jquery-3.7.1.min.js", "/jquery-*.min.js"},
    {"a page number is none", "/photo-12.jpg", ""},
    {"a folder", "/assets/3f2a9c1b77d0/app.css", "/assets/*/app.css"},
    {"the version folder of Magento", "/static/version1700000000/x.css", "/static/version*/x.css"},
    {"dates and names stay", "/2024/05/post.css", ""},
};

static void versions_are_found(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t out[256];
        print_message("%s\n", rows[i].name);
        size_t n = version_stem(span_str(rows[i].url), out, sizeof out);
        assert_int_equal(n, strlen(rows[i].stem));
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(out[k] == 0x01 ? '*' : out[k], rows[i].stem[k]);
        }
    }
}

static void what_does_not_fit_has_no_stem(void **state) {
    (void)state;
    uint8_t out[16];
    assert_int_equal(version_stem(SPAN("/style.css?ver=1"), out, 16), 16);
    assert_int_equal(version_stem(SPAN("/style.css?ver=1"), out, 15), 0);
    assert_int_equal(version_stem(SPAN(""), out, 16), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_found),
        cmocka_unit_test(what_does_not_fit_has_no_stem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
