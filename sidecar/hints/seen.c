// SPDX-License-Identifier: MIT
#include "hints/seen.h"

#include <stdlib.h>

void seen_init(struct seen *seen) {
    *seen = (struct seen){.n = 0};
}

void seen_fini(struct seen *seen) {
    free(seen->slots);
    seen_init(seen);
}

// A slot's value for path: its hash, which is never the 0 of a free slot.
static uint64_t mark(const struct siphash_key *secret, struct span path) {
    uint64_t hash = siphash(secret, path);
    return hash ? hash : 1;
}

// The slot that holds `value`, or the free one where it belongs. There always is a free one.
static uint64_t *slot(const struct seen *seen, uint64_t value) {
    size_t at = value & (SEEN_SLOTS - 1);
    while (seen->slots[at] != 0 && seen->slots[at] != value) {
        at = (at + 1) & (SEEN_SLOTS - 1);
    }
    return &seen->slots[at];
}

bool seen_has(const struct seen *seen, const struct siphash_key *secret, struct span path) {
    if (seen->n >= SEEN_MAX) {
        return true;
    }
    return seen->slots != NULL && *slot(seen, mark(secret, path)) != 0;
}

bool seen_put(struct seen *seen, const struct siphash_key *secret, struct span path) {
    if (seen->n >= SEEN_MAX) {
        return false;
    }
    if (seen->slots == NULL) {
        seen->slots = calloc(SEEN_SLOTS, sizeof *seen->slots);
        if (seen->slots == NULL) {
            abort();
        }
    }
    uint64_t value = mark(secret, path);
    uint64_t *at = slot(seen, value);
    bool is_new = *at == 0;
    *at = value;
    seen->n += is_new;
    return is_new;
}
