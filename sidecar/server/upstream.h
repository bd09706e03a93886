// SPDX-License-Identifier: MIT
// A pool of FastCGI servers as one worker sees it: its sockets, and the calls that run or wait. A
// call is one request to the pool. It may wait for a free execution, connects or takes a kept
// connection, goes to another server where that is safe, and tells its owner what comes
// back.
#ifndef SERVER_UPSTREAM_H
#define SERVER_UPSTREAM_H

#include "fcgi/cgi_head.h"
#include "fcgi/pool.h"
#include "metrics/metrics.h"
#include "server/call.h"
#include "server/capacity.h"
#include "server/loop.h"
#include "server/upstream_shared.h"

#define UPSTREAM_WINDOW (256u << 10) // bytes of a request's body queued for a backend

struct upstream_address;

struct upstream {
    struct loop *loop;
    const struct pool_conf *conf;
    struct deadline_limits limits;      // of conf, for base/deadline.def
    struct cgi_head_conf head;          // bounds of a response's head; set before the first call
    struct upstream_address *addresses; // of the servers, resolved at start
    struct upstream_shared *shared;
    struct pool pool;
    struct capacity capacity;
    struct list backends; // all that are open, idle ones too
    struct metrics_worker *metrics;
    struct list calls; // all calls under way, for their deadlines
    struct loop_watch watch;
    struct loop_task next; // lets waiting calls go at the end of the turn
    uv_timer_t again;      // lets them go when a full listen queue may have drained
    uv_async_t wake;       // lets them go when another worker has given a slot back
};

// That of a worker. conf and shared are borrowed for the upstream's life. 0, or ERR_CONFIG (logged)
// when a server's name has no address.
int upstream_init(struct upstream *u, struct loop *loop, const struct pool_conf *conf,
                  struct upstream_shared *shared, unsigned worker, struct metrics_worker *metrics);
// Closes all connections; calls under way hear nothing more. Then the loop must run once more.
void upstream_close(struct upstream *u);
// After the loop has ended.
void upstream_fini(struct upstream *u);
// Starts a call, which is the owner's memory and may not be freed while is_open. Never calls back
// before it returns.
void upstream_call(struct upstream *u, struct call *call);
// For calls: the listen queue of a server is full; whoever waits is let go a little later.
void upstream_again(struct upstream *u);
// Somebody of the pool has a deadline: the loop wakes for it.
void upstream_watch(struct upstream *u, uint64_t due_ms);
// For calls and their connections: a slot was given back, or somebody has begun to wait. Whoever
// waits is let go at the end of the turn.
void upstream_next(struct upstream *u);

#endif
