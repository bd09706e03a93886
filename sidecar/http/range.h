// SPDX-License-Identifier: MIT
// Byte ranges (RFC 9110, 14). One range is served; a field with several, or with another unit, or
// malformed, is treated as if it were not there, which RFC 9110 14.2 allows: many small ranges of a
// large file are an attack more often than a wish.
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "base/span.h"

#define RANGE_TEXT_MAX 72 // bytes of a Content-Range value

enum range_kind {
    RANGE_WHOLE,         // send 200 and everything
    RANGE_PART,          // send 206 and *out
    RANGE_UNSATISFIABLE, // send 416
};

// len bytes from `first` on.
struct range {
    uint64_t first, len;
};

// Reads a Range value for a representation of `size` bytes.
enum range_kind range_parse(struct span value, uint64_t size, struct range *out);
// Writes the Content-Range value of a 206 ("bytes 0-4/10"), or of a 416 when range is NULL
// ("bytes */10"), to `out`, which has RANGE_TEXT_MAX bytes. The span is of it.
struct span range_format(const struct range *range, uint64_t size, char *out);

#endif
