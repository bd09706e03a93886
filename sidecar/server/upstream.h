// SPDX-License-Identifier: MIT
// A pool of FastCGI servers as one worker sees it: its sockets, and the calls that run or wait. A
// call is one request to the pool. It may wait for a free execution, connects or takes a kept
// connection, is repeated once where that is safe, and tells its owner what comes back.
#ifndef SERVER_UPSTREAM_H
#define SERVER_UPSTREAM_H

#include "exchange/exchange.h"
#include "fcgi/conn.h"
#include "fcgi/pool.h"
#include "metrics/metrics.h"
#include "server/loop.h"

#define UPSTREAM_WINDOW (256u << 10) // bytes of a request's body queued for a backend

struct backend;          // one connection to a server of the pool
struct upstream_address; // where a server is, as the kernel wants it

struct upstream {
    struct loop *loop;
    const struct pool_conf *conf;
    struct upstream_address *addresses; // of the servers, resolved at start
    struct pool pool;
    struct list backends; // all that are open, idle ones too
    struct metrics_worker *metrics;
    struct list calls; // all calls under way, for their deadlines
    struct loop_watch watch;
    struct loop_task next; // lets waiting calls go at the end of the turn
    uv_timer_t again;      // lets them go when a full listen queue may have drained
};

struct call {
    struct list node;
    struct upstream *upstream;
    struct backend *backend; // NULL while it waits for an execution
    struct pool_waiter waiter;
    uint64_t deadline_ms; // connect, think, then idle
    uint64_t total_ms;    // deadline of the whole
    bool is_open;         // between upstream_call and END, FAILED or call_abort
    bool has_head, is_paused, has_body, has_retried;
    struct response response; // the last one told
    struct loop_task failed;  // tells FAILED at the end of the turn
    int error;                // that it tells
    // Set by the owner before upstream_call:
    const struct pairs *params;
    struct arena *arena; // of the request
    uint64_t body_len;
    bool is_safe; // may be asked twice (RFC 9110, 9.2.2)
    // What the log calls the request: escaped.
    const char *(*name)(struct call *);
    // INTERIM, HEAD, BODY, END or FAILED; END and FAILED are the last.
    void (*on_event)(struct call *, const struct exchange_event *);
    // The call takes more of the request's body (call_room is no longer 0).
    void (*on_room)(struct call *);
};

// conf is borrowed for the upstream's life. 0, or ERR_CONFIG (logged) when a server's name has no
// address.
int upstream_init(struct upstream *u, struct loop *loop, const struct pool_conf *conf,
                  struct metrics_worker *metrics);
// Closes all connections; calls under way hear nothing more. Then the loop must run once more.
void upstream_close(struct upstream *u);
// After the loop has ended.
void upstream_fini(struct upstream *u);
// Starts a call, which is the owner's memory and may not be freed while is_open. Never calls back
// before it returns.
void upstream_call(struct upstream *u, struct call *call);
// Bytes of the request's body that the call takes now.
size_t call_room(const struct call *call);
// The backend keeps up: it is connected to, and little of what it was given waits to leave.
bool call_keeps_up(const struct call *call);
// Passes bytes of the request's body on.
void call_body(struct call *call, struct span bytes);
void call_body_end(struct call *call);
// Stops and resumes reading the response.
void call_pause(struct call *call, bool paused);
// The response is not wanted any more. No event follows. A backend that works on it goes on all the
// same: until it is done (an orphan) it keeps its slot in the pool, so that no more requests
// execute than may, however many are abandoned.
void call_abort(struct call *call);

#endif
