// SPDX-License-Identifier: MIT
// What names in HTTP and in what CGI programs answer are made of:
//
//     token = 1*tchar
//     tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" /
//             "~" / DIGIT / ALPHA                                      ; RFC 9110, 5.6.2
//
// and their values:
//
//     field-vchar = VCHAR / obs-text                                   ; RFC 9110, 5.5
#ifndef BASE_TCHAR_H
#define BASE_TCHAR_H

#include "base/span.h"

extern const uint8_t tchar_is_one[256]; // 1 for each tchar

static inline bool tchar_is(uint8_t c) {
    return tchar_is_one[c];
}

// One tchar or more.
static inline bool tchar_is_token(struct span s) {
    uint8_t are_all = 1;
    for (const uint8_t *p = s.p, *end = p + s.n; p < end; p++) {
        are_all &= tchar_is_one[*p];
    }
    return are_all && s.n > 0;
}

// *( field-vchar / SP / HTAB ): no other control character. Whoever takes one of those for the end
// of a line reads a field that somebody else has written.
bool tchar_is_text(struct span s);

#endif
