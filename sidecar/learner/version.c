// SPDX-License-Identifier: MIT
#include "learner/version.h"

#include "base/hex.h"
#include "learner/token.h"

#define HASH_LEAST 8 // characters; bundlers write eight or more
#define HASH_MOST 64

struct writer {
    uint8_t *p;
    size_t n, cap;
    bool has_version, is_full;
};

static void put(struct writer *w, struct span s) {
    if (s.n > w->cap - w->n) {
        w->is_full = true;
    } else if (s.n > 0) {
        memcpy(w->p + w->n, s.p, s.n);
        w->n += s.n;
    }
}

static void put_version(struct writer *w) {
    w->has_version = true;
    put(w, SPAN("\1"));
}

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static size_t digits_of(struct span s) {
    size_t n = 0;
    while (n < s.n && is_digit(s.p[n])) {
        n++;
    }
    return n;
}

// What a bundler puts into a name: hexadecimal, or letters of both cases and digits.
static bool is_hash(struct span s) {
    bool has_digit = false, has_upper = false, has_lower = false, is_hex = true;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool digit = is_digit(c), upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        if (!digit && !upper && !lower) {
            return false;
        }
        has_digit |= digit;
        has_upper |= upper;
        has_lower |= lower;
        is_hex &= hex_value(c) >= 0;
    }
    if (s.n < HASH_LEAST || s.n > HASH_MOST) {
        return false;
    }
    // "deadbeef" may be a word, and so may "carousel"; eight letters of both cases rarely are.
    return is_hex ? has_digit : has_upper && (has_digit || (has_lower && s.n == HASH_LEAST));
}

// "3.7.1": numbers joined by dots. How long it is; 0: none.
static size_t number_of(struct span s) {
    size_t n = digits_of(s), parts = n > 0;
    while (n > 0 && n + 1 < s.n && s.p[n] == '.' && is_digit(s.p[n + 1])) {
        n += 1 + digits_of(span_skip(s, n + 1));
        parts++;
    }
    bool is_whole = n == s.n || memchr(".-_", s.p[n], 3) != NULL;
    return parts > 1 && is_whole ? n : 0;
}

// A segment in parts between ".", "-" and "_".
static void put_segment(struct writer *w, struct span s) {
    size_t at = 0;
    while (at < s.n) {
        struct span rest = span_skip(s, at);
        size_t n = number_of(rest);
        if (n > 0) {
            put_version(w);
            at += n;
            continue;
        }
        for (n = 0; n < rest.n && memchr(".-_", rest.p[n], 3) == NULL; n++) {
        }
        struct span part = span_first(rest, n);
        struct span number = span_skip(part, 7);
        if (is_hash(part)) {
            put_version(w);
        } else if (span_has_prefix(part, SPAN("version")) && number.n > 0 &&
                   digits_of(number) == number.n) {
            put(w, SPAN("version"));
            put_version(w);
        } else {
            put(w, part);
        }
        at += n;
        if (at < s.n) {
            put(w, span_of(s.p + at++, 1));
        }
    }
}

bool version_is_pair(struct span name, struct span value) {
    bool is_weak = name.n == 1 ? span_lower_byte(name.p[0]) != 'v' : name.n == 2;
    bool is_number = value.n >= HASH_LEAST && digits_of(value) == value.n;
    return token_is_version_key(name) && (!is_weak || is_number || is_hash(value));
}

static void put_query(struct writer *w, struct span query) {
    struct span pair;
    bool is_first = true;
    while (query.n > 0 && span_cut(&query, '&', &pair)) {
        size_t at = span_index(pair, '=');
        put(w, is_first ? SPAN("?") : SPAN("&"));
        is_first = false;
        // "?20240101" is a version without a name.
        bool is_bare = at == pair.n && digits_of(pair) == pair.n && pair.n > 0;
        if (is_bare || is_hash(span_first(pair, at))) {
            put_version(w);
        } else if (at < pair.n && version_is_pair(span_first(pair, at), span_skip(pair, at + 1))) {
            put(w, span_first(pair, at + 1));
            put_version(w);
        } else {
            put(w, pair);
        }
    }
}

size_t version_stem(struct span url, uint8_t *out, size_t cap) {
    struct writer w = {.p = out, .cap = cap};
    size_t mark = span_index(url, '?');
    struct span path = span_first(url, mark), segment;
    bool is_first = true;
    while (span_cut(&path, '/', &segment)) {
        if (!is_first) {
            put(&w, SPAN("/"));
        }
        is_first = false;
        put_segment(&w, segment);
    }
    put_query(&w, span_skip(url, mark + 1));
    return w.has_version && !w.is_full ? w.n : 0;
}
