// SPDX-License-Identifier: MIT
// What names in HTTP and in what CGI programs answer are made of:
//
//     token = 1*tchar
//     tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" /
//             "~" / DIGIT / ALPHA                                      ; RFC 9110, 5.6.2
#ifndef BASE_TCHAR_H
#define BASE_TCHAR_H

#include "base/span.h"

// One bit a character.
static inline bool tchar_is(uint8_t c) {
    static const uint32_t bits[8] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};
    return bits[c >> 5] >> (c & 31) & 1;
}

// One tchar or more.
static inline bool tchar_is_token(struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        if (!tchar_is(s.p[i])) {
            return false;
        }
    }
    return s.n > 0;
}

#endif
