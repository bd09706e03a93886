// SPDX-License-Identifier: MIT
// HTTP/1.0 and 1.1 (RFC 9112) for one client connection: an engine of the shape of http/front.h.
// One request is under way at a time; what the client sends ahead waits, and front_wants is false
// meanwhile. Every doubt about where a message ends is answered by 400 and the end of the
// connection: nobody is told of such a request, front_next says STEP_BAD once what was under way is
// released, and front_output has the answer.
//
//     IDLE/HEAD ──► BODY ──► OVER (waits for the answer) ──► DONE ──► DRAIN ──► IDLE
//
// After front_sent call front_next again: sending makes room (FRONT_ROOM) and lets the next
// pipelined request in. Nothing is pushed: front_promise says ERR_PUSH_REFUSED.
#ifndef HTTP_H1_H
#define HTTP_H1_H

#include "base/buf.h"
#include "http/chunked.h"
#include "http/front.h"
#include "http/h1_head.h"

// Set by h1_conf_init, then changed where wanted. Borrowed by every h1 made with it.
struct h1_conf {
    const int64_t *unix_time; // seconds, kept by the caller: for Date. NULL: no Date is added
    bool is_secure;           // request.is_secure, and the scheme
    struct h1_limits limits;
    size_t request_memory; // bytes the arena of a request may hand out: 1280 KiB
    size_t request_window; // bytes of request body told and not yet consumed: 64 KiB
    size_t response_queue; // bytes of response queued before front_room is 0: 64 KiB
    size_t drain_bytes;    // of a request body nobody read, skipped to keep the connection: 64 KiB
    uint32_t requests;     // on one connection, then it closes: 1000
};

// The defaults above, without unix_time.
void h1_conf_init(struct h1_conf *c);

enum h1_state {
    H1_HEAD,   // between requests, or in a head
    H1_BODY,   // the request's body is arriving
    H1_OVER,   // the request is complete
    H1_DRAIN,  // the response is complete, the request's body is being skipped
    H1_CLOSED, // nothing is read any more
};

// How the end of the response's body is told to the client.
enum h1_framing { H1_NO_BODY, H1_LENGTH, H1_CHUNKED, H1_UNTIL_CLOSE };

// All members are private to the h1 files; read through the functions.
struct h1 {
    struct front front; // first
    const struct h1_conf *conf;
    struct front_stream stream; // the request under way
    struct h1_head head;        // of it
    struct h1_scan scan;
    struct chunked chunked;
    struct span input; // fed and not yet read; borrowed
    struct buf held;   // the same, kept; before input
    struct buf out;
    enum h1_state state;
    enum h1_framing framing;
    uint64_t body_left;   // of the request, when it is not chunked
    uint64_t answer_left; // of the response, when H1_LENGTH
    uint64_t drained;     // bytes of body skipped
    size_t unconsumed;    // bytes of body told, not yet consumed
    uint64_t received;    // bytes of body told
    struct deadline wait; // for the body
    uint64_t began_ms;    // when the request was first seen by the clock, or 0
    uint32_t requests;    // so far
    int error;            // ERR_ that broke the connection, or 0
    int reset_error;      // of FRONT_RESET
    const char *why;
    bool is_told;     // the stream is the caller's until it is released
    bool owes_end;    // FRONT_BODY_END
    bool owes_room;   // FRONT_ROOM
    bool owes_late;   // FRONT_LATE
    bool is_full;     // the response queue was full
    bool has_head;    // the final head has been put
    bool is_finished; // the caller has put all of the response
    bool is_reset;    // the stream was broken off
    bool is_over;     // FRONT_DONE or FRONT_RESET was told
    bool closes;      // no request follows the one under way
};

// 0. Borrows conf until front_fini(&h->front). Allocates nothing.
int h1_init(struct h1 *h, const struct h1_conf *conf);

#endif
