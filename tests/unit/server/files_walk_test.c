// SPDX-License-Identifier: MIT
#include "server/files_root.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// app/ and app/public/, the root, are 1001's; other/ is 1002's; etc/ is the superuser's.
#define US 1001
#define OTHER 1002

static const struct {
    const char *name;
    uid_t owner;
    const char *to; // of a link; "" for a file; NULL for a folder
} disk[] = {
    {"app", US, NULL},
    {"app/public", US, NULL},
    {"app/public/style.css", US, ""},
    {"app/public/css", US, NULL},
    {"app/public/css/a.css", US, ""},
    {"app/storage", OTHER, NULL}, // written by PHP
    {"app/storage/x.jpg", OTHER, ""},
    {"app/.env", US, ""},
    {"other", OTHER, NULL},
    {"other/secret", OTHER, ""},
    {"etc", 0, NULL},
    {"etc/conf", 0, ""},
    {"mine", US, NULL},
    {"mine/file", US, ""},
    {"app/public/near.css", OTHER, "css/a.css"},
    {"app/public/storage", US, "../storage"},
    {"app/public/theirs", OTHER, "../storage"},
    {"app/public/planted", OTHER, "../.env"},
    {"app/public/steal", US, "../../other/secret"},
    {"app/public/stolen", US, "../../other"},
    {"app/public/mine", US, "../../mine"},
    {"app/public/conf", 0, "../../etc/conf"},
    {"app/public/etc", US, "../../etc/conf"},
    {"app/public/two", 0, "steal"},
    {"app/public/loop", 0, "loop"},
    {"app/public/dangling", 0, "../../nowhere"},
    {"mine/on", OTHER, "../app/.env"},
    {"mine/back", US, "../app/public/style.css"},
};

static const struct row {
    const char *name;
    int beneath, owner, follow; // 0, or errno
} rows[] = {
    {"/style.css", 0, 0, 0},
    {"/near.css", 0, 0, 0},                        // stays below the root, whoever's it is
    {"/storage/x.jpg", EXDEV, 0, 0},               // the owner's, to a place of the application
    {"/theirs/x.jpg", EXDEV, 0, 0},                // who owns the link owns what it leads to
    {"/planted", EXDEV, EXDEV, 0},                 // somebody's link to the owner's file
    {"/steal", EXDEV, EXDEV, 0},                   // the owner's link to somebody's file
    {"/stolen/secret", EXDEV, EXDEV, 0},           // or folder
    {"/mine/file", EXDEV, 0, 0},                   // the owner's, to another place of the owner's
    {"/conf", EXDEV, 0, 0},                        // the superuser's
    {"/etc", EXDEV, EXDEV, 0},                     // the owner's link to the superuser's file
    {"/two", EXDEV, EXDEV, 0},                     // a good link to a bad one
    {"/mine/on", EXDEV, EXDEV, 0},                 // a bad link behind a good one
    {"/mine/back", EXDEV, 0, 0},                   // out and in again
    {"/mine/../style.css", EXDEV, ENOENT, ENOENT}, // ".." behind a link is the real one
    {"/loop", ELOOP, ELOOP, ELOOP},
    {"/dangling", EXDEV, ENOENT, ENOENT},
    {"/storage/none", EXDEV, ENOENT, ENOENT},
};

static char folder[64], root[PATH_MAX];
static struct loop loop;

static int setup(void **state) {
    (void)state;
    char path[PATH_MAX];
    snprintf(folder, sizeof folder, "/tmp/outrider-walk-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof disk / sizeof disk[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, disk[i].name);
        if (disk[i].to == NULL) {
            assert_int_equal(mkdir(path, 0755), 0);
        } else if (disk[i].to[0] != 0) {
            assert_int_equal(symlink(disk[i].to, path), 0);
        } else {
            int fd = open(path, O_WRONLY | O_CREAT, 0644);
            assert_true(fd >= 0 && write(fd, disk[i].name, strlen(disk[i].name)) > 0);
            close(fd);
        }
        assert_true(geteuid() != 0 || lchown(path, disk[i].owner, disk[i].owner) == 0);
    }
    snprintf(root, sizeof root, "%s/app/public", folder);
    return loop_init(&loop);
}

static int teardown(void **state) {
    (void)state;
    char command[128];
    loop_fini(&loop);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void check(struct files_roots *roots, const char *name, int flags, int want) {
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s%s", root, name);
    int fd = files_roots_open(roots, span_str(path), flags, true), error = errno;
    if ((fd < 0 ? error : 0) != want) {
        fail_msg("%s: %s, not %s", name, fd < 0 ? strerror(error) : "open", strerror(want));
    }
    if (fd >= 0) {
        char byte;
        assert_true(flags == O_PATH || read(fd, &byte, 1) == 1);
        close(fd);
    }
}

static void test_links_lead_out_as_their_owners_may(void **state) {
    (void)state;
    if (geteuid() != 0) {
        skip(); // only the superuser gives files away
    }
    for (int mode = SITE_SYMLINKS_BENEATH; mode <= SITE_SYMLINKS_FOLLOW; mode++) {
        struct site site = {.root = span_str(root), .symlinks = (enum site_symlinks)mode};
        struct files_roots roots;
        files_roots_init(&roots, &loop, &site, 1);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            int want = mode == SITE_SYMLINKS_BENEATH ? rows[i].beneath
                       : mode == SITE_SYMLINKS_OWNER ? rows[i].owner
                                                     : rows[i].follow;
            check(&roots, rows[i].name, O_PATH, want);
            check(&roots, rows[i].name, O_RDONLY, want);
        }
        files_roots_fini(&roots);
    }
}

static void test_of_sites_in_each_other_the_strictest_counts(void **state) {
    (void)state;
    char inner[PATH_MAX + 8], path[PATH_MAX + 16];
    struct files_roots roots;
    snprintf(inner, sizeof inner, "%s/css", root);
    snprintf(path, sizeof path, "%s/css/out", root);
    assert_int_equal(symlink("../../../etc/conf", path), 0);
    struct site sites[] = {{.root = span_str(inner), .symlinks = SITE_SYMLINKS_FOLLOW},
                           {.root = span_str(root), .symlinks = SITE_SYMLINKS_BENEATH}};
    files_roots_init(&roots, &loop, sites, 2);
    assert_int_equal(files_roots_open(&roots, span_str(path), O_PATH, true), -1);
    assert_int_equal(errno, EXDEV);
    files_roots_fini(&roots);
    sites[1].symlinks = SITE_SYMLINKS_FOLLOW;
    files_roots_init(&roots, &loop, sites, 2);
    int fd = files_roots_open(&roots, span_str(path), O_PATH, true);
    assert_true(fd >= 0);
    close(fd);
    files_roots_fini(&roots);
}

static void test_what_lies_outside_is_named_from_what_is_shared(void **state) {
    (void)state;
    const struct {
        const char *name, *real;
    } names[] = {{"/near.css", "/css/a.css"},
                 {"/planted", "/.env"},
                 {"/steal", "/other/secret"},
                 {"/storage", "/storage"},
                 {"/mine/back", "/style.css"}};
    struct site site = {.root = span_str(root), .symlinks = SITE_SYMLINKS_FOLLOW};
    struct files_roots roots;
    files_roots_init(&roots, &loop, &site, 1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[PATH_MAX + 64], text[PATH_MAX];
        snprintf(path, sizeof path, "%s%s", root, names[i].name);
        int fd = files_roots_open(&roots, span_str(path), O_PATH, true);
        struct span real = files_roots_real(&roots, span_str(path), fd, text);
        if (!span_eq(real, span_str(names[i].real))) {
            fail_msg("%s: %.*s", names[i].name, SPAN_ARG(real));
        }
        close(fd);
    }
    files_roots_fini(&roots);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links_lead_out_as_their_owners_may),
        cmocka_unit_test(test_of_sites_in_each_other_the_strictest_counts),
        cmocka_unit_test(test_what_lies_outside_is_named_from_what_is_shared),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
