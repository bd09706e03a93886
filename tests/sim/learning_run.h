// SPDX-License-Identifier: MIT
// Runs one learner through one scenario: visitors with and without caches, signed in or not, come
// to the simulated site under a fake clock, and what each was hinted is held against what its
// browser needs. Every chance hangs on the number of the navigation alone, so that all learners see
// the same visitors.
#ifndef SIM_LEARNING_RUN_H
#define SIM_LEARNING_RUN_H

#include "sim/learning_model.h"

#define RUN_NEVER 9999 // views

struct run;

struct scenario {
    const char *name;
    void (*before)(struct run *run); // each navigation; may be NULL
    unsigned navigations;
    unsigned measured_from; // a navigation
    unsigned session_share; // percent of visitors that are signed in
    unsigned landing_share; // percent of navigations that go to landing pages
    bool is_private;        // every response says that it is for one user only
    bool has_hashed_names, has_variants;
    bool is_first_views; // only the first view of each page is measured
    bool keeps_unseen;   // three pages of ten are not visited before measured_from, then only they
};

struct run {
    const struct scenario *scenario;
    const struct model *model;
    void *self;
    struct site site;
    uint64_t seed, now_ms;
    unsigned nth; // navigation
    bool counts;  // it is measured
    struct run_track {
        unsigned views;   // since the page last became another one
        unsigned counted; // those among them that are measured
        bool is_right;    // was hinted its right set in one of these
    } tracks[SITE_PAGES];
    struct run_cache {
        uint8_t bits[SITE_URLS_MAX / 8];
    } * caches;       // of those who come again
    unsigned *rights; // views until the right set, RUN_NEVER where it did not come
    size_t rights_n;
    // What is counted.
    uint64_t views, hinted, useful, needed, found, fonts, fonts_found, waste, leaks;
};

struct result {
    unsigned right_half, right_most; // views until the right set: the median, nine of ten
    uint64_t hinted;                 // hints sent
    double precision;                // share of them that the visitor's browser needed
    double recall;                   // share of what blocks rendering that was hinted
    double fonts;                    // the same of fonts
    double waste;                    // bytes fetched for nothing, per view
    uint64_t leaks;                  // hints of somebody else's private asset
};

// Runs it.
struct result run_scenario(const struct scenario *scenario, const struct model *model,
                           uint64_t seed);
// For scenario.before: every page became another one, or this page did.
void run_renew(struct run *run, unsigned page);
void run_renew_all(struct run *run);

#endif
