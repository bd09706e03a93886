// SPDX-License-Identifier: MIT
#include "base/wildcard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *pattern, *text;
    bool by_case, without_case;
};

static const struct row rows[] = {
    {"/a", "/a", true, true},
    {"/a", "/ab", false, false},
    {"/ab", "/a", false, false},
    {"", "", true, true},
    {"", "x", false, false},
    {"*", "", true, true},
    {"*", "any/thing", true, true},
    {"**", "x", true, true},
    {"**", "", true, true},
    {"*a", "", false, false},
    {"a*", "", false, false},
    {"/a*", "/a", true, true},
    {"/*/c", "/a/b/c", true, true},
    {"/*/c", "/a/b/cd", false, false},
    {"*ab", "aaab", true, true},
    {"*a*b", "aab", true, true},
    {"*a*b", "abab", true, true},
    {"a*a", "a", false, false},
    {"a*a", "aa", true, true},
    {"ab*ba", "aba", false, false},
    {"/x*y*z", "/xyz", true, true},
    {"/x*y*z", "/xzy", false, false},
    {"*ab*abc*", "xabxababcx", true, true},
    {"*ab*abc*", "xabcx", false, false},
    {"*bot*", "Some Bot/1.0", false, true},
    {"SESS*", "sess0123", false, true},
    {"*.php", "/A.PHP", false, true},
    {"a[z", "A{Z", false, false}, // "[" and "{" differ in the bit of the case, but are no letters
    {"*[*", "{", false, false},
    {"@*", "`", false, false},
};

static void a_row_matches_as_it_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span pattern = span_str(rows[i].pattern), text = span_str(rows[i].text);
        if (wildcard_match(pattern, text, WILDCARD_CASE) != rows[i].by_case ||
            wildcard_match(pattern, text, WILDCARD_NOCASE) != rows[i].without_case) {
            fail_msg("%s %s", rows[i].pattern, rows[i].text);
        }
    }
}

// The definition itself: a star stands for nothing, or for the next byte and what the star stands
// for behind it.
static bool is_match(struct span pattern, struct span text) {
    if (pattern.n == 0) {
        return text.n == 0;
    }
    if (pattern.p[0] == '*') {
        return is_match(span_skip(pattern, 1), text) ||
               (text.n > 0 && is_match(pattern, span_skip(text, 1)));
    }
    return text.n > 0 && text.p[0] == pattern.p[0] &&
           is_match(span_skip(pattern, 1), span_skip(text, 1));
}

// Writes the number in base `letters.n` with these letters as digits; how many.
static size_t spell(char *out, unsigned number, struct span letters) {
    size_t n = 0;
    for (; number > 0; number /= (unsigned)letters.n + 1) {
        unsigned digit = number % ((unsigned)letters.n + 1);
        if (digit > 0) {
            out[n++] = (char)letters.p[digit - 1];
        }
    }
    return n;
}

// With what its stars stand for in their places, the pattern is the text.
static bool is_spelt(struct span pattern, struct span text) {
    struct span stars[8];
    char got[32];
    size_t n = wildcard_stars(pattern, text, stars, 8), at = 0, star = 0;
    for (size_t i = 0; i < pattern.n; i++) {
        struct span piece = span_first(span_skip(pattern, i), 1);
        if (pattern.p[i] == '*') {
            if (star == n) {
                return false;
            }
            piece = stars[star++];
        }
        memcpy(got + at, piece.p, piece.n);
        at += piece.n;
    }
    return star == n && span_eq(span_of(got, at), text);
}

static void all_short_patterns_match_what_the_definition_says(void **state) {
    (void)state;
    char pattern[8], text[8];
    for (unsigned p = 0; p < 4 * 4 * 4 * 4 * 4; p++) {
        struct span a = span_of(pattern, spell(pattern, p, SPAN("ab*")));
        for (unsigned t = 0; t < 3 * 3 * 3 * 3 * 3; t++) {
            struct span b = span_of(text, spell(text, t, SPAN("ab")));
            if (wildcard_match(a, b, WILDCARD_CASE) != is_match(a, b)) {
                fail_msg("%.*s %.*s", SPAN_ARG(a), SPAN_ARG(b));
            }
            if (is_match(a, b) && !is_spelt(a, b)) {
                fail_msg("%.*s %.*s: the stars", SPAN_ARG(a), SPAN_ARG(b));
            }
        }
    }
}

static void one_of_several_is_enough(void **state) {
    (void)state;
    static const struct span v[] = {SPAN_INIT("a*"), SPAN_INIT("*b")};
    assert_true(wildcard_match_any(v, 2, SPAN("xb"), WILDCARD_CASE));
    assert_false(wildcard_match_any(v, 2, SPAN("xc"), WILDCARD_CASE));
    assert_false(wildcard_match_any(v, 0, SPAN("ab"), WILDCARD_CASE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_matches_as_it_says),
        cmocka_unit_test(all_short_patterns_match_what_the_definition_says),
        cmocka_unit_test(one_of_several_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
