// SPDX-License-Identifier: MIT
// Real processes of this test's own.
#include "runner/minder.h"

#include "runner/clock.h"
#include "runner/family.h"
#include "runner/report.h"
#include "runner/stop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000

struct scene {
    struct options options;
    struct script_end end;
    _Atomic pid_t visible;
    struct leaf leaf;
    int control[2];
};

static int setup(void **state) {
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    // A shell that was just forked may take no notice of SIGTERM.
    s->options = (struct options){.jobs = "live", .grace = 1000};
    s->leaf.dir = -1;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s->control), 0);
    *state = s;
    return 0;
}

static int teardown(void **state) {
    struct scene *s = *state;
    process_close(&s->end.process);
    close(s->control[0]);
    close(s->control[1]);
    free(s);
    return 0;
}

static void start(struct scene *s, const char *text) {
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, strdup(text), NULL};
    char *env[] = {(char[]){"PATH=/usr/bin:/bin"}, NULL};
    struct process_plan plan = {
        .argv = argv, .env = env, .dir = "/", .leaf = &s->leaf, .visible = &s->visible};
    assert_int_equal(process_start(&s->end.process, &plan), 0);
    s->end.has_process = true;
    s->end.deadline_ms = clock_now_ms() + PATIENCE_MS;
    free(argv[2]);
}

// Waits for a line that the program writes to its errors, so that its traps are set.
static void await_line(struct scene *s) {
    struct pollfd err = {.fd = s->end.process.err, .events = POLLIN};
    char line[64];
    assert_int_equal(poll(&err, 1, PATIENCE_MS), 1);
    assert_true(read(err.fd, line, sizeof line) > 0);
}

static void run(struct scene *s, bool must_end) {
    struct script_conf conf = {&s->options, &s->visible, &s->leaf};
    minder_run(&conf, &s->end, must_end, s->control[0]);
    assert_int_equal(family_tell(0), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_true(s->end.process.has_ended);
}

static void assert_report(struct scene *s, enum report_ending ending) {
    struct report report = {0};
    ssize_t n = recv(s->control[1], &report, sizeof report, MSG_DONTWAIT);
    if (ending == REPORT_RUNNING) {
        assert_int_equal(n, -1);
        return;
    }
    assert_int_equal(n, sizeof report);
    assert_int_equal(report.kind, REPORT_LATE);
    assert_int_equal(report.ending, ending);
}

static void test_what_ends_by_itself_is_waited_for(void **state) {
    struct scene *s = *state;
    start(s, "sleep 0.3 & exec sleep 0.1");
    run(s, false);
    assert_int_equal(s->end.process.status, 0);
    assert_report(s, REPORT_RUNNING);
}

static void test_what_must_end_is_told_first(void **state) {
    struct scene *s = *state;
    start(s, "trap 'kill $!; exit 7' TERM; sleep 1000 & echo >&2; wait");
    await_line(s);
    run(s, true);
    assert_int_equal(WEXITSTATUS(s->end.process.status), 7);
}

static void test_what_does_not_listen_is_killed_after_the_grace_period(void **state) {
    struct scene *s = *state;
    s->options.grace = 200;
    start(s, "trap '' TERM; setsid sleep 1000 & echo >&2; wait");
    await_line(s);
    int64_t before = clock_now_ms();
    run(s, true);
    assert_int_equal(WTERMSIG(s->end.process.status), SIGKILL);
    assert_true(clock_now_ms() - before >= 200);
}

static void test_the_time_limit_reaches_what_lives_on(void **state) {
    struct scene *s = *state;
    start(s, "exec sleep 1000");
    s->end.deadline_ms = clock_now_ms() + 100;
    run(s, false);
    assert_int_equal(WTERMSIG(s->end.process.status), SIGTERM);
    assert_report(s, REPORT_TIME);
}

static void test_a_flood_of_errors_fills_no_log(void **state) {
    struct scene *s = *state;
    FILE *log = tmpfile();
    int own = dup(STDERR_FILENO);
    assert_non_null(log);
    start(s, "head -c 4000000 /dev/zero | tr '\\0' e >&2");
    dup2(fileno(log), STDERR_FILENO);
    run(s, false);
    dup2(own, STDERR_FILENO);
    close(own);
    assert_in_range(lseek(fileno(log), 0, SEEK_END), 1 << 20, (1 << 20) + 8192);
    fclose(log);
}

static void test_the_number_of_processes_does_too(void **state) {
    struct scene *s = *state;
    s->options.processes = 2;
    start(s, "sleep 1000 & sleep 1000 & wait");
    run(s, false);
    assert_report(s, REPORT_PROCESSES);
}

static void test_jobs_end_with_their_program_where_that_is_asked_for(void **state) {
    struct scene *s = *state;
    s->options.jobs = "end";
    start(s, "sleep 1000 & exit 3");
    run(s, false);
    assert_int_equal(WEXITSTATUS(s->end.process.status), 3);
    assert_report(s, REPORT_RUNNING);
}

int main(void) {
#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SCENE(test_what_ends_by_itself_is_waited_for),
        SCENE(test_what_must_end_is_told_first),
        SCENE(test_what_does_not_listen_is_killed_after_the_grace_period),
        SCENE(test_the_time_limit_reaches_what_lives_on),
        SCENE(test_a_flood_of_errors_fills_no_log),
        SCENE(test_the_number_of_processes_does_too),
        SCENE(test_jobs_end_with_their_program_where_that_is_asked_for),
    };
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    stop_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
