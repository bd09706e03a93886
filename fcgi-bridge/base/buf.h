// SPDX-License-Identifier: MIT
// A bounded byte queue: bytes are put at the end and taken from the front. It grows by doubling up
// to its limit, and gives its memory back when asked, so that an idle owner holds none.
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/span.h"

struct buf {
    uint8_t *p;
    size_t from, to, cap; // the bytes queued are p[from, to)
    size_t limit;         // most bytes that may be queued; reaching it is ERR_BUF_LIMIT
};

// limit: bytes. Allocates nothing.
void buf_init(struct buf *b, size_t limit);
void buf_fini(struct buf *b);

static inline size_t buf_len(const struct buf *b) {
    return b->to - b->from;
}

// The queued bytes. Borrowed until the next call that is not buf_len or buf_span.
static inline struct span buf_span(const struct buf *b) {
    // Nothing may be added to a null pointer, not even zero.
    return b->p ? span_of(b->p + b->from, b->to - b->from) : span_of(NULL, 0);
}

// How many more bytes buf_put will take.
static inline size_t buf_room(const struct buf *b) {
    return b->limit > buf_len(b) ? b->limit - buf_len(b) : 0;
}

// Copies all of s to the end. 0, or ERR_BUF_LIMIT with nothing copied.
int buf_put(struct buf *b, struct span s);
// Room for n bytes at the end to be written in place, then counted by buf_wrote. NULL at the limit.
// Borrowed until the next call on b.
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_wrote(struct buf *b, size_t n);
// Takes n queued bytes off the front; n may not be more than buf_len.
void buf_take(struct buf *b, size_t n);
// Frees the memory of an empty buffer; does nothing when bytes are queued.
void buf_release(struct buf *b);

#endif
