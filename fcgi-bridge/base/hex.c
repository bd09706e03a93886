// SPDX-License-Identifier: MIT
#include "base/hex.h"

int hex_byte(const uint8_t *p) {
    int high = hex_value(p[0]), low = high >= 0 ? hex_value(p[1]) : -1;
    return low >= 0 ? high << 4 | low : -1;
}

int hex_escape_read(struct span s) {
    return s.n >= 3 && s.p[0] == '%' ? hex_byte(s.p + 1) : -1;
}

uint8_t *hex_escape_put(uint8_t *at, uint8_t c) {
    static const char digits[] = "0123456789ABCDEF";
    *at++ = '%';
    *at++ = (uint8_t)digits[c >> 4];
    *at++ = (uint8_t)digits[c & 15];
    return at;
}

uint8_t *hex_put(uint8_t *at, uint8_t c) {
    static const char digits[] = "0123456789abcdef";
    *at++ = (uint8_t)digits[c >> 4];
    *at++ = (uint8_t)digits[c & 15];
    return at;
}
