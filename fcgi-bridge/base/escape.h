// SPDX-License-Identifier: MIT
// Text from outside, written into a line so that nobody can mistake it for something else: it ends
// neither the line nor its quotes, and no byte of it acts on a terminal. Only printable ASCII comes
// out.
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include "base/span.h"

enum escape {
    ESCAPE_LINE,   // \\ for a backslash, \xHH for what is not printable ASCII
    ESCAPE_QUOTED, // to stand between double quotes: the same, and \x22 and \x5c for " and
                   // backslash
    ESCAPE_JSON, // a string of JSON (RFC 8259, 7): \uHHHH for what is not printable ASCII; what is
                 // not UTF-8 (RFC 3629) becomes U+FFFD
};

// Writes at most `cap` bytes to out, without quotes or a zero around. What does not fit is cut, and
// "..." stands for it; cap is at least 3. Returns how many bytes were written.
size_t escape_text(enum escape how, struct span text, char *out, size_t cap);

#endif
