// SPDX-License-Identifier: MIT
// Who asks, and how: the peer of the connection, or, where that is a front that the operator
// trusts, the client that the front vouches for. There is one effective client address, scheme,
// host and port for everything: the application, the learner, redirects, limits, the log.
//
// A list of addresses is read from the right, past those that are trusted themselves: what stands
// left of the first that is not, anybody may have written. All fields of a name are one list
// (RFC 9110, 5.3). What cannot be read names nobody: then the client is the peer.
#ifndef EXCHANGE_CLIENT_H
#define EXCHANGE_CLIENT_H

#include "base/ip.h"
#include "base/pair.h"

enum forwarded_field {
#define FORWARDED_FIELD(id, name, use) FORWARDED_FIELD_##id,
#include "exchange/forwarded_field.def"
#undef FORWARDED_FIELD
    FORWARDED_FIELDS,
};

// Whom a listener believes. Borrowed for the listener's life; all zeros: nobody.
struct client_trust {
    const struct ip_net *nets; // trusted fronts
    size_t nets_n;
    bool has_unix;    // who connects over a unix socket is trusted
    bool has_private; // and so is who has an address of ip_is_private
    // Where trusted fronts name their client, the first one that does so first.
    const enum forwarded_field *fields;
    size_t fields_n;
    bool has_host; // X-Forwarded-Host and Forwarded's host name the request's host
};

enum client_scheme {
    CLIENT_SCHEME_UNSAID,
    CLIENT_SCHEME_HTTP,
    CLIENT_SCHEME_HTTPS,
};

struct client {
    struct ip ip;    // n is 0 where only a unix socket is known
    uint16_t port;   // 0: not known
    bool is_vouched; // ip is not the peer's but what the front said
    enum client_scheme scheme;
    struct span host;     // as the front says; borrowed from the fields; empty: it says nothing
    uint16_t server_port; // where the client connected, as the front says; 0: it says nothing
};

// What a front says of its client. False: the peer is not trusted, and the client itself. The peer
// is what the connection, or a PROXY header on it, says.
bool client_read(struct client *out, const struct client_trust *trust, const struct ip *peer,
                 uint16_t port, const struct pairs *fields);
// The first field of forwarded_field.def, which a peer who is not trusted may not send, or
// FORWARDED_FIELDS.
enum forwarded_field client_claim(const struct pairs *fields);
// A front with that address is trusted.
bool client_is_trusted(const struct client_trust *trust, const struct ip *ip);
// The field of that name (without case), or FORWARDED_FIELDS.
enum forwarded_field forwarded_field_find(struct span name);
const char *forwarded_field_name(enum forwarded_field field);
// A trusted front may pass it on: PASS.
bool forwarded_field_may_pass(enum forwarded_field field);
// It can name a client: LIST, ONE and CHAIN.
bool forwarded_field_names_client(enum forwarded_field field);

#endif
