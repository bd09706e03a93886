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

static const char small[] = "0123456789abcdef";

uint8_t *hex_put(uint8_t *at, uint8_t c) {
    *at++ = (uint8_t)small[c >> 4];
    *at++ = (uint8_t)small[c & 15];
    return at;
}

uint8_t *hex_put_number(uint8_t *at, uint64_t value) {
    size_t n = 1;
    for (uint64_t rest = value >> 4; rest > 0; rest >>= 4) {
        n++;
    }
    for (size_t i = n; i-- > 0; value >>= 4) {
        at[i] = (uint8_t)small[value & 15];
    }
    return at + n;
}
