// SPDX-License-Identifier: MIT
#include "learner/route_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct span listed[] = {SPAN_INIT("p"), SPAN_INIT("cat"), SPAN_INIT("s=*")};

static struct span make(uint8_t *out, const char *path, const char *query, bool *is_clean) {
    struct route_parts parts = {.site = SPAN("shop"),
                                .path = span_str(path),
                                .query = span_str(query),
                                .query_keys = listed,
                                .query_keys_n = 3};
    return route_key(out, &parts, is_clean);
}

static const struct {
    const char *name, *path, *query, *printed;
    bool is_clean;
} rows[] = {
    {"a path alone", "/a/", "", "/a/", true},
    {"listed keys count", "/", "p=7", "/?p=7", true},
    {"and are sorted", "/", "p=7&cat=x", "/?cat=x&p=7", true},
    {"of some the key alone counts", "/", "s=foo", "/?s", true},
    {"whatever its value", "/", "s=", "/?s", true},
    {"a listed key without a value", "/", "p", "/?p", true},
    {"marketing keys do not count", "/", "utm_source=x&gclid=1&p=2", "/?p=2", true},
    {"empty pairs are nothing", "/", "&&p=1&", "/?p=1", true},
    {"another key is not clean", "/", "p=1&token=x", "/?p=1", false},
    {"a key that begins like a listed one is another one", "/", "page=1", "/", false},
    {"a pair without a key is another one", "/", "=1", "/", false},
    {"of a key given twice the last counts, and it is not clean", "/", "p=1&p=2", "/?p=2", false},
    {"what people could misread is encoded", "/a b*%\xc3\xa9", "", "/a%20b%2A%25%C3%A9", true},
    {"the query as received", "/", "p=%41", "/?p=%2541", true},
};

static void a_query_counts_where_it_is_listed(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t out[ROUTE_KEY_MAX], again[ROUTE_KEY_MAX];
        char printed[256];
        bool is_clean;
        print_message("%s\n", rows[i].name);
        struct span key = make(out, rows[i].path, rows[i].query, &is_clean);
        assert_non_null(key.p);
        assert_true(route_key_is_valid(key));
        size_t n = route_key_print(key, printed, sizeof printed);
        assert_int_equal(n, strlen(rows[i].printed));
        assert_memory_equal(printed, rows[i].printed, n);
        assert_int_equal(is_clean, rows[i].is_clean);
        // What is printed can be read back.
        struct span same = route_key_read(again, SPAN("shop"), false, span_of(printed, n));
        assert_true(span_eq(same, key));
    }
}

static void a_key_is_taken_apart(void **state) {
    (void)state;
    uint8_t out[ROUTE_KEY_MAX];
    bool is_clean;
    struct route_parts parts = {.site = SPAN("shop"),
                                .path = SPAN("/a/b"),
                                .query = SPAN("p=1"),
                                .is_session = true,
                                .query_keys = listed,
                                .query_keys_n = 3};
    struct span key = route_key(out, &parts, &is_clean);
    assert_true(span_eq(key, SPAN("shop\0s/a/b?p=1")));
    assert_true(span_eq(route_key_site(key), SPAN("shop")));
    assert_true(span_eq(route_key_path(key), SPAN("/a/b")));
    assert_true(span_eq(route_key_query(key), SPAN("p=1")));
    assert_true(route_key_is_session(key));
    assert_false(route_key_is_pattern(key));
    assert_true(route_key_is_pattern(SPAN("shop\0p/a/\1")));
    assert_false(route_key_is_session(SPAN("shop\0p/a")));
    assert_int_equal(route_key_query(SPAN("shop\0p/a")).n, 0);
}

static void what_cannot_be_told_apart_has_no_key(void **state) {
    (void)state;
    uint8_t out[ROUTE_KEY_MAX];
    bool is_clean;
    static uint8_t longest[ROUTE_KEY_MAX];
    memset(longest, 'a', sizeof longest);
    longest[0] = '/';
    struct route_parts parts = {.site = SPAN("shop"), .path = span_of(longest, ROUTE_KEY_MAX - 6)};
    assert_int_equal(route_key(out, &parts, &is_clean).n, ROUTE_KEY_MAX);
    parts.path.n++;
    assert_null(route_key(out, &parts, &is_clean).p);
    static const struct span paths[] = {SPAN_INIT(""),       SPAN_INIT("a"),
                                        SPAN_INIT("/\0"),    SPAN_INIT("/a\1b"),
                                        SPAN_INIT("/a?p=1"), SPAN_INIT("/\x1f")};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        parts.path = paths[i];
        assert_null(route_key(out, &parts, &is_clean).p);
    }
    parts = (struct route_parts){.site = SPAN(""), .path = SPAN("/")};
    assert_null(route_key(out, &parts, &is_clean).p);
}

static void other_bytes_are_no_key(void **state) {
    (void)state;
    static const struct span none[] = {
        SPAN_INIT(""),           SPAN_INIT("shop"),       SPAN_INIT("\0p/"),
        SPAN_INIT("shop\0p"),    SPAN_INIT("shop\0x/"),   SPAN_INIT("shop\0pa"),
        SPAN_INIT("shop\0p/\0"), SPAN_INIT("sh\1op\0p/"), SPAN_INIT("shop\0p/\n"),
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_false(route_key_is_valid(none[i]));
    }
    assert_true(route_key_is_valid(SPAN("shop\0p/\1")));
    assert_int_equal(route_key_site(SPAN("shop")).n, 0);
    assert_int_equal(route_key_path(SPAN("shop")).n, 0);
    assert_false(route_key_is_session(SPAN("shop")));
    uint8_t out[ROUTE_KEY_MAX];
    assert_null(route_key_read(out, SPAN("shop"), false, SPAN("/%0")).p);
    assert_null(route_key_read(out, SPAN("shop"), false, SPAN("/%01")).p);
    assert_null(route_key_read(out, SPAN("shop"), false, SPAN("/\n")).p);
    assert_null(route_key_read(out, SPAN(""), false, SPAN("/")).p);
    assert_true(
        span_eq(route_key_read(out, SPAN("shop"), true, SPAN("/a/*")), SPAN("shop\0s/a/\1")));
}

static void ids_differ_by_every_part(void **state) {
    (void)state;
    const struct siphash_key a = {1, 2}, b = {1, 3};
    struct route_id page = route_key_id(&a, SPAN("shop\0p/x"));
    assert_true(route_id_eq(page, route_key_id(&a, SPAN("shop\0p/x"))));
    assert_false(route_id_eq(page, route_key_id(&b, SPAN("shop\0p/x"))));
    assert_false(route_id_eq(page, route_key_id(&a, SPAN("shop\0s/x"))));
    assert_false(route_id_eq(page, route_asset_id(&a, SPAN("shop"), SPAN("/x"))));
    assert_false(route_id_eq(route_asset_id(&a, SPAN("shop"), SPAN("/x")),
                             route_asset_id(&a, SPAN("shop"), SPAN("/x?v=1"))));
    static uint8_t longer[ROUTE_KEY_MAX + 1];
    assert_true(route_id_eq(route_asset_id(&a, SPAN("shop"), span_of(longer, sizeof longer)),
                            (struct route_id){0, 0}));
}

static void printing_stops_at_the_end(void **state) {
    (void)state;
    char out[8];
    assert_int_equal(route_key_print(SPAN("s\0p/a b"), out, 4), 2);
    assert_int_equal(route_key_print(SPAN("s\0p/a b"), out, 5), 5);
    assert_memory_equal(out, "/a%20", 5);
    assert_int_equal(route_key_print(SPAN("none"), out, 8), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_counts_where_it_is_listed),
        cmocka_unit_test(a_key_is_taken_apart),
        cmocka_unit_test(what_cannot_be_told_apart_has_no_key),
        cmocka_unit_test(other_bytes_are_no_key),
        cmocka_unit_test(ids_differ_by_every_part),
        cmocka_unit_test(printing_stops_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
