// SPDX-License-Identifier: MIT
#include "base/span.h"

#define CASE_BIT 0x20 // in which "A" and "a" differ

bool span_eq_bytes_nocase(const uint8_t *a, const uint8_t *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint8_t differs = a[i] ^ b[i];
        bool is_letter = (uint8_t)((a[i] | CASE_BIT) - 'a') <= 'z' - 'a';
        if (differs != 0 && (differs != CASE_BIT || !is_letter)) {
            return false;
        }
    }
    return true;
}

size_t span_find(struct span s, struct span needle) {
    if (needle.n == 0) {
        return 0;
    }
    const uint8_t *at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

static bool is_ows(uint8_t c) {
    return c == ' ' || c == '\t';
}

struct span span_trim(struct span s) {
    while (s.n > 0 && is_ows(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_ows(s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

bool span_cut(struct span *rest, uint8_t c, struct span *part) {
    if (rest->p == NULL) {
        return false;
    }
    size_t at = span_index(*rest, c);
    *part = span_first(*rest, at);
    *rest = at < rest->n ? span_skip(*rest, at + 1) : (struct span){NULL, 0};
    return true;
}

bool span_to_u64(struct span s, uint64_t *value) {
    uint64_t sum = 0;
    if (s.n == 0) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        uint8_t digit = (uint8_t)(s.p[i] - '0');
        if (digit > 9 || sum > (UINT64_MAX - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}
