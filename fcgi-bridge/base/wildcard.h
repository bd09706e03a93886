// SPDX-License-Identifier: MIT
// Patterns with stars, as operators and our own tables write them for paths, cookies, query keys
// and names of programs. There is one dialect:
//
//     pattern = *( byte / "*" )      ; "*" stands for any run of bytes, also for none and for "/"
//
// Nothing is escaped, so a pattern can not ask for a star itself. The whole text has to match. (The
// hosts of a Content-Security-Policy and the names in certificates have grammars of their own.)
//
// A text is mostly compared with many patterns of which hardly one matches, so the bytes at both
// ends are compared inline: of a pattern that the compiler knows two comparisons remain.
#ifndef BASE_WILDCARD_H
#define BASE_WILDCARD_H

#include "base/span.h"

// How letters are compared.
enum wildcard_case {
    WILDCARD_CASE,   // byte by byte
    WILDCARD_NOCASE, // letters of ASCII without their case
};

// Cases of one letter differ in one bit. Most bytes that differ do so in other bits too.
static inline bool wildcard_is_same(uint8_t a, uint8_t b, enum wildcard_case letters) {
    return a == b || ((a ^ b) == 0x20 && letters == WILDCARD_NOCASE &&
                      span_lower_byte(a) == span_lower_byte(b));
}

// What wildcard_match does once the bytes at the ends agree.
bool wildcard_match_whole(struct span pattern, struct span text, enum wildcard_case letters);

// Whether all of `text` matches `pattern`.
static inline bool wildcard_match(struct span pattern, struct span text,
                                  enum wildcard_case letters) {
    if (pattern.n == 0) {
        return text.n == 0;
    }
    uint8_t first = pattern.p[0], last = pattern.p[pattern.n - 1];
    bool open_front = first == '*', open_back = last == '*';
    if (text.n == 0) {
        return open_front && wildcard_match_whole(pattern, text, letters);
    }
    return (open_back || wildcard_is_same(text.p[text.n - 1], last, letters)) &&
           (open_front || wildcard_is_same(text.p[0], first, letters)) &&
           wildcard_match_whole(pattern, text, letters);
}

// Whether one of the patterns v[0, n) matches.
static inline bool wildcard_match_any(const struct span *v, size_t n, struct span text,
                                      enum wildcard_case letters) {
    for (size_t i = 0; i < n; i++) {
        if (wildcard_match(v[i], text, letters)) {
            return true;
        }
    }
    return false;
}

// What the stars of a pattern stand for in a text that it matches, byte by byte: the first `most`,
// in order; returns how many. All but the last star stand for as little as they can.
size_t wildcard_stars(struct span pattern, struct span text, struct span *stars, size_t most);

#endif
