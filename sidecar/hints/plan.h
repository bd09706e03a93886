// SPDX-License-Identifier: MIT
// What a route's next visitor is told, ready to send: the hints in order, the one Link field of the
// 103, the paths to push. A plan is one block of memory, never changed after it was made, so that
// workers may read it without a lock while the learner makes the next one. The operator's static
// hints of a route rule are a plan too, with an empty key.
#ifndef HINTS_PLAN_H
#define HINTS_PLAN_H

#include "base/message.h"
#include "hints/hint_set.h"
#include "hints/route_key.h"

#define PLAN_LINK_MAX 3072 // bytes of the Link field value
#define PLAN_PUSH_MAX 16   // paths to push

struct plan {
    struct span key;           // of the route (route_key)
    uint64_t hash;             // of the key; 0 for an operator's rule
    uint64_t version;          // grows with every plan the learner makes
    const struct hint *hints;  // all of them, also those that did not fit into the 103
    size_t hints_n;            // 0: the route is forgotten, drop what was published for it
    const struct span *pushes; // path and query each
    size_t pushes_n;
    struct span link;         // the Link field value; empty when there is nothing to send
    struct pair field;        // "link" and that value
    size_t size;              // bytes of the whole block
    struct response response; // the 103 with that one field, ready for an interim response
};

struct plan_conf {
    struct span key;
    uint64_t hash, version;
};

// Makes a plan of hints in their given order; at most HINT_SET_MAX hints and PLAN_LINK_MAX bytes go
// into the 103, those that do not fit are left out. Copies everything. Never NULL. Owns: the caller
// frees it with plan_free.
struct plan *plan_new(const struct plan_conf *conf, const struct hint *hints, size_t n);
void plan_free(struct plan *plan);
// What both together say: the rule's hints first, then the learned ones that are not among them.
// Either may be NULL or empty. Gives one of them as it is where the other adds nothing, else a new
// plan in the arena (never plan_free it); where the arena has no room, the rule. NULL when both
// are.
const struct plan *plan_union(const struct plan *rule, const struct plan *learned,
                              struct arena *arena);
// What an application's own 103 says, sanitised and in its order, as a plan in the arena (never
// plan_free it). NULL when no link is left or the arena has no room.
const struct plan *plan_of_links(const struct pairs *fields, const struct target_page *page,
                                 struct arena *arena);
// There is something to send in a 103.
static inline bool plan_has_link(const struct plan *plan) {
    return plan && plan->link.n > 0;
}

#endif
