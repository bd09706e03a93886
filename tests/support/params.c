// SPDX-License-Identifier: MIT
#include "support/params.h"

#define LENGTH_SHORT 128 // what is below takes one byte

static bool take_length(struct span *s, size_t *n) {
    if (s->n == 0) {
        return false;
    }
    const uint8_t *p = s->p;
    if (p[0] < LENGTH_SHORT) {
        *n = p[0];
        *s = span_skip(*s, 1);
        return true;
    }
    if (s->n < 4) {
        return false;
    }
    *n = (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    *s = span_skip(*s, 4);
    return true;
}

enum step params_next(struct span *content, struct pair *pair) {
    struct span s = *content;
    size_t name_n, value_n;
    if (s.n == 0) {
        return STEP_MORE;
    }
    if (!take_length(&s, &name_n) || !take_length(&s, &value_n) || name_n > s.n ||
        value_n > s.n - name_n) {
        return STEP_BAD;
    }
    pair->name = span_first(s, name_n);
    s = span_skip(s, name_n);
    pair->value = span_first(s, value_n);
    *content = span_skip(s, value_n);
    return STEP_ITEM;
}
