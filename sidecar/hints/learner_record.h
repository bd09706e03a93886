// SPDX-License-Identifier: MIT
// What has to be kept of a learner so that another one can go on from it: flat records for a store,
// an export or a fleet. A record is complete in itself; putting it again replaces what was there.
#ifndef HINTS_LEARNER_RECORD_H
#define HINTS_LEARNER_RECORD_H

#include "hints/learner.h"

#define RECORD_ASSETS_MAX 64
#define RECORD_VOTES_MAX 16

// An asset of a route, as it is known.
struct record_asset {
    struct hint hint;
    unsigned sources;             // bits of enum learner_source
    enum offer_asset_state state; // of the asset itself
    enum reuse_reason reuse;
    uint32_t lifetime_s;
    uint64_t bytes;
};

// One vote of a ballot; the bits are by place in the record's assets.
struct record_vote {
    uint64_t who;   // the voter: a network, a session, of a public pattern a page
    uint64_t child; // where the vote came from: network and page, in 16 bits each
    uint64_t at_ms;
    bool is_private, has_html, has_fetched;
    uint64_t html, fetched, testable;
};

struct learner_record {
    struct span key;
    bool is_gone; // the route was forgotten: drop it from the store
    uint64_t seen, first_seen_ms, last_seen_ms;
    uint32_t think_us;
    struct learner_outcome hinted, held;
    size_t assets_n, votes_n;
    struct record_asset assets[RECORD_ASSETS_MAX];
    struct record_vote votes[RECORD_VOTES_MAX];
};

// The next route that changed since it was last given here. STEP_MORE: none. Spans borrow from the
// learner until its next put, tick or forget.
enum step learner_next_changed(struct learner *l, struct learner_record *out);
// Writes the record of a route (for an export). False when it is not known.
bool learner_record_of(const struct learner *l, const struct learner_route *r,
                       struct learner_record *out);
// Takes a record as if it had been learned here. False when it is not valid or there is no room.
bool learner_restore(struct learner *l, const struct learner_record *record, uint64_t now_ms);

#endif
