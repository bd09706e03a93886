// SPDX-License-Identifier: MIT
#include "admin/query.h"

#include "base/hex.h"

// What only looks like an escape stays.
static size_t decode(struct span s, uint8_t *out) {
    size_t to = 0;
    for (size_t i = 0; i < s.n; i++) {
        int escaped = hex_escape_read(span_skip(s, i));
        out[to++] = escaped >= 0 ? (uint8_t)escaped : s.p[i];
        i += escaped >= 0 ? 2 : 0;
    }
    return to;
}

static bool find_raw(struct span target, struct span name, struct span *value) {
    struct span query = span_skip(target, span_index(target, '?') + 1), pair;
    while (span_cut(&query, '&', &pair)) {
        size_t equals = span_index(pair, '=');
        if (span_eq(span_first(pair, equals), name) && equals < pair.n) {
            *value = span_skip(pair, equals + 1);
            return true;
        }
    }
    return false;
}

bool query_find(struct span target, struct span name, struct arena *arena, struct span *value) {
    struct span raw;
    if (!find_raw(target, name, &raw)) {
        return false;
    }
    uint8_t *out = arena_alloc(arena, raw.n + 1);
    if (out == NULL) {
        return false;
    }
    *value = span_of(out, decode(raw, out));
    return true;
}

uint64_t query_number(struct span target, struct span name, const struct query_range *range) {
    struct span raw;
    uint64_t number;
    if (!find_raw(target, name, &raw) || !span_to_u64(raw, &number)) {
        return range->otherwise;
    }
    return number < range->least ? range->least : number > range->most ? range->most : number;
}
