// SPDX-License-Identifier: MIT
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define ARENA_BLOCK 4096 // bytes of an ordinary block: an ordinary request fits into one

struct arena_block {
    struct arena_block *next;
    size_t used, cap;
    alignas(max_align_t) uint8_t bytes[];
};

void arena_init(struct arena *a, size_t budget) {
    *a = (struct arena){.budget = budget};
}

static void free_blocks(struct arena_block *b) {
    while (b != NULL) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
}

void arena_fini(struct arena *a) {
    free_blocks(a->blocks);
    arena_init(a, a->budget);
}

void arena_reset(struct arena *a) {
    struct arena_block *b = a->blocks;
    if (b != NULL && b->cap == ARENA_BLOCK - sizeof *b) {
        free_blocks(b->next);
        b->next = NULL;
        b->used = 0;
        a->used = 0;
        return;
    }
    arena_fini(a);
}

static struct arena_block *new_block(size_t n) {
    size_t cap = ARENA_BLOCK - sizeof(struct arena_block);
    if (n > cap) {
        cap = n;
    }
    struct arena_block *b = malloc(sizeof *b + cap);
    if (b == NULL) {
        abort();
    }
    b->used = 0;
    b->cap = cap;
    return b;
}

static size_t aligned(size_t n) {
    size_t align = alignof(max_align_t);
    return (n + align - 1) / align * align;
}

static size_t room(const struct arena *a) {
    return a->used < a->budget ? a->budget - a->used : 0;
}

void *arena_alloc(struct arena *a, size_t n) {
    bool fits = n <= room(a) && aligned(n) <= room(a);
    return fits ? arena_alloc_beyond(a, n) : NULL;
}

void *arena_alloc_beyond(struct arena *a, size_t n) {
    n = aligned(n);
    struct arena_block *b = a->blocks;
    if (b == NULL || b->cap - b->used < n) {
        b = new_block(n);
        b->next = a->blocks;
        a->blocks = b;
    }
    void *p = b->bytes + b->used;
    b->used += n;
    a->used += n;
    return p;
}

struct span arena_copy(struct arena *a, struct span s) {
    uint8_t *p = arena_alloc(a, s.n + 1);
    if (p == NULL) {
        return (struct span){NULL, 0};
    }
    if (s.n > 0) {
        memcpy(p, s.p, s.n);
    }
    p[s.n] = 0;
    return span_of(p, s.n);
}
