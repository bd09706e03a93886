// SPDX-License-Identifier: MIT
// Who asked. A request belongs to a session when it carries credentials or a cookie by which an
// application is known to recognise a user; everybody else is the public. What is learned is
// counted by distinct sessions or by distinct networks, so each has a keyed hash here; neither
// credentials nor addresses are kept anywhere.
#ifndef HINTS_AUDIENCE_H
#define HINTS_AUDIENCE_H

#include "base/pair.h"
#include "base/siphash.h"

// An address as bytes, in network order.
struct audience_address {
    uint8_t n; // 4, 16, or 0 when there is none: a unix socket
    uint8_t bytes[16];
};

struct audience_conf {
    struct siphash_key secret;
    const struct span *cookies; // names of a site's further session cookies, with stars; borrowed
    size_t cookies_n;
};

// A cookie of that name identifies a session: session_cookie.def, or one of the site's.
bool audience_is_session_cookie(const struct audience_conf *conf, struct span name);
// There is an Authorization field or a session cookie.
bool audience_is_session(const struct audience_conf *conf, const struct pairs *fields);
// The session that the credentials in the fields stand for, as a keyed hash that is not 0. Of
// several the one that stays the same for as long as the session lives; where all of them change
// from page to page, a hash of the client instead: one user must not count as many. 0 when there
// are no credentials.
uint64_t audience_session(const struct audience_conf *conf, const struct pairs *fields,
                          const struct audience_address *from);
// The keyed hash of the network that the address is in: its /24, or /56 of IPv6. An address of IPv4
// written as one of IPv6 is one of IPv4. 0: there is no address.
uint64_t audience_network(const struct siphash_key *secret, const struct audience_address *from);
// The keyed hash of one client: its whole address and its User-Agent.
uint64_t audience_client(const struct siphash_key *secret, const struct audience_address *from,
                         const struct pairs *fields);

#endif
