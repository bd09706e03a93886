// SPDX-License-Identifier: MIT
// Which cookie came of which. Many applications make a session's cookie anew with each answer, so
// that its value says nothing about whose it is; but whoever was given it had one before, or none.
// A worker remembers of the cookies that it saw being set whose they were. A bounded table: what it
// has forgotten, or another worker saw, is not known.
//
//     request   laravel_session=A ──► user U
//     response  laravel_session=B     lineage_put(B, U)
//     request   laravel_session=B ──► lineage_find(B) = U
#ifndef HINTS_LINEAGE_H
#define HINTS_LINEAGE_H

#include <stdint.h>

#define LINEAGE_PLACES 16384 // cookies that are remembered; a power of two
#define LINEAGE_WAYS 4       // of them one place may be any of so many

struct lineage_cookie;

struct lineage {
    struct lineage_cookie *cookies;
    uint8_t turn; // which of the ways is used next
};

// Allocates.
void lineage_init(struct lineage *l);
// Idempotent.
void lineage_fini(struct lineage *l);
// The user to whom the cookie with that keyed hash was given; 0: that is not known.
uint64_t lineage_find(const struct lineage *l, uint64_t cookie);
// The user (not 0) was given that cookie. Whose a cookie is does not change: one that several are
// given stays the first one's.
void lineage_put(struct lineage *l, uint64_t cookie, uint64_t user);

#endif
