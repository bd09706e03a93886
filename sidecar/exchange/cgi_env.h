// SPDX-License-Identifier: MIT
// The CGI variables (RFC 3875, 4.1) of a request, as FastCGI parameters: the set that nginx's
// fastcgi.conf made conventional, then one HTTP_* for each header field. What a client says reaches
// HTTP_* only (and CONTENT_TYPE, from its own field): a name with other bytes than letters, digits
// and "-" is dropped, so that no two names fall together and none leaves HTTP_*; "Proxy" (httpoxy)
// and connection-specific fields are dropped; a name occurs once, values of a repeated field joined
// by ", " (RFC 9110, 5.3), of Cookie by "; ".
#ifndef EXCHANGE_CGI_ENV_H
#define EXCHANGE_CGI_ENV_H

#include "base/message.h"
#include "exchange/router.h"

// The two ends of the client's connection, as text without brackets. Borrowed for the connection's
// life. Over a unix socket the addresses are empty.
struct cgi_peer {
    struct span remote_addr, remote_port, server_addr, server_port;
    // Fields that say who the client is, found out by whoever made this; NULL: none. What came in
    // fields of forwarded_field.def is dropped, because applications believe it.
    const struct pairs *said;
    const struct tls_client *shown; // the client's certificate; NULL: no TLS of ours
};

struct cgi_env {
    const struct request *request; // body_len: CONTENT_LENGTH, where there is a body
    const struct site *site;
    const struct route *route; // a ROUTE_SCRIPT
    const struct cgi_peer *peer;
    bool has_body; // there was one, whose length nobody said: it may be empty
    bool is_front; // a trusted front brings it
    int status;    // 200, or that of the error whose page the script makes
    bool is_named; // the site was found by the request's authority: SERVER_NAME is its host
};

// Puts all variables. Names and values live in `a`, the request, the site, the peer or are
// constants. 0, or ERR_ARENA_LIMIT.
int cgi_env_build(const struct cgi_env *env, struct arena *a, struct pairs *params);

#endif
