// SPDX-License-Identifier: MIT
// Standard error is a pipe here, which the test reads when it likes.
#include "server/log.h"

#include "server/log_writer.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2], usual;
static char text[4 << 20];

static int set_up(void **state) {
    (void)state;
    usual = dup(STDERR_FILENO);
    return pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0 ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    dup2(usual, STDERR_FILENO);
    close(usual);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

// All that comes until nobody can write any more.
static void *read_all(void *self) {
    size_t n = 0;
    ssize_t got;
    (void)self;
    while ((got = read(ends[0], text + n, sizeof text - 1 - n)) > 0) {
        n += (size_t)got;
    }
    text[n] = 0;
    return NULL;
}

static void close_pipe(void) {
    dup2(usual, STDERR_FILENO);
    close(ends[1]);
    ends[1] = dup(usual);
}

static size_t count(const char *words) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, words)) != NULL; at++) {
        n++;
    }
    return n;
}

static void test_lines_before_the_start_are_written_at_once(void **state) {
    char line[256];
    (void)state;
    log_line(LOG_INFO, "one %d", 1);
    ssize_t n = read(ends[0], line, sizeof line - 1);
    assert_true(n > 0);
    line[n] = 0;
    assert_non_null(strstr(line, "Z info one 1\n"));
}

static void test_a_normal_end_loses_nothing(void **state) {
    pthread_t reader;
    (void)state;
    log_init(LOG_DEBUG);
    assert_int_equal(pthread_create(&reader, NULL, read_all, NULL), 0);
    log_start();
    for (int i = 0; i < 2000; i++) {
        log_line(LOG_DEBUG, "line %d.", i);
    }
    log_stop();
    log_line(LOG_DEBUG, "behind");
    close_pipe();
    pthread_join(reader, NULL);
    char *at = text;
    for (int i = 0; i < 2000; i++) {
        char want[32];
        snprintf(want, sizeof want, "debug line %d.\n", i);
        at = strstr(at, want);
        assert_non_null(at); // each, and in order
    }
    assert_non_null(strstr(at, "debug behind\n"));
    assert_int_equal(log_lost(), 0);
}

#define THREADS 4
#define EACH 2000

static void *write_many(void *self) {
    for (int i = 0; i < EACH; i++) {
        log_line(LOG_DEBUG, "thread %d line %d <%0*d>", *(int *)self, i, 40 + i % 50, 0);
    }
    return NULL;
}

static void test_lines_of_many_threads_stay_whole(void **state) {
    pthread_t reader, threads[THREADS];
    int numbers[THREADS];
    (void)state;
    log_init(LOG_DEBUG);
    uint64_t lost = log_lost();
    assert_int_equal(pthread_create(&reader, NULL, read_all, NULL), 0);
    log_start();
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    log_stop();
    close_pipe();
    pthread_join(reader, NULL);
    assert_int_equal(count("debug thread "), THREADS * EACH - (log_lost() - lost));
    assert_int_equal(count("0>\n"), count("debug thread "));
}

// The writer tells of lost lines whenever it gets to it: the sum is what counts.
static uint64_t sum_of_lost_lines(void) {
    static const char after[] = " lines of the log were lost: standard error was not read\n";
    uint64_t sum = 0;
    for (const char *at = text; (at = strstr(at, after)) != NULL; at++) {
        const char *number = at;
        while (number > text && number[-1] >= '0' && number[-1] <= '9') {
            number--;
        }
        sum += strtoull(number, NULL, 10);
    }
    return sum;
}

static void test_nobody_waits_for_a_pipe_that_is_full(void **state) {
    pthread_t reader;
    char many[1000];
    (void)state;
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = 0;
    log_init(LOG_DEBUG);
    uint64_t before = log_lost();
    log_start();
    for (int i = 0; i < 1000; i++) {
        log_line(LOG_DEBUG, "line %d %s", i, many); // 1 MB: pipe and ring are less than half of it
    }
    uint64_t lost = log_lost() - before;
    assert_true(lost > 400 && lost < 800);
    assert_int_equal(pthread_create(&reader, NULL, read_all, NULL), 0);
    log_stop();
    close_pipe();
    pthread_join(reader, NULL);
    assert_int_equal(sum_of_lost_lines(), lost);
    assert_int_equal(count("debug line"), 1000 - lost);
}

static void test_of_one_kind_only_so_many_a_second_are_written(void **state) {
    pthread_t reader;
    (void)state;
    log_init(LOG_DEBUG);
    assert_int_equal(pthread_create(&reader, NULL, read_all, NULL), 0);
    uint64_t before = log_spared();
    log_start();
    for (int i = 0; i < 5 * LOG_KIND_MOST; i++) {
        log_line(LOG_WARN, "refused: %d", i);
    }
    uint64_t spared = log_spared() - before;
    log_line(LOG_WARN, "another kind");
    log_line_of("words", LOG_WARN, "of %s", "words");
    log_stop();
    close_pipe();
    pthread_join(reader, NULL);
    // A second may have ended meanwhile.
    assert_true(spared >= 3 * LOG_KIND_MOST && spared <= 4 * LOG_KIND_MOST);
    assert_int_equal(count("warn refused: "), 5 * LOG_KIND_MOST - spared);
    assert_true(count(" more lines in a second like: refused: ") >= 1);
    assert_int_equal(count("warn another kind\n"), 1);
    assert_int_equal(count("warn of words\n"), 1);
}

static void crash(int how) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(how, SIG_DFL); // whatever the test's own library has made of it
    log_init(LOG_DEBUG);
    fcntl(ends[1], F_SETPIPE_SZ, 4096);
    log_start();
    for (int i = 0; i < 100; i++) {
        log_line(LOG_DEBUG, "line %d.", i);
    }
    raise(how);
    _exit(0);
}

static void test_what_waits_is_written_before_a_crash(void **state) {
    static const int numbers[] = {SIGSEGV, SIGABRT, SIGBUS};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0) {
            crash(numbers[i]);
        }
        close_pipe();
        usleep(20000); // it crashes while most of its lines wait: the pipe is small
        read_all(NULL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), numbers[i]);
        for (int line = 0; line < 100; line++) {
            char want[32];
            snprintf(want, sizeof want, "debug line %d.\n", line);
            assert_non_null(strstr(text, want));
        }
        tear_down(NULL);
        set_up(NULL);
    }
}

static void test_an_end_does_not_wait_for_ever(void **state) {
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        log_init(LOG_DEBUG);
        fcntl(ends[1], F_SETPIPE_SZ, 4096);
        log_start();
        for (int i = 0; i < 100; i++) {
            log_line(LOG_DEBUG, "line %d of some length, so that the pipe is full of them", i);
        }
        log_stop();
        _exit(7);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static size_t on_lost(void *self, uint64_t lines, char out[LOG_WRITER_LINE]) {
    (void)out;
    *(_Atomic uint64_t *)self += lines;
    return 0;
}

static _Atomic unsigned closed;

static void on_closed(void *self) {
    (void)self;
    closed++;
}

static struct log_output *open_output(int fd, size_t ring_len, _Atomic uint64_t *lost,
                                      _Atomic uint64_t *told) {
    return log_output_open(&(struct log_output_conf){.fd = fd,
                                                     .ring_len = ring_len,
                                                     .delay_ms = 1,
                                                     .lost = lost,
                                                     .tells_elsewhere = true,
                                                     .self = told,
                                                     .on_lost = on_lost,
                                                     .on_closed = on_closed});
}

// The pipe has no room from the first line on; the file gets all of its lines meanwhile.
static void test_an_output_that_takes_nothing_does_not_hold_up_others(void **state) {
    static _Atomic uint64_t lost[2], told[2];
    char path[] = "/tmp/log_test.XXXXXX", line[32];
    int stuck[2], file = mkstemp(path);
    (void)state;
    assert_true(file >= 0);
    assert_int_equal(pipe(stuck), 0);
    fcntl(stuck[1], F_SETPIPE_SZ, 4096);
    fcntl(stuck[1], F_SETFL, O_NONBLOCK);
    while (write(stuck[1], "x", 1) == 1) {
    }
    log_start();
    struct log_output *outputs[] = {open_output(stuck[1], 8192, &lost[0], &told[0]),
                                    open_output(dup(file), 1 << 20, &lost[1], &told[1])};
    for (int i = 0; i < 2000; i++) {
        size_t n = (size_t)snprintf(line, sizeof line, "line %04d\n", i);
        log_output_put(outputs[0], span_of(line, n));
        log_output_put(outputs[1], span_of(line, n));
    }
    while (lseek(file, 0, SEEK_END) < 2000 * 10) {
        usleep(1000);
    }
    assert_int_equal(lost[0], 2000 - 8192 / 10);
    assert_int_equal(lost[1], 0);
    log_output_close(outputs[0]); // given up after a while: nobody reads
    log_output_close(outputs[1]);
    while (closed < 2) {
        usleep(1000);
    }
    log_stop();
    assert_int_equal(told[0], lost[0]);
    close(stuck[0]);
    close(file);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_before_the_start_are_written_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_waits_is_written_before_a_crash, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_end_does_not_wait_for_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_normal_end_loses_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines_of_many_threads_stay_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_waits_for_a_pipe_that_is_full, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_output_that_takes_nothing_does_not_hold_up_others,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_of_one_kind_only_so_many_a_second_are_written, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
