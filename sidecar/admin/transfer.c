// SPDX-License-Identifier: MIT
#include "admin/transfer.h"

static struct span skip_blanks(struct span s) {
    size_t n = 0;
    while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t' || s.p[n] == '\r' || s.p[n] == '\n')) {
        n++;
    }
    return span_skip(s, n);
}

bool transfer_init(struct transfer *t, struct span text) {
    size_t name = span_find(text, SPAN("\"routes\""));
    struct span rest = skip_blanks(span_skip(text, name + sizeof "\"routes\"" - 1));
    if (rest.n == 0 || rest.p[0] != ':') {
        return false;
    }
    rest = skip_blanks(span_skip(rest, 1));
    if (rest.n == 0 || rest.p[0] != '[') {
        return false;
    }
    t->rest = span_skip(rest, 1);
    t->head = span_first(text, (size_t)(t->rest.p - text.p));
    return true;
}

// The length of the object that s begins with: up to the brace that closes it, strings passed over
// (RFC 8259, 7). 0: it does not end.
static size_t object_len(struct span s) {
    size_t depth = 0;
    bool is_string = false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (is_string) {
            i += c == '\\';
            is_string = c != '"';
        } else if (c == '"') {
            is_string = true;
        } else if (c == '{') {
            depth++;
        } else if (c == '}' && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

enum step transfer_next(struct transfer *t, struct span *route) {
    struct span s = skip_blanks(t->rest);
    if (s.n > 0 && s.p[0] == ',') {
        s = skip_blanks(span_skip(s, 1));
    }
    if (s.n > 0 && s.p[0] == ']') {
        t->rest = span_skip(s, 1);
        return STEP_MORE;
    }
    size_t n = s.n > 0 && s.p[0] == '{' ? object_len(s) : 0;
    if (n == 0) {
        return STEP_BAD;
    }
    *route = span_first(s, n);
    t->rest = span_skip(s, n);
    return STEP_ITEM;
}

struct span transfer_cursor(const struct transfer *t) {
    size_t at = span_find(t->rest, SPAN("\"next\":\""));
    struct span value = span_skip(t->rest, at + sizeof "\"next\":\"" - 1);
    return span_first(value, span_index(value, '"'));
}
