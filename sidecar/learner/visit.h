// SPDX-License-Identifier: MIT
// Recent navigations of a worker, and the assets that were requested after each, because what a
// browser fetches for a page shows what the page needs. The visit of a request for an asset is
// found by the client and the Referer, which is the page or a stylesheet that the visit fetched. A
// visit ends when it has been quiet for a while, and then becomes evidence. The table has a fixed
// size and nothing is allocated after visit_init; a visit for which there is no room is left out
// and counted.
//
//     visit_open ─► visit_hinted / visit_held ─► visit_answered
//         visit_fetch ─► visit_fetched, of each asset
//     visit_next ─► evidence of those that have ended
#ifndef LEARNER_VISIT_H
#define LEARNER_VISIT_H

#include "base/list.h"
#include "base/siphash.h"
#include "hints/hint.h"
#include "learner/evidence.h"
#include "learner/quota.h"
#include "learner/recipient.h"

#define VISIT_MOST 1024         // visits at once
#define VISIT_EACH 256          // of one network: nobody takes all the room
#define VISIT_FETCHES 64        // of one visit
#define VISIT_SHEETS 32         // stylesheets of one visit by which further assets find it
#define VISIT_TEXT 6144         // bytes of its key and of all paths
#define VISIT_URL_MAX 2048      // bytes of a page's URL; longer ones are no visits
#define VISIT_IDLE_US 3000000   // without a fetch: it is over
#define VISIT_LEFT_US 300000    // likewise, once its client's connection has closed
#define VISIT_WHOLE_US 15000000 // from the final head: likewise, whatever goes on
#define VISIT_THINK_US 60000000 // without a final head: it is dropped
#define VISIT_LATE_US 1000000   // what is asked for so long after all else was not critical

struct visit;

struct visit_table {
    struct siphash_key secret;
    struct visit *visits;
    uint32_t *buckets;
    unsigned made;           // visits that were used at least once
    struct list free;        // of them, the one used last at the end
    struct list thinking;    // without a final head, the oldest first
    struct list active;      // with one, the one that was quiet for longest first
    struct list left;        // likewise, whose connection has closed: the one that did first first
    struct list ended;       // to be told
    struct quota_loans held; // by network
    uint64_t opened;         // all of them
    uint64_t refused;        // navigations without room, or of networks that have enough
    uint64_t cut;            // fetches without room
};

// A visit and, of a fetch, which of its fetches. Zero: none. Stays harmless when the visit is over.
struct visit_ref {
    uint32_t place, serial; // place: index + 1
    uint8_t fetch;          // index + 1
};

// A navigation. Borrowed during the call.
struct visit_page {
    uint64_t client;                       // audience_client
    struct span scheme, authority, target; // of the page: its URL, as a Referer will have it
    struct span key;                       // of its route
    bool has_client_hints;                 // it carried Sec-CH-UA
    uint64_t network, at_ms;               // for the evidence
};

// A request for an asset. The page must be on the asset's own origin. Borrowed during the call.
struct visit_asset {
    uint64_t client;
    struct span referer;
    struct span scheme, authority, target; // of the asset
    enum hint_as as;
    bool is_marked;        // x-moz: early hint
    bool has_client_hints; // it carried Sec-CH-UA
};

// Allocates.
void visit_init(struct visit_table *t, const struct siphash_key *secret);
// Idempotent.
void visit_fini(struct visit_table *t);
// A navigation came. A visit of the same client to the same page that is not over yet ends.
struct visit_ref visit_open(struct visit_table *t, const struct visit_page *page, uint64_t now_us);
// Its 103 left, with this hint among others; once for each hint.
void visit_hinted(struct visit_table *t, struct visit_ref ref, const struct hint *hint,
                  uint64_t now_us);
// Its hints were held back.
void visit_held(struct visit_table *t, struct visit_ref ref);
// Its final head, a 200 of a document, is on its way.
void visit_answered(struct visit_table *t, struct visit_ref ref, const struct recipient *recipient,
                    uint64_t now_us);
// The connection that it came by is closed. It is over soon unless its fetches go on by another.
void visit_left(struct visit_table *t, struct visit_ref ref, uint64_t now_us);
// Nothing is learned from it: not a document, an error, a client that left.
void visit_drop(struct visit_table *t, struct visit_ref ref);
// An asset was asked for. A zero reference when that belongs to no visit, or was seen before.
struct visit_ref visit_fetch(struct visit_table *t, const struct visit_asset *asset,
                             uint64_t now_us);
// The response of a fetch was sent to its end; is_good: it was 200 or 304, and an asset of its
// kind.
void visit_fetched(struct visit_table *t, struct visit_ref ref, bool is_good, uint64_t now_us);
// Some visit may have room for a fetch.
static inline bool visit_is_awaiting(const struct visit_table *t) {
    return !list_is_empty(&t->thinking) || !list_is_empty(&t->active) || !list_is_empty(&t->left);
}
// Writes the next visit that is over into out (EVIDENCE_MAX bytes). How many bytes it has; 0: none
// is over. A visit that fetched nothing gives no evidence. With `all` the others end as well.
size_t visit_next(struct visit_table *t, uint8_t *out, uint64_t now_us, bool all);

#endif
