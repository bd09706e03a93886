// SPDX-License-Identifier: MIT
// Hexadecimal digits, and bytes written as a "%" and two of them:
//
//     HEXDIG      = DIGIT / "A" / "B" / "C" / "D" / "E" / "F"    ; in any case (RFC 5234, B.1)
//     pct-encoded = "%" HEXDIG HEXDIG                            ; RFC 3986, 2.1
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/span.h"

#define HEX_NUMBER_MAX 16 // digits of the largest number

// What the digit stands for; -1 when it is none.
static inline int hex_value(uint8_t c) {
    uint8_t low = span_lower_byte(c);
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// The byte of two digits at p; -1 when they are none.
int hex_byte(const uint8_t *p);
// The byte that is written as "%XX" at the front of s; -1 when s does not begin with one.
int hex_escape_read(struct span s);
// Writes "%XX" with large letters, as RFC 3986, 2.1 would have it. Returns what is behind.
uint8_t *hex_escape_put(uint8_t *at, uint8_t c);
// Writes two small digits. Returns what is behind.
uint8_t *hex_put(uint8_t *at, uint8_t c);
// Writes a number in small digits, 1 to HEX_NUMBER_MAX. Returns what is behind.
uint8_t *hex_put_number(uint8_t *at, uint64_t value);

#endif
