// SPDX-License-Identifier: MIT
// The stage of a play: a whole request path in memory, under a clock that only the play moves.
//
//     client ─► front (http/h2 or http/h1) ─► relay, exchange ─► backend: fcgi/conn ─► peer
//            ◄─                            ◄─                 ◄─                    ◄─
//
// The relay is the program's (sidecar/gateway); the stage implements its ports, in the same order
// within a turn as sidecar/server does (clients, backends, failures, then what died is freed), but
// without sockets, pools, retries and timers: those have tests of their own. Memory that the
// program borrows is lent in blocks of its own, so that a sanitizer sees what is kept too long.
//
//     stage.c          the client's connection, memory, the clock, a turn
//     stage_backend.c  connections to applications, and the calls that they work for
//     stage_disk.c     static and temporary files
//     stage_site.c     the configuration, and what has been learned
#ifndef TESTS_SIM_STAGE_H
#define TESTS_SIM_STAGE_H

#include "base/list.h"
#include "fcgi/conn.h"
#include "gateway/relay.h"
#include "http/h1.h"
#include "http/h2.h"
#include "sim/peer.h"
#include "sim/visitor.h"

struct stage_conf {
    bool is_h2, is_http10;
    bool keeps;        // backend connections carry further requests
    bool takes_pushes; // the client does
    bool buffers;      // the site asks when the request's body is complete
    bool stores;       // and takes the response as fast as the pool gives it
    enum site_relay relay;
    unsigned compressions; // responses compressed at once; 0: none is
    uint32_t window;       // of the client's streams; 0: the default, opened by itself
    uint64_t body_limit;   // bytes of a request's body; 0: 1000
    size_t client_step;    // most bytes of the client that arrive at once; 0: all
    size_t app_step;       // most bytes of an application that arrive at once; 0: all
};

// One request, kept until the play is over.
struct part {
    struct list node;
    struct stage *stage;
    int32_t id;                // of the stream; likewise of what the client has seen
    struct relay *relay;       // NULL once it is over
    enum exchange_state state; // in which it was then
    bool is_due;               // relay_go_on is to be called
    bool is_given_back;        // the relay is freed at the end of the turn
    struct buf given;          // bytes of body that an application or a file gave for the client
};

// Of an application, as the relay asks it.
struct call {
    struct part *part;
    struct backend *backend; // NULL when none works for it
    struct response response;
    int failed; // to be told at the end of the turn, or 0
    bool is_open;
};

// One connection to an application, both ends.
struct backend {
    struct list node;
    struct call *call; // NULL while idle
    struct fcgi_conn fcgi;
    struct peer peer;
    struct buf inbox; // written by the application, not yet read
    bool is_paused, is_dead, has_closed;
    bool was_dropped; // closed in the middle of a request
    bool is_orphan;   // the request was given up, its end is awaited
    size_t number;    // of the connection: 0, 1, ...
};

struct stage {
    struct stage_conf conf;
    int64_t unix_time;
    struct h2_pool pool;
    struct h2_conf h2_conf;
    struct deadline_limits limits; // of the client
    struct h1_conf h1_conf;
    union {
        struct h2 h2;
        struct h1 h1;
    } engine;
    struct downstream down;
    struct visitor client;
    struct span to_front; // bytes of the client that have not been fed
    struct list parts, backends, dead;
    size_t backends_n;
    struct arena arena; // of the configuration
    struct site site;
    struct route_rule rules[4];
    struct plan *learned; // what is published for /learned/, and for all below /kind/
    struct holdback holdback;
    struct seen seen; // what the connection was hinted and has fetched
    struct router router;
    struct router_files files;
    struct relay_conf relay_conf;
    struct encoders encoders;
    struct relay_listener listener;
    struct metrics_worker metrics;
    uint64_t now_ms;
    size_t spools;     // temporary files that are open
    size_t errors_len; // bytes of the applications' standard error
    struct buf errors; // labels of what failed: "backend_closed "
    struct buf taught; // the evidence that was handed over: "page /x 200 "
    const char *fault; // static words for a broken promise between the parts, or NULL
    bool is_pumping, is_ending, is_closed;
    bool is_cut; // the connection ends with a reset
};

void stage_init(struct stage *s, const struct stage_conf *conf);
// Everything must have been released: what is left is a fault.
void stage_fini(struct stage *s);
// Carries whatever can be carried until nothing moves.
void stage_turn(struct stage *s);
// The application of b writes bytes; at most conf.app_step of them arrive in one turn.
void stage_write(struct stage *s, struct backend *b, struct span bytes);
// It closes the connection behind what it has written.
void stage_close(struct stage *s, struct backend *b);
// The call is given up, as upstream does after a timeout.
void stage_fail(struct stage *s, struct backend *b, int error);
// The client's connection is lost.
void stage_lose_client(struct stage *s);
// So many milliseconds pass.
void stage_wait(struct stage *s, uint64_t ms);
// Takes no new requests.
void stage_shut_down(struct stage *s);
// The connection of that number, open or not; NULL when there is none.
struct backend *stage_backend(const struct stage *s, size_t number);

// Below: for the files of the stage.

extern const struct call_ops stage_calls;
extern const struct file_ops stage_files;
extern const struct spool_ops stage_spools;

void stage_fault(struct stage *s, const char *words);
// Notes an error's label, but not twice the same in a row.
void stage_note(struct stage *s, int error);
// A copy of the bytes in a block of its own, exactly as long as they are.
uint8_t *stage_lend(struct span bytes);
struct part *stage_part(const struct relay *r);

// Each carries what can be carried; whether anything moved.
bool stage_flush_backends(struct stage *s);
bool stage_read_backends(struct stage *s);
bool stage_tell_failures(struct stage *s);
void stage_free_backends(struct stage *s);

void stage_init_site(struct stage *s);
void stage_fini_site(struct stage *s);

#endif
