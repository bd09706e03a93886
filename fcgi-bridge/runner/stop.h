// SPDX-License-Identifier: MIT
// How a worker is told to stop, and its only wait. SIGTERM asks it to end after the running
// request, SIGQUIT at once; both are blocked except inside stop_poll, because a signal that
// interrupts a read or write of libfcgi would break that request.
#ifndef RUNNER_STOP_H
#define RUNNER_STOP_H

#include <poll.h>
#include <stdint.h>

enum stop_level { STOP_NOT, STOP_SOON, STOP_NOW };

// Installs the handlers and blocks the signals. Once a worker, before its first request.
void stop_init(void);
// What was asked so far.
enum stop_level stop_level(void);
// poll(2), with a time in milliseconds of which negative is for ever; returns early, with -1, when
// something is asked.
int stop_poll(struct pollfd *fds, nfds_t n, int64_t ms);

#endif
