// SPDX-License-Identifier: MIT
// One connection to a FastCGI server, at the service of one call at a time: its socket, its reading
// and writing, and what becomes of it when nobody waits for its answer any more. It tells its call
// what comes (server/call.h), and is freed by the loop's sweep.
#ifndef SERVER_BACKEND_H
#define SERVER_BACKEND_H

#include "server/upstream.h"

struct backend {
    struct list node;      // in upstream->backends
    struct pool_idle idle; // in the pool, while no call uses it
    struct list unread;    // in the capacity, while the server is not known to have begun to read
    uint64_t sent_ms;      // since when it is there
    int left; // what the kernel had of it when all had been written, 0: it has not been
    struct loop_task flush, free;
    struct upstream *upstream;
    struct call *call; // NULL while idle or dying
    unsigned server;   // index in the pool
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } io;
    uv_connect_t connect;
    uv_write_t write;
    struct buf stuck; // a copy of what the kernel did not take
    struct fcgi_conn fcgi;
    uint64_t errors_len; // bytes of standard error in this request
    bool is_connected, is_reading, is_dead;
    bool was_kept;   // it has answered before
    bool is_orphan;  // nobody waits for its answer; it has a slot of the pool all the same
    bool is_overdue; // for longer than the server may think
    uint64_t orphan_deadline_ms;
    struct budget_share *share; // of an orphan: the network that it is counted for, or NULL
};

// A connection to be made to a server of the pool. Freed by itself some time after backend_die.
struct backend *backend_new(struct upstream *u, unsigned server);
// Begins to connect. 0, or a libuv error: UV_EAGAIN when the listen queue of a unix socket is full.
int backend_connect(struct backend *b);
// Closes it, in whatever state. Idempotent.
void backend_die(struct backend *b);
// Starts or stops reading.
void backend_read(struct backend *b, bool on);
// Something was put for the server: written at the end of the turn.
void backend_wants_flush(struct backend *b);
// Separates it from its call, which it gives, and gives the slot of the pool back.
struct call *backend_detach(struct backend *b, enum pool_outcome outcome);
// Nobody waits for its answer any more: lets it come to its end, or ends it when nothing of the
// request has left.
void backend_abandon(struct backend *b);
// An orphan whose time is over: it keeps its slot as long as the server is silent, since a silent
// server does not notice that we close; with the next bytes, which it can not send then, it ends.
void backend_overdue(struct backend *b);
// Its request fails, or is asked again on another connection. Nothing but its end if it has none.
// Where the server may still work on it, the connection becomes an orphan.
void backend_failed(struct backend *b, int error, const char *why);

#endif
