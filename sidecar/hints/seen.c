// SPDX-License-Identifier: MIT
#include "hints/seen.h"

#include <stdlib.h>

struct seen_table {
    uint64_t marks[SEEN_SLOTS]; // 0 is a free one
    uint32_t until_s[SEEN_SLOTS];
};

void seen_init(struct seen *seen) {
    *seen = (struct seen){.n = 0};
}

void seen_fini(struct seen *seen) {
    free(seen->table);
    seen_init(seen);
}

// A slot's value for path: its hash, which is never the 0 of a free slot.
static uint64_t mark(const struct siphash_key *secret, struct span path) {
    uint64_t hash = siphash(secret, path);
    return hash ? hash : 1;
}

// The slot that holds `value`, or the free one where it belongs. There always is a free one.
static size_t slot(const struct seen_table *table, uint64_t value) {
    size_t at = value & (SEEN_SLOTS - 1);
    while (table->marks[at] != 0 && table->marks[at] != value) {
        at = (at + 1) & (SEEN_SLOTS - 1);
    }
    return at;
}

bool seen_is_fresh(const struct seen *seen, const struct siphash_key *secret, struct span path,
                   uint64_t now_ms) {
    if (seen->table == NULL || seen->n >= SEEN_MAX) {
        return false;
    }
    size_t at = slot(seen->table, mark(secret, path));
    return seen->table->marks[at] != 0 && now_ms / 1000 < seen->table->until_s[at];
}

bool seen_put(struct seen *seen, const struct siphash_key *secret, struct span path,
              uint64_t until_ms) {
    if (seen->n >= SEEN_MAX) {
        return false;
    }
    if (seen->table == NULL) {
        seen->table = calloc(1, sizeof *seen->table);
        if (seen->table == NULL) {
            abort();
        }
    }
    uint64_t value = mark(secret, path);
    size_t at = slot(seen->table, value);
    bool is_new = seen->table->marks[at] == 0;
    uint64_t until_s = until_ms / 1000; // rounded down: rather hinted once too often
    seen->table->marks[at] = value;
    if (until_ms > 0) {
        seen->table->until_s[at] = until_s < UINT32_MAX ? (uint32_t)until_s : UINT32_MAX;
    }
    seen->n += is_new;
    return is_new;
}
