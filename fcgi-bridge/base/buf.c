// SPDX-License-Identifier: MIT
#include "base/buf.h"

#include "base/error.h"

#include <assert.h>
#include <stdlib.h>

#define BUF_FIRST 1024 // bytes of the first allocation; a small answer fits

void buf_init(struct buf *b, size_t limit) {
    *b = (struct buf){.limit = limit};
}

void buf_fini(struct buf *b) {
    free(b->p);
    *b = (struct buf){.limit = b->limit};
}

static void buf_grow(struct buf *b, size_t need) {
    size_t len = buf_len(b);
    size_t cap = b->cap ? b->cap : BUF_FIRST;
    while (cap < need) {
        cap *= 2;
    }
    // A fresh block and one copy: realloc would also move the bytes already taken.
    uint8_t *p = malloc(cap);
    if (p == NULL) {
        abort();
    }
    if (len > 0) {
        memcpy(p, b->p + b->from, len);
    }
    free(b->p);
    b->p = p;
    b->cap = cap;
    b->from = 0;
    b->to = len;
}

uint8_t *buf_reserve(struct buf *b, size_t n) {
    size_t len = buf_len(b);
    if (n > buf_room(b)) {
        return NULL;
    }
    if (b->cap - b->to >= n && b->p != NULL) {
        return b->p + b->to;
    }
    // Move down only when at least half of the block is free again: then each byte moves at most
    // once for each byte taken.
    if (b->p != NULL && len + n <= b->cap && b->from >= b->cap / 2) {
        memmove(b->p, b->p + b->from, len);
        b->from = 0;
        b->to = len;
    } else {
        buf_grow(b, len + n);
    }
    return b->p + b->to;
}

void buf_wrote(struct buf *b, size_t n) {
    assert(n <= b->cap - b->to);
    b->to += n;
}

int buf_put(struct buf *b, struct span s) {
    if (s.n == 0) {
        return 0;
    }
    uint8_t *at = buf_reserve(b, s.n);
    if (at == NULL) {
        return ERR_BUF_LIMIT;
    }
    memcpy(at, s.p, s.n);
    b->to += s.n;
    return 0;
}

void buf_take(struct buf *b, size_t n) {
    assert(n <= buf_len(b));
    b->from += n;
    if (b->from == b->to) {
        b->from = b->to = 0;
    }
}

void buf_release(struct buf *b) {
    if (buf_len(b) == 0 && b->p != NULL) {
        buf_fini(b);
    }
}
