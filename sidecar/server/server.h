// SPDX-License-Identifier: MIT
// The running program: workers on their threads; learner, admin endpoint and signals on the main
// one.
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "config/config.h"

// Binds, starts, and runs until SIGTERM or SIGINT, then ends what is under way. What goes wrong is
// logged. 0, or 1 when it could not start.
int server_run(const struct config *config);

#endif
