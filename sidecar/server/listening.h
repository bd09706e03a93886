// SPDX-License-Identifier: MIT
// The listening sockets, which outlive the workers that accept from them: one a worker and address
// (SO_REUSEPORT). Each generation of workers gets duplicates, so that a connection that waits in
// the kernel is accepted by the next generation when the one before has stopped.
#ifndef SERVER_LISTENING_H
#define SERVER_LISTENING_H

#include "base/list.h"
#include "config/config.h"

struct listening {
    struct list held; // an entry for each address
    unsigned workers_n;
};

void listening_init(struct listening *l, unsigned workers_n);
// Binds whatever the configuration listens on and is not held yet. 0; or ERR_LISTEN (logged), with
// nothing changed.
int listening_open(struct listening *l, const struct config *config);
// After listening_open: a duplicate of a worker's socket for the address config->listens[listen],
// which becomes the caller's. -1 with errno.
int listening_take(const struct listening *l, size_t listen, unsigned worker);
// Puts the sockets of all addresses into fds; how many there are, at most `most`.
unsigned listening_list(const struct listening *l, int *fds, unsigned most);
// Closes what was held and the last configuration opened does not listen on any more.
void listening_drop_rest(struct listening *l);
// Closes all. Idempotent.
void listening_close(struct listening *l);

#endif
