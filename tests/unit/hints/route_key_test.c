// SPDX-License-Identifier: MIT
#include "hints/route_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_key_gives_its_parts_back(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 65536);
    struct span key = route_key(&arena, SPAN("blog.example"), SPAN("/a b/"));
    assert_true(span_eq(route_key_site(key), SPAN("blog.example")));
    assert_true(span_eq(route_key_path(key), SPAN("/a b/")));
    arena_fini(&arena);
}

static void two_routes_never_share_a_key(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 65536);
    struct span a = route_key(&arena, SPAN("ab"), SPAN("/c"));
    struct span b = route_key(&arena, SPAN("a"), SPAN("b/c"));
    assert_false(span_eq(a, b));
    assert_null(route_key(&arena, SPAN("a"), SPAN("/\0x")).p);
    assert_null(route_key(&arena, SPAN("a\0b"), SPAN("/")).p);
    arena_fini(&arena);
}

static void a_long_path_has_no_key(void **state) {
    (void)state;
    static uint8_t path[ROUTE_KEY_MAX];
    struct arena arena;
    memset(path, 'a', sizeof path);
    arena_init(&arena, 65536);
    assert_null(route_key(&arena, SPAN("site"), span_of(path, ROUTE_KEY_MAX - 4)).p);
    struct span key = route_key(&arena, SPAN("site"), span_of(path, ROUTE_KEY_MAX - 5));
    assert_int_equal(key.n, ROUTE_KEY_MAX);
    assert_int_equal(route_key_path(key).n, ROUTE_KEY_MAX - 5);
    assert_null(route_key(&arena, SPAN("site"), SPAN("")).p);
    assert_null(route_key(&arena, SPAN(""), SPAN("/")).p);
    arena_fini(&arena);
    arena_init(&arena, 3);
    assert_null(route_key(&arena, SPAN("site"), SPAN("/")).p);
    arena_fini(&arena);
}

static void what_is_no_key_has_no_parts(void **state) {
    (void)state;
    static const struct span bad[] = {SPAN_INIT(""), SPAN_INIT("site"), SPAN_INIT("\0/"),
                                      SPAN_INIT("site\0"), SPAN_INIT("s\0/\0x")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(route_key_site(bad[i]).n, 0);
        assert_int_equal(route_key_path(bad[i]).n, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_gives_its_parts_back),
        cmocka_unit_test(two_routes_never_share_a_key),
        cmocka_unit_test(a_long_path_has_no_key),
        cmocka_unit_test(what_is_no_key_has_no_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
