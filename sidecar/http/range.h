// SPDX-License-Identifier: MIT
// Byte ranges (RFC 9110, 14). A field that is malformed, has another unit, more than RANGES_MOST
// ranges, or asks for more bytes than there are (overlapping ranges are an attack more often than a
// wish), is treated as if it were not there, which RFC 9110 14.2 allows.
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "base/span.h"

#define RANGE_TEXT_MAX 72 // bytes of a Content-Range value
#define RANGES_MOST 64    // of one request

enum range_kind {
    RANGE_WHOLE,         // send 200 and everything
    RANGE_PART,          // send 206 and *out: one range, or several as multipart/byteranges
    RANGE_UNSATISFIABLE, // send 416
};

// len bytes from `first` on.
struct range {
    uint64_t first, len;
};

// In the order of the request, without those that lie behind the end.
struct ranges {
    struct range v[RANGES_MOST];
    size_t n;
};

// Reads a Range value for a representation of `size` bytes. RANGE_PART: out->n is not 0.
enum range_kind range_parse(struct span value, uint64_t size, struct ranges *out);
// Writes the Content-Range value of a 206 ("bytes 0-4/10"), or of a 416 when range is NULL
// ("bytes */10"), to `out`, which has RANGE_TEXT_MAX bytes. The span is of it.
struct span range_format(const struct range *range, uint64_t size, char *out);

#endif
