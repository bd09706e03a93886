// SPDX-License-Identifier: MIT
#include "exchange/route_target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

// What the operator wrote, what a client's request caught as {1}, its query, and the Location.
static const struct {
    const char *text, *first, *query, *location;
} locations[] = {
    {"/new/{1}", "a", NULL, "/new/a"},
    {"/new/{1}", "a b\xc3\xa9", "x=1", "/new/a%20b%C3%A9?x=1"},
    {"/new/{1}?", "a", "x=1", "/new/a"},
    {"/s?q={1}", "a&b=c#d", "x=1", "/s?q=a%26b%3Dc%23d"},
    {"/s?q={1}&{query}", "a", "x=1&y=%20", "/s?q=a&x=1&y=%20"},
    {"/s?q={1}&{query}", "a", NULL, "/s?q=a"},
    {"/new", "", "", "/new?"},
    {"{path}", "", NULL, "/the/path"},
    {"https://new.example{path}", "", "x", "https://new.example/the/path?x"},
    {"https://new.example/{1}", "/x", NULL, "https://new.example//x"},
    {"{scheme}://{host}/{1}", "x", NULL, "https://blog.example/x"},
    {"/{{1}", "x", NULL, "/{1}"},
    // What a client writes ends no line and names no host.
    {"/new/{1}", "a\r\nSet-Cookie: b", NULL, "/new/a%0D%0ASet-Cookie:%20b"},
    {"/s?q={1}", "a\r\n\r\nb", NULL, "/s?q=a%0D%0A%0D%0Ab"},
    {"/{1}", "/evil.example", NULL, "/evil.example"},
    {"{1}", "//evil.example", NULL, "/evil.example"},
    {"{1}", "https://evil.example", NULL, "/https://evil.example"},
    {"/{1}", "\\evil.example", NULL, "/%5Cevil.example"},
    {"{1}{1}", "/", NULL, "/"},
    {"/x", "", "a\r\nb: c", "/x?a%0D%0Ab:%20c"},
};

static struct template_values values_of(const char *first, const char *query) {
    struct template_values v = {.captures = {SPAN("/all"), span_str(first)}, .captures_n = 2};
    v.variables[TEMPLATE_PATH] = SPAN("/the/path");
    v.variables[TEMPLATE_QUERY] = span_str(query);
    v.variables[TEMPLATE_HOST] = SPAN("blog.example");
    v.variables[TEMPLATE_SCHEME] = SPAN("https");
    return v;
}

static void test_locations(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof locations / sizeof locations[0]; i++) {
        struct template_values v = values_of(locations[i].first, locations[i].query);
        struct route_target t;
        struct arena a;
        const char *why;
        arena_init(&a, 65536);
        assert_true(route_target_parse(&t, span_str(locations[i].text), false, &a, &why));
        struct span got = route_target_location(&t, &v, &a);
        if (!span_eq(got, span_str(locations[i].location))) {
            fail_msg("%s with %s: %.*s", locations[i].text, locations[i].first, SPAN_ARG(got));
        }
        arena_fini(&a);
    }
}

static const struct {
    const char *text, *first, *query, *path, *got;
} insides[] = {
    {"/index.php", "", "x=1", "/index.php", "x=1"},
    {"/index.php?page={1}", "a b&c", "x=1", "/index.php", "page=a%20b%26c"},
    {"/index.php?", "", "x=1", "/index.php", ""},
    {"/a/{1}", "/b//c", NULL, "/a/b/c", NULL},
    {"{1}", "b", NULL, "/b", NULL},
    {"/a b/{1}", "\xc3\xa9\n", NULL, "/a b/\xc3\xa9\n", NULL},
    {"/a/{1}", "../b", NULL, "/a/../b", NULL}, // which access_check refuses
};

static void test_paths_inside(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof insides / sizeof insides[0]; i++) {
        struct template_values v = values_of(insides[i].first, insides[i].query);
        struct route_target t;
        struct span path, query;
        struct arena a;
        const char *why;
        arena_init(&a, 65536);
        assert_true(route_target_parse(&t, span_str(insides[i].text), true, &a, &why));
        assert_true(route_target_inside(&t, &v, &a, &path, &query));
        if (!span_eq(path, span_str(insides[i].path)) ||
            !span_eq(query, span_str(insides[i].got)) ||
            (query.p == NULL) != (insides[i].got == NULL)) {
            fail_msg("%s: %.*s ? %.*s", insides[i].text, SPAN_ARG(path), SPAN_ARG(query));
        }
        a.budget = a.used;
        assert_false(route_target_inside(&t, &v, &a, &path, &query));
        assert_null(route_target_location(&t, &v, &a).p);
        arena_fini(&a);
    }
}

static void test_what_is_no_target_is_told(void **state) {
    (void)state;
    const struct {
        const char *text;
        bool is_inside;
    } texts[] = {
        {"", false},
        {"new", false},
        {"https://", false},
        {"https://{1}/", false},
        {"https://a.example{1}", false},
        {"https://a@{host}/", false},
        {"https://{host}{1}", false},
        {"https://u@a.example/", false},
        {"javascript:alert(1)", false},
        {"/a b", false},
        {"/a\r\nb", false},
        {"/a#b", false},
        {"/{name}", false},
        {"/{", false},
        {"/{12}", false},
        {"https://a.example/", true},
        {"index.php", true},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct route_target t;
        struct arena a;
        const char *why = NULL;
        arena_init(&a, 65536);
        if (route_target_parse(&t, span_str(texts[i].text), texts[i].is_inside, &a, &why)) {
            fail_msg("\"%s\" is taken", texts[i].text);
        }
        assert_true(why != NULL && strlen(why) > 0);
        arena_fini(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locations),
        cmocka_unit_test(test_paths_inside),
        cmocka_unit_test(test_what_is_no_target_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
