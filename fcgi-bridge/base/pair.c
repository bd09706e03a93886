// SPDX-License-Identifier: MIT
#include "base/pair.h"

#include "base/error.h"

#define PAIRS_FIRST 32 // pairs of the first array: a browser's request and a page's answer fit

int pairs_grow(struct pairs *pairs, struct arena *a) {
    size_t cap = pairs->cap ? pairs->cap * 2 : PAIRS_FIRST;
    struct pair *v = arena_alloc(a, cap * sizeof *v);
    if (v == NULL) {
        return ERR_ARENA_LIMIT;
    }
    if (pairs->n > 0) {
        memcpy(v, pairs->v, pairs->n * sizeof *v);
    }
    pairs->v = v;
    pairs->cap = cap;
    return 0;
}

const struct span *pairs_find(const struct pairs *pairs, struct span name) {
    for (size_t i = 0; i < pairs->n; i++) {
        if (span_eq_nocase(pairs->v[i].name, name)) {
            return &pairs->v[i].value;
        }
    }
    return NULL;
}
