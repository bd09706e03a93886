// SPDX-License-Identifier: MIT
// A worker process: takes one request after the other from the listening socket that all workers
// share, and runs the program of each. A kept connection (FCGI_KEEP_CONN) is served again, but
// never at the cost of somebody who waits: it is closed when it is idle for five seconds, or when
// it is idle and a new connection finds no free worker.
#ifndef RUNNER_WORKER_H
#define RUNNER_WORKER_H

#include "runner/script.h"

// Serves until told to stop (see stop.h); gives the exit status of the process: 0, or 1 when it
// cannot accept any more.
int worker_run(const struct script_conf *conf, int listen_fd);

#endif
