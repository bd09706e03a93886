// SPDX-License-Identifier: MIT
// The hash FNV-1a of 32 bits: short, and good enough where nobody gains by making names collide.
// Against who would, there is base/siphash.h.
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

#endif
