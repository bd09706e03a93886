// SPDX-License-Identifier: MIT
// What the exchanges of one worker observe with: the visits under way, the responses that are being
// learned from, and the quotas that keep one route or one network from speaking for all.
#ifndef EXCHANGE_OBSERVER_H
#define EXCHANGE_OBSERVER_H

#include "exchange/lesson.h"
#include "hints/lineage.h"
#include "learner/evidence.h"
#include "learner/share.h"
#include "learner/visit.h"

#define OBSERVER_STUDIES 256 // responses at once from which is learned while they pass
#define OBSERVER_TOLD 4096   // assets of which a worker remembers what it told; a power of two

#define OBSERVER_ROUTES 1024   // places for routes, to remember how often they taught; likewise
#define OBSERVER_EACH 16       // times a second that a route may teach a worker's learner
#define OBSERVER_SHARE 8       // of these by networks that had their own
#define OBSERVER_OWN 4         // pages a second that a network may teach of, whatever others do
#define OBSERVER_ALL 512       // pages a second that teach
#define OBSERVER_ASSETS_OWN 32 // the same two of assets
#define OBSERVER_ASSETS 512
#define OBSERVER_STUDIES_HELD 64 // studies of one network at once

struct study; // a response that is being learned from

struct observer {
    struct siphash_key secret;
    const int64_t *unix_time; // seconds; borrowed
    struct visit_table visits;
    struct lineage lineage; // of the cookies that users were given
    struct lesson_pool lessons;
    struct study *spare;
    unsigned studies; // made
    uint64_t refused; // responses from which nothing was learned since the studies were in use
    uint64_t spared;  // responses of routes or networks that had just taught enough
    uint64_t pages_by[TEACH_REASONS]; // pages of scripts, by whether they were learned from
    uint64_t *told;                   // hashes of what was told of assets
    struct share_rate *routes;
    struct share pages, assets;
    struct share_loans held;     // studies by network
    uint8_t bytes[EVIDENCE_MAX]; // of the evidence that is being handed over
};

// Allocates. Borrows unpack, which reads compressed pages; NULL: those teach nothing by their HTML.
void observer_init(struct observer *t, const struct siphash_key *secret, const int64_t *unix_time,
                   const struct unpack *unpack);
// Idempotent.
void observer_fini(struct observer *t);
// Writes the next visit that is over into t->bytes. How many bytes; 0: there is none.
size_t observer_next_visit(struct observer *t, uint64_t now_us, bool all);
// The running second, for quotas.
uint32_t observer_second(const struct observer *t);
// The time, for evidence.
uint64_t observer_unix_ms(const struct observer *t);
// Writes evidence that has no items into t->bytes, and gives it; empty when it is too long.
struct span observer_write(struct observer *t, const struct evidence *e);

#endif
