// SPDX-License-Identifier: MIT
// A folder with the files of a cgroup stands for one; what the kernel does with them, it does not.
#include "runner/cgroup.h"

#include "runner/cgroup_path.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY_CONTROLLER "memory"
#define BOTH "cpu memory pids"

struct scene {
    char folder[64], dir[96];
    struct cgroup_conf conf;
    struct cgroup cgroup;
};

__attribute__((format(printf, 2, 3))) static void write_file(const char *text, const char *format,
                                                             ...) {
    char path[256];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void assert_file(const struct scene *s, const char *name, const char *text) {
    char path[256], found[256] = "";
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fgets(found, sizeof found, file) != NULL || feof(file));
    fclose(file);
    assert_string_equal(found, text);
}

// The kernel makes the files of a new cgroup; here they are made beforehand.
static void make_leaf(const struct scene *s, const char *name, const char *populated) {
    static const char *const files[] = {"cgroup.procs",     "cgroup.kill",     "memory.max",
                                        "memory.oom.group", "memory.swap.max", "pids.max"};
    char path[128];
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    assert_int_equal(mkdir(path, 0755), 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        write_file("", "%s/%s", path, files[i]);
    }
    write_file(populated, "%s/cgroup.events", path);
}

static int setup(void **state) {
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    snprintf(s->folder, sizeof s->folder, "/tmp/outrider-cgroup-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->dir, sizeof s->dir, "%s/dir", s->folder);
    assert_int_equal(mkdir(s->dir, 0755), 0);
    write_file(BOTH "\n", "%s/cgroup.controllers", s->dir);
    write_file("", "%s/cgroup.subtree_control", s->dir);
    write_file("", "%s/cgroup.procs", s->dir);
    write_file("domain\n", "%s/cgroup.type", s->dir);
    make_leaf(s, "bridge", "populated 0\n");
    make_leaf(s, "request-0", "populated 0\n");
    make_leaf(s, "request-1", "populated 0\n");
    s->conf = (struct cgroup_conf){.dir = s->dir,
                                   .proc = s->folder,
                                   .most = {64 << 20, 20},
                                   .leaves = 2,
                                   .user = geteuid(),
                                   .group = getegid()};
    *state = s;
    return 0;
}

static int teardown(void **state) {
    struct scene *s = *state;
    char command[128];
    cgroup_close(&s->cgroup);
    snprintf(command, sizeof command, "rm -r %s", s->folder);
    int status = system(command); // NOLINT: the name is ours
    free(s);
    return status;
}

static void open_scene(struct scene *s) {
    assert_int_equal(cgroup_open(&s->cgroup, &s->conf), 0);
}

static void assert_lacks(const struct scene *s, const char *memory, const char *processes) {
    const char *want[LIMITS] = {memory, processes};
    for (enum limit i = 0; i < LIMITS; i++) {
        assert_int_equal(s->cgroup.has[i], want[i] == NULL);
        if (want[i] && !strstr(s->cgroup.lacks[i], want[i])) {
            fail_msg("\"%s\" is not in \"%s\"", want[i], s->cgroup.lacks[i]);
        }
    }
}

static void test_limits_are_written_into_every_leaf(void **state) {
    struct scene *s = *state;
    open_scene(s);
    assert_lacks(s, NULL, NULL);
    assert_file(s, "bridge/cgroup.procs", "0");
    assert_file(s, "request-0/memory.max", "67108864");
    assert_file(s, "request-1/memory.max", "67108864");
    assert_file(s, "request-1/memory.oom.group", "1");
    assert_file(s, "request-1/memory.swap.max", "0");
    assert_file(s, "request-1/pids.max", "20");
    assert_file(s, "cgroup.subtree_control", "+pids"); // the last that was written
}

static void test_only_what_is_asked_for_is_used(void **state) {
    struct scene *s = *state;
    s->conf.most[LIMIT_PROCESSES] = 0;
    open_scene(s);
    assert_true(s->cgroup.has[LIMIT_MEMORY] && !s->cgroup.has[LIMIT_PROCESSES]);
    assert_file(s, "request-0/pids.max", "");
    assert_file(s, "cgroup.subtree_control", "+memory");
    assert_string_equal(s->cgroup.lacks[LIMIT_PROCESSES], "");
    cgroup_close(&s->cgroup);
    s->conf.most[LIMIT_MEMORY] = 0;
    s->conf.dir = "/no/such";
    open_scene(s);
    assert_int_equal(s->cgroup.dir, -1);
}

static void test_each_controller_is_used_alone(void **state) {
    struct scene *s = *state;
    write_file("cpu pids", "%s/cgroup.controllers", s->dir);
    open_scene(s);
    assert_lacks(s, "was not given the memory controller", NULL);
    assert_file(s, "request-0/memory.max", "");
    assert_file(s, "request-0/pids.max", "20");
}

static void test_a_limit_that_cannot_be_written_is_measured(void **state) {
    struct scene *s = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/request-1/memory.max", s->dir);
    unlink(path);
    open_scene(s);
    assert_lacks(s, "cannot write memory.max", NULL);
}

static void test_without_controllers_everything_is_as_it_was(void **state) {
    struct scene *s = *state;
    write_file("cpu", "%s/cgroup.controllers", s->dir);
    open_scene(s);
    assert_lacks(s, "memory controller", "pids controller");
    assert_int_equal(s->cgroup.dir, -1);
}

static void test_what_is_named_must_be_a_cgroup(void **state) {
    struct scene *s = *state;
    s->conf.dir = s->folder;
    assert_int_equal(cgroup_open(&s->cgroup, &s->conf), -1);
    assert_non_null(strstr(s->cgroup.why, "is no cgroup of version 2"));
    s->conf.dir = "/no/such";
    assert_int_equal(cgroup_open(&s->cgroup, &s->conf), -1);
    assert_non_null(strstr(s->cgroup.why, "/no/such: No such file"));
}

static void test_none_wants_none(void **state) {
    struct scene *s = *state;
    s->conf.dir = "none";
    open_scene(s);
    assert_lacks(s, "--cgroup none", "--cgroup none");
}

static void test_two_bridges_do_not_share_a_directory(void **state) {
    struct scene *s = *state;
    struct cgroup second;
    open_scene(s);
    assert_int_equal(cgroup_open(&second, &s->conf), 0);
    assert_false(second.has[LIMIT_MEMORY] || second.has[LIMIT_PROCESSES]);
    assert_non_null(strstr(second.lacks[LIMIT_MEMORY], "another bridge uses"));
    cgroup_close(&second);
    assert_file(s, "request-0/memory.max", "67108864");
}

static void test_a_leaf_in_which_something_runs_is_left_alone(void **state) {
    struct scene *s = *state;
    write_file("populated 1\nfrozen 0\n", "%s/request-0/cgroup.events", s->dir);
    make_leaf(s, "request-2", "populated 0\n");
    open_scene(s);
    assert_lacks(s, NULL, NULL);
    assert_file(s, "request-0/memory.max", "");
    assert_file(s, "request-1/memory.max", "67108864");
    assert_file(s, "request-2/memory.max", "67108864");
}

static void test_empty_leaves_of_another_bridge_are_removed(void **state) {
    struct scene *s = *state;
    struct stat st;
    char path[128];
    snprintf(path, sizeof path, "%s/request-77", s->dir);
    assert_int_equal(mkdir(path, 0755), 0);
    open_scene(s);
    assert_int_equal(stat(path, &st), -1);
}

static void test_where_nothing_can_be_started_all_is_measured(void **state) {
    struct scene *s = *state;
    open_scene(s);
    cgroup_prove(&s->cgroup); // a folder takes no process
    assert_lacks(s, "cannot start a process in", "cannot start a process in");
    struct leaf leaf;
    cgroup_leaf(&s->cgroup, 0, &leaf);
    assert_int_equal(leaf.dir, -1);
}

static void test_our_own_is_found_and_not_the_machine_s(void **state) {
    struct scene *s = *state;
    char path[128];
    s->conf.dir = "auto";
    write_file("4:memory:/other\n0::/unit/dir\n", "%s/cgroup", s->folder);
    char text[256];
    snprintf(text, sizeof text, "25 30 0:23 /unit %s rw shared:9 - cgroup2 cgroup2 rw\n",
             s->folder);
    write_file(text, "%s/mountinfo", s->folder);
    open_scene(s);
    assert_lacks(s, NULL, NULL);
    assert_string_equal(s->cgroup.path, s->dir);
    cgroup_close(&s->cgroup);
    snprintf(path, sizeof path, "%s/cgroup.type", s->dir);
    unlink(path);
    open_scene(s);
    assert_lacks(s, "the whole machine's cgroup", "the whole machine's cgroup");
}

static const struct {
    const char *name, *cgroup, *mounts, *path; // path NULL: none
} places[] = {
    {"the usual one", "0::/a/b\n", "1 2 0:3 / /sys/fs/cgroup rw - cgroup2 c rw\n",
     "/sys/fs/cgroup/a/b"},
    {"the top", "0::/\n", "1 2 0:3 / /sys/fs/cgroup rw - cgroup2 c rw\n", "/sys/fs/cgroup"},
    {"a mount of a part", "0::/a/b\n", "1 2 0:3 /a /m rw x:1 y:2 - cgroup2 c rw\n", "/m/b"},
    {"a mount of this very one", "0::/a\n", "1 2 0:3 /a /m rw - cgroup2 c rw\n", "/m"},
    {"a mount of another part", "0::/ab\n", "1 2 0:3 /a /m rw - cgroup2 c rw\n", NULL},
    {"version 1 beside it", "3:pids:/x\n0::/a\n",
     "1 2 0:3 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
     "1 2 0:4 / /sys/fs/cgroup/unified rw - cgroup2 c rw\n",
     "/sys/fs/cgroup/unified/a"},
    {"version 1 alone", "3:pids:/x\n", "1 2 0:3 / /m rw - cgroup cgroup rw,pids\n", NULL},
    {"not mounted", "0::/a\n", "1 2 0:3 / / rw - ext4 /dev/a rw\n", NULL},
    {"out of sight", "0::/../a\n", "1 2 0:3 / /m rw - cgroup2 c rw\n", NULL},
    {"a type that is a tag", "0::/a\n", "1 2 0:3 / /m rw cgroup2 - ext4 - cgroup2\n", NULL},
    {"nothing", "", "", NULL},
};

static void test_a_cgroup_is_found(void **state) {
    const struct scene *s = *state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char path[PATH_MAX] = "";
        write_file(places[i].cgroup, "%s/cgroup", s->folder);
        write_file(places[i].mounts, "%s/mountinfo", s->folder);
        int found = cgroup_path_find(path, s->folder);
        if ((found == 0) != (places[i].path != NULL) ||
            (found == 0 && strcmp(path, places[i].path) != 0)) {
            fail_msg("%s: %d %s", places[i].name, found, path);
        }
    }
    char path[PATH_MAX];
    assert_int_equal(cgroup_path_find(path, "/no/such"), -1);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        SCENE(test_limits_are_written_into_every_leaf),
        SCENE(test_only_what_is_asked_for_is_used),
        SCENE(test_each_controller_is_used_alone),
        SCENE(test_a_limit_that_cannot_be_written_is_measured),
        SCENE(test_without_controllers_everything_is_as_it_was),
        SCENE(test_what_is_named_must_be_a_cgroup),
        SCENE(test_none_wants_none),
        SCENE(test_two_bridges_do_not_share_a_directory),
        SCENE(test_a_leaf_in_which_something_runs_is_left_alone),
        SCENE(test_empty_leaves_of_another_bridge_are_removed),
        SCENE(test_where_nothing_can_be_started_all_is_measured),
        SCENE(test_our_own_is_found_and_not_the_machine_s),
        SCENE(test_a_cgroup_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
