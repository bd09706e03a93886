// SPDX-License-Identifier: MIT
// When the keys of session tickets change: every 12 hours, or whenever the file that a fleet shares
// does, which is looked at once a minute. On the main loop.
#ifndef SERVER_TICKETS_H
#define SERVER_TICKETS_H

#include "http/tls_tickets.h"
#include "server/loop.h"
#include "server/stamp.h"

struct tickets {
    struct loop *loop;
    struct tls_tickets *keys;
    const char *path; // "" without a file
    struct stamp was; // the file, as it was read
    bool is_told;     // that it cannot be read
    struct loop_watch watch;
};

// Makes or reads the first keys. `path` is a file, or "". 0, or ERR_CONFIG, which is logged.
int tickets_open(struct tickets *t, struct loop *loop, struct tls_tickets *keys, const char *path);
// Idempotent, and harmless for one that is all zero.
void tickets_close(struct tickets *t);

#endif
