// SPDX-License-Identifier: MIT
// What the gateway asks of the world around it: tables of functions, as http/front.h is one for the
// client's protocol. sidecar/server fills them with sockets, files and the clock; tests/sim fills
// them in memory, so that plays perform with the gateway itself.
//
//     client ─► front ─► relay ─► exchange          call_ops ─► a FastCGI pool
//            ◄─       ◄─       ◄─                    file_ops ─► a static file
//                                                    spool_ops ─► a temporary file
//                                                    downstream_ops, relay_ops ─► the loop
#ifndef GATEWAY_PORTS_H
#define GATEWAY_PORTS_H

#include "base/message.h"
#include "exchange/client.h"
#include "exchange/router.h"

struct budget_share; // what the client's network holds (gateway/budget.h)
struct call;         // one request to a pool, in its port's memory
struct downstream;   // the client's connection (gateway/downstream.h)
struct file;         // a static file that is open
struct file_part;    // gateway/file_parts.h
struct ranges;       // http/range.h
struct relay;        // gateway/relay.h
struct site;         // exchange/site.h

// What a pool is asked.
struct call_request {
    unsigned pool; // site.pool
    const struct pairs *params;
    struct arena *arena; // of the request
    uint64_t body_len;
    bool is_safe;               // may be asked twice (RFC 9110, 9.2.2)
    struct budget_share *share; // of the client's network, or NULL
};

// A pool of backends. What comes back is told by relay_on_answer and relay_on_room.
struct call_ops {
    // Begins relay->call. Nothing is told before it returns.
    void (*start)(struct relay *, const struct call_request *);
    // A backend has been found for it.
    bool (*is_placed)(const struct call *);
    // Bytes of the request's body that it takes now.
    size_t (*room)(const struct call *);
    // The backend keeps up: it is connected to, and little of what it was given waits to leave.
    bool (*keeps_up)(const struct call *);
    // Passes bytes of the request's body on, at most `room`.
    void (*body)(struct call *, struct span);
    void (*body_end)(struct call *);
    // Stops and resumes reading the response.
    void (*pause)(struct call *, bool);
    // The response is not wanted any more; nothing more is told.
    void (*abort)(struct call *);
};

// A file being sent.
struct file_response {
    struct file *file;
    uint64_t len;                  // bytes of it, also where `open` gave ERR_RANGE
    uint64_t from, to;             // those to be sent: [from, to)
    const struct ranges *ranges;   // several that were asked for, in the arena; NULL: one at most
    const struct file_part *parts; // what is made of them (gateway/file_parts.h)
    size_t parts_n, part;          // how many, and which is the next
    struct span type;              // of all of it, static text
    struct response head;
};

struct file_ops {
    // Makes the head for `request` of the file at `path`, which is absolute and zero-terminated,
    // and holds the file until `close`. 0, or ERR_FILE_IO, ERR_FILES_BUSY, ERR_NOT_FOUND,
    // ERR_FORBIDDEN, ERR_PRECONDITION, ERR_RANGE, ERR_ARENA_LIMIT.
    int (*open)(void *self, struct file_response *, struct span path, const struct request *,
                struct arena *);
    // The next piece of at most `most` bytes; borrowed until the next call. Empty at the end. False
    // when the file can not be read or has become shorter.
    bool (*next)(void *self, struct file_response *, size_t most, struct span *piece);
    // Idempotent.
    void (*close)(void *self, struct file_response *);
};

// Temporary files without names, for bodies that wait. Each is known by a number.
struct spool_ops {
    // -1 when none can be made.
    int (*open)(void *self);
    // How many of the bytes were written; fewer than all when the disk takes no more.
    size_t (*write)(void *self, int file, struct span bytes, uint64_t at);
    // How many bytes were read, 0 when they can not be.
    size_t (*read)(void *self, int file, uint8_t *to, size_t n, uint64_t at);
    // Gives the disk back. False when that fails.
    bool (*clear)(void *self, int file);
    void (*close)(void *self, int file);
};

struct spool_disk {
    const struct spool_ops *ops;
    void *self;
};

struct downstream_ops {
    // Something was given to the front: it is to be written at the end of the turn.
    void (*wants_flush)(struct downstream *);
    // Events may wait in the front, and input that it had no room for.
    void (*pump)(struct downstream *);
    // An HTTP/1 response is broken off: the connection ends so that the client sees it, without the
    // FIN or close_notify that ends a body whose length nobody said.
    void (*cut)(struct downstream *);
    // Whether a request for `host` may come on it (RFC 9110, 7.4); NULL: any may.
    bool (*covers)(struct downstream *, struct span host);
    // The version of TLS ("TLSv1.3") and what ALPN agreed on ("h2"), static texts; NULL for what
    // there was not. NULL itself: it is not known.
    void (*tls)(struct downstream *, const char **version, const char **alpn);
};

enum relay_level { RELAY_INFO, RELAY_WARN, RELAY_ERROR };

// The worker: memory, the clock, the learner, the log.
struct relay_ops {
    // Memory for a relay and its call, whose address is in relay->call. Never NULL.
    struct relay *(*take)(void *self);
    // Takes it back at the end of the turn: nothing below may still look at it then.
    void (*give_back)(struct relay *);
    // relay_go_on is called at the end of the turn, unless it is given back before.
    void (*go_on_later)(struct relay *);
    // A monotonic clock.
    uint64_t (*now_us)(void *self);
    // Evidence for the learner (a copy). False when it was dropped.
    bool (*learn)(void *self, struct span evidence);
    // What the network of a client holds who comes through a front, held until let_go. May be NULL,
    // both: then it is not counted.
    struct budget_share *(*hold)(void *self, const struct ip *client);
    void (*let_go)(struct budget_share *);
    // Somebody who is not trusted, but has a private address, sent a field that only a front
    // should: the operator may have forgotten to say that it is one. May be NULL.
    void (*claimed)(void *self, enum forwarded_field field);
    // A page of a host was asked for that no site has as a name: the operator may have forgotten
    // it, or a front does not pass on what its client asked for. May be NULL.
    void (*stranger)(void *self, struct span host);
    // The request is over, and is there for the last time: its site has an access log. May be NULL.
    void (*access)(struct relay *, const struct site *);
    // One line about the request of this relay. why: static words, or NULL.
    void (*log)(struct relay *, enum relay_level, const char *words, const char *why);
};

#endif
