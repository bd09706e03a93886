// SPDX-License-Identifier: MIT
#include "server/stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/outrider-stamp-XXXXXX";
static char file[64], other[64];

static int setup(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(file, sizeof file, "%s/file", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    unlink(file);
    unlink(other);
    return rmdir(folder);
}

static void put(const char *path, const char *text) {
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_a_file_that_was_not_touched_is_the_same(void **state) {
    (void)state;
    put(file, "one");
    struct stamp a = stamp_of_path(file), b = stamp_of_path(file);
    assert_true(a.inode != 0);
    assert_true(stamp_is_same(&a, &b));
}

static void test_a_file_that_was_written_or_replaced_is_another(void **state) {
    (void)state;
    struct stamp first = stamp_of_path(file);
    put(file, "two");
    struct stamp second = stamp_of_path(file);
    assert_false(stamp_is_same(&first, &second));
    put(other, "onetwo");
    assert_int_equal(rename(other, file), 0);
    struct stamp third = stamp_of_path(file);
    assert_false(stamp_is_same(&second, &third));
}

// What a renewal puts behind a link counts, not the link.
static void test_a_link_is_what_it_leads_to(void **state) {
    (void)state;
    assert_int_equal(symlink(file, other), 0);
    struct stamp direct = stamp_of_path(file), linked = stamp_of_path(other);
    assert_true(stamp_is_same(&direct, &linked));
    unlink(other);
}

static void test_what_is_not_there_has_no_stamp(void **state) {
    (void)state;
    struct stamp nothing = stamp_of_path("/nowhere/at/all");
    assert_int_equal(nothing.inode, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_that_was_not_touched_is_the_same),
        cmocka_unit_test(test_a_file_that_was_written_or_replaced_is_another),
        cmocka_unit_test(test_a_link_is_what_it_leads_to),
        cmocka_unit_test(test_what_is_not_there_has_no_stamp),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
