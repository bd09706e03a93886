// SPDX-License-Identifier: MIT
// What the learner publishes for the workers: for a route or a pattern the plan that its next
// visitor is offered, and for an asset what is known of it. Both are small values under a 128-bit
// keyed hash; plans are shared by all routes that need the same.
#ifndef HINTS_OFFER_H
#define HINTS_OFFER_H

#include "hints/plan.h"

enum offer_scope { OFFER_EXACT, OFFER_PATTERN, OFFER_SITE };

struct offer {
    const struct plan *plan; // NULL: nothing is published
    uint32_t think_us;       // what the backend is expected to take; 0: unknown
    enum offer_scope scope;  // where it was learned
    bool observe;            // hints made this route slower: decide, but do not send
    bool is_inside;          // not for clients of the Internet, none of whom knows the route
};

enum offer_asset_state {
    OFFER_ASSET_NONE,         // nothing is known of it
    OFFER_ASSET_REUSABLE,     // a client can keep it
    OFFER_ASSET_NOT_REUSABLE, // a client would fetch it twice
    OFFER_ASSET_DEAD,         // it answered with an error or a redirect
};

struct offer_asset {
    enum offer_asset_state state;
    uint32_t lifetime_s; // for how long a client may use it without asking
};

#endif
