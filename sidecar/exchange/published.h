// SPDX-License-Identifier: MIT
// What was learned and is published, as the exchanges of one worker look it up.
#ifndef EXCHANGE_PUBLISHED_H
#define EXCHANGE_PUBLISHED_H

#include "base/ip.h"
#include "hints/offer.h"
#include "hints/policy.h"
#include "learner/route_key.h"

struct published {
    // Whether anything is published at all. NULL: perhaps.
    bool (*has_any)(void *self);
    // What is published under an identity. False: nothing. A plan is borrowed until the end of the
    // loop's turn. Each may be NULL: nothing is.
    bool (*find)(void *self, struct route_id id, struct offer *out);
    bool (*find_asset)(void *self, struct route_id id, struct offer_asset *out);
    void *self;
    struct siphash_key secret;
};

// Who asks for a route. Borrowed during the call.
struct published_asker {
    struct span key;
    const struct hint_policy *policy;
    const struct ip *from; // the client's address
};

// What is published for the route with that key, or for the closest pattern that it matches and
// that is for this client. False: nothing, or the key is empty.
bool published_find(const struct published *p, const struct published_asker *asker,
                    struct offer *out);
// The asset of that site under that path and query.
struct offer_asset published_asset(const struct published *p, struct span site, struct span path);

#endif
