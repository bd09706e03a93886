// SPDX-License-Identifier: MIT
// Who asks, for one request: the peer of the connection, or the client that a trusted front vouches
// for (exchange/client.h), as the application, the learner, redirects and the log are to see it.
// The request takes over the scheme, and where the operator wants it the host, that the front
// names.
#ifndef GATEWAY_RELAY_CLIENT_H
#define GATEWAY_RELAY_CLIENT_H

#include "exchange/cgi_env.h"
#include "gateway/downstream.h"

// Mostly it is the connection's peer, whose text is borrowed from there. What a front says of
// somebody else lives in the arena of the request, but for the address, which outlives it.
struct relay_client {
    struct ip ip;
    const struct cgi_peer *peer; // as text
    bool is_front;               // a front that is trusted brings the request
    bool is_vouched;             // ip is not the peer's but what that front said
};

// Reads the request's fields and changes its scheme and authority. 0, or ERR_ARENA_LIMIT: then not
// all of it can be said to an application, and none may be asked.
int relay_client_init(struct relay_client *c, const struct downstream *d,
                      struct front_stream *stream);

#endif
