// SPDX-License-Identifier: MIT
// The running program: workers on their threads; learner, admin endpoint and signals on the main
// one.
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "config/config.h"

// Where the configuration comes from, to be read again on SIGHUP.
struct server_source {
    // 0, or ERR_CONFIG with errors told, as config_load. config_fini is to be called either way.
    int (*load)(void *self, struct config *config, struct config_errors *errors);
    void *self;
    const char *path; // of the file, or NULL
};

// Binds, starts, and runs until SIGTERM or SIGINT, then completes what is under way (a second
// signal ends that). On SIGHUP the configuration is read again: a good one is served from then on,
// beside the one before, which completes what it has begun. What goes wrong is logged. 0, or 1
// when it could not start.
int server_run(const struct config *config, const struct server_source *source);
// The version of libuv that runs.
const char *server_library(void);

#endif
