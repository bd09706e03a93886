// SPDX-License-Identifier: MIT
// A bounded set of hints in the order in which a client should see them: what blocks rendering
// first, and in the order of arrival among equals. The same target is in it once. When it is full,
// a more important hint puts out the least important one.
#ifndef HINTS_HINT_SET_H
#define HINTS_HINT_SET_H

#include "base/arena.h"
#include "hints/hint.h"

#define HINT_SET_MAX 64 // hints; a set of them is a 64-bit mask

struct hint_set {
    struct hint *v; // in order; in the arena
    size_t n, max;
    bool by_hand; // set after init: all ranks are equal, for what an operator ordered by hand
};

// How often each reason was met, and how many links could not be read.
struct hint_tally {
    uint64_t reasons[HINT_REASONS];
    uint64_t broken;
};

// An empty set of at most `max` hints (no more than HINT_SET_MAX). 0, or ERR_ARENA_LIMIT.
int hint_set_init(struct hint_set *set, struct arena *arena, size_t max);
// Puts a copy of the hint, whose spans stay borrowed, at its place. HINT_OK, HINT_DUPLICATE (the
// one that is there may be pushed from now on only if both may), or HINT_TOO_MANY (it, or the one
// that it put out).
enum hint_reason hint_set_put(struct hint_set *set, const struct hint *hint);
// Puts every usable link of one Link field value, and adds to the tally what became of each.
void hint_set_read(struct hint_set *set, struct span value, const struct hint_context *context,
                   struct hint_tally *tally);

#endif
