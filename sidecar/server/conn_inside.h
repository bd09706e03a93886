// SPDX-License-Identifier: MIT
// What the files of conn share:
//
//     conn.c         opening, closing, all connections of a listener
//     conn_proxy.c   the PROXY header that a trusted front sends first
//     conn_input.c   the kernel's bytes to the front, and its events to the handler
//     conn_output.c  what the front and TLS have to say to the kernel; the end after the last byte
//     conn_time.c    deadlines, clients that take nothing, no new requests
#ifndef SERVER_CONN_INSIDE_H
#define SERVER_CONN_INSIDE_H

#include "server/conn.h"

// Stops everything; the memory goes with the sweep after libuv has let go of the handle.
void conn_die(struct conn *c);

// Both ends, as the application and the learner are to see them.
void conn_set_addresses(struct conn *c, const struct ip *from, uint16_t from_port,
                        const struct ip *to, uint16_t to_port);
// The peer, or whom a PROXY header names, is a front that is trusted: it speaks for many clients.
bool conn_is_front(const struct conn *c);
// Counts the connection with the network of its client, whom it knows now. Closes it at a bound.
void conn_enter(struct conn *c);
// Decides whether a PROXY header is awaited; may refuse the connection.
void conn_proxy_begin(struct conn *c);
// Takes the first bytes while it is. What is left of them is the client's own: empty until then.
// Borrowed until conn_proxy_end.
struct span conn_proxy_take(struct conn *c, struct span bytes);
// What was kept is not needed any more, unless the header is still awaited.
void conn_proxy_end(struct conn *c);

// Reads from the socket, or leaves what comes in the kernel.
void conn_set_reading(struct conn *c, bool on);

void conn_output_init(struct conn *c);
// It ends when all output has left.
bool conn_wants_end(const struct conn *c);
// The same of a connection whose front is in that phase.
static inline bool conn_ends_in(const struct conn *c, enum front_phase phase) {
    return c->is_ending || phase == FRONT_CLOSING || (c->has_eof && phase != FRONT_BUSY);
}

// The first deadline, that of the first head.
void conn_start_time(struct conn *c);
// The deadline of what is waited for now.
void conn_set_deadline(struct conn *c);
// Has it lived its time? HTTP/1 is told with an answer, so that no request crosses its end.
void conn_age(struct conn *c);
// Output waits for the client: from now on it is looked at whether that takes any.
void conn_look_soon(struct conn *c);
// No new requests. An idle HTTP/2 client may have sent one that we have not seen yet, so it is told
// first and the end comes with its answer (RFC 9113, 6.8).
void conn_shut(struct conn *c);

#endif
