// SPDX-License-Identifier: MIT
#include "base/escape.h"

#include "base/hex.h"

#define FORM_MOST 12 // bytes that one character becomes: a pair of surrogates
#define REPLACEMENT 0xFFFD

// What it becomes.
struct form {
    uint8_t bytes[FORM_MOST];
    size_t n;
};

static void put(struct form *f, const char *text) {
    while (*text != 0) {
        f->bytes[f->n++] = (uint8_t)*text++;
    }
}

static void put_hex(struct form *f, uint8_t c) {
    hex_put(f->bytes + f->n, c);
    f->n += 2;
}

static void put_unit(struct form *f, unsigned unit) {
    put(f, "\\u");
    put_hex(f, (uint8_t)(unit >> 8));
    put_hex(f, (uint8_t)unit);
}

static bool is_plain(enum escape how, uint8_t c) {
    return c >= 0x20 && c < 0x7f && c != '\\' && (c != '"' || how == ESCAPE_LINE);
}

// How many bytes a character has that begins with c; 0 when none does (RFC 3629, 4).
static size_t utf8_len(uint8_t c) {
    return c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
}

// The character at the front of s, and how many bytes it has. What is none is one byte of
// REPLACEMENT.
static unsigned utf8_read(struct span s, size_t *len) {
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = utf8_len(s.p[0]);
    *len = 1;
    if (n == 0 || n > s.n) {
        return REPLACEMENT;
    }
    unsigned c = n == 1 ? s.p[0] : s.p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s.p[i] & 0xc0) != 0x80) {
            return REPLACEMENT;
        }
        c = c << 6 | (s.p[i] & 0x3fu);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        return REPLACEMENT;
    }
    *len = n;
    return c;
}

// Returns how many bytes of s it stands for.
static size_t form_json(struct form *f, struct span s) {
    size_t len = 1;
    if (s.p[0] == '"' || s.p[0] == '\\') {
        put(f, s.p[0] == '"' ? "\\\"" : "\\\\");
        return 1;
    }
    unsigned c = utf8_read(s, &len);
    if (c >= 0x10000) {
        put_unit(f, 0xd800 + ((c - 0x10000) >> 10));
        put_unit(f, 0xdc00 + (c & 0x3ff));
    } else {
        put_unit(f, c);
    }
    return len;
}

static size_t form_of(enum escape how, struct form *f, struct span s) {
    f->n = 0;
    if (how == ESCAPE_JSON) {
        return form_json(f, s);
    }
    if (s.p[0] == '\\' && how == ESCAPE_LINE) {
        put(f, "\\\\");
    } else {
        put(f, "\\x");
        put_hex(f, s.p[0]);
    }
    return 1;
}

typedef int8_t vector __attribute__((vector_size(16))); // sixteen bytes that are looked at at once

// Whether all stand for themselves, whatever `how` is. The bytes from 0x80 on are negative.
static bool is_plain_vector(const uint8_t bytes[sizeof(vector)]) {
    vector v;
    uint64_t halves[2];
    memcpy(&v, bytes, sizeof v);
    v = (v < 0x20) | (v == 0x7f) | (v == '"') | (v == '\\');
    memcpy(halves, &v, sizeof v);
    return (halves[0] | halves[1]) == 0;
}

// How many bytes at the front of s stand for themselves.
static size_t plain_run(enum escape how, struct span s) {
    size_t n = 0;
    while (s.n - n >= sizeof(vector) && is_plain_vector(s.p + n)) {
        n += sizeof(vector);
    }
    while (n < s.n && is_plain(how, s.p[n])) {
        n++;
    }
    return n;
}

// What is written so far, and where "..." could still follow.
struct written {
    char *out;
    size_t n, cap, dots;
};

// Text that stands for itself, as much of it as fits: it may be cut anywhere.
static bool append_run(struct written *w, struct span run) {
    size_t last = w->cap - 3, from = w->n, n = run.n < w->cap - from ? run.n : w->cap - from;
    memcpy(w->out + from, run.p, n);
    w->n += n;
    if (from <= last) {
        w->dots = w->n < last ? w->n : last;
    }
    return n == run.n;
}

// A form fits as a whole, or not at all.
static bool append_form(struct written *w, const struct form *f) {
    if (f->n > w->cap - w->n) {
        return false;
    }
    memcpy(w->out + w->n, f->bytes, f->n);
    w->n += f->n;
    w->dots = w->n <= w->cap - 3 ? w->n : w->dots;
    return true;
}

// Copies text of which all stands for itself, whatever `how` is. False: some does not.
static bool copy_plain(struct span text, char *out) {
    size_t n = text.n, i = 0;
    for (; n - i >= sizeof(vector); i += sizeof(vector)) {
        if (!is_plain_vector(text.p + i)) {
            return false;
        }
        memcpy(out + i, text.p + i, sizeof(vector));
    }
    if (n >= sizeof(vector)) { // the last ones, some of them once more
        i = n - sizeof(vector);
        memcpy(out + i, text.p + i, sizeof(vector));
        return is_plain_vector(text.p + i);
    }
    for (; i < n && is_plain(ESCAPE_QUOTED, text.p[i]); i++) {
        out[i] = (char)text.p[i];
    }
    return i == n;
}

size_t escape_text(enum escape how, struct span text, char *out, size_t cap) {
    if (text.n <= cap && copy_plain(text, out)) {
        return text.n;
    }
    struct written w = {out, 0, cap, 0};
    while (text.n > 0) {
        struct form f;
        size_t took = plain_run(how, text);
        bool fits = took == 0 || append_run(&w, span_first(text, took));
        if (took == 0) {
            took = form_of(how, &f, text);
            fits = append_form(&w, &f);
        }
        if (!fits) {
            memcpy(out + w.dots, "...", 3);
            return w.dots + 3;
        }
        text = span_skip(text, took);
    }
    return w.n;
}
