// SPDX-License-Identifier: MIT
#include "hints/holdback.h"

void holdback_init(struct holdback *h, const struct siphash_key *secret, uint64_t salt) {
    *h = (struct holdback){.secret = {secret->k0 ^ salt, secret->k1}};
}

static uint64_t draw(const struct holdback *h) {
    uint8_t bytes[sizeof h->block];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(h->block >> 8 * i);
    }
    return siphash(&h->secret, span_of(bytes, sizeof bytes));
}

// Block k is [k * 10,000 / share, (k + 1) * 10,000 / share), rounded down, so that the share is met
// in the long run by whole blocks also where it does not divide 10,000.
static void begin_block(struct holdback *h, uint64_t block) {
    uint64_t start = block * HOLDBACK_WHOLE / h->share;
    h->block = block;
    h->end = (block + 1) * HOLDBACK_WHOLE / h->share;
    h->held = start + draw(h) % (h->end - start);
}

bool holdback_draw(struct holdback *h, unsigned share) {
    share = share < HOLDBACK_WHOLE ? share : HOLDBACK_WHOLE;
    if (share != h->share) {
        h->share = share;
        h->n = 0;
        h->end = 0;
    }
    if (share == 0) {
        return false;
    }
    if (h->n == h->end) {
        begin_block(h, h->n == 0 ? 0 : h->block + 1);
    }
    return h->n++ == h->held && h->block > 0;
}
