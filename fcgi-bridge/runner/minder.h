// SPDX-License-Identifier: MIT
// What a worker becomes when something of its request lives on after the answer: a program that
// closed its output, background jobs, who does not end when told to, who may not be killed (a
// set-uid program). It takes no other request: so whatever descends from it is that request's.
#ifndef RUNNER_MINDER_H
#define RUNNER_MINDER_H

#include "runner/script.h"

// Watches end->process, which was started, and what it left, until nothing is left: within the
// request's limits, or, with `must_end`, for the grace period and then killing. `control`: where a
// limit that is reached is reported.
void minder_run(const struct script_conf *conf, struct script_end *end, bool must_end, int control);

#endif
