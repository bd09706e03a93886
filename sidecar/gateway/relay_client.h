// SPDX-License-Identifier: MIT
// Who asks, for one request: the peer of the connection, or the client that a trusted front vouches
// for (exchange/client.h), as the application, the learner, redirects and the log are to see it.
// The request takes over the scheme, and where the operator wants it the host, that the front
// names.
#ifndef GATEWAY_RELAY_CLIENT_H
#define GATEWAY_RELAY_CLIENT_H

#include "exchange/cgi_env.h"
#include "exchange/client.h"
#include "gateway/downstream.h"

struct relay_client {
    struct client client;
    struct cgi_peer peer; // as text; borrows from here, the connection and the request
    struct pairs said;    // what of it the application is told in fields
    char address[IP_TEXT_LEN], port[8], server_port[8];
};

// Reads the request's fields and changes its scheme and authority. Texts that are made live in the
// arena of the request.
void relay_client_init(struct relay_client *c, const struct downstream *d,
                       struct front_stream *stream);

#endif
