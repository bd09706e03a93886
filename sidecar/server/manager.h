// SPDX-License-Identifier: MIT
// What a service manager is told while we serve: that we live, as long as each worker does
// (WatchdogSec=). A worker whose loop does not turn any more is told in the log, and the manager is
// left to wait in vain: it starts us again.
#ifndef SERVER_MANAGER_H
#define SERVER_MANAGER_H

#include "server/loop.h"

struct manager {
    struct loop *loop;
    struct loop_watch watch;
    struct list *generations; // of struct generation
};

// Begins to tell it, if the manager wants to hear it. Borrows both until manager_close.
void manager_open(struct manager *m, struct loop *loop, struct list *generations);
void manager_close(struct manager *m);

#endif
