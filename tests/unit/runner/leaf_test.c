// SPDX-License-Identifier: MIT
// Counts are read from a folder that stands for a cgroup; processes are started in a real one,
// where we may make it.
#include "runner/leaf.h"

#include "runner/cgroup_path.h"
#include "runner/limit.h"
#include "runner/process.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000

static char folder[] = "/tmp/outrider-leaf-XXXXXX";
static char real[PATH_MAX];

static void write_file(const char *name, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct leaf open_at(const char *path, bool has_memory, bool has_processes) {
    return (struct leaf){.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                         .has = {has_memory, has_processes}};
}

static void test_what_a_request_reaches_is_counted_from_its_beginning(void **state) {
    (void)state;
    struct options options = {.memory = 1 << 30, .processes = 1000000};
    write_file("memory.events", "low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\n");
    write_file("pids.events", "max 5\n");
    struct leaf leaf = open_at(folder, true, true);
    leaf_begin(&leaf);
    assert_int_equal(limit_enforced(&leaf), REPORT_RUNNING);
    write_file("pids.events", "max 6\n");
    assert_int_equal(limit_enforced(&leaf), REPORT_PROCESSES);
    assert_int_equal(limit_reached(&options, &leaf), REPORT_PROCESSES);
    leaf_begin(&leaf);
    assert_int_equal(limit_enforced(&leaf), REPORT_RUNNING);
    write_file("memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 3\n"); // another's limit
    assert_int_equal(limit_enforced(&leaf), REPORT_RUNNING);
    write_file("memory.events", "low 0\nhigh 0\nmax 9\noom 3\noom_kill 4\n");
    assert_int_equal(limit_enforced(&leaf), REPORT_MEMORY);
    leaf_close(&leaf);
    leaf_close(&leaf);
    assert_int_equal(limit_enforced(&leaf), REPORT_RUNNING);
}

static void test_a_leaf_that_counts_no_more_is_lost(void **state) {
    (void)state;
    write_file("pids.events", "");
    struct leaf leaf = open_at(folder, false, true);
    leaf_begin(&leaf);
    assert_int_equal(leaf.dir, -1);
    assert_false(leaf.has[LIMIT_PROCESSES]);
}

static void test_where_nothing_can_be_started_the_child_is_where_we_are(void **state) {
    (void)state;
    struct leaf leaf = open_at(folder, false, false);
    pid_t pid = leaf_fork(&leaf); // a folder takes no process
    if (pid == 0) {
        _exit(7);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_int_equal(leaf.dir, -1);
}

// Runs a shell that says in which cgroup it is.
static void assert_runs_in(struct leaf *leaf, const char *name) {
    struct process process;
    _Atomic pid_t visible = 0;
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"},
                    (char[]){"grep ^0:: /proc/self/cgroup; read a"}, NULL};
    char *env[] = {(char[]){"PATH=/usr/bin:/bin"}, NULL};
    struct process_plan plan = {
        .argv = argv, .env = env, .dir = "/", .leaf = leaf, .visible = &visible};
    assert_int_equal(process_start(&process, &plan), 0);
    struct pollfd out = {.fd = process.out, .events = POLLIN};
    char line[PATH_MAX] = "";
    assert_int_equal(poll(&out, 1, PATIENCE_MS), 1);
    assert_true(read(process.out, line, sizeof line - 1) > 0);
    assert_non_null(strstr(line, name));
    leaf_kill(leaf);
    assert_true(process_await(&process, PATIENCE_MS));
    assert_int_equal(WTERMSIG(process.status), SIGKILL);
    process_close(&process);
}

static void test_programs_run_in_a_leaf_and_end_with_it(void **state) {
    (void)state;
    char kill_file[PATH_MAX + 16];
    struct stat st;
    if (cgroup_path_find(real, "/proc/self") < 0) {
        skip(); // no cgroup of version 2
    }
    strncat(real, "/outrider-leaf-test", sizeof real - strlen(real) - 1);
    if (mkdir(real, 0755) < 0) {
        skip(); // none that we may make
    }
    struct leaf leaf = open_at(real, false, false);
    snprintf(kill_file, sizeof kill_file, "%s/cgroup.kill", real);
    if (stat(kill_file, &st) == 0) {
        assert_runs_in(&leaf, "/outrider-leaf-test\n");
        assert_false(leaf.must_move);
        assert_runs_in(&leaf, "/outrider-leaf-test\n"); // not born in it, but moved
        assert_runs_in(&leaf, "/outrider-leaf-test\n");
    }
    leaf_close(&leaf);
    for (int i = 0; rmdir(real) < 0 && i < 1000; i++) {
        usleep(1000);
    }
}

static int setup(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    unlinkat(AT_FDCWD, real, AT_REMOVEDIR);
    write_file("pids.events", "");
    write_file("memory.events", "");
    char path[64];
    snprintf(path, sizeof path, "%s/pids.events", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/memory.events", folder);
    unlink(path);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_request_reaches_is_counted_from_its_beginning),
        cmocka_unit_test(test_a_leaf_that_counts_no_more_is_lost),
        cmocka_unit_test(test_where_nothing_can_be_started_the_child_is_where_we_are),
        cmocka_unit_test(test_programs_run_in_a_leaf_and_end_with_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
