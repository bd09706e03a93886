// SPDX-License-Identifier: MIT
// The tokens of a stylesheet (CSS Syntax 3, 4.3): names, strings, url() and comments with the
// escapes in them, for css_scan.
#ifndef SCAN_CSS_TOKEN_H
#define SCAN_CSS_TOKEN_H

#include "scan/css_scan.h"

enum css_lex {
    LEX_START, // of the stylesheet, where a byte order mark may stand
    LEX_PLAIN,
    LEX_SLASH, // behind "/", which may begin a comment
    LEX_COMMENT,
    LEX_COMMENT_STAR, // behind "*" in a comment
    LEX_NAME,
    LEX_STRING,
    LEX_URL_START, // behind "url(" and blanks
    LEX_URL,
    LEX_URL_END, // blanks behind the URL
    LEX_URL_BAD,
    LEX_ESCAPE,    // behind a backslash
    LEX_HEX,       // in the digits of an escape
    LEX_ESCAPE_CR, // behind a CR that an escape took; its LF goes with it
};

enum css_class {
    CLASS_BLOCK = 1, // ends plain text that is being skipped
    CLASS_SEMICOLON = 2,
    CLASS_URL = 4,    // ends an unquoted url
    CLASS_STRING = 8, // ends a string, or may
    CLASS_SPACE = 16,
};

// The classes of each byte.
extern const uint8_t css_token_classes[256];

static inline bool css_token_is_space(uint8_t c) {
    return (css_token_classes[c] & CLASS_SPACE) != 0;
}

static inline bool css_token_is_name_char(uint8_t c) {
    uint8_t low = span_lower_byte(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c >= 0x80;
}

static inline void css_token_skip(struct css_scan *s, size_t n) {
    s->in = span_skip(s->in, n);
}

// Starts a token without text.
void css_token_begin(struct css_scan *s, enum css_lex lex);
// Appends to its text; what is too long is cut, and marked so.
void css_token_put(struct css_scan *s, struct span run);
// Appends a code point, in UTF-8.
void css_token_put_code(struct css_scan *s, uint32_t code);
// How many bytes at the front are not of these classes.
size_t css_token_run(struct span in, uint8_t stop);
// Behind a backslash; the escape goes back to `back`.
void css_token_escape(struct css_scan *s, enum css_lex back);
// At the quote that begins a string.
void css_token_begin_string(struct css_scan *s, uint8_t quote);
// At the end of a url(), which may be a bad one.
void css_token_end_url(struct css_scan *s, bool is_bad);
// One step in any state but LEX_PLAIN; c is the first byte of what was fed.
void css_token_step(struct css_scan *s, uint8_t c);

#endif
