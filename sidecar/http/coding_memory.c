// SPDX-License-Identifier: MIT
#include "http/coding_memory.h"

#include <stdlib.h>

// In front of each block, as large as the strictest alignment.
union block {
    size_t n;
    max_align_t align;
};

void *coding_memory_take(void *self, size_t n) {
    struct coding_memory *m = self;
    if (n > m->most || m->used > m->most - n) {
        return NULL;
    }
    union block *b = malloc(sizeof *b + n);
    if (b == NULL) {
        return NULL;
    }
    b->n = n;
    m->used += n;
    return b + 1;
}

void *coding_memory_take_items(void *self, unsigned items, unsigned size) {
    return coding_memory_take(self, (size_t)items * size);
}

void coding_memory_give_back(void *self, void *p) {
    struct coding_memory *m = self;
    if (p != NULL) {
        union block *b = (union block *)p - 1;
        m->used -= b->n;
        free(b);
    }
}
