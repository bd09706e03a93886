// SPDX-License-Identifier: MIT
#include "support/split.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TRANSCRIPT_LIMIT (64u << 20)

static bool continues(const struct buf *t, const char *label) {
    struct span s = buf_span(t);
    size_t n = strlen(label);
    if (s.n == 0 || s.p[s.n - 1] != '\n') {
        return false;
    }
    size_t line = s.n - 1;
    while (line > 0 && s.p[line - 1] != '\n') {
        line--;
    }
    return s.n - line > n && memcmp(s.p + line, label, n) == 0 && s.p[line + n] == ':';
}

static void put(struct buf *t, const void *p, size_t n) {
    if (buf_put(t, span_of(p, n)) != 0) {
        abort();
    }
}

void split_data(struct buf *t, const char *label, struct span data) {
    if (data.n == 0) {
        return;
    }
    if (continues(t, label)) {
        t->to--; // the newline
    } else {
        put(t, label, strlen(label));
        put(t, ":", 1);
    }
    // A newline in the data would look like the end of the line.
    for (size_t i = 0; i < data.n; i++) {
        if (data.p[i] == '\n' || data.p[i] == '\\') {
            put(t, data.p[i] == '\n' ? "\\n" : "\\\\", 2);
        } else {
            put(t, data.p + i, 1);
        }
    }
    put(t, "\n", 1);
}

void split_line(struct buf *t, const char *format, ...) {
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        abort();
    }
    put(t, text, (size_t)n);
    free(text);
}

static void feed(const struct split *s, struct span input, struct buf *t) {
    uint8_t *copy = malloc(input.n ? input.n : 1);
    if (copy == NULL) {
        abort();
    }
    if (input.n > 0) {
        memcpy(copy, input.p, input.n);
    }
    s->piece(s->self, span_of(copy, input.n), t);
    free(copy);
}

// step 0: cut once at `cut`; else pieces of `step` bytes.
static void run(const struct split *s, struct span input, size_t cut, size_t step, struct buf *t) {
    buf_init(t, TRANSCRIPT_LIMIT);
    s->begin(s->self);
    if (step == 0) {
        feed(s, span_first(input, cut), t);
        if (cut < input.n) {
            feed(s, span_skip(input, cut), t);
        }
    } else {
        for (size_t at = 0; at < input.n; at += step) {
            feed(s, span_first(span_skip(input, at), step), t);
        }
    }
    s->end(s->self, t);
}

static bool same(const struct split *s, struct span input, size_t cut, size_t step,
                 const struct buf *whole) {
    struct buf t;
    run(s, input, cut, step, &t);
    bool equal = span_eq(buf_span(&t), buf_span(whole));
    if (!equal) {
        fprintf(stderr, "cut at %zu (step %zu) of %zu bytes changes the events\n", cut, step,
                input.n);
        fprintf(stderr, "whole:\n%.*s\ncut:\n%.*s\n", SPAN_ARG(buf_span(whole)),
                SPAN_ARG(buf_span(&t)));
    }
    buf_fini(&t);
    return equal;
}

void split_check(const struct split *s, struct span input, struct buf *whole) {
    struct buf t;
    run(s, input, input.n, 0, &t);
    bool equal = same(s, input, 0, 1, &t);
    for (size_t cut = 1; equal && cut < input.n; cut++) {
        equal = same(s, input, cut, 0, &t);
    }
    if (!equal) {
        abort(); // in a test program: ctest shows what was printed
    }
    if (whole != NULL) {
        *whole = t;
    } else {
        buf_fini(&t);
    }
}

bool split_same(const struct split *s, struct span input, size_t cut) {
    struct buf t;
    run(s, input, input.n, 0, &t);
    bool equal = same(s, input, cut < input.n ? cut : input.n, 0, &t) && same(s, input, 0, 1, &t);
    buf_fini(&t);
    return equal;
}
