// SPDX-License-Identifier: MIT
// One client connection: a socket, TLS if its listener says so, and the front (HTTP/1 or HTTP/2)
// that ALPN or the first bytes choose. It moves bytes and keeps the clock; what requests mean is
// the business of the handler it was opened with.
#ifndef SERVER_CONN_H
#define SERVER_CONN_H

#include "config/config.h"
#include "gateway/downstream.h"
#include "http/h1.h"
#include "http/h2.h"
#include "http/tls.h"
#include "metrics/metrics.h"
#include "server/loop.h"
#include "server/networks.h"

#define CONN_PREFACE_LEN 24 // bytes of the HTTP/2 connection preface (RFC 9113, 3.4)

// Bytes that a connection is counted with: about what it takes with TLS and an HTTP/2 session.
#define CONN_MEMORY (48u << 10)

struct conn;

// Who answers the requests of a connection.
struct conn_handler {
    // First of all; there is no front yet. May be NULL.
    void (*on_open)(struct downstream *, void *handler_self);
    // Every event of the front, in order. After FRONT_DONE and FRONT_RESET the stream is released
    // by conn itself.
    void (*on_event)(struct downstream *, const struct front_event *);
    // About once a second while a request is under way. May be NULL.
    void (*on_tick)(struct downstream *);
    // The connection is gone, with all requests under way. May be NULL.
    void (*on_close)(struct downstream *);
    // Something is done for the client that is not worth doing when it has left. May be NULL.
    bool (*is_asking)(const struct downstream *);
};

// What the connections of one listener on one loop share. Borrowed by each of them.
struct conn_conf {
    struct loop *loop;
    const struct conn_handler *handler;
    void *handler_self;
    struct tls_context *tls; // NULL: clear text
    struct tls_pool *tls_pool;
    struct h1_conf h1;
    struct h2_conf h2;
    struct deadline_limits limits; // of base/deadline.def
    struct list conns;             // all that are open
    bool makes_room;      // for a new one, when there are most, the one that waits longest closes
    unsigned count, most; // how many, and how many may be
    struct networks *networks;        // of the clients; NULL: what these hold is not counted
    const struct client_trust *trust; // NULL: nobody is trusted
    bool has_origins;                 // HTTP/2 clients are told of them
    enum listen_proxy proxy;          // whether trusted fronts send PROXY headers
    struct metrics_worker *metrics;
};

struct conn {
    struct conn_conf *conf;
    struct list node;
    struct loop_task flush, free;
    struct loop_watch watch;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } io;
    struct tls tls;
    struct downstream down; // the handler's own, but for the front, which is one of the two below
    union {
        struct h1 h1;
        struct h2 h2;
    } proto;
    uint8_t first[CONN_PREFACE_LEN]; // clear text: the first bytes, while they may be a preface
    uint8_t first_len;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct buf stuck;       // a copy of what the kernel did not take; empty unless a write waits
    uint64_t given;         // bytes given to the kernel so far, or waiting for it
    struct deadline wait;   // for the client's next move
    struct deadline output; // for the client to take what is there
    struct deadline whole;  // for the connection to take no more requests
    struct list posted;     // the handler's own too: requests whose bodies it collects
    bool waits_anew, is_reading, is_pumping;
    bool has_eof;         // the client sends no more; what is under way is completed
    bool has_fin;         // and the socket is at its end
    bool is_shut;         // the front takes no new requests
    bool is_ending;       // close when all output has left
    bool is_cut;          // it ends with a reset: what was sent is not complete
    bool is_idle;         // it ends while no request is under way
    bool is_lingering;    // all output has left; the peer is to close
    bool is_dead;         // closing; freed by the sweep
    struct buf proxied;   // the first bytes, while a PROXY header is awaited
    bool wants_proxy;     // it is
    struct ip from;       // the client's address, as a PROXY header says where there was one
    struct cgi_peer peer; // both ends, as text in the next four
    char remote[IP_TEXT_LEN], local[IP_TEXT_LEN], remote_port[8], local_port[8];
};

// Takes over a connected socket, of a unix listener or of TCP.
void conn_open(struct conn_conf *conf, int fd, bool is_unix);
// Something was given to the front: write it at the end of the turn.
void conn_wants_flush(struct conn *c);
// Pulls events and starts or stops reading, after input or after the handler consumed some.
void conn_pump(struct conn *c);
// Brings the connections of conf to their end, and those that are opened later: what is under way
// is completed; HTTP/2 is told by GOAWAY, HTTP/1 with its next answer, so that no request crosses
// the end; who asks for nothing is closed when it has been silent for quiet_ms. May be called
// again with a shorter time.
void conn_drain(struct conn_conf *conf, uint64_t quiet_ms);
// Closes all connections of conf at once.
void conn_close_all(struct conn_conf *conf);

#endif
