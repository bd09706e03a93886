// SPDX-License-Identifier: MIT
#include "server/line_ring.h"

#include <stdlib.h>

void line_ring_init(struct line_ring *r, size_t len) {
    r->bytes = malloc(len);
    if (r->bytes == NULL) {
        abort();
    }
    r->len = len;
    r->from = r->to = 0;
}

void line_ring_fini(struct line_ring *r) {
    free(r->bytes);
}

size_t line_ring_waits(const struct line_ring *r) {
    return r->to - r->from;
}

// Bytes of the whole lines at the front for which there is room.
static size_t fitting(const struct line_ring *r, struct span lines) {
    size_t room = r->len - line_ring_waits(r);
    if (lines.n <= room) {
        return lines.n;
    }
    const uint8_t *last = memrchr(lines.p, '\n', room);
    return last != NULL ? (size_t)(last - lines.p) + 1 : 0;
}

size_t line_ring_put(struct line_ring *r, struct span lines) {
    size_t n = fitting(r, lines), at = r->to % r->len, first = r->len - at;
    first = first < n ? first : n;
    memcpy(r->bytes + at, lines.p, first);
    memcpy(r->bytes, lines.p + first, n - first);
    r->to += n;
    return n;
}

size_t line_ring_copy(const struct line_ring *r, uint8_t *out, size_t most) {
    size_t waits = line_ring_waits(r), n = waits < most ? waits : most;
    size_t at = r->from % r->len, first = r->len - at < n ? r->len - at : n;
    memcpy(out, r->bytes + at, first);
    memcpy(out + first, r->bytes, n - first);
    const uint8_t *last = memrchr(out, '\n', n);
    return last != NULL ? (size_t)(last - out) + 1 : n;
}

void line_ring_taken(struct line_ring *r, size_t n) {
    r->from += n;
    if (r->from == r->to) {
        r->from = r->to = 0;
    }
}

uint64_t line_ring_count(struct span lines) {
    uint64_t n = 0;
    for (size_t i = 0; i < lines.n; i++) {
        n += lines.p[i] == '\n';
    }
    return n;
}
