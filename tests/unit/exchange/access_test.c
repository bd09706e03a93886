// SPDX-License-Identifier: MIT
#include "exchange/access.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct span suffixes[] = {SPAN_INIT(".php"), SPAN_INIT(".sh")};
static const struct span denied[] = {SPAN_INIT("/up/*.php")};
static const struct span denied_files[] = {SPAN_INIT("*.bak")};
static const struct span script_free[] = {SPAN_INIT("*/Uploads/*")};
static const struct span internal[] = {SPAN_INIT("/paid/*")};
static const struct site site = {.suffixes = {suffixes, 2},
                                 .denied = {denied, 1},
                                 .denied_files = {denied_files, 1},
                                 .script_free = {script_free, 1},
                                 .internal = {internal, 1}};

static void test_names_rule_no_path_out_that_matches(void **state) {
    (void)state;
    static const struct span patterns[] = {SPAN_INIT("*/wp-content/Uploads/*"),
                                           SPAN_INIT("/uploads/*"), SPAN_INIT("*/s*/files/*")};
    static const struct span nameless[] = {SPAN_INIT("/up/*"), SPAN_INIT("*.php")};
    struct site s = {.suffixes = {suffixes, 2}, .script_free = {patterns, 3}};
    s.script_free_starts = access_starts(s.script_free);
    assert_true(s.script_free_starts.is_complete);
    assert_int_equal(s.script_free_starts.n, 3); // wp-c, uplo, file
    const struct {
        const char *path;
        int error;
    } rows[] = {
        {"/uploads/a.php", ERR_FORBIDDEN},
        {"/UPLOADS/a.php", ERR_FORBIDDEN},
        {"/x/uploads/a.php", 0},
        {"/b/WP-content/uploads/a.php", ERR_FORBIDDEN},
        {"/sites/files/a.php", ERR_FORBIDDEN},
        {"/a/sites/x/files/a.php", ERR_FORBIDDEN},
        {"/a/s/files/a.php", ERR_FORBIDDEN},
        {"/index.php", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(access_check_found(&s, span_str(rows[i].path), true, ACCESS_CLIENT),
                         rows[i].error);
    }
    assert_false(access_starts((struct span_list){nameless, 2}).is_complete);
    assert_true(access_starts((struct span_list){NULL, 0}).is_complete);
}

static void test_more_beginnings_than_places_are_matched_one_by_one(void **state) {
    (void)state;
    static char text[NAME_STARTS_MAX + 1][8];
    static struct span patterns[NAME_STARTS_MAX + 1];
    for (size_t i = 0; i <= NAME_STARTS_MAX; i++) {
        snprintf(text[i], sizeof text[i], "/%c%c%c%c/*", 'a' + (char)i, 'x', 'x', 'x');
        patterns[i] = span_str(text[i]);
    }
    struct site s = {.suffixes = {suffixes, 2}, .script_free = {patterns, NAME_STARTS_MAX}};
    assert_true(access_starts(s.script_free).is_complete);
    s.script_free.n++;
    s.script_free_starts = access_starts(s.script_free);
    assert_false(s.script_free_starts.is_complete);
    for (size_t i = 0; i <= NAME_STARTS_MAX; i++) {
        char path[16];
        snprintf(path, sizeof path, "/%cXXX/a.php", 'a' + (char)i);
        assert_int_equal(access_check_found(&s, span_str(path), true, ACCESS_CLIENT),
                         ERR_FORBIDDEN);
    }
    assert_int_equal(access_check_found(&s, SPAN("/yxxx/a.php"), true, ACCESS_CLIENT), 0);
}

static void test_a_suffix_in_any_case_is_a_script(void **state) {
    (void)state;
    assert_true(access_is_script(&site, SPAN("/x.php")));
    assert_true(access_is_script(&site, SPAN("/x.PhP")));
    assert_true(access_is_script(&site, SPAN("/x.SH")));
    assert_false(access_is_script(&site, SPAN(".php")));
    assert_false(access_is_script(&site, SPAN("/x.php.txt")));
    assert_false(access_is_script(&site, SPAN("/xphp")));
}

static void test_what_may_be_reached(void **state) {
    (void)state;
    size_t hidden;
    const struct {
        const char *path;
        int asked, found, run, named; // by a client; of a file; of a script; by the application
    } rows[] = {
        {"/a", 0, 0, 0, 0},
        {"/", 0, 0, 0, 0},
        {"", ERR_REQUEST_PATH, ERR_REQUEST_PATH, ERR_REQUEST_PATH, ERR_REQUEST_PATH},
        {"a", ERR_REQUEST_PATH, ERR_REQUEST_PATH, ERR_REQUEST_PATH, ERR_REQUEST_PATH},
        {"/a/../b", ERR_REQUEST_PATH, ERR_REQUEST_PATH, ERR_REQUEST_PATH, ERR_REQUEST_PATH},
        {"/a//b", ERR_REQUEST_PATH, ERR_REQUEST_PATH, ERR_REQUEST_PATH, ERR_REQUEST_PATH},
        {"/a/./b", ERR_REQUEST_PATH, ERR_REQUEST_PATH, ERR_REQUEST_PATH, ERR_REQUEST_PATH},
        {"/.env", 0, ERR_FORBIDDEN, ERR_FORBIDDEN, 0},
        {"/a/.git/b", 0, ERR_FORBIDDEN, ERR_FORBIDDEN, 0},
        {"/a/.well-known/b", 0, ERR_FORBIDDEN, ERR_FORBIDDEN, 0},
        {"/.well-known/a", 0, 0, 0, 0},
        {"/a.bak", 0, ERR_FORBIDDEN, ERR_FORBIDDEN, 0},
        {"/a.BAK", 0, 0, ERR_FORBIDDEN, 0}, // another file, unless it is run
        {"/up/a.php", ERR_FORBIDDEN, ERR_FORBIDDEN, ERR_FORBIDDEN, ERR_FORBIDDEN},
        {"/up/a.PHP", ERR_FORBIDDEN, ERR_FORBIDDEN, ERR_FORBIDDEN, ERR_FORBIDDEN},
        {"/UP/a.Php", ERR_FORBIDDEN, ERR_FORBIDDEN, ERR_FORBIDDEN, ERR_FORBIDDEN},
        {"/up/a.jpg", 0, 0, 0, 0},
        {"/blog/Uploads/a.jpg", 0, 0, ERR_FORBIDDEN, 0},
        {"/blog/uploads/b/a.php", 0, 0, ERR_FORBIDDEN, 0},
        {"/paid/a.zip", ERR_NOT_FOUND, ERR_NOT_FOUND, ERR_NOT_FOUND, 0},
        {"/Paid/a.php", ERR_NOT_FOUND, ERR_NOT_FOUND, ERR_NOT_FOUND, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span path = span_str(rows[i].path);
        if (access_check(&site, path, ACCESS_CLIENT, &hidden) != rows[i].asked ||
            access_check_found(&site, path, false, ACCESS_CLIENT) != rows[i].found ||
            access_check_found(&site, path, true, ACCESS_CLIENT) != rows[i].run ||
            access_check(&site, path, ACCESS_APPLICATION, &hidden) != rows[i].named) {
            fail_msg("%s", rows[i].path);
        }
    }
    assert_int_equal(access_check(&site, span_of("/a\0b", 4), ACCESS_CLIENT, &hidden),
                     ERR_REQUEST_PATH);
}

static void test_the_first_hidden_name_is_found(void **state) {
    (void)state;
    const struct {
        const char *path;
        size_t end;
        int error;
    } rows[] = {
        {"/", 0, 0},
        {"/a.b/c.", 0, 0},
        {"/.git", 5, 0},
        {"/.git/", 5, 0},
        {"/a/.b/.c/d", 5, 0},
        {"/.well-known/a", 0, 0},
        {"/.well-known/.a/b", 15, 0},
        {"/.well-knownx", 13, 0},
        {"/a/.well-known", 14, 0},
        {"/...", 4, 0},
        {"/a/../.b", 0, ERR_REQUEST_PATH},
    };
    struct site shown = site;
    shown.shows_dot_names = true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t hidden = 1;
        int error = access_check(&site, span_str(rows[i].path), ACCESS_CLIENT, &hidden);
        assert_int_equal(error, rows[i].error);
        assert_int_equal(error == 0 ? hidden : 0, rows[i].end);
        access_check(&shown, span_str(rows[i].path), ACCESS_CLIENT, &hidden);
        assert_int_equal(error == 0 ? hidden : 0, 0);
    }
    assert_int_equal(access_check_found(&shown, SPAN("/.env"), false, ACCESS_CLIENT), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_rule_no_path_out_that_matches),
        cmocka_unit_test(test_more_beginnings_than_places_are_matched_one_by_one),
        cmocka_unit_test(test_a_suffix_in_any_case_is_a_script),
        cmocka_unit_test(test_what_may_be_reached),
        cmocka_unit_test(test_the_first_hidden_name_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
