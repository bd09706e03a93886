// SPDX-License-Identifier: MIT
// The first process: keeps N workers running. A worker that dies is replaced, at once or, when it
// did not live long, after a pause that doubles; a program it was running is killed with its group.
#ifndef RUNNER_SUPERVISOR_H
#define RUNNER_SUPERVISOR_H

#include "runner/options.h"
#include "runner/program.h"

// Runs until SIGTERM, SIGINT or SIGHUP; then lets running requests end (SIGQUIT, or a second
// signal, does not) and returns the exit status of the program. In a worker, which is a child of
// this call, returns the worker's.
int supervisor_run(const struct options *o, const struct program_root *root, int listen_fd);

#endif
