// SPDX-License-Identifier: MIT
// What is known of one request while it is answered. The exchange writes it; hinting and
// observation, which decide by it, only read it.
#ifndef EXCHANGE_FACTS_H
#define EXCHANGE_FACTS_H

#include "base/message.h"
#include "base/siphash.h"
#include "exchange/site.h"
#include "hints/audience.h"
#include "hints/seen.h"

struct facts {
    const struct request *request;
    struct arena *arena;
    const struct siphash_key *secret; // of keys, sessions and networks
    const struct site *site;          // NULL until the request has been looked at
    const struct route_rule *rule;    // the operator's rule for the path, or NULL
    const struct ip *from;            // the client's address
    struct span certificate;          // that names the client: its fingerprint; empty: none does
    struct seen *seen; // what its connection was hinted and has fetched; NULL: nothing is kept
    bool is_front;     // a front that is trusted brings it
    bool is_named;     // the site has the request's host as a name
    bool is_get;       // the method
    bool is_pushed;    // it answers a push: no hints, no further pushes
    bool can_push;     // the client's connection takes pushes
    uint64_t now_us;   // any zero
    uint64_t asked_us; // when the request came
};

// The mode of hints of the request's site and rule.
enum hint_mode facts_mode(const struct facts *f);
// Their gate.
struct gate_conf facts_gate(const struct facts *f);
// The most bytes of a request's body.
uint64_t facts_body_limit(const struct facts *f);
// Changes the fields of a response as the site and the rule say. 0, or ERR_ARENA_LIMIT.
int facts_change_fields(const struct facts *f, struct response *response);
// The operator's page for a status, and whether it also stands in for one that the application
// answers. p is NULL when there is none.
struct span facts_error_page(const struct facts *f, int status, bool *intercepts);
// Whether the request's body waits for its end, and the response for the client.
bool facts_buffers_request(const struct facts *f);
bool facts_buffers_response(const struct facts *f);

#endif
