// SPDX-License-Identifier: MIT
// The client's connection as the gateway sees it: the front that speaks its protocol, the requests
// under way, and what is remembered of the client while it is connected. Who owns the socket embeds
// it and hands over what the front tells.
#ifndef GATEWAY_DOWNSTREAM_H
#define GATEWAY_DOWNSTREAM_H

#include "exchange/cgi_env.h"
#include "gateway/ports.h"
#include "hints/audience.h"
#include "hints/seen.h"
#include "http/front.h"
#include "learner/visit.h"

struct relay_listener;

struct downstream {
    struct front *front; // NULL until the protocol is known
    const struct downstream_ops *ops;
    const struct relay_listener *listener; // set by the caller before anything is told
    const struct cgi_peer *peer;           // both ends, as text
    const struct ip *from;                 // the client's address
    uint16_t from_port;                    // 0: not known
    struct budget_share *share;            // of the client's network; NULL: it is not counted
    struct list relays;                    // of the requests under way
    struct seen seen;                      // what was hinted, pushed and fetched here
    struct visit_ref visit;                // the last navigation
    bool is_h2;                            // what the front speaks
    bool is_tls;                           // the client spoke TLS to whoever passes its bytes on
};

// A connection without a front. Borrows all three for the connection's life.
void downstream_init(struct downstream *d, const struct downstream_ops *ops,
                     const struct cgi_peer *peer, const struct ip *from);
// The connection is gone, with all requests under way.
void downstream_end(struct downstream *d);
// About once a second while a request is under way: what is complete and only waits for its client
// gives back what it was made from.
void downstream_tick(struct downstream *d);
// A backend works on a request, or is to: that ends when the client leaves.
bool downstream_is_asking(const struct downstream *d);

static inline void downstream_wants_flush(struct downstream *d) {
    d->ops->wants_flush(d);
}

#endif
