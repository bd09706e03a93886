// SPDX-License-Identifier: MIT
// A listening socket on a loop. libuv's own way of accepting asks again at once, and for ever, when
// the process has no descriptor left; this one waits a little, and the clients wait in the kernel's
// queue.
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include "server/loop.h"

struct acceptor {
    uv_poll_t poll;
    uv_timer_t again; // runs while there are no descriptors
    int fd;
    bool is_unix;
    uint64_t told_ms; // when the log was last told of it
    // A connection: a descriptor that becomes the callee's.
    void (*on_accept)(struct acceptor *, int fd);
};

// fd: a bound socket, which becomes the acceptor's own; set on_accept before. 0, or a libuv error
// with nothing to be closed but fd.
int acceptor_open(struct acceptor *a, struct loop *loop, int fd, int backlog);
// Accepts what waits in the kernel's queue at this moment, before the socket is closed for good.
void acceptor_take_rest(struct acceptor *a);
// Closes the socket; the loop must run once more.
void acceptor_close(struct acceptor *a);

#endif
