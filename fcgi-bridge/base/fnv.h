// SPDX-License-Identifier: MIT
// The hash FNV-1a of 32 or 64 bits: short, and good enough where nobody gains by making names
// collide. Where somebody would, base/siphash.h is the hash to use.
#ifndef BASE_FNV_H
#define BASE_FNV_H

#include "base/span.h"

#define FNV_START 2166136261u

// The hash of what was hashed to h before and one byte more.
static inline uint32_t fnv_byte(uint32_t h, uint8_t c) {
    return (h ^ c) * 16777619u;
}

// The same with all bytes of s; h is FNV_START at first.
static inline uint32_t fnv_put(uint32_t h, struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        h = fnv_byte(h, s.p[i]);
    }
    return h;
}

#define FNV64_START UINT64_C(0xcbf29ce484222325)

// The hash of 64 bits of all bytes of s and of what was hashed to h before.
static inline uint64_t fnv64_put(uint64_t h, struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        h = (h ^ s.p[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

#endif
