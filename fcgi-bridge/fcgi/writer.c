// SPDX-License-Identifier: MIT
#include "fcgi/writer.h"

#include "base/error.h"

#include <assert.h>
#include <fastcgi.h>

static_assert(WRITER_CONTENT_MAX <= FCGI_MAX_LENGTH && WRITER_CONTENT_MAX % 8 == 0,
              "a full record needs no padding and its length fits");

static size_t padding(size_t n) {
    return -n & 7;
}

size_t writer_len(size_t n) {
    size_t records = n / WRITER_CONTENT_MAX + (n % WRITER_CONTENT_MAX != 0);
    // Only the last record can need padding, and the others are multiples of 8.
    return records * FCGI_HEADER_LEN + n + padding(n);
}

uint8_t *writer_header(uint8_t *at, uint8_t type, uint16_t id, size_t n) {
    assert(n <= WRITER_CONTENT_MAX);
    at[0] = FCGI_VERSION_1;
    at[1] = type;
    at[2] = (uint8_t)(id >> 8);
    at[3] = (uint8_t)id;
    at[4] = (uint8_t)(n >> 8);
    at[5] = (uint8_t)n;
    at[6] = (uint8_t)padding(n);
    at[7] = 0;
    return at + FCGI_HEADER_LEN;
}

uint8_t *writer_pad(uint8_t *at, size_t n) {
    memset(at, 0, padding(n));
    return at + padding(n);
}

int writer_put(struct buf *out, uint8_t type, uint16_t id, struct span content) {
    size_t len = writer_len(content.n);
    if (len == 0) {
        return 0;
    }
    uint8_t *at = buf_reserve(out, len);
    if (at == NULL) {
        return ERR_BUF_LIMIT;
    }
    while (content.n > 0) {
        struct span part = span_first(content, WRITER_CONTENT_MAX);
        at = writer_header(at, type, id, part.n);
        memcpy(at, part.p, part.n);
        at = writer_pad(at + part.n, part.n);
        content = span_skip(content, part.n);
    }
    buf_wrote(out, len);
    return 0;
}

int writer_end(struct buf *out, uint8_t type, uint16_t id) {
    uint8_t *at = buf_reserve(out, FCGI_HEADER_LEN);
    if (at == NULL) {
        return ERR_BUF_LIMIT;
    }
    writer_header(at, type, id, 0);
    buf_wrote(out, FCGI_HEADER_LEN);
    return 0;
}
