// SPDX-License-Identifier: MIT
// Real workers, which are children of this test.
#include "runner/crew.h"

#include "runner/clock.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000
#define BEGIN "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0"
#define PARAMS_END "\1\4\0\1\0\0\0\0"
#define BODY_END "\1\5\0\1\0\0\0\0"
#define REQUEST BEGIN PARAMS_END BODY_END // of no program: refused

static const struct cgroup no_cgroup = {.dir = -1};

struct scene {
    struct options options;
    struct crew crew;
};

static int setup(void **state) {
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->options = (struct options){.workers = 2,
                                  .timeout = PATIENCE_MS,
                                  .idle = PATIENCE_MS,
                                  .gone = "end",
                                  .jobs = "live",
                                  .status = "",
                                  .chdir = ""};
    s->options.root = (struct options_list){{"/usr/bin"}, 1};
    assert_int_equal(crew_init(&s->crew, &s->options, &no_cgroup), 0);
    *state = s;
    return 0;
}

// Starts what is due; a child never comes back from here.
static void start(struct scene *s) {
    int status = 0;
    if (crew_start_due(&s->crew, &status)) {
        _exit(status);
    }
}

// Turns until the condition holds.
#define UNTIL(condition)                                                                           \
    for (int64_t end = clock_now_ms() + PATIENCE_MS; !(condition); usleep(1000)) {                 \
        assert_true(clock_now_ms() < end);                                                         \
        hear_all(s);                                                                               \
        crew_reap(&s->crew);                                                                       \
    }

static void hear_all(struct scene *s) {
    for (size_t i = 0; i < s->crew.n; i++) {
        struct pollfd control = {.fd = s->crew.slots[i].control, .events = POLLIN};
        if (poll(&control, 1, 0) > 0) {
            crew_hear(&s->crew, &s->crew.slots[i]);
        }
    }
}

static int teardown(void **state) {
    struct scene *s = *state;
    crew_tell(&s->crew, SIGTERM);
    UNTIL(s->crew.alive == 0);
    crew_fini(&s->crew);
    free(s);
    return 0;
}

// A request for nothing, and what its worker says until it closes the connection.
static size_t ask(struct scene *s, char *text, size_t most) {
    int ends[2];
    size_t n = 0;
    ssize_t got;
    struct crew_slot *slot = crew_free(&s->crew);
    assert_non_null(slot);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_true(crew_give(slot, ends[1], true));
    assert_true(slot->is_busy);
    close(ends[1]);
    assert_int_equal(write(ends[0], REQUEST, sizeof REQUEST - 1), sizeof REQUEST - 1);
    while ((got = read(ends[0], text + n, most - n)) > 0) {
        n += (size_t)got;
    }
    close(ends[0]);
    return n;
}

static void test_as_many_as_are_wanted_are_started(void **state) {
    struct scene *s = *state;
    assert_int_equal(crew_due_ms(&s->crew), 0);
    start(s);
    assert_int_equal(s->crew.alive, 2);
    assert_int_equal(crew_due_ms(&s->crew), INT64_MAX);
    start(s);
    assert_int_equal(s->crew.alive, 2);
}

static void test_a_worker_serves_and_is_free_again(void **state) {
    struct scene *s = *state;
    char text[4096];
    start(s);
    for (uint64_t i = 1; i <= 3; i++) {
        size_t n = ask(s, text, sizeof text);
        assert_non_null(memmem(text, n, "Status: 40", 10));
        UNTIL(s->crew.endings[REPORT_REFUSED] == i);
        assert_false(s->crew.slots[0].is_busy);
    }
    assert_int_equal(s->crew.alive, 2);
}

static void test_one_that_dies_young_is_replaced_ever_more_slowly(void **state) {
    struct scene *s = *state;
    int64_t before = 0;
    for (int i = 0; i < 3; i++) {
        s->crew.due_ms = 0;
        start(s);
        assert_int_equal(s->crew.alive, 2);
        kill(s->crew.slots[0].pid, SIGKILL);
        UNTIL(s->crew.alive == 1);
        assert_true(s->crew.pause_ms > before);
        assert_true(crew_due_ms(&s->crew) < INT64_MAX);
        before = s->crew.pause_ms;
    }
    s->crew.due_ms = 0;
    start(s);
    s->crew.slots[0].started_ms -= 60000; // lived long
    kill(s->crew.slots[0].pid, SIGKILL);
    UNTIL(s->crew.alive == 1);
    assert_int_equal(s->crew.pause_ms, 0);
}

static void test_a_dead_worker_s_program_is_killed_with_its_group(void **state) {
    struct scene *s = *state;
    start(s);
    pid_t program = fork();
    if (program == 0) {
        _exit(setpgid(0, 0) || pause());
    }
    setpgid(program, program);
    atomic_store(&s->crew.visible[0], program);
    kill(s->crew.slots[0].pid, SIGKILL);
    UNTIL(s->crew.alive == 1 && kill(program, 0) < 0); // gone and reaped
    assert_int_equal(atomic_load(&s->crew.visible[0]), 0);
}

static void test_renewal_lets_the_old_end_and_starts_new_ones(void **state) {
    struct scene *s = *state;
    char text[4096];
    start(s);
    pid_t old[] = {s->crew.slots[0].pid, s->crew.slots[1].pid};
    crew_renew(&s->crew);
    assert_null(crew_free(&s->crew));
    start(s); // beside the old ones
    UNTIL(s->crew.alive == 2);
    for (size_t i = 0; i < s->crew.n; i++) {
        assert_true(s->crew.slots[i].pid != old[0] && s->crew.slots[i].pid != old[1]);
    }
    assert_true(ask(s, text, sizeof text) > 0);
    assert_int_equal(s->crew.pause_ms, 0); // nothing went wrong
}

// In place of a worker that watches: its reports.
static void test_whoever_watches_what_was_left_is_replaced_up_to_a_bound(void **state) {
    struct scene *s = *state;
    const struct report left = {REPORT_LEFT, REPORT_ENDED};
    for (size_t n = 1; n <= CREW_LEFT_MOST + 2; n++) {
        struct crew_slot *slot = crew_free(&s->crew);
        int ends[2];
        if (slot == NULL) {
            slot = &s->crew.slots[n];
        }
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
        *slot = (struct crew_slot){.pid = INT32_MAX, .control = ends[0], .is_busy = true};
        s->crew.alive++;
        assert_int_equal(send(ends[1], &left, sizeof left, 0), sizeof left);
        crew_hear(&s->crew, slot);
        assert_int_equal(s->crew.minders, n);
        assert_true(slot->is_minder);
        close(ends[1]);
        // Two are wanted; from the bound on one fewer for each.
        bool is_due = crew_due_ms(&s->crew) < INT64_MAX;
        assert_int_equal(is_due, n < CREW_LEFT_MOST + 2);
    }
    for (size_t i = 0; i < s->crew.n; i++) {
        if (s->crew.slots[i].pid == INT32_MAX) {
            close(s->crew.slots[i].control);
            s->crew.slots[i] = (struct crew_slot){.control = -1};
        }
    }
    s->crew.alive = 0;
}

static void test_nothing_is_started_once_it_is_closed(void **state) {
    struct scene *s = *state;
    start(s);
    crew_tell(&s->crew, SIGTERM);
    UNTIL(s->crew.alive == 0);
    assert_int_equal(crew_due_ms(&s->crew), INT64_MAX);
    start(s);
    assert_int_equal(s->crew.alive, 0);
}

int main(void) {
#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SCENE(test_as_many_as_are_wanted_are_started),
        SCENE(test_a_worker_serves_and_is_free_again),
        SCENE(test_one_that_dies_young_is_replaced_ever_more_slowly),
        SCENE(test_a_dead_worker_s_program_is_killed_with_its_group),
        SCENE(test_renewal_lets_the_old_end_and_starts_new_ones),
        SCENE(test_whoever_watches_what_was_left_is_replaced_up_to_a_bound),
        SCENE(test_nothing_is_started_once_it_is_closed),
    };
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
