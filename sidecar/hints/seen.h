// SPDX-License-Identifier: MIT
// What one connection was already hinted, pushed or asked for: a fixed table of 64-bit keyed
// hashes, allocated with the first entry. It never forgets; when it is full it claims to have seen
// everything, so the worst it does is that something is not pushed.
#ifndef HINTS_SEEN_H
#define HINTS_SEEN_H

#include "hints/siphash.h"

#define SEEN_SLOTS 256 // a power of two
#define SEEN_MAX 192   // entries

struct seen {
    uint64_t *slots; // 0 is a free one
    size_t n;
};

void seen_init(struct seen *seen);
void seen_fini(struct seen *seen);
// `path` (path and query) was put before, or the table is full.
bool seen_has(const struct seen *seen, const struct siphash_key *secret, struct span path);
// Remembers path. True when it is new: the caller may push it.
bool seen_put(struct seen *seen, const struct siphash_key *secret, struct span path);

#endif
