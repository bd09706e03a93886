// SPDX-License-Identifier: MIT
// What the learner keys on, as one run of bytes: a page by its site, its audience, its path and
// those of its query keys that tell pages apart; or a pattern, which many pages match.
//
//     key       = site %x00 audience path [ "?" query ]
//     audience  = "p" / "s"                        ; public, session
//     path      = "/" *( %x20-3E / %x40-FF )       ; decoded; no "?", so that the query is told
//     apart query     = pair *( "&" pair )               ; sorted, as received pair      = 1*byte [
//     "=" *byte ]             ; without "=" where only the key counts
//
// In a pattern 0x01 stands for any run of bytes. A path with a byte below 0x20 has no key, so the
// two never meet. A route is looked up by the 128-bit keyed hash of its key alone.
#ifndef LEARNER_ROUTE_KEY_H
#define LEARNER_ROUTE_KEY_H

#include "base/siphash.h"

#define ROUTE_KEY_MAX 2048   // bytes; longer routes are not learned
#define ROUTE_WILDCARD 0x01  // any run of bytes, in a pattern
#define ROUTE_QUERY_PAIRS 16 // more pairs of a query are not looked at, and it is not clean

struct route_id {
    uint64_t a, b;
};

static inline bool route_id_eq(struct route_id x, struct route_id y) {
    return x.a == y.a && x.b == y.b;
}

// What a key is made of. Borrowed.
struct route_parts {
    struct span site;  // its configured name
    struct span path;  // request.path: decoded, dot segments removed
    struct span query; // as received, without the "?"
    bool is_session;
    const struct span *query_keys; // the keys that count: "p", or "s=*" where the value does not
    size_t query_keys_n;
};

// Writes the key into out, ROUTE_KEY_MAX bytes of the caller's, and gives it; p is NULL when there
// is none. *is_clean: the query held nothing but listed keys, each once, and those by which
// marketing follows its visitors (utm_source, gclid, ...); where it is false the route may be
// looked up, but nothing is learned from its response.
struct span route_key(uint8_t *out, const struct route_parts *parts, bool *is_clean);
// The parts of a key; empty spans when it is none. The path has no query and a pattern's 0x01.
struct span route_key_site(struct span key);
struct span route_key_path(struct span key);
struct span route_key_query(struct span key);
bool route_key_is_session(struct span key);
bool route_key_is_pattern(struct span key);
// Bytes that are a key of this form, whoever wrote them.
bool route_key_is_valid(struct span key);
// The identity under which its plan is found.
struct route_id route_key_id(const struct siphash_key *secret, struct span key);
// The same of an asset of a site by its path and query. {0, 0} where that is too long.
struct route_id route_asset_id(const struct siphash_key *secret, struct span site,
                               struct span path);
// Writes path and query for people, in ASCII: "*" for the wildcard, percent-encoded what is neither
// visible ASCII nor clear ("*", "%"). The bytes written; what does not fit into cap is cut off.
size_t route_key_print(struct span key, char *out, size_t cap);
// Writes the key that prints so into out (ROUTE_KEY_MAX bytes) and gives it. p NULL: there is none.
struct span route_key_read(uint8_t *out, struct span site, bool is_session, struct span printed);

#endif
