// SPDX-License-Identifier: MIT
#include "scan/media.h"

static bool is_space(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

// Takes the next word between blanks off the front of *rest; empty at the end.
static struct span take_word(struct span *rest) {
    size_t n = 0;
    while (rest->n > 0 && is_space(rest->p[0])) {
        *rest = span_skip(*rest, 1);
    }
    while (n < rest->n && !is_space(rest->p[n])) {
        n++;
    }
    struct span word = span_first(*rest, n);
    *rest = span_skip(*rest, n);
    return word;
}

// media-query = [ "only" ] ( "all" / "screen" )
static bool is_screen(struct span query) {
    struct span word = take_word(&query);
    if (span_eq_nocase(word, SPAN("only"))) {
        word = take_word(&query);
    }
    bool is_known = span_eq_nocase(word, SPAN("all")) || span_eq_nocase(word, SPAN("screen"));
    return is_known && take_word(&query).n == 0;
}

// Where the query at the front ends: at a comma that is not inside parentheses.
static size_t query_len(struct span list) {
    size_t depth = 0, i = 0;
    for (; i < list.n && (list.p[i] != ',' || depth > 0); i++) {
        if (list.p[i] == '(') {
            depth++;
        } else if (list.p[i] == ')' && depth > 0) {
            depth--;
        }
    }
    return i;
}

bool media_is_every_screen(struct span list) {
    struct span copy = list;
    if (take_word(&copy).n == 0) {
        return true;
    }
    for (;;) {
        size_t n = query_len(list);
        if (is_screen(span_first(list, n))) {
            return true;
        }
        if (n == list.n) {
            return false;
        }
        list = span_skip(list, n + 1);
    }
}
