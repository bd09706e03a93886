// SPDX-License-Identifier: MIT
// The time that deadlines are made of, and the alarm that breaks a blocking call of libfcgi when
// one has passed: its reads and writes give up on EINTR, so a signal handler that does nothing,
// set without SA_RESTART, is all it takes.
#ifndef RUNNER_CLOCK_H
#define RUNNER_CLOCK_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

// Milliseconds of a clock that nobody sets.
static inline int64_t clock_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// SIGALRM in `ms` milliseconds and, because one signal may come just before the call it should
// break, every half second from then on. 0 turns it off.
static inline void clock_alarm(int64_t ms) {
    struct itimerval timer = {
        .it_interval = {.tv_usec = ms > 0 ? 500000 : 0},
        .it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000},
    };
    setitimer(ITIMER_REAL, &timer, NULL);
}

#endif
