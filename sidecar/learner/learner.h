// SPDX-License-Identifier: MIT
// The model of what each route needs. Evidence goes in; an offer comes out whenever what a route
// needs has changed. One thread owns it; it knows no clock and does no I/O. A route is a page by
// its key. A pattern is what the pages below a folder have in common, so that hints can be offered
// for a page that was never seen. Everything is bounded.
//
//     learner_put(l, &evidence, now);
//     while (learner_next(l, &news) == STEP_ITEM) publish(&news);
//     while (learner_next_question(l, &question) == STEP_ITEM) look it up, learner_put an ASSET
//     while ((plan = learner_next_retired(l)) != NULL) plan_free(plan) once no worker can read it
#ifndef LEARNER_LEARNER_H
#define LEARNER_LEARNER_H

#include "base/step.h"
#include "hints/offer.h"
#include "hints/reuse.h"
#include "learner/evidence.h"
#include "learner/route_key.h"

struct learner;

struct learner_conf {
    size_t max_routes;         // routes and patterns; 0: 65536
    size_t max_bytes;          // of all that is learned; 0: 64 MiB
    size_t max_assets;         // 0: 65536
    uint64_t ttl_ms;           // a route not seen for so long is forgotten; 0: thirty days
    struct siphash_key secret; // for route_key_id
    // The policy of a site by its name; may be NULL, and so may what it gives. Borrowed during the
    // call only.
    const struct hint_policy *(*find_policy)(void *self, struct span site);
    void *policy_self;
};

// What is to be published.
struct learner_news {
    bool is_asset; // of an asset, else of a route or pattern
    struct route_id id;
    struct offer offer;       // plan NULL: drop it
    struct offer_asset asset; // state NONE: drop it
};

// An asset of which nothing is known yet. Borrowed until the next call.
struct learner_question {
    struct span site, path; // path and query
    enum hint_as as;
    bool was_file; // when it was looked up last
};

enum learner_source {
    LEARNER_LINK = 1,
    LEARNER_HTML = 2,
    LEARNER_CSS = 4,
    LEARNER_REQUEST = 8,
};

enum learner_verdict {
#define VERDICT(constant, label, sentence) LEARNER_##constant,
#include "learner/learner_verdict.def"
#undef VERDICT
    LEARNER_VERDICTS
};

// A hint of a route as the admin view shows it.
struct learner_hint {
    const struct hint *hint;
    unsigned sources;             // bits of enum learner_source
    float need, need_low;         // share of visits that need it, and its lower bound
    float worth_ms, waste_bytes;  // expected, per navigation
    unsigned voters;              // distinct networks or sessions that gave it
    enum learner_verdict verdict; // HINTED, or why not
    enum reuse_reason reuse;      // if it is NOT_REUSABLE
};

// Navigations of one population: hinted or held back.
struct learner_outcome {
    uint64_t n;
    double mean_us, variance; // of critical delivery
};

// A route as the admin view shows it. Borrowed until the next call that gives one, and the next
// put, tick or forget.
struct learner_route {
    struct span key; // route_key_site, route_key_path, ... take it apart
    bool is_pattern;
    const struct plan *plan;              // NULL: nothing to send
    uint64_t seen;                        // responses that were learned from
    uint64_t first_seen_ms, last_seen_ms; // Unix time
    uint32_t think_us;
    unsigned voters; // votes that count now
    struct learner_outcome hinted, held;
    bool is_observed; // hints made it slower beyond doubt
};

struct learner_stats {
    size_t routes, patterns, assets, plans, bytes; // now
    size_t probation;                              // of the routes: those seen only once
    uint64_t evidence;                             // pieces put
    uint64_t ignored;                              // not usable
    uint64_t refused;                              // assets refused for want of room
    uint64_t evicted, expired;                     // routes forgotten for want of room; by age
    struct hint_tally links; // what became of all links; HINT_OK counts the accepted ones
};

// Never NULL. Copies conf.
struct learner *learner_new(const struct learner_conf *conf);
void learner_free(struct learner *l);
// Takes one piece of evidence. now_ms: Unix time. What is to be published of it comes out of
// learner_next; it may wait there while more is put.
void learner_put(struct learner *l, const struct evidence *e, uint64_t now_ms);
// Forgets what is older than the ttl, some of it at a time. False when more is left.
bool learner_tick(struct learner *l, uint64_t now_ms);
// The next thing to publish. STEP_MORE when all is published.
enum step learner_next(struct learner *l, struct learner_news *out);
// The next asset to be looked up by somebody who can; each is asked once a while. STEP_MORE: none.
enum step learner_next_question(struct learner *l, struct learner_question *out);
// The next plan that no route has any more, or NULL. Owns: the caller frees it with plan_free.
struct plan *learner_next_retired(struct learner *l);
// Forgets one route or pattern; the drop comes out of learner_next. False when it is not known.
bool learner_forget(struct learner *l, struct span key);
// All routes and patterns, those first that were seen more than once, the latest first among them;
// NULL behind the last. The learner has one view: it shows the next route with the next call of
// these three.
const struct learner_route *learner_first(const struct learner *l);
const struct learner_route *learner_after(const struct learner *l, const struct learner_route *r);
const struct learner_route *learner_find(const struct learner *l, struct span key);
// The hint of a route by its place, sent ones first in their order; false behind the last.
bool learner_hint_at(const struct learner *l, const struct learner_route *r, size_t i,
                     struct learner_hint *out);
const struct learner_stats *learner_stats(const struct learner *l);
const char *learner_verdict_label(enum learner_verdict verdict);
const char *learner_verdict_sentence(enum learner_verdict verdict);

#endif
