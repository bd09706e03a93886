// SPDX-License-Identifier: MIT
// What HTTP/1 and HTTP/2 have in common towards the rest of the program. A front is one client
// connection's protocol engine: bytes in, events out; answers in, bytes out. It does no I/O and
// owns the streams. The functions below call through the table of the engine (h1.c or h2.c).
//
//     front_feed(bytes) ──► front_next ──► REQUEST, BODY, BODY_END, ROOM, DONE, RESET
//     inform, promise, head, body, finish, reset ──► front_output(bytes) ──► front_sent(n)
#ifndef HTTP_FRONT_H
#define HTTP_FRONT_H

#include "base/deadline.h"
#include "base/message.h"
#include "base/step.h"

enum front_event_kind {
    FRONT_REQUEST,  // a request head is complete: stream->request
    FRONT_BODY,     // bytes of its body; to be acknowledged by front_consumed
    FRONT_BODY_END, // its body is complete (comes after REQUEST also when there is no body)
    FRONT_ROOM,  // front_room was 0 or the low-water mark was reached again: more body may be put
    FRONT_LATE,  // its body does not come in time: answer, or go on waiting
    FRONT_DONE,  // the response has been handed to the output completely; release the stream
    FRONT_RESET, // the client, or the engine for a client's fault, ended the stream; release it
};

// One request and its response on the connection. Lives from FRONT_REQUEST (or front_promise) until
// front_release; the request borrows from the arena, which the owner may use for the exchange too.
struct front_stream {
    void *owner; // the caller's own, NULL at first
    struct request request;
    struct arena arena;
    uint32_t id; // HTTP/2 stream identifier; on HTTP/1 a running number
};

struct front_event {
    enum front_event_kind kind;
    struct front_stream *stream;
    struct span body; // FRONT_BODY: borrowed until the next front_next
    int error;        // FRONT_RESET: ERR_CLIENT_GONE, or the fault
};

// Where the connection stands, for the caller's timers.
enum front_phase {
    FRONT_IDLE,    // no request under way (before the first too)
    FRONT_HEAD,    // a request head, or the preface, is incomplete
    FRONT_BUSY,    // at least one request is under way
    FRONT_CLOSING, // close the connection when front_output is empty
};

struct front;

// Of what the engine waits for, and cannot see: everything that it has given has reached the
// client, so that what the client does not ask for, it does not want.
struct front_clock {
    const struct deadline_limits *limits;
    uint64_t now_ms;
    bool is_drained;
};

struct front_ops {
    int (*feed)(struct front *, struct span);
    enum step (*next)(struct front *, struct front_event *);
    struct span (*output)(struct front *);
    void (*sent)(struct front *, size_t);
    enum front_phase (*phase)(const struct front *);
    bool (*wants)(const struct front *);
    bool (*tick)(struct front *, const struct front_clock *);
    bool (*is_held)(const struct front *);
    int (*inform)(struct front *, struct front_stream *, const struct response *);
    int (*promise)(struct front *, struct front_stream *parent, const struct request *,
                   struct front_stream **pushed);
    int (*head)(struct front *, struct front_stream *, const struct response *, bool end);
    size_t (*room)(const struct front *, const struct front_stream *);
    int (*body)(struct front *, struct front_stream *, struct span);
    void (*finish)(struct front *, struct front_stream *);
    void (*reset)(struct front *, struct front_stream *, int error);
    void (*collect)(struct front *, struct front_stream *);
    void (*consumed)(struct front *, struct front_stream *, size_t);
    void (*release)(struct front *, struct front_stream *);
    void (*shutdown)(struct front *);
    bool (*can_push)(const struct front *);
    void (*fini)(struct front *);
};

// First member of struct h1 and struct h2.
struct front {
    const struct front_ops *ops;
};

// Hands over received bytes, borrowed until front_next says MORE. 0, or an ERR_ of SCOPE_CONN: what
// front_output still holds (GOAWAY, a 400) may be sent, then the connection is to be closed.
static inline int front_feed(struct front *f, struct span bytes) {
    return f->ops->feed(f, bytes);
}

// Pulls one event. STEP_BAD like front_feed's error.
static inline enum step front_next(struct front *f, struct front_event *e) {
    return f->ops->next(f, e);
}

// Bytes to be written to the client, at most some 64 KiB at once; borrowed until front_sent, or
// until the next call on f. Between two calls events are to be pulled: a body that goes first and
// of which more is to be had (FRONT_ROOM) holds up those behind it.
static inline struct span front_output(struct front *f) {
    return f->ops->output(f);
}

static inline void front_sent(struct front *f, size_t n) {
    f->ops->sent(f, n);
}

static inline enum front_phase front_phase(const struct front *f) {
    return f->ops->phase(f);
}

// More input may be fed. False while what has been fed waits for the caller (a request body that is
// not consumed, pipelined requests): the caller stops reading, so that memory stays bounded.
static inline bool front_wants(const struct front *f) {
    return f->ops->wants(f);
}

// Looks at the clock, every deadline_look_ms while a request is under way: streams whose client is
// too slow are reset or told as FRONT_LATE, by front_next. Is there a response that waits for the
// client to open a window?
static inline bool front_tick(struct front *f, const struct front_clock *clock) {
    return f->ops->tick(f, clock);
}

// The client holds back responses of all streams, by the window of the connection.
static inline bool front_is_held(const struct front *f) {
    return f->ops->is_held(f);
}

// Sends an interim response (RFC 9110, 15.2; RFC 8297). Copies what it needs. Only before
// front_head; ERR_SYNTAX for a field that may not be sent; on HTTP/1.0 it does nothing.
static inline int front_inform(struct front *f, struct front_stream *s, const struct response *r) {
    return f->ops->inform(f, s, r);
}

// Promises a push (RFC 9113, 8.4) for `request` (a GET without body) under `parent` and gives the
// stream to answer it on; its request is a copy in its own arena. ERR_PUSH_REFUSED when the peer
// does not take one now.
static inline int front_promise(struct front *f, struct front_stream *parent,
                                const struct request *request, struct front_stream **pushed) {
    return f->ops->promise(f, parent, request, pushed);
}

// The final response's head; with `end` there is no body. Copies what it needs. Names may have any
// case. ERR_SYNTAX for a name or value that may not be sent (nothing is sent then).
static inline int front_head(struct front *f, struct front_stream *s, const struct response *r,
                             bool end) {
    return f->ops->head(f, s, r, end);
}

// How many bytes of body the stream takes before FRONT_ROOM must be awaited. A hint, not a bound:
// front_body takes more, so that what has been read can always be placed.
static inline size_t front_room(const struct front *f, const struct front_stream *s) {
    return f->ops->room(f, s);
}

// Queues bytes of the response's body (a copy). Bytes beyond a Content-Length are cut; on a HEAD
// request, 204 and 304 they are dropped. After front_head, before front_finish.
static inline int front_body(struct front *f, struct front_stream *s, struct span bytes) {
    return f->ops->body(f, s, bytes);
}

// The body is complete. If it is shorter than its Content-Length said, the stream is reset.
static inline void front_finish(struct front *f, struct front_stream *s) {
    f->ops->finish(f, s);
}

// Ends the stream so that the client sees it was not completed: RST_STREAM, or closing.
// FRONT_RESET follows.
static inline void front_reset(struct front *f, struct front_stream *s, int error) {
    f->ops->reset(f, s, error);
}

// All of the request's body will be taken as soon as it comes: opens the flow-control window so
// wide that a client far away need not wait for us.
static inline void front_collect(struct front *f, struct front_stream *s) {
    f->ops->collect(f, s);
}

// n bytes of FRONT_BODY have been passed on; opens the flow-control window by as much.
static inline void front_consumed(struct front *f, struct front_stream *s, size_t n) {
    f->ops->consumed(f, s, n);
}

// Frees the stream after FRONT_DONE or FRONT_RESET; s is gone.
static inline void front_release(struct front *f, struct front_stream *s) {
    f->ops->release(f, s);
}

// Takes no new requests, finishes those under way: GOAWAY, or Connection: close. HTTP/2 asks the
// client first what is still on its way; a second call says at once which request was the last.
static inline void front_shutdown(struct front *f) {
    f->ops->shutdown(f);
}

// The peer's SETTINGS have arrived and allow one more push now.
static inline bool front_can_push(const struct front *f) {
    return f->ops->can_push(f);
}

// Frees everything, streams not yet released too (without events).
static inline void front_fini(struct front *f) {
    f->ops->fini(f);
}

#endif
