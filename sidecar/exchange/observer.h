// SPDX-License-Identifier: MIT
// What the exchanges of one worker observe with: the visits under way, the responses that are being
// learned from, and the quotas that keep one route or one network from speaking for all.
#ifndef EXCHANGE_OBSERVER_H
#define EXCHANGE_OBSERVER_H

#include "exchange/body_reader.h"
#include "hints/lineage.h"
#include "learner/evidence.h"
#include "learner/quota.h"
#include "learner/visit.h"

#define OBSERVER_CAPTURES 256 // responses at once from which is learned while they pass
#define OBSERVER_TOLD 4096    // assets of which a worker remembers what it told; a power of two

#define OBSERVER_ROUTES 1024   // places for routes, to count their responses; likewise
#define OBSERVER_EACH 16       // responses a second that are learned from, of one route
#define OBSERVER_SHARE 8       // of these by networks that had their own
#define OBSERVER_OWN 4         // pages a second of one network, however many others have
#define OBSERVER_ALL 512       // pages a second of all networks
#define OBSERVER_ASSETS_OWN 32 // the same two of assets
#define OBSERVER_ASSETS 512
#define OBSERVER_CAPTURES_HELD 64 // captures of one network at once

struct capture; // a response that is being learned from

struct observer {
    struct siphash_key secret;
    const int64_t *unix_time; // seconds; borrowed
    struct visit_table visits;
    struct lineage lineage; // of the cookies that users were given
    struct body_reader_pool readers;
    struct capture *spare;
    unsigned captures;                // made
    uint64_t refused;                 // responses not learned from because all captures were in use
    uint64_t spared;                  // responses of routes or networks that had used their quota
    uint64_t pages_by[LEARN_REASONS]; // pages of scripts, by whether they were learned from
    uint64_t *told;                   // hashes of what was told of assets
    struct quota_rate *routes;
    struct quota pages, assets;
    struct quota_loans held;     // captures by network
    uint8_t bytes[EVIDENCE_MAX]; // of the evidence that is being handed over
};

// Allocates. Borrows unpack, which reads compressed pages; NULL: their HTML is not read.
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
