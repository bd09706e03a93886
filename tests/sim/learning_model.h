// SPDX-License-Identifier: MIT
// The learners that the learning simulation compares: ours, and three small models of what others
// do. Each is told of every navigation, and says before it what it would hint.
//
//     last response   per exact URL what the last response's HTML had; none that is private
//     referer         per path the requests that named it as Referer within four seconds, at most
//                     16, for ever: Jetty's PushCacheFilter
//     per URL         per path without query all that the HTML of its responses ever had: as
//                     Cloudflare caches Early Hints
#ifndef SIM_LEARNING_MODEL_H
#define SIM_LEARNING_MODEL_H

#include "hints/hint_set.h"
#include "sim/learning_site.h"

struct model_fetch {
    uint16_t url;
    bool was_hinted;
};

struct model_visit {
    unsigned page;
    const char *query; // "" for none
    struct site_reader reader;
    uint64_t network;
    uint64_t agent; // the browser and its languages, which many visitors share
    uint64_t now_ms;
    bool is_private;              // the response is for one user only
    bool is_held;                 // nothing was sent, to measure
    const struct site_view *view; // NULL: nobody saw a response, these are requests alone
    const struct model_fetch *fetches;
    size_t fetches_n;
    bool was_hinted;
};

struct model {
    const char *name;
    // A learner that knows nothing. Owns: the caller frees it with free.
    void *(*make)(struct site *site);
    void (*free)(void *self);
    // The URLs it would hint, HINT_SET_MAX at most; how many.
    size_t (*hints)(void *self, const struct model_visit *visit, uint16_t *out);
    void (*learn)(void *self, const struct model_visit *visit);
};

#define MODELS 4

// Ours is the first.
extern const struct model models[MODELS];

#endif
