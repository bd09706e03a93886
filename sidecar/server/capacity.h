// SPDX-License-Identifier: MIT
// Looks for a worker at how much the servers of a pool execute at once, where nobody has said so
// (fcgi/pool_cap.h has the rule). What a server has not read from a unix socket still counts as
// output of ours: the kernel says so, but by whole writes alone. So the end of such a request is a
// write of its own, and when less is left than both, the server has begun. Only requests without a
// body are looked at, and only where there are several. On TCP the kernel takes the bytes for the
// server; there the length of its listen queue is asked for, where that is on this machine.
//
//     write 1: BEGIN_REQUEST, PARAMS    write 2: the end of STDIN
//     |---- read when it begins ------| |-- read at its end ----|
#ifndef SERVER_CAPACITY_H
#define SERVER_CAPACITY_H

#include "base/list.h"
#include "base/span.h"
#include "fcgi/pool_cap.h"

#include <uv.h>

struct backend;
struct upstream;

// Of a worker.
struct capacity {
    struct upstream *upstream;
    uv_timer_t timer; // looks, while there is something to be seen
    struct list sent; // of struct backend, by `unread`: not known to be read, the oldest first
    unsigned *unread; // of each server, what the others were told
    int queues;       // to ask for listen queues with, or -1
    uint64_t counted; // by this worker into the metric
    bool is_learning;
};

// What the workers know together, of one server; under the lock of upstream_shared.
struct capacity_shared {
    struct pool_cap cap;
    unsigned unread; // of all workers
    unsigned logged; // the cap of the last log line
};

// Nothing when the pool is not one to be learned.
void capacity_init(struct capacity *c, struct upstream *u);
// Closes the timer.
void capacity_close(struct capacity *c);
// After the loop has ended.
void capacity_fini(struct capacity *c);
// A new connection has been given a request, which has no body.
void capacity_put(struct capacity *c, struct backend *b);
// What is to be written next of what there is to be written.
struct span capacity_piece(const struct backend *b, struct span out);
// It was.
void capacity_sent(struct backend *b);
// Somebody waits for room.
void capacity_watch(struct capacity *c);

#endif
