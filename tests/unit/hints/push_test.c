// SPDX-License-Identifier: MIT
#include "hints/push.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct row {
    const char *name, *first, *second; // Link fields
    const char *paths;
};

static struct row rows[] = {
    {"a preload", "</a.css>; rel=preload; as=style", "", "/a.css "},
    {"a preload without as", "</a.css>; rel=preload", "", "/a.css "},
    {"nopush", "</a.css>; rel=preload; nopush", "", ""},
    {"only for pushing", "</a.css>; rel=preload; x-http2-push-only", "", "/a.css "},
    {"mixed values in one field", "</a>; rel=preload; nopush, </b>; rel=preload, </c>; rel=next",
     "", "/b "},
    {"several fields", "</a>; rel=preload", "</b>; rel=preload", "/a /b "},
    {"several relation types", "</a>; rel=\"x preload\"", "", "/a "},
    {"the same twice", "</a>; rel=preload, </a#x>; rel=preload", "</a>; rel=preload", "/a "},
    {"a relative target", "<a?x=1>; rel=preload", "", "/dir/a?x=1 "},
    {"the whole URL of the same origin", "<https://site.example/a>; rel=preload", "", "/a "},
    {"another origin", "<https://cdn.example/a>; rel=preload", "", ""},
    {"the page itself", "</dir/page?q>; rel=preload", "", ""},
    {"another relation", "</a>; rel=prefetch", "", ""},
    {"another context", "</a>; rel=preload; anchor=\"/b\"", "", ""},
    {"a module", "</a>; rel=modulepreload", "", ""},
    {"a broken link before a good one", "</a; rel=preload, </b>; rel=preload", "", "/b "},
};

static const struct target_page page = {SPAN_INIT("https"), SPAN_INIT("site.example"),
                                        SPAN_INIT("/dir/page?q")};

static void pushes_what_the_row_says(void **state) {
    const struct row *row = *state;
    struct pair v[] = {{SPAN("Link"), span_str(row->first)},
                       {SPAN("x-link"), SPAN("</never>; rel=preload")},
                       {SPAN("link"), span_str(row->second)}};
    struct pairs fields = {v, 3, 3};
    struct arena arena;
    struct push push;
    char text[200] = "";
    size_t n = 0;
    arena_init(&arena, 65536);
    push_init(&push);
    push_put_links(&push, &fields, &page, &arena);
    for (size_t i = 0; i < push.n; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%.*s ", SPAN_ARG(push.paths[i]));
    }
    assert_string_equal(text, row->paths);
    arena_fini(&arena);
}

static void there_are_never_more_than_the_cap(void **state) {
    (void)state;
    static char value[2000];
    size_t n = 0;
    for (int i = 0; i < 40; i++) {
        n += (size_t)snprintf(value + n, sizeof value - n, "</%d>; rel=preload, ", i);
    }
    struct pair v = {SPAN("link"), span_str(value)};
    struct pairs fields = {&v, 1, 1};
    struct arena arena;
    struct push push;
    arena_init(&arena, 65536);
    push_init(&push);
    push_put_links(&push, &fields, &page, &arena);
    assert_int_equal(push.n, PUSH_MAX);
    push_put_links(&push, &fields, &page, &arena);
    assert_int_equal(push.n, PUSH_MAX);
    arena_fini(&arena);
}

static void a_plan_adds_what_is_new(void **state) {
    (void)state;
    struct hint hints[] = {
        {.target = SPAN("/a"), .as = HINT_AS_STYLE, .can_push = true},
        {.target = SPAN("/b"), .as = HINT_AS_STYLE, .can_push = false},
        {.target = SPAN("/c"), .as = HINT_AS_STYLE, .can_push = true, .push_only = true},
    };
    struct plan *plan = plan_new(NULL, hints, 3);
    struct push push;
    push_init(&push);
    push.paths[push.n++] = SPAN("/c");
    push_put_plan(&push, plan);
    push_put_plan(&push, NULL);
    assert_int_equal(push.n, 2);
    assert_true(span_eq(push.paths[1], SPAN("/a")));
    plan_free(plan);
}

#define ROWS (sizeof rows / sizeof *rows)

int main(void) {
    struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] =
            (struct CMUnitTest){rows[i].name, pushes_what_the_row_says, NULL, NULL, &rows[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_never_more_than_the_cap),
        cmocka_unit_test(a_plan_adds_what_is_new),
    };
    return cmocka_run_group_tests_name("rows", table, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
