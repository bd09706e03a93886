// SPDX-License-Identifier: MIT
// The model of what each route needs. Evidence goes in, plans come out whenever what a route needs
// has changed. One thread owns it; it knows no clock and does no I/O. It is bounded: only routes
// whose responses carried a usable link are kept, and when routes or bytes run out, the one that
// was not seen for the longest time is forgotten.
//
//     learner_put(l, &evidence, now);
//     while (learner_next(l, &plan) == STEP_ITEM) publish(plan);   // hints_n == 0: unpublish
#ifndef HINTS_LEARNER_H
#define HINTS_LEARNER_H

#include "base/step.h"
#include "hints/evidence.h"
#include "hints/plan.h"

struct learner;

struct learner_conf {
    size_t max_routes;         // 0: 4096
    size_t max_bytes;          // of all routes; 0: 16 MiB
    size_t max_hints;          // a route; 0: HINT_SET_MAX
    uint64_t ttl_ms;           // a route not seen for so long is forgotten; 0: seven days
    struct siphash_key secret; // for route_key_hash
    // The policy of a site by its name; may be NULL, and so may what it gives. Borrowed during the
    // call only.
    const struct hint_policy *(*find_policy)(void *self, struct span site);
    void *policy_self;
};

// A route as the admin view shows it. Borrowed until the next put, tick or forget.
struct learner_route {
    struct span key;          // route_key_site and route_key_path take it apart
    const struct hint *hints; // in the order of its plan
    size_t hints_n;
    uint64_t seen;                        // responses that taught it
    uint64_t first_seen_ms, last_seen_ms; // Unix time
    uint64_t version;                     // of its newest plan
    uint32_t refused;                     // bit 1 << enum hint_reason: met in its last response
};

struct learner_stats {
    size_t routes, bytes;      // now
    uint64_t evidence;         // pieces put
    uint64_t ignored;          // of an unknown route and without a usable link
    uint64_t evicted, expired; // routes forgotten for want of room; by age
    struct hint_tally links;   // what became of all links; HINT_OK counts the accepted ones
};

// Never NULL. Copies conf.
struct learner *learner_new(const struct learner_conf *conf);
void learner_free(struct learner *l);
// The route's links are now what this response says. now_ms: Unix time. Pull learner_next after
// each put.
void learner_put(struct learner *l, const struct evidence *e, uint64_t now_ms);
// Forgets routes that are older than the ttl.
void learner_tick(struct learner *l, uint64_t now_ms);
// When learner_tick has something to do next (Unix time in ms); UINT64_MAX: never.
uint64_t learner_deadline(const struct learner *l);
// The next plan to publish; one without hints means that the route is to be dropped. Owns: the
// caller frees it with plan_free. STEP_MORE when all is published.
enum step learner_next(struct learner *l, struct plan **out);
// Forgets one route; its drop comes out of learner_next. False when it is not known.
bool learner_forget(struct learner *l, struct span key);
// The route of that key, or NULL.
const struct learner_route *learner_find(const struct learner *l, struct span key);
// All routes, the one seen last first; NULL behind the last.
const struct learner_route *learner_first(const struct learner *l);
const struct learner_route *learner_after(const struct learner *l, const struct learner_route *r);
const struct learner_stats *learner_stats(const struct learner *l);

#endif
