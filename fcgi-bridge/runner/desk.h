// SPDX-License-Identifier: MIT
// The first process's side of the clients: accepts connections, reads requests, lets each wait for
// its turn, whichever connection it is on, and carries bytes between a client and its worker. A
// connection between two requests costs a descriptor and no worker. Nothing here waits.
#ifndef RUNNER_DESK_H
#define RUNNER_DESK_H

#include "runner/client.h"
#include "runner/crew.h"

#include <poll.h>

#define DESK_CLIENTS_MOST 1024

struct desk {
    const struct options *options;
    struct crew *crew;
    struct client_conf conf;
    int listen_fd;
    struct client *clients[DESK_CLIENTS_MOST];
    size_t n, most;
    struct list waiting;
    size_t waiting_n;
    bool is_closed;                     // no more is accepted, nothing kept
    int64_t accept_ms;                  // not before
    uint64_t accepted, served, dropped; // connections; requests; those whose client left before
};

// 0, or -1 when the workers take more descriptors than we may have; that is told.
int desk_init(struct desk *d, const struct options *o, struct crew *crew, int listen_fd);
// Closes all connections.
void desk_fini(struct desk *d);
// Hands requests that wait to workers that are free, in the order in which they came.
void desk_give(struct desk *d);
// How many descriptors desk_watch fills at most.
size_t desk_watched(const struct desk *d);
// Fills what poll is to be asked for.
void desk_watch(const struct desk *d, struct pollfd *fds);
// Acts upon what poll said to the same.
void desk_turn(struct desk *d, const struct pollfd *fds);
// The next deadline, of clock_now_ms.
int64_t desk_due_ms(const struct desk *d);
// Accepts nothing more and keeps nothing; with is_hard requests that wait are refused.
void desk_close(struct desk *d, bool is_hard);
// Requests that are not answered yet.
size_t desk_active(const struct desk *d);

#endif
