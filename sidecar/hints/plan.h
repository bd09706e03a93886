// SPDX-License-Identifier: MIT
// What a route's next visitor is told, ready to send: the hints in order, the most worthy first;
// for each dialect the 103 with its one Link field; the paths to push. A plan knows no route, so
// all routes that need the same share one. It is one block of memory, never changed after it was
// made, so that workers may read it without a lock while the learner makes the next one. The
// operator's hints of a route rule are a plan too, made when the configuration is loaded.
#ifndef HINTS_PLAN_H
#define HINTS_PLAN_H

#include "base/message.h"
#include "hints/dialect.h"
#include "hints/hint_set.h"

#define PLAN_LINKS 50        // links of a 103, unless the site says otherwise
#define PLAN_BYTES 3072      // bytes of its Link field value, likewise
#define PLAN_BYTES_MAX 12288 // no site may have more: some clients stop at 16 KB of fields
#define PLAN_PUSH_MAX 16     // paths to push

// How much a 103 may hold. 0 stands for the default; more than HINT_SET_MAX links or PLAN_BYTES_MAX
// bytes for those.
struct plan_limits {
    size_t links, bytes;
};

// A link-value in the Link field value of a dialect.
struct plan_piece {
    uint16_t at, n; // value.p[at, at + n)
    uint16_t hint;  // index of its hint
};

// What is said in one dialect, or in several that say the same.
struct plan_voice {
    struct response response;        // the 103; its last field is the Link field
    struct span link;                // the value of that
    const struct plan_piece *pieces; // it in pieces, in order
    size_t pieces_n;
    uint64_t said; // bit 1 << index of each hint in it
};

struct plan {
    const struct hint *hints;  // all of them, also those that are said in no dialect
    size_t hints_n;            // at most HINT_SET_MAX
    const struct span *pushes; // path and query each
    size_t pushes_n;
    const struct plan_voice *voices[DIALECTS]; // NULL: nothing to say
    size_t size;                               // bytes of the whole block
};

// What a plan is made with.
struct plan_conf {
    struct plan_limits limits;
    struct span
        csp; // Content-Security-Policy for the 103, for which policy_is_sendable; empty: none
    struct span referrer; // Referrer-Policy, likewise
};

// The limits with the defaults in place of 0, within the bounds. limits may be NULL.
struct plan_limits plan_limits_of(const struct plan_limits *limits);
// Makes a plan of hints in their given order; at most HINT_SET_MAX are taken. In each dialect a
// hint that does not fit into what the limits leave is left out, a shorter one behind it may still
// fit. conf may be NULL. Copies everything. Never NULL. Owns: the caller frees it with plan_free.
struct plan *plan_new(const struct plan_conf *conf, const struct hint *hints, size_t n);
void plan_free(struct plan *plan);
// Writes the paths that the hints ask to push to `to`, which has room for PLAN_PUSH_MAX. How many.
size_t plan_put_pushes(struct span *to, const struct hint *hints, size_t n);
// What both together say: the rule's hints first, then the learned ones that are not among them,
// within limits (may be NULL), with the learned policy fields. Either may be NULL or empty. Gives
// one of them as it is where the other adds nothing, else a new plan in the arena (never plan_free
// it) whose hints and pushes borrow from both; where the arena has no room, the rule. NULL when
// both are.
const struct plan *plan_union(const struct plan *rule, const struct plan *learned,
                              const struct plan_limits *limits, struct arena *arena);
// What Link fields say on their page, sanitised and in their order, as a plan in the arena (never
// plan_free it): of an application's own 103, of an operator's rule. policy may be NULL. NULL when
// no link is left or the arena has no room.
const struct plan *plan_of_links(const struct pairs *fields, const struct target_page *page,
                                 const struct hint_policy *policy, struct arena *arena);
// The 103 in a dialect; NULL when the plan is NULL or has nothing to say in it.
static inline const struct response *plan_response(const struct plan *plan, enum dialect dialect) {
    return plan && plan->voices[dialect] ? &plan->voices[dialect]->response : NULL;
}
// There is something to say in some dialect.
static inline bool plan_has_link(const struct plan *plan) {
    for (unsigned d = 0; plan != NULL && d < DIALECTS; d++) {
        if (plan->voices[d] != NULL) {
            return true;
        }
    }
    return false;
}
// The Link field value of that 103; empty when there is none.
static inline struct span plan_link(const struct plan *plan, enum dialect dialect) {
    return plan && plan->voices[dialect] ? plan->voices[dialect]->link : span_of(NULL, 0);
}
// Which hints that 103 has: bit 1 << index into plan->hints.
static inline uint64_t plan_said(const struct plan *plan, enum dialect dialect) {
    return plan && plan->voices[dialect] ? plan->voices[dialect]->said : 0;
}
// That 103 without the hints whose bits are set in skip; the ready one where that leaves out none.
// NULL when nothing is left. Lives in the arena; where that has no room, the ready one.
const struct response *plan_without(const struct plan *plan, enum dialect dialect, uint64_t skip,
                                    struct arena *arena);

#endif
