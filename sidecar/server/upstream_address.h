// SPDX-License-Identifier: MIT
// Where a server of a pool is, as the kernel wants it: found out once, at start.
#ifndef SERVER_UPSTREAM_ADDRESS_H
#define SERVER_UPSTREAM_ADDRESS_H

#include "fcgi/pool.h"

#include <sys/socket.h>
#include <sys/un.h>

struct upstream_address {
    union {
        struct sockaddr any;
        struct sockaddr_un unix;
        struct sockaddr_storage tcp;
    } to;
    socklen_t len;
};

// Looks up the address of a server. 0, or ERR_CONFIG (logged) when its name has none.
int upstream_address_resolve(const struct pool_server_conf *conf, struct upstream_address *address);

#endif
