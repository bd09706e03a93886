// SPDX-License-Identifier: MIT
// Everything lies in a folder of ours below /tmp, which everybody may write, but with the sticky
// bit.
#include "server/trusted_path.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define WRITE (O_WRONLY | O_APPEND | O_CREAT)

static char base[] = "/tmp/outrider-trusted-XXXXXX";

static int setup(void **state) {
    (void)state;
    return mkdtemp(base) != NULL && chdir(base) == 0 && mkdir("ours", 0755) == 0 &&
                   mkdir("ours/below", 0755) == 0 && mkdir("all", 0777) == 0 &&
                   chmod("all", 0777) == 0 && mkdir("all/below", 0755) == 0 &&
                   mkdir("sticky", 0777) == 0 && chmod("sticky", 01777) == 0 &&
                   mkdir("sticky/below", 0755) == 0 && mkdir("group", 0775) == 0 &&
                   chmod("group", 0775) == 0
               ? 0
               : -1;
}

static int teardown(void **state) {
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", base);
    return system(command);
}

// 0, or the errno of opening it.
static int try(const char *path, int flags) {
    char whole[8192];
    snprintf(whole, sizeof whole, "%s/%s", base, path);
    int fd = trusted_path_open(whole, flags, 0600, geteuid());
    int err = errno;
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0 ? 0 : err;
}

static void make(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void test_only_where_others_write_nothing_is_opened(void **state) {
    static const struct {
        const char *path;
        int error;
    } rows[] = {
        {"ours/file", 0},
        {"ours//below/./file", 0},
        {"ours/below/../file", 0},
        {"ours/../all/../ours/file", EPERM}, // `all` may have been something else
        {"all/file", EPERM},
        {"all/below/file", EPERM},
        {"group/file", EPERM},
        {"sticky/file", EPERM}, // somebody else could have made it
        {"sticky/below/file", 0},
        {"ours", EISDIR},
        {"ours/none/file", ENOENT},
        {"ours/file/file", ENOTDIR},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int error = try(rows[i].path, WRITE);
        if (error != rows[i].error) {
            fail_msg("%s: %s", rows[i].path, strerror(error));
        }
    }
    assert_int_equal(access("all/file", F_OK), -1);
    assert_int_equal(access("group/file", F_OK), -1);
}

static void test_links_are_held_to_the_same(void **state) {
    char path[256];
    (void)state;
    make("ours/key");
    make("all/key");
    snprintf(path, sizeof path, "%s/ours/key", base);
    assert_int_equal(symlink(path, "ours/absolute"), 0);
    assert_int_equal(symlink("../ours/key", "ours/relative"), 0);
    assert_int_equal(symlink("../ours", "ours/folder"), 0);
    assert_int_equal(symlink("../all/key", "ours/out"), 0);
    assert_int_equal(symlink("../ours/key", "all/in"), 0);
    assert_int_equal(symlink("../ours/key", "sticky/in"), 0);
    assert_int_equal(symlink("circle", "ours/circle"), 0);
    assert_int_equal(symlink("made", "ours/to-make"), 0);
    assert_int_equal(try("ours/absolute", O_RDONLY), 0);
    assert_int_equal(try("ours/relative", O_RDONLY), 0);
    assert_int_equal(try("ours/folder/key", O_RDONLY), 0);
    assert_int_equal(try("ours/out", O_RDONLY), EPERM);
    assert_int_equal(try("all/in", O_RDONLY), EPERM);
    assert_int_equal(try("sticky/in", O_RDONLY), EPERM);
    assert_int_equal(try("ours/circle", O_RDONLY), ELOOP);
    assert_int_equal(try("ours/to-make", WRITE), 0);
    assert_int_equal(access("ours/made", F_OK), 0);
}

static void test_what_belongs_to_others_is_no_way(void **state) {
    (void)state;
    if (geteuid() != 0) {
        return; // only root gives things away
    }
    assert_int_equal(mkdir("theirs", 0755), 0);
    make("theirs/key");
    assert_int_equal(chown("theirs", 12345, 12345), 0);
    assert_int_equal(try("theirs/key", O_RDONLY), EPERM);
    assert_int_equal(symlink("../ours/key", "sticky/theirs"), 0);
    assert_int_equal(lchown("sticky/theirs", 12345, 12345), 0);
    assert_int_equal(try("sticky/theirs", O_RDONLY), EPERM);
}

static void test_names_are_not_cut(void **state) {
    char name[600];
    (void)state;
    assert_int_equal(trusted_path_open("ours/key", O_RDONLY, 0, geteuid()), -1);
    assert_int_equal(errno, EPERM);
    memset(name, 'n', sizeof name);
    memcpy(name, "ours/", 5);
    name[5 + 256] = 0;
    assert_int_equal(try(name, WRITE), ENAMETOOLONG);
    name[5 + 255] = 0;
    assert_int_equal(try(name, WRITE), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_where_others_write_nothing_is_opened),
        cmocka_unit_test(test_links_are_held_to_the_same),
        cmocka_unit_test(test_what_belongs_to_others_is_no_way),
        cmocka_unit_test(test_names_are_not_cut),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
