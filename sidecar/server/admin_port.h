// SPDX-License-Identifier: MIT
// The admin endpoint's socket, on the main loop: HTTP/1 in front of admin/api. A unix socket is
// only its owner's (0600); on a loopback port requests from a web page are refused by Host and
// Origin.
#ifndef SERVER_ADMIN_PORT_H
#define SERVER_ADMIN_PORT_H

#include "admin/api.h"
#include "config/config.h"
#include "server/acceptor.h"
#include "server/conn.h"

struct admin_port {
    const struct api *api;
    const struct listen_conf *listen;
    struct acceptor acceptor;
    struct conn_conf conns;
    struct metrics_worker uncounted; // its connections are not clients
    bool is_open, is_left;
};

// fd: the listening socket, which becomes the port's own. 0, or ERR_LISTEN (logged).
int admin_port_open(struct admin_port *p, struct loop *loop, const struct listen_conf *listen,
                    int fd, const struct api *api);
// Accepts no more: another process has the socket.
void admin_port_leave(struct admin_port *p);
// Closes it and its connections, removes the unix socket. Idempotent.
void admin_port_close(struct admin_port *p);

#endif
