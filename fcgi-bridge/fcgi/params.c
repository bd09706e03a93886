// SPDX-License-Identifier: MIT
#include "fcgi/params.h"

#include "base/error.h"
#include "fcgi/writer.h"

#include <assert.h>
#include <fastcgi.h>

#define LENGTH_SHORT 0x80 // lengths below take one byte

static size_t length_len(size_t n) {
    return n < LENGTH_SHORT ? 1 : 4;
}

static inline size_t pair_len(const struct pair *pair) {
    size_t n = pair->name.n + pair->value.n;
    bool are_short = (pair->name.n | pair->value.n) < LENGTH_SHORT; // nearly always
    return n + (are_short ? 2 : length_len(pair->name.n) + length_len(pair->value.n));
}

// Whether the lengths may be added up: the sum of two hostile ones might wrap round. The bits of
// both together are no more than their sum, so no pair that fits into a record is refused.
static inline bool is_sane(const struct pair *pair) {
    return (pair->name.n | pair->value.n) <= WRITER_CONTENT_MAX;
}

// The pairs from *first on that share a record: *first becomes the one behind them. Gives the
// bytes of content; 0 when the first of them does not fit into a record at all.
static size_t record_len(const struct pairs *pairs, size_t *first) {
    size_t n = 0, i = *first;
    for (; i < pairs->n && is_sane(&pairs->v[i]); i++) {
        size_t len = pair_len(&pairs->v[i]);
        if (len > WRITER_CONTENT_MAX - n) {
            break;
        }
        n += len;
    }
    *first = i;
    return n;
}

// Bytes of content when all pairs share one record, as they nearly always do; 0 when they do not.
static size_t content_len(const struct pairs *pairs) {
    size_t n = 2 * pairs->n, bits = 0;
    for (size_t i = 0; i < pairs->n; i++) {
        size_t name = pairs->v[i].name.n, value = pairs->v[i].value.n;
        n +=
            name + value + 3 * (size_t)(name >= LENGTH_SHORT) + 3 * (size_t)(value >= LENGTH_SHORT);
        bits |= name | value;
    }
    return bits <= WRITER_CONTENT_MAX && n <= WRITER_CONTENT_MAX ? n : 0;
}

// How many bytes the pairs take as records, the empty record that ends the stream included; 0 when
// a pair does not fit into one record or all pairs are more than `limit` bytes. *first becomes the
// place behind the first record's pairs.
static size_t params_len(const struct pairs *pairs, size_t limit, size_t *first) {
    size_t total = 0, len = 0, all = content_len(pairs);
    *first = pairs->n;
    if (all > 0) {
        return all <= limit ? writer_len(all) + FCGI_HEADER_LEN : 0;
    }
    for (size_t i = 0; i < pairs->n;) {
        size_t n = record_len(pairs, &i);
        if (n == 0 || n > limit - total) {
            return 0;
        }
        *first = total == 0 ? i : *first;
        total += n;
        len += writer_len(n);
    }
    return len + FCGI_HEADER_LEN;
}

static inline uint8_t *put_length(uint8_t *at, size_t n) {
    if (n < LENGTH_SHORT) {
        at[0] = (uint8_t)n;
        return at + 1;
    }
    at[0] = (uint8_t)(n >> 24 | 0x80);
    at[1] = (uint8_t)(n >> 16);
    at[2] = (uint8_t)(n >> 8);
    at[3] = (uint8_t)n;
    return at + 4;
}

static inline uint8_t *put_bytes(uint8_t *at, struct span s) {
    if (s.n > 0) {
        memcpy(at, s.p, s.n);
    }
    return at + s.n;
}

static inline uint8_t *put_pair(uint8_t *at, const struct pair *pair) {
    at = put_length(put_length(at, pair->name.n), pair->value.n);
    return put_bytes(put_bytes(at, pair->name), pair->value);
}

// One record, of the pairs in [from, to) of the array.
static uint8_t *put_record(uint8_t *at, uint16_t id, const struct pair *from,
                           const struct pair *to) {
    uint8_t *content = at + FCGI_HEADER_LEN, *end = content;
    for (; from < to; from++) {
        end = put_pair(end, from);
    }
    writer_header(at, FCGI_PARAMS, id, (size_t)(end - content));
    return writer_pad(end, (size_t)(end - content));
}

int params_put(struct buf *out, uint16_t id, const struct pairs *pairs, size_t limit) {
    size_t behind, len = params_len(pairs, limit, &behind);
    if (len == 0) {
        return ERR_PARAMS_LIMIT;
    }
    uint8_t *at = buf_reserve(out, len);
    if (at == NULL) {
        return ERR_BUF_LIMIT;
    }
    const uint8_t *end = at + len;
    for (size_t i = 0; i < pairs->n;) {
        at = put_record(at, id, pairs->v + i, pairs->v + behind);
        i = behind;
        if (i < pairs->n) {
            record_len(pairs, &behind);
        }
    }
    at = writer_header(at, FCGI_PARAMS, id, 0);
    assert(at == end);
    (void)end;
    buf_wrote(out, len);
    return 0;
}

static bool take_length(struct span *s, size_t *n) {
    if (s->n == 0) {
        return false;
    }
    const uint8_t *p = s->p;
    if (p[0] < LENGTH_SHORT) {
        *n = p[0];
        *s = span_skip(*s, 1);
        return true;
    }
    if (s->n < 4) {
        return false;
    }
    *n = (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    *s = span_skip(*s, 4);
    return true;
}

enum step params_next(struct span *content, struct pair *pair) {
    struct span s = *content;
    size_t name_n, value_n;
    if (s.n == 0) {
        return STEP_MORE;
    }
    if (!take_length(&s, &name_n) || !take_length(&s, &value_n) || name_n > s.n ||
        value_n > s.n - name_n) {
        return STEP_BAD;
    }
    pair->name = span_first(s, name_n);
    s = span_skip(s, name_n);
    pair->value = span_first(s, value_n);
    *content = span_skip(s, value_n);
    return STEP_ITEM;
}
