// SPDX-License-Identifier: MIT
// Listening sockets: made on the main thread while it still has its privileges, then handed to the
// workers, one each, so that the kernel spreads connections (SO_REUSEPORT).
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include "config/config.h"

// Binds `n` sockets for a listener, without listening yet. Where the port is 0 all get the one the
// kernel gave the first, which *port tells. A unix socket is one that is shared; its path is made
// anew where nobody listens there any more. 0, or ERR_LISTEN (logged); then none is left open.
int listener_bind(const struct listen_conf *conf, int *fds, unsigned n, uint16_t *port);
// Whether it could be bound: 0 or an errno, EADDRINUSE when another program has it that is no
// Outrider of this user's: those share a port, since one may read its configuration again. Leaves
// nothing behind; a unix socket is not tried, but its folder looked at.
int listener_try(const struct listen_conf *conf);
// Where a client would go: "https://localhost:8443".
const char *listener_url(const struct listen_conf *conf, uint16_t port, char *out, size_t out_len);

#endif
