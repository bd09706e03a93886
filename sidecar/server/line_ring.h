// SPDX-License-Identifier: MIT
// Lines that wait to be written, in a bounded ring of bytes. One thread takes, without a lock;
// whoever puts holds one. What is taken are whole lines as long as they fit.
#ifndef SERVER_LINE_RING_H
#define SERVER_LINE_RING_H

#include "base/span.h"

#include <stdatomic.h>

// The bytes [from, to) wait, counted from when the ring was last empty.
struct line_ring {
    uint8_t *bytes;
    size_t len;
    _Atomic size_t from, to;
};

void line_ring_init(struct line_ring *r, size_t len);
void line_ring_fini(struct line_ring *r);
// Bytes that wait.
size_t line_ring_waits(const struct line_ring *r);
// Puts as many of the lines, from the first on, as there is room for; returns how many bytes.
size_t line_ring_put(struct line_ring *r, struct span lines);
// Copies whole lines from the front, at most so many bytes; of a line that is longer, or whose
// beginning is taken already, what there is. Returns how many bytes.
size_t line_ring_copy(const struct line_ring *r, uint8_t *out, size_t most);
// So many bytes have been written. A ring that becomes empty is used from its beginning again, so
// that one that is not busy touches no more of its memory.
void line_ring_taken(struct line_ring *r, size_t n);
// Lines that end in the bytes.
uint64_t line_ring_count(struct span lines);

#endif
