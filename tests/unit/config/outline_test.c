// SPDX-License-Identifier: MIT
#include "config/outline.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct fixture {
    char text[1024];
    struct outline outline;
    struct config_errors errors;
    int error;
};

static void fixture_init(struct fixture *f, const char *text) {
    snprintf(f->text, sizeof f->text, "%s", text);
    config_errors_init(&f->errors);
    f->errors.file = "t";
    f->error = outline_init(&f->outline, (uint8_t *)f->text, strlen(f->text), &f->errors);
}

static void fixture_fini(struct fixture *f) {
    outline_fini(&f->outline);
    config_errors_fini(&f->errors);
}

static void test_everything_has_its_line(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, "workers = 1\n"
                     "site \"a\" {\n"
                     "  root = x\n"
                     "  route \"/\" { }\n"
                     "  route \"/b\"\n"
                     "  {\n"
                     "    mode = off }\n"
                     "}\n"
                     "site \"b\" { root = { \"y\",\n"
                     "\"z\" } pool = p }\n");
    const struct outline *o = &f.outline;
    assert_int_equal(f.error, 0);
    assert_true(o->is_whole);
    assert_int_equal(outline_line(o, OUTLINE_TOP, OPTION_WORKERS), 1);
    assert_int_equal(outline_line(o, OUTLINE_TOP, OPTION_LOG), 0);
    unsigned a = outline_section(o, OUTLINE_TOP, SECTION_SITE, 0);
    unsigned b = outline_section(o, OUTLINE_TOP, SECTION_SITE, 1);
    assert_int_equal(o->v[a].line, 2);
    assert_int_equal(o->v[b].line, 9);
    assert_int_equal(outline_section(o, OUTLINE_TOP, SECTION_SITE, 2), OUTLINE_TOP);
    assert_int_equal(outline_line(o, a, OPTION_SITE_ROOT), 3);
    assert_int_equal(outline_line(o, b, OPTION_SITE_ROOT), 9);
    assert_int_equal(outline_line(o, b, OPTION_SITE_POOL), 10);
    assert_int_equal(outline_line(o, a, OPTION_SITE_POOL), 0);
    unsigned route = outline_section(o, a, SECTION_ROUTE, 1);
    assert_int_equal(o->v[route].line, 5);
    assert_int_equal(outline_line(o, route, OPTION_ROUTE_MODE), 7);
    assert_int_equal(outline_section(o, b, SECTION_ROUTE, 0), OUTLINE_TOP);
    fixture_fini(&f);
    outline_fini(&f.outline);
}

static void test_what_is_unknown_is_blanked_and_lines_stay(void **state) {
    (void)state;
    const struct {
        const char *text, *left;
    } rows[] = {
        {"x = 1 log = info", "      log = info"},
        {"x = { a,\n b }\nlog = info", "        \n    \nlog = info"},
        {"x += 1\nlog = info", "      \nlog = info"},
        {"x { y { z = {1} } }log = info", "                   log = info"},
        {"x \"}\" { }\nlog = info", "         \nlog = info"},
        {"x = \"a = b\" # log\nlog = info", "                 \nlog = info"},
        {"log = info x = 1", "log = info      "},
        {"site \"a\" { x = 1 }", "site \"a\" {       }"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        fixture_init(&f, rows[i].text);
        assert_int_equal(f.error, 0);
        assert_true(f.outline.is_whole);
        assert_string_equal(f.text, rows[i].left);
        assert_int_equal(f.errors.count, 1);
        fixture_fini(&f);
    }
}

static void test_where_the_grammar_is_left_nothing_is_blanked(void **state) {
    (void)state;
    static const char *const rows[] = {
        "x",         "x = ", "x {",     "x = }",   "x = { a",
        "x y z = 1", "= 1",  "} x = 1", "workers", "site { x { } } }"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        fixture_init(&f, rows[i]);
        assert_int_equal(f.error, 0);
        if (f.outline.is_whole) {
            fail_msg("%s", rows[i]);
        }
        fixture_fini(&f);
    }
}

static void test_sections_that_stay_open_are_told(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, "\nsite \"a\" {\n hints {\n}\n");
    assert_int_equal(f.error, ERR_CONFIG);
    assert_true(span_eq(buf_span(&f.errors.text), SPAN("t:2: this site is not closed\n")));
    fixture_fini(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_has_its_line),
        cmocka_unit_test(test_what_is_unknown_is_blanked_and_lines_stay),
        cmocka_unit_test(test_where_the_grammar_is_left_nothing_is_blanked),
        cmocka_unit_test(test_sections_that_stay_open_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
