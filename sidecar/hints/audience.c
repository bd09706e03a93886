// SPDX-License-Identifier: MIT
#include "hints/audience.h"

static const struct span patterns[] = {
#define COOKIE(pattern) SPAN_INIT(pattern),
#include "hints/session_cookie.def"
#undef COOKIE
};

static bool contains(struct span s, struct span part) {
    for (; s.n >= part.n; s = span_skip(s, 1)) {
        if (span_eq_nocase(span_first(s, part.n), part)) {
            return true;
        }
        if (s.n == 0) {
            break;
        }
    }
    return false;
}

static bool matches(struct span name, struct span pattern) {
    bool open_front = pattern.p[0] == '*', open_back = pattern.p[pattern.n - 1] == '*';
    struct span core = span_of(pattern.p + open_front, pattern.n - open_front - open_back);
    if (open_front && open_back) {
        return contains(name, core);
    }
    if (name.n < core.n || (!open_front && !open_back && name.n != core.n)) {
        return false;
    }
    return span_eq_nocase(open_front ? span_skip(name, name.n - core.n) : span_first(name, core.n),
                          core);
}

bool audience_is_session_cookie(struct span name) {
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        if (matches(name, patterns[i])) {
            return true;
        }
    }
    return false;
}

// cookie-string = cookie-pair *( ";" SP cookie-pair ) (RFC 6265, 4.2.1)
bool audience_has_session(struct span cookie) {
    struct span part;
    while (span_cut(&cookie, ';', &part)) {
        if (audience_is_session_cookie(span_trim(span_first(part, span_index(part, '='))))) {
            return true;
        }
    }
    return false;
}

bool audience_is_anonymous(const struct pairs *fields) {
    for (size_t i = 0; i < fields->n; i++) {
        const struct pair *f = &fields->v[i];
        if (span_eq_nocase(f->name, SPAN("authorization")) ||
            (span_eq_nocase(f->name, SPAN("cookie")) && audience_has_session(f->value))) {
            return false;
        }
    }
    return true;
}
