// SPDX-License-Identifier: MIT
// Real processes of this test's own.
#include "runner/family.h"

#include "runner/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000

// A child that starts one of its own, in another session; both wait to be killed. `bytes` of memory
// are the second one's. Gives once both are there.
static pid_t start_two(size_t bytes) {
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            setsid();
            char *memory = malloc(bytes + 1);
            memset(memory, 1, bytes + 1);
            _exit(write(ready[1], memory, 1) == 1 && pause());
        }
        _exit(pause());
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void test_all_descendants_are_told(void **state) {
    (void)state;
    assert_int_equal(family_tell(0), 0);
    pid_t pid = start_two(0);
    assert_int_equal(family_tell(0), 2);
    assert_true(family_settle(1));
    assert_int_equal(family_tell(SIGKILL), 2);
    assert_false(family_settle(PATIENCE_MS));
    assert_int_equal(family_tell(0), 0);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1); // reaped
}

static void test_an_orphan_is_still_ours(void **state) {
    (void)state;
    pid_t pid = start_two(0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(family_tell(SIGKILL), 1);
    assert_false(family_settle(PATIENCE_MS));
}

static void test_memory_and_processes_are_counted(void **state) {
    (void)state;
    struct family_sum sum;
    family_measure(&sum);
    assert_int_equal(sum.processes, 0);
    assert_int_equal(sum.memory, 0);
    start_two(20 << 20);
    family_measure(&sum);
    assert_int_equal(sum.processes, 2);
    assert_in_range(sum.memory, 20 << 20, 2048u << 20);
    family_tell(SIGKILL);
    assert_false(family_settle(PATIENCE_MS));
}

static void test_shared_memory_is_counted_once(void **state) {
    (void)state;
    struct family_sum sum;
    size_t n = 20 << 20;
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    if (fork() == 0) {
        char *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        pid_t pid = fork();
        memset(memory, 1, n); // both
        _exit(pid < 0 || write(ready[1], &byte, 1) != 1 || pause());
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    family_measure(&sum);
    family_tell(SIGKILL);
    assert_false(family_settle(PATIENCE_MS));
    assert_in_range(sum.shared, n, n + (1 << 20)); // and not twice
    assert_true(sum.memory >= n);
}

static void *wait_in_thread(void *ready) {
    pause();
    return ready;
}

static void test_threads_are_counted(void **state) {
    (void)state;
    struct family_sum sum;
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    if (fork() == 0) {
        pthread_t thread;
        int error = pthread_create(&thread, NULL, wait_in_thread, NULL);
        _exit(error || write(ready[1], &byte, 1) != 1 || pause());
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    family_measure(&sum);
    assert_int_equal(sum.processes, 2);
    assert_int_equal(family_tell(SIGKILL), 1);
    assert_false(family_settle(PATIENCE_MS));
}

static void test_whoever_is_kept_is_not_reaped(void **state) {
    (void)state;
    siginfo_t info;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(3);
    }
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_true(family_reap(pid));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_false(family_reap(0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_descendants_are_told),
        cmocka_unit_test(test_an_orphan_is_still_ours),
        cmocka_unit_test(test_memory_and_processes_are_counted),
        cmocka_unit_test(test_shared_memory_is_counted_once),
        cmocka_unit_test(test_threads_are_counted),
        cmocka_unit_test(test_whoever_is_kept_is_not_reaped),
    };
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
