// SPDX-License-Identifier: MIT
// A list of name/value pairs in the order in which they came: header fields, FastCGI parameters.
// The array lives in an arena; the spans borrow from whoever put them.
#ifndef BASE_PAIR_H
#define BASE_PAIR_H

#include "base/arena.h"
#include "base/error.h"

struct pair {
    struct span name, value;
};

struct pairs {
    struct pair *v;
    size_t n, cap;
};

// Makes room for more pairs at the end. 0, or ERR_ARENA_LIMIT.
ERROR_CHECKED int pairs_grow(struct pairs *pairs, struct arena *a);

// Puts a pair at the end; the array grows in `a`. 0, or ERR_ARENA_LIMIT.
ERROR_CHECKED static inline int pairs_put(struct pairs *pairs, struct arena *a, struct span name,
                                          struct span value) {
    int error = pairs->n == pairs->cap ? pairs_grow(pairs, a) : 0;
    if (error == 0) {
        struct pair *pair = &pairs->v[pairs->n++];
        pair->name = name;
        pair->value = value;
    }
    return error;
}

// The value of the first pair of that name, compared without case; NULL when there is none.
const struct span *pairs_find(const struct pairs *pairs, struct span name);

#endif
