// SPDX-License-Identifier: MIT
// Memory that is allocated piece by piece and freed all at once: one arena an exchange, one a
// configuration. Running out of its budget is an ordinary error (NULL); running out of the
// machine's memory ends the program.
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/span.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; // the newest first
    size_t used, budget;        // bytes handed out; the most that may be
};

// budget: bytes. Allocates nothing.
void arena_init(struct arena *a, size_t budget);
// Frees every piece. Idempotent.
void arena_fini(struct arena *a);
// Makes the arena empty but keeps its first block for the next user.
void arena_reset(struct arena *a);
// n bytes, not zeroed, aligned for any type; NULL when the budget does not allow it.
void *arena_alloc(struct arena *a, size_t n);
// Likewise, although the budget may be spent; never NULL. For what we say ourselves of a request
// that has spent it: a few hundred bytes, once.
void *arena_alloc_beyond(struct arena *a, size_t n);
// A copy of s with a zero byte behind it (not counted in n). p is NULL when the budget is spent.
struct span arena_copy(struct arena *a, struct span s);

#endif
