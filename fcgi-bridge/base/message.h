// SPDX-License-Identifier: MIT
// The heads of HTTP messages as spans: what a front (HTTP/1, HTTP/2) hands over and takes back,
// what a gateway (CGI, FastCGI) answers, and what the exchange between them decides on. No bytes
// are owned here; the arena of the exchange keeps them.
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include "base/pair.h"

enum protocol { PROTOCOL_HTTP10, PROTOCOL_HTTP11, PROTOCOL_HTTP2 };

// A request has body_len bytes of body, or as many as come when it is BODY_UNKNOWN.
#define BODY_UNKNOWN UINT64_MAX

struct request {
    struct span method;    // as received, e.g. "GET"
    struct span scheme;    // "http" or "https"
    struct span authority; // host[:port] as received, checked, lower case
    struct span target;    // path and query as received: "/a%20b?x=1"
    struct span path;    // decoded, dot segments and double slashes removed: "/a b"; no NUL, no CTL
    struct span query;   // behind the "?", not decoded; p is NULL when there is no "?"
    struct pairs fields; // header fields; names in lower case on HTTP/2, as received on HTTP/1;
                         // no pseudo-header fields; cookie crumbs already joined by "; "
    uint64_t body_len;   // bytes of body to come; 0 when there is none
    enum protocol protocol;
    bool is_secure; // came over TLS
};

struct response {
    int status;          // 100..999
    struct span reason;  // may be empty; HTTP/2 does not send it
    struct pairs fields; // no connection-specific fields (RFC 9110, 7.6.1), no Status
};

#endif
