// SPDX-License-Identifier: MIT
// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash for tables whose keys strangers choose.
// Without the key nobody can find names that collide.
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/span.h"

struct siphash_key {
    uint64_t k0, k1; // random, made once at start
};

struct siphash_wide {
    uint64_t low, high;
};

uint64_t siphash(const struct siphash_key *key, struct span bytes);
// The variant with 128 bits, wide enough to stand for the bytes themselves.
struct siphash_wide siphash_wide(const struct siphash_key *key, struct span bytes);

#endif
