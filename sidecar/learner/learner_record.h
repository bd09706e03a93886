// SPDX-License-Identifier: MIT
// What has to be kept of a learner so that another one can go on from it: flat records for a store,
// an export or a fleet. A record is complete in itself; putting it again replaces what was there.
#ifndef LEARNER_LEARNER_RECORD_H
#define LEARNER_LEARNER_RECORD_H

#include "learner/learner.h"

#define RECORD_ASSETS_MAX 64
#define RECORD_VOTES_MAX 32
#define RECORD_POLICY_MAX 4096   // bytes of each of a route's policies
#define RECORD_IMPORTS_MAX 16384 // bytes of a stylesheet's imports

// An asset of a route, as it is known. Also one that its plan has only because of another: what a
// stylesheet imports, the version that took an older one's place.
struct record_asset {
    struct hint hint;
    unsigned sources; // bits of enum learner_source; none: only known, no vote speaks of it
    bool is_behind, is_conditional;
    bool is_firm;                 // of a pattern: all of many votes agreed on it (learner_judge.c)
    unsigned rank;                // in the plan, from 1; 0: the plan has it not
    enum offer_asset_state state; // of the asset itself
    enum reuse_reason reuse;
    uint32_t lifetime_s;
    uint64_t bytes;
    bool is_abandoned;   // the newest pages of the site have it no longer
    uint64_t born;       // of the versions of one file the newest has the highest; 0: not known
    struct span newer;   // the version that replaced it (path and query), or empty
    struct span imports; // of a stylesheet: paths with blanks between them
};

// One vote of a ballot; the bits are by place in the record's assets.
struct record_vote {
    uint64_t who;   // the voter: a network, a session, of a public pattern a page
    uint64_t child; // where the vote came from: user in 32 bits, network and page in 16 each
    uint64_t at_ms;
    bool is_private, has_html, has_fetched, has_failed;
    uint64_t html, fetched, testable;
};

// How the plan is found again.
enum record_plan {
    RECORD_PLAN_JUDGE, // it is not known: from the votes
    RECORD_PLAN_NONE,  // there was none
    RECORD_PLAN_KEPT,  // of the assets that are hinted, which may be none
    RECORD_PLANS,
};

struct learner_record {
    struct span key;
    bool is_gone; // the route was forgotten: drop it from the store
    uint64_t seen, first_seen_ms, last_seen_ms;
    uint32_t think_us;
    struct learner_outcome hinted, held;
    enum record_plan plan;
    struct span csp, referrer; // policies of the page; empty: none
    struct span origin;        // "scheme://authority" of which the csp speaks
    bool is_policy_new;        // the response before had another one
    size_t assets_n, votes_n;
    struct record_asset assets[RECORD_ASSETS_MAX];
    struct record_vote votes[RECORD_VOTES_MAX];
};

// The next route that changed since it was last given here. STEP_MORE: none. Spans borrow from the
// learner until its next put, tick, forget or record.
enum step learner_next_changed(struct learner *l, struct learner_record *out);
// A store has lost what it had: each route counts as changed.
void learner_change_all(struct learner *l);
// Writes the record of a route (for an export). False when it is not known.
bool learner_record_of(const struct learner *l, const struct learner_route *r,
                       struct learner_record *out);
// Takes a record as if it had been learned here. False when it is not valid or there is no room.
bool learner_restore(struct learner *l, const struct learner_record *record, uint64_t now_ms);

#endif
