// SPDX-License-Identifier: MIT
#include "http/range.h"

#include "http/field.h"

#include <inttypes.h>
#include <stdio.h>

// range-spec = first "-" [ last ] / "-" suffix-length
static enum range_kind parse_one(struct span spec, uint64_t size, struct range *out) {
    size_t dash = span_index(spec, '-');
    struct span before = span_first(spec, dash), behind = span_skip(spec, dash + 1);
    uint64_t first, last = UINT64_MAX;
    if (dash == spec.n || (behind.n > 0 && !span_to_u64(behind, &last)) ||
        before.n + behind.n == 0) {
        return RANGE_WHOLE;
    }
    if (before.n == 0) { // the last bytes
        first = last < size ? size - last : 0;
        *out = (struct range){first, size - first};
        return out->len > 0 ? RANGE_PART : RANGE_UNSATISFIABLE;
    }
    if (!span_to_u64(before, &first) || last < first) {
        return RANGE_WHOLE;
    }
    if (first >= size) {
        return RANGE_UNSATISFIABLE;
    }
    last = last < size ? last : size - 1;
    *out = (struct range){first, last - first + 1};
    return RANGE_PART;
}

// ranges-specifier = "bytes=" 1#range-spec
enum range_kind range_parse(struct span value, uint64_t size, struct ranges *out) {
    struct span unit = SPAN("bytes="), rest = span_skip(value, unit.n), spec;
    size_t n = 0;
    uint64_t left = size;
    out->n = 0;
    if (!span_eq_nocase(span_first(value, unit.n), unit)) {
        return RANGE_WHOLE;
    }
    while (field_next_element(&rest, &spec)) {
        struct range range;
        enum range_kind kind = parse_one(spec, size, &range);
        if (kind == RANGE_WHOLE || n++ == RANGES_MOST || (kind == RANGE_PART && range.len > left)) {
            return RANGE_WHOLE;
        }
        if (kind == RANGE_PART) {
            left -= range.len;
            out->v[out->n++] = range;
        }
    }
    return n == 0 ? RANGE_WHOLE : out->n > 0 ? RANGE_PART : RANGE_UNSATISFIABLE;
}

// Content-Range = "bytes" SP ( first "-" last / "*" ) "/" complete-length
struct span range_format(const struct range *range, uint64_t size, char *out) {
    int n = range == NULL ? snprintf(out, RANGE_TEXT_MAX, "bytes */%" PRIu64, size)
                          : snprintf(out, RANGE_TEXT_MAX, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                                     range->first, range->first + range->len - 1, size);
    return span_of(out, (size_t)n);
}
