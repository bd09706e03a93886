// SPDX-License-Identifier: MIT
// The first process: one loop for the clients (desk.h) and the workers (crew.h).
#ifndef RUNNER_SUPERVISOR_H
#define RUNNER_SUPERVISOR_H

#include "runner/cgroup.h"
#include "runner/options.h"

// Runs until SIGTERM or SIGINT; then lets the requests that are there end (SIGQUIT, or a second
// signal, does not) and returns the exit status of the program. SIGHUP replaces the workers. In a
// worker, which is a child of this call, returns the worker's.
int supervisor_run(const struct options *o, int listen_fd, const struct cgroup *cgroup);

#endif
