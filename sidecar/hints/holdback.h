// SPDX-License-Identifier: MIT
// Which navigations deliberately get no hints, so that need and benefit are measured without bias.
// Stratified: of each block of 10,000 / share navigations exactly one is held back, at a place that
// nobody can foretell, so that a small sample is never by chance all or nothing. The very first
// block holds none back: whoever tries a new site out sees hints. One for each worker and site.
#ifndef HINTS_HOLDBACK_H
#define HINTS_HOLDBACK_H

#include "base/siphash.h"

#define HOLDBACK_WHOLE 10000 // a share of so much is all of them

struct holdback {
    struct siphash_key secret;
    uint64_t n;         // navigations drawn so far
    uint64_t block;     // the running block
    uint64_t end, held; // its end, and the navigation in it that is held back
    unsigned share;     // for which these were made
};

// salt: another one for each worker and site, so that they do not hold back in step.
void holdback_init(struct holdback *h, const struct siphash_key *secret, uint64_t salt);
// Counts one navigation that would be hinted. True when it is held back. share: of HOLDBACK_WHOLE,
// 0 for none; another share than before starts anew.
bool holdback_draw(struct holdback *h, unsigned share);

#endif
