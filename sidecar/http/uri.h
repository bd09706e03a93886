// SPDX-License-Identifier: MIT
// URIs as far as a server needs them (RFC 3986): the path that a request target names, the host
// that it is for, and what a reference in a document points at. What can be read in two ways is
// refused rather than repaired.
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include "base/arena.h"

#define URI_HTTP_PORT 80       // RFC 9110, 4.2.1
#define URI_HTTPS_PORT 443     // RFC 9110, 4.2.2
#define URI_HOST_MAX 253       // bytes of a host name (RFC 1035, 2.3.4)
#define URI_REFERENCE_MAX 8192 // bytes of a reference

// host[:port], checked.
struct uri_authority {
    struct span text; // lower case: "example.org:8443", "[::1]"; a dot at the host's end is gone
    struct span host; // in text, without port, brackets kept
    uint16_t port;    // 0: none was given
};

// An absolute http or https URL, or the base of a resolution.
struct uri {
    struct span scheme;    // lower case: "http", "https"
    struct span authority; // lower case host[:port], not the scheme's default port
    struct span path;      // path and query: begins with "/" but not with "//", no dot segments,
                           // no fragment
};

// The path and the query of a target in origin-form:
//
//     origin-form = absolute-path [ "?" query ]
//
// *path is decoded and clean, as CGI programs expect PATH_INFO (RFC 3875, 4.1.5): an encoded "/" is
// one, dot segments are removed, runs of "/" are one, a "/" at the end is kept; it begins with "/"
// and has no NUL, but any other byte. *query is as received; p is NULL without "?". It borrows from
// target or lives in `a`. 0; ERR_REQUEST_PATH for a bad "%", an encoded NUL, a raw "#", blank or
// CTL (raw bytes above 0x7f are taken), and for ".." that leaves the root, encoded or not;
// ERR_ARENA_LIMIT. *why then says it in static words.
int uri_path_normalise(struct arena *a, struct span target, struct span *path, struct span *query,
                       const char **why);
// The opposite: a decoded path with "%" before what may not stand in one (pchar and "/" may). p is
// NULL when the budget of `a` is spent.
struct span uri_path_encode(struct arena *a, struct span path);

// The port of a URL of this scheme that names none: 443 for https in any case, else 80.
uint16_t uri_default_port(struct span scheme);
// A name of letters, digits, "-" and "_" in labels of 1 to 63 bytes between single dots, or an IPv6
// address in brackets.
bool uri_is_host(struct span host);
// Cuts host[:port] in two without checking either: the host (brackets kept), and what follows the
// colon, which is empty where there is none. They borrow from authority.
void uri_authority_cut(struct span authority, struct span *host, struct span *port);
// The host of an authority: without port, without the dot at the end. Borrows from it.
struct span uri_host(struct span authority);
// The port of an authority; that of the scheme where it has none, or none from 1 to 65535.
uint16_t uri_port(struct span scheme, struct span authority);
// The authority as an origin is compared: without a port that the scheme implies. Borrows from it.
struct span uri_authority_without_default(struct span scheme, struct span authority);
// "https://host[:port]target" in the arena: where a client of this host is sent for TLS. p is NULL
// when the budget is spent.
struct span uri_https(struct arena *a, struct span host, uint16_t port, struct span target);

// Checks host[:port]: a name of letters, digits, "-", "_" and single dots, or an IPv6 address in
// brackets; a port of 1 to 65535, or an empty one, which is none. No user information, no lists. 0,
// or ERR_REQUEST_HOST with *why, or ERR_ARENA_LIMIT.
int uri_authority_parse(struct arena *a, struct span authority, struct uri_authority *out,
                        const char **why);

// What `reference` points at when it stands in a document at `base` (RFC 3986, 5.2). It comes out
// as browsers request it: bytes that may not stand in a URL are percent-encoded, what they leave
// alone is left alone, so that two spellings of one request compare equal. Borrows from base or
// reference, or lives in `a`. 0; ERR_URI_SCHEME when it is neither http nor https; ERR_SYNTAX for
// what is no reference, for user information or a bad host, for a path that would begin with "//",
// and for what programs read differently ("\\", encoded dot segments, ...); ERR_ARENA_LIMIT.
int uri_resolve(struct arena *a, const struct uri *base, struct span reference, struct uri *out);

#endif
