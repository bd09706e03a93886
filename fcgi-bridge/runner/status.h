// SPDX-License-Identifier: MIT
// The counters, as the answer to a request for the path of --status.
#ifndef RUNNER_STATUS_H
#define RUNNER_STATUS_H

#include "runner/desk.h"

// Whether a request that waits asks for the counters.
bool status_is_asked(const struct desk *d, const struct client *c);
// Answers it.
void status_answer(const struct desk *d, struct client *c);

#endif
