// SPDX-License-Identifier: MIT
// One request to a pool, in its owner's memory: it may wait for a free execution, connects or takes
// a kept connection, goes to another server where that is safe, and tells its owner what comes
// back.
// Begun by upstream_call.
#ifndef SERVER_CALL_H
#define SERVER_CALL_H

#include "base/deadline.h"
#include "exchange/exchange.h"
#include "fcgi/conn.h"
#include "fcgi/pool.h"
#include "server/loop.h"
#include "server/networks.h"

struct backend; // one connection to a server of the pool
struct upstream;

struct call {
    struct list node;
    struct upstream *upstream;
    struct backend *backend; // NULL while it waits for an execution
    struct pool_waiter waiter;
    enum deadline_state wait; // of base/deadline.def
    uint64_t deadline_ms;     // of that wait
    uint64_t total_ms;        // deadline of the whole
    uint64_t place_by_ms;     // until when it may go to another server
    uint64_t tried;           // servers that have failed for it: a bit for each
    bool is_open;             // between upstream_call and END, FAILED or call_abort
    bool has_place;           // in the queue, counted for its network
    bool has_head, is_paused, has_body, has_retried;
    struct response response;              // the last one told
    uint64_t begun_us;                     // if is_timed: when it began,
    uint64_t placed_us;                    // when a server had been found,
    uint64_t connected_us;                 // and a connection; 0: not yet
    const struct pool_server_conf *server; // the last that it went to; NULL: none
    struct loop_task failed;               // tells FAILED at the end of the turn
    int error;                             // that it tells
    // Set by the owner before upstream_call:
    const struct pairs *params;
    struct arena *arena; // of the request
    uint64_t body_len;
    bool is_safe;               // may be asked twice (RFC 9110, 9.2.2)
    bool is_timed;              // the three times are wanted
    struct budget_share *share; // of the client's network, or NULL
    // What the log calls the request: escaped.
    const char *(*name)(struct call *);
    // INTERIM, HEAD, BODY, END or FAILED; END and FAILED are the last.
    void (*on_event)(struct call *, const struct exchange_event *);
    // The call takes more of the request's body (call_room is no longer 0).
    void (*on_room)(struct call *);
};

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

// Below: for the pool and its connections, not for owners.

// As a call of that pool that has not begun.
void call_init(struct call *call, struct upstream *u);
// Looks for an execution, not at a server that has failed for it if there is another.
void call_start(struct call *call);
// There is a server besides the present one and those that have failed for it.
bool call_has_untried(const struct call *call);
// An execution at `server` has been taken for the call.
void call_go(struct call *call, unsigned server);
// From now on it waits for this, which has its deadline.
void call_wait_for(struct call *call, enum deadline_state state);
// Its response is complete.
void call_done(struct call *call);
// It fails; its owner is told at the end of the turn.
void call_fail(struct call *call, int error);
// It is the client, not the backend, that the call waits for.
bool call_awaits_client(const struct call *call);

#endif
