// SPDX-License-Identifier: MIT
// What one connection was already hinted, pushed or asked for, and until when its client can use
// that without asking again: a fixed table of 64-bit keyed hashes, allocated with the first entry.
// It never forgets. When it is full it claims to have seen everything, but nothing of it fresh, so
// the worst it does is that something is not pushed, or hinted once more.
#ifndef HINTS_SEEN_H
#define HINTS_SEEN_H

#include "base/siphash.h"

#define SEEN_SLOTS 256 // a power of two
#define SEEN_MAX 192   // entries

struct seen_table;

struct seen {
    struct seen_table *table; // NULL before the first entry
    size_t n;
};

void seen_init(struct seen *seen);
void seen_fini(struct seen *seen);
// `path` (path and query) was put before and its client can still use it at now_ms. False when the
// table is full.
bool seen_is_fresh(const struct seen *seen, const struct siphash_key *secret, struct span path,
                   uint64_t now_ms);
// Remembers path, fresh until until_ms of the caller's clock: the last word counts, but 0 says
// nothing. True when it is new: the caller may push it.
bool seen_put(struct seen *seen, const struct siphash_key *secret, struct span path,
              uint64_t until_ms);

#endif
