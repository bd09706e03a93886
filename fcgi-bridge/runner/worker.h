// SPDX-License-Identifier: MIT
// A worker process: gets one request after the other from the first process, each as a connection
// of its own (SCM_RIGHTS), and runs its program by libfcgi. It never sees clients: who is kept
// waiting, slow or hostile occupies no worker.
#ifndef RUNNER_WORKER_H
#define RUNNER_WORKER_H

#include "runner/script.h"

// Serves until told to stop (see stop.h), until the first process is gone, or until something of a
// request lives on and ends (see minder.h); gives the exit status of the process.
int worker_run(const struct script_conf *conf, int control);

#endif
