// SPDX-License-Identifier: MIT
#include "server/log_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define LINE 250   // bytes: one of an access log
#define RATE 20000 // lines a second
#define BATCH 40   // lines that are put at once
#define BATCH_MS 2 // so many milliseconds apart
#define WAIT_MS 60000

static _Atomic uint64_t lost, told;
static _Atomic bool is_closed;

static void on_tick(void) {
}

static size_t on_lost(void *self, uint64_t lines, char out[LOG_WRITER_LINE]) {
    (void)self;
    (void)out;
    told += lines;
    return 0;
}

static void on_closed(void *self) {
    (void)self;
    is_closed = true;
}

static struct log_output *output(int fd, size_t ring_len) {
    lost = told = 0;
    is_closed = false;
    return log_output_open(&(struct log_output_conf){.fd = fd,
                                                     .ring_len = ring_len,
                                                     .delay_ms = 100,
                                                     .lost = &lost,
                                                     .tells_elsewhere = true,
                                                     .on_lost = on_lost,
                                                     .on_closed = on_closed});
}

static void put_batch(struct log_output *o, unsigned first) {
    char lines[BATCH * LINE + 1];
    for (unsigned i = 0; i < BATCH; i++) {
        snprintf(lines + (size_t)i * LINE, LINE + 1, "%0*u\n", LINE - 1, first + i);
    }
    log_output_put(o, span_of(lines, BATCH * LINE));
}

static void wait_until(const struct timespec *from, unsigned ms) {
    struct timespec at = {from->tv_sec + ms / 1000, from->tv_nsec + (long)(ms % 1000) * 1000000};
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void await_closed(void) {
    for (int i = 0; i < WAIT_MS && !is_closed; i++) {
        usleep(1000);
    }
    assert_true(is_closed);
}

// The ring has room for half of it, in case the machine does something else for a second.
static void test_no_line_of_20000_a_second_is_lost_to_a_disk(void **state) {
    char path[] = "/tmp/outrider-log-XXXXXX", line[LINE + 1];
    struct timespec from;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct log_output *o = output(fd, RATE * LINE);
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (unsigned n = 0; n < 2 * RATE; n += BATCH) {
        put_batch(o, n);
        wait_until(&from, n / BATCH * BATCH_MS);
    }
    log_output_close(o);
    await_closed();
    assert_int_equal(lost, 0);
    FILE *file = fopen(path, "re");
    for (unsigned n = 0; n < 2 * RATE; n++) {
        assert_true(fgets(line, sizeof line, file) != NULL && strtoul(line, NULL, 10) == n);
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
    unlink(path);
}

// Reads for as long as lines come: how many, all whole and in order.
static unsigned drain(int fd, unsigned wants) {
    char line[LINE];
    unsigned n = 0, last = 0;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    for (size_t have = 0; n < wants && poll(&ready, 1, WAIT_MS) == 1;) {
        ssize_t got = read(fd, line + have, LINE - have);
        assert_true(got > 0);
        have += (size_t)got;
        if (have == LINE) {
            unsigned number = (unsigned)strtoul(line, NULL, 10);
            assert_true(line[LINE - 1] == '\n' && (n == 0 || number > last));
            last = number;
            have = 0;
            n++;
        }
    }
    return n;
}

static void test_what_a_full_pipe_does_not_take_is_lost_by_whole_lines_and_counted(void **state) {
    int pipes[2];
    (void)state;
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    struct log_output *o = output(pipes[1], 30 * LINE + 7); // less than a batch, and no whole lines
    for (unsigned n = 0; n < RATE; n += BATCH) {
        put_batch(o, n);
    }
    assert_in_range(lost, 1, RATE - 1);
    unsigned came = drain(pipes[0], RATE - (unsigned)lost);
    assert_int_equal(came + lost, RATE);
    log_output_close(o);
    await_closed();
    assert_int_equal(told, lost);
    close(pipes[0]);
}

static int set_up(void **state) {
    (void)state;
    log_writer_start(on_tick);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    log_writer_stop();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_line_of_20000_a_second_is_lost_to_a_disk),
        cmocka_unit_test(test_what_a_full_pipe_does_not_take_is_lost_by_whole_lines_and_counted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
