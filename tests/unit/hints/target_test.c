// SPDX-License-Identifier: MIT
#include "hints/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *name, *reference;
    enum hint_reason reason;
    const char *url; // NULL: refused
};

static struct row rows[] = {
    {"an absolute path", "/a.css", HINT_OK, "/a.css"},
    {"a query stays", "/a.css?ver=6.4", HINT_OK, "/a.css?ver=6.4"},
    {"a fragment goes", "/a.css?ver=6.4#x", HINT_OK, "/a.css?ver=6.4"},
    {"a relative path", "a.css", HINT_OK, "/x%20y/a.css"},
    {"one level up", "../a.css", HINT_OK, "/a.css"},
    {"more levels up than there are", "../../../a.css", HINT_OK, "/a.css"},
    {"dots in the middle", "/b/./c/../a.css", HINT_OK, "/b/a.css"},
    {"only a query", "?b", HINT_OK, "/x%20y/page?b"},
    {"the whole URL", "https://site.example/a", HINT_OK, "/a"},
    {"the whole URL in upper case", "HTTPS://SITE.EXAMPLE/A", HINT_OK, "/A"},
    {"the default port", "https://site.example:443/a", HINT_OK, "/a"},
    {"without a scheme", "//site.example/a", HINT_OK, "/a"},
    {"an origin without a path", "https://site.example", HINT_OK, "/"},
    {"another host", "https://cdn.example/a?b#c", HINT_OK, "https://cdn.example/a?b"},
    {"another host without a scheme", "//CDN.example/a", HINT_OK, "https://cdn.example/a"},
    {"another port", "https://site.example:8443/a", HINT_OK, "https://site.example:8443/a"},
    {"a longer host with the same beginning", "https://site.example.evil/a", HINT_OK,
     "https://site.example.evil/a"},
    {"http from an https page", "http://site.example/a", HINT_TARGET_DOWNGRADE, NULL},
    {"http to another host", "http://cdn.example/a", HINT_TARGET_DOWNGRADE, NULL},
    {"data", "data:text/css,a", HINT_TARGET_SCHEME, NULL},
    {"javascript", "javascript:alert(1)", HINT_TARGET_SCHEME, NULL},
    {"javascript in upper case", "JavaScript:alert(1)", HINT_TARGET_SCHEME, NULL},
    {"file", "file:///etc/passwd", HINT_TARGET_SCHEME, NULL},
    {"user information", "https://eve@site.example/a", HINT_TARGET_SYNTAX, NULL},
    {"a backslash that a browser reads as a slash", "/\\evil.example/a", HINT_TARGET_SYNTAX, NULL},
    {"a path that a browser would read as a host", "/..//evil.example/a", HINT_TARGET_SYNTAX, NULL},
    {"the same with the whole URL", "https://site.example//evil.example/a", HINT_TARGET_SYNTAX,
     NULL},
    {"a line break", "/a\r\nx: y", HINT_TARGET_SYNTAX, NULL},
    {"a tab that hides a scheme", "java\tscript:alert(1)", HINT_TARGET_SYNTAX, NULL},
    {"a blank", "/a b", HINT_OK, "/a%20b"},
    {"bytes above ASCII", "/\xc3\xa4.css", HINT_OK, "/%C3%A4.css"},
};

static const struct target_page page = {SPAN_INIT("https"), SPAN_INIT("site.example"),
                                        SPAN_INIT("/x%20y/page?q=1")};

static void resolves_as_the_row_says(void **state) {
    const struct row *row = *state;
    struct arena arena;
    struct target target;
    arena_init(&arena, 65536);
    assert_int_equal(target_resolve(&target, &page, span_str(row->reference), &arena), row->reason);
    if (row->url != NULL) {
        assert_int_equal(target.url.n, strlen(row->url));
        assert_memory_equal(target.url.p, row->url, target.url.n);
        assert_int_equal(target.is_same_origin, row->url[0] == '/');
        assert_true(target.path.n > 0 && target.path.p[0] == '/');
        assert_true(span_has_suffix(target.url, target.path));
    }
    arena_fini(&arena);
}

static void the_default_port_of_the_page_does_not_matter(void **state) {
    (void)state;
    struct target_page other = {SPAN("http"), SPAN("site.example:80"), SPAN("/")};
    struct arena arena;
    struct target target;
    arena_init(&arena, 65536);
    assert_int_equal(target_resolve(&target, &other, SPAN("http://site.example/a"), &arena), 0);
    assert_true(target.is_same_origin);
    // An http page may use https.
    assert_int_equal(target_resolve(&target, &other, SPAN("https://site.example/a"), &arena), 0);
    assert_false(target.is_same_origin);
    assert_true(span_eq(target.origin, SPAN("https://site.example")));
    arena_fini(&arena);
}

static void a_spent_arena_is_a_reason(void **state) {
    (void)state;
    struct arena arena;
    struct target target;
    arena_init(&arena, 0);
    assert_int_equal(target_resolve(&target, &page, SPAN("https://cdn.example/a"), &arena),
                     HINT_MEMORY);
    arena_fini(&arena);
}

static void two_kilobytes_are_the_most(void **state) {
    (void)state;
    static uint8_t reference[TARGET_MAX + 1];
    struct arena arena;
    struct target target;
    memset(reference, 'a', sizeof reference);
    reference[0] = '/';
    arena_init(&arena, 65536);
    assert_int_equal(target_resolve(&target, &page, span_of(reference, TARGET_MAX), &arena),
                     HINT_OK);
    assert_int_equal(target_resolve(&target, &page, span_of(reference, TARGET_MAX + 1), &arena),
                     HINT_TARGET_LONG);
    memset(reference + 1, 0xc3, TARGET_MAX - 1); // three bytes each where they must be encoded
    assert_int_not_equal(target_resolve(&target, &page, span_of(reference, TARGET_MAX), &arena),
                         HINT_OK);
    arena_fini(&arena);
}

#define ROWS (sizeof rows / sizeof *rows)

int main(void) {
    struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] =
            (struct CMUnitTest){rows[i].name, resolves_as_the_row_says, NULL, NULL, &rows[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_port_of_the_page_does_not_matter),
        cmocka_unit_test(a_spent_arena_is_a_reason),
        cmocka_unit_test(two_kilobytes_are_the_most),
    };
    return cmocka_run_group_tests_name("rows", table, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
