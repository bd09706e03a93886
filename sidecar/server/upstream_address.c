// SPDX-License-Identifier: MIT
#include "server/upstream_address.h"

#include "base/error.h"
#include "server/log.h"

#include <netdb.h>
#include <stdio.h>

int upstream_address_resolve(const struct pool_server_conf *conf,
                             struct upstream_address *address) {
    if (conf->is_unix) {
        if (conf->path.n >= sizeof address->to.unix.sun_path) {
            log_line(LOG_ERROR, "pool: the path of a unix socket may have %zu bytes: %.*s",
                     sizeof address->to.unix.sun_path - 1, SPAN_ARG(conf->path));
            return ERR_CONFIG;
        }
        address->to.unix.sun_family = AF_UNIX;
        memcpy(address->to.unix.sun_path, conf->path.p, conf->path.n);
        address->len = sizeof address->to.unix;
        return 0;
    }
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    snprintf(host, sizeof host, "%.*s", SPAN_ARG(conf->host));
    snprintf(port, sizeof port, "%u", conf->port);
    int err = getaddrinfo(host, port, &hints, &found);
    if (err != 0) {
        log_line(LOG_ERROR, "pool: no address for %s: %s", host, gai_strerror(err));
        return ERR_CONFIG;
    }
    memcpy(&address->to, found->ai_addr, found->ai_addrlen);
    address->len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}
