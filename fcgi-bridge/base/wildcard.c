// SPDX-License-Identifier: MIT
#include "base/wildcard.h"

static bool begins(struct span s, struct span with, enum wildcard_case letters) {
    if (with.n > s.n) {
        return false;
    }
    for (size_t i = 0; i < with.n; i++) {
        if (!wildcard_is_same(s.p[i], with.p[i], letters)) {
            return false;
        }
    }
    return true;
}

// Cuts what stands before the first star off the pattern and off the text; false: they differ.
static bool cut_head(struct span *pattern, struct span *text, enum wildcard_case letters) {
    size_t n = 0;
    while (n < pattern->n && pattern->p[n] != '*') {
        if (n == text->n || !wildcard_is_same(text->p[n], pattern->p[n], letters)) {
            return false;
        }
        n++;
    }
    *pattern = span_skip(*pattern, n);
    *text = span_skip(*text, n);
    return pattern->n > 0 || text->n == 0;
}

// The same with what follows the last star. There is one.
static bool cut_tail(struct span *pattern, struct span *text, enum wildcard_case letters) {
    while (pattern->p[pattern->n - 1] != '*') {
        uint8_t last = pattern->p[pattern->n - 1];
        if (text->n == 0 || !wildcard_is_same(text->p[text->n - 1], last, letters)) {
            return false;
        }
        pattern->n--;
        text->n--;
    }
    return true;
}

// Skips to behind the first place where the piece is found in the text; false: it is nowhere.
static bool skip_past(struct span *text, struct span piece, enum wildcard_case letters) {
    if (piece.n == 0 || piece.n > text->n) {
        return piece.n == 0;
    }
    size_t last = text->n - piece.n;
    for (size_t i = 0; i <= last; i++) {
        if (wildcard_is_same(text->p[i], piece.p[0], letters) &&
            begins(span_skip(*text, i), piece, letters)) {
            *text = span_skip(*text, i + piece.n);
            return true;
        }
    }
    return false;
}

// What stands between two stars may be taken where it is found first, since then what follows it
// has the most to choose from. So nothing is tried twice.
bool wildcard_match_whole(struct span pattern, struct span text, enum wildcard_case letters) {
    if (!cut_head(&pattern, &text, letters) ||
        (pattern.n > 0 && !cut_tail(&pattern, &text, letters))) {
        return false;
    }
    while (pattern.n > 1) { // between two stars
        struct span rest = span_skip(pattern, 1);
        struct span piece = span_first(rest, span_index(rest, '*'));
        if (!skip_past(&text, piece, letters)) {
            return false;
        }
        pattern = span_skip(rest, piece.n);
    }
    return true;
}

size_t wildcard_stars(struct span pattern, struct span text, struct span *stars, size_t most) {
    size_t n = 0;
    if (!cut_head(&pattern, &text, WILDCARD_CASE) || pattern.n == 0 ||
        !cut_tail(&pattern, &text, WILDCARD_CASE)) {
        return 0;
    }
    while (n < most) { // the pattern begins with a star
        struct span rest = span_skip(pattern, 1), from = text;
        struct span piece = span_first(rest, span_index(rest, '*'));
        bool is_last = piece.n == rest.n;
        if (is_last || !skip_past(&text, piece, WILDCARD_CASE)) {
            stars[n++] = text;
            return n;
        }
        stars[n++] = span_first(from, (size_t)(text.p - from.p) - piece.n);
        pattern = span_skip(rest, piece.n);
    }
    return n;
}
