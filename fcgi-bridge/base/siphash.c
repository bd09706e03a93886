// SPDX-License-Identifier: MIT
#include "base/siphash.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned bits) {
    return x << bits | x >> (64 - bits);
}

static inline void mix(struct state *s) {
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void absorb(struct state *s, uint64_t word) {
    s->v3 ^= word;
    mix(s);
    mix(s);
    s->v0 ^= word;
}

// Eight bytes, the first one the lowest: compilers make one load of it.
static inline uint64_t little_endian(const uint8_t *p) {
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

// Likewise of less than eight.
static inline uint64_t rest_of(const uint8_t *p, size_t n) {
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++) {
        word |= (uint64_t)p[i] << 8 * i;
    }
    return word;
}

// All of the bytes, and their number.
static inline void absorb_all(struct state *out, struct span bytes) {
    struct state s = *out; // in registers
    size_t whole = bytes.n & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        absorb(&s, little_endian(bytes.p + i));
    }
    uint64_t last = (uint64_t)bytes.n << 56;
    if (bytes.n > whole) {
        size_t rest = bytes.n - whole;
        last |= whole > 0 ? little_endian(bytes.p + bytes.n - 8) >> (64 - 8 * rest)
                          : rest_of(bytes.p, rest);
    }
    absorb(&s, last);
    *out = s;
}

static inline struct state start(const struct siphash_key *key) {
    return (struct state){key->k0 ^ 0x736f6d6570736575, key->k1 ^ 0x646f72616e646f6d,
                          key->k0 ^ 0x6c7967656e657261, key->k1 ^ 0x7465646279746573};
}

static inline uint64_t finish(struct state *s) {
    for (int i = 0; i < 4; i++) {
        mix(s);
    }
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t siphash(const struct siphash_key *key, struct span bytes) {
    struct state s = start(key);
    absorb_all(&s, bytes);
    s.v2 ^= 0xff;
    return finish(&s);
}

struct siphash_wide siphash_wide(const struct siphash_key *key, struct span bytes) {
    struct siphash_wide wide;
    struct state s = start(key);
    s.v1 ^= 0xee;
    absorb_all(&s, bytes);
    s.v2 ^= 0xee;
    wide.low = finish(&s);
    s.v1 ^= 0xdd;
    wide.high = finish(&s);
    return wide;
}
