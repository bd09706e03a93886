// SPDX-License-Identifier: MIT
// Who asked. There are three kinds of requests:
//
//     PUBLIC    without a cookie but those that are known to be harmless (harmless_cookie.def)
//     SESSION   with credentials, a field by which a front says who it is, or a cookie by which an
//               application is known to recognise a user (session_cookie.def)
//     UNSURE    with any other cookie: nobody knows whether the response depends on it. Such a
//               request is answered like the public, but its response is taken for a private one
//
// What is learned is counted by distinct users and by distinct networks, so each has a keyed hash
// here; neither credentials nor addresses are kept anywhere.
#ifndef HINTS_AUDIENCE_H
#define HINTS_AUDIENCE_H

#include "base/ip.h"
#include "base/pair.h"
#include "base/siphash.h"

struct audience_names {
    const struct span *v; // with stars; borrowed
    size_t n;
    // What audience_names_sort found, so that most names need not be compared with each of them.
    size_t open;     // of them that begin with a star, which stand first
    uint64_t absent; // beginnings that none of the others has; 0: not known
};

// What a site adds to the tables.
struct audience_conf {
    struct audience_names session;  // cookies that identify a session
    struct audience_names harmless; // cookies that no response depends on
    struct audience_names fields;   // fields by which a front says who asks
};

enum audience_kind { AUDIENCE_PUBLIC, AUDIENCE_UNSURE, AUDIENCE_SESSION };

struct audience {
    enum audience_kind kind;
    // What stands for the user, as "name=value" of a cookie or the value of a field. Of several the
    // one that stays the same for longest and tells users apart best. Borrowed from the fields.
    struct span credential;
    struct span cookie; // the name of that cookie; empty: it is a field
    bool changes;       // it is made anew while the session lives
};

// The names v[0, n), which are sorted for it; they are borrowed.
struct audience_names audience_names_sort(struct span *v, size_t n);
// Reads the fields of a request.
struct audience audience_of(const struct audience_conf *conf, const struct pairs *fields);
// The keyed hash of a credential; never 0.
uint64_t audience_credential(const struct siphash_key *secret, struct span credential);
// The keyed hash of what is known of somebody without credentials: his program and his languages.
// Never 0.
uint64_t audience_agent(const struct siphash_key *secret, const struct pairs *fields);
// The keyed hash of the network that the address is in: its /24, or /48 of IPv6. An address of IPv6
// that stands for one of IPv4 (mapped, 6to4, NAT64) is that one. 0: there is no address.
uint64_t audience_network(const struct siphash_key *secret, const struct ip *from);
// The client is in a network that is not of the public Internet, or on this machine. Who is there
// may be given what others are not.
bool audience_is_inside(const struct ip *from);
// The keyed hash of one client: its whole address and its User-Agent.
uint64_t audience_client(const struct siphash_key *secret, const struct ip *from,
                         const struct pairs *fields);

#endif
