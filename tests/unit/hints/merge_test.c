// SPDX-License-Identifier: MIT
#include "hints/merge.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define FIELDS_MAX 5

struct row {
    const char *name;
    const char *fields[2 * FIELDS_MAX];
    const char *merged; // "name: value\n" each; NULL: the very same pairs
};

static struct row rows[] = {
    {"no fields", {NULL}, NULL},
    {"no Link field", {"content-type", "text/html", "x", "y"}, NULL},
    {"links that all stay",
     {"a", "b", "link", "</a>; rel=preload; as=style; nopush, </b>; rel=x", "LINK", "</c>"},
     NULL},
    {"an empty Link field of the application's", {"link", "", "a", "b"}, NULL},
    {"a broken Link field", {"link", "hello, world"}, NULL},
    {"the same target with other parameters",
     {"link", "</a>; rel=preload, </a>; rel=prefetch"},
     NULL},
    {"a field that is only for pushing",
     {"a", "b", "Link", "</a>; rel=preload; x-http2-push-only", "c", "d"},
     "a: b\nc: d\n"},
    {"a link that is only for pushing, first",
     {"link", "</a>; rel=preload; x-http2-push-only, </b>; rel=preload"},
     "link: </b>; rel=preload\n"},
    {"a link that is only for pushing, in the middle",
     {"link", "</a>;rel=preload,</b>; x-http2-push-only ,</c>", "x", "y"},
     "link: </a>;rel=preload, </c>\nx: y\n"},
    {"a link that is only for pushing, last",
     {"link", "</a>; title=\"x, y\", </b>; x-http2-push-only;, "},
     "link: </a>; title=\"x, y\"\n"},
    {"two links that are only for pushing",
     {"link", "</a>; x-http2-push-only, </b>, </c>; x-http2-push-only, </d>"},
     "link: </b>, </d>\n"},
    {"a link that stands there twice",
     {"link", "</a>; rel=preload; as=style, </b>, </a>; rel=preload; as=style"},
     "link: </a>; rel=preload; as=style, </b>\n"},
    {"a link that stands there twice, spelled otherwise, in another field",
     {"link", "</a>; rel=preload; as=style", "x", "y", "Link", "</a>;as=\"style\";rel=preload"},
     "link: </a>; rel=preload; as=style\nx: y\n"},
    {"broken links leave a field that changes anyway",
     {"link", "hello, </a>; x-http2-push-only, wo\"rld, x\", </b>"},
     "link: </b>\n"},
    {"a broken link never takes its next neighbour along",
     {"link", "</a, </b>; x-http2-push-only, c>; rel=preload, </d>"},
     "link: </d>\n"},
    {"no blanks behind the commas",
     {"link", "<a>,<b>,<c>,<d>,<e>;x-http2-push-only"},
     "link: <a>, <b>, <c>, <d>\n"},
};

static struct pairs fill(struct pair *pairs, const char *const *fields) {
    struct pairs all = {.v = pairs, .cap = FIELDS_MAX};
    for (size_t i = 0; i < FIELDS_MAX && fields[2 * i] != NULL; i++) {
        pairs[i] = (struct pair){span_str(fields[2 * i]), span_str(fields[2 * i + 1])};
        all.n++;
    }
    return all;
}

// The fields as "name: value\n" each.
static void print(char *text, size_t cap, const struct pairs *fields) {
    size_t n = 0;
    for (size_t i = 0; i < fields->n; i++) {
        n += (size_t)snprintf(text + n, cap - n, "%.*s: %.*s\n", SPAN_ARG(fields->v[i].name),
                              SPAN_ARG(fields->v[i].value));
    }
}

static void is_merged_as_the_row_says(void **state) {
    const struct row *row = *state;
    struct pair pairs[FIELDS_MAX];
    struct pairs fields = fill(pairs, row->fields), out;
    struct arena arena;
    char text[1024] = "";
    arena_init(&arena, 65536);
    assert_int_equal(merge_fields(&fields, NULL, &arena, &out), 0);
    print(text, sizeof text, &out);
    if (row->merged != NULL) {
        assert_string_equal(text, row->merged);
        assert_ptr_not_equal(out.v, fields.v);
    } else {
        assert_ptr_equal(out.v, fields.v);
        assert_int_equal(out.n, fields.n);
        assert_int_equal(arena.used, 0);
    }
    // The application's own pairs are never written to.
    struct pair again[FIELDS_MAX];
    fill(again, row->fields);
    assert_memory_equal(pairs, again, fields.n * sizeof *pairs);
    arena_fini(&arena);
}

static void without_memory_the_fields_stay_as_they_were(void **state) {
    (void)state;
    static const char *const few[2 * FIELDS_MAX] = {"link", "</a>, </b>; x-http2-push-only", "a",
                                                    "b"};
    struct pair pairs[FIELDS_MAX];
    struct pairs fields = fill(pairs, few), out;
    int error = ERR_ARENA_LIMIT;
    for (size_t budget = 0; error != 0; budget += 8) {
        struct arena arena;
        arena_init(&arena, budget);
        error = merge_fields(&fields, NULL, &arena, &out);
        if (error != 0) {
            assert_int_equal(error, ERR_ARENA_LIMIT);
            assert_ptr_equal(out.v, fields.v);
            assert_int_equal(out.n, fields.n);
        }
        arena_fini(&arena);
        assert_true(budget < 4096);
    }
    assert_int_equal(out.n, 2);
}

static void what_the_operator_asked_for_comes_behind(void **state) {
    (void)state;
    static const char *const few[2 * FIELDS_MAX] = {
        "a", "b", "Link", "</a.css>; rel=\"x PRELOAD\"; as=style, </b.css>; rel=prefetch",
        "c", "d"};
    struct hint hints[] = {
        {.target = SPAN("/a.css"), .as = HINT_AS_STYLE},
        {.target = SPAN("/b.css"), .as = HINT_AS_STYLE},
        {.target = SPAN("https://cdn.example"), .rel = HINT_PRECONNECT},
    };
    struct pair timing = {SPAN("server-timing"), SPAN("hint")};
    struct plan *plan = plan_new(NULL, hints, 3);
    struct merge_extra extra = {.plan = plan, .fields = &timing, .fields_n = 1};
    struct pair pairs[FIELDS_MAX];
    struct pairs fields = fill(pairs, few), out;
    struct arena arena;
    char text[1024] = "";
    arena_init(&arena, 65536);
    assert_int_equal(merge_fields(&fields, &extra, &arena, &out), 0);
    print(text, sizeof text, &out);
    assert_string_equal(text, "a: b\nLink: </a.css>; rel=\"x PRELOAD\"; as=style, </b.css>; "
                              "rel=prefetch\nc: d\nlink: </b.css>; rel=preload; as=style, "
                              "<https://cdn.example>; rel=preconnect\nserver-timing: hint\n");
    assert_ptr_not_equal(out.v, fields.v);
    // In another dialect; without a field of the application's; nothing to add.
    extra = (struct merge_extra){.plan = plan, .dialect = DIALECT_SAFARI};
    fields.n = 1;
    assert_int_equal(merge_fields(&fields, &extra, &arena, &out), 0);
    print(text, sizeof text, &out);
    assert_string_equal(text, "a: b\nlink: <https://cdn.example>; rel=preconnect\n");
    fields.n = 0;
    assert_int_equal(merge_fields(&fields, &extra, &arena, &out), 0);
    assert_int_equal(out.n, 1);
    fields.n = 1;
    extra = (struct merge_extra){.plan = NULL};
    assert_int_equal(merge_fields(&fields, &extra, &arena, &out), 0);
    assert_ptr_equal(out.v, fields.v);
    arena_fini(&arena);
    plan_free(plan);
}

static void links_that_the_application_names_itself_are_not_added(void **state) {
    (void)state;
    static const char *const few[2 * FIELDS_MAX] = {
        "link", "</p.css>; x-http2-push-only, </a.css>; rel=preload; as=style"};
    struct hint hint = {.target = SPAN("/a.css"), .as = HINT_AS_STYLE};
    struct plan *plan = plan_new(NULL, &hint, 1);
    struct merge_extra extra = {.plan = plan};
    struct pair pairs[FIELDS_MAX];
    struct pairs fields = fill(pairs, few), out;
    struct arena arena;
    char text[200] = "";
    arena_init(&arena, 65536);
    assert_int_equal(merge_fields(&fields, &extra, &arena, &out), 0);
    print(text, sizeof text, &out);
    assert_string_equal(text, "link: </a.css>; rel=preload; as=style\n");
    arena_fini(&arena);
    for (size_t budget = 0; budget < 800; budget += 8) {
        arena_init(&arena, budget);
        if (merge_fields(&fields, &extra, &arena, &out) != 0) {
            assert_ptr_equal(out.v, fields.v);
        } else {
            assert_int_equal(out.n, 1);
        }
        arena_fini(&arena);
    }
    plan_free(plan);
}

#define ROWS (sizeof rows / sizeof *rows)

int main(void) {
    struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] =
            (struct CMUnitTest){rows[i].name, is_merged_as_the_row_says, NULL, NULL, &rows[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_the_fields_stay_as_they_were),
        cmocka_unit_test(what_the_operator_asked_for_comes_behind),
        cmocka_unit_test(links_that_the_application_names_itself_are_not_added),
    };
    return cmocka_run_group_tests_name("rows", table, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
