// SPDX-License-Identifier: MIT
#include "scan/css_token.h"

#include "base/hex.h"
#include "scan/css_rule.h"

#define NOT_PRINTABLE CLASS_URL

const uint8_t css_token_classes[256] = {
    [0] = NOT_PRINTABLE | CLASS_STRING,
    [1] = NOT_PRINTABLE,
    [2] = NOT_PRINTABLE,
    [3] = NOT_PRINTABLE,
    [4] = NOT_PRINTABLE,
    [5] = NOT_PRINTABLE,
    [6] = NOT_PRINTABLE,
    [7] = NOT_PRINTABLE,
    [8] = NOT_PRINTABLE,
    [0x0b] = NOT_PRINTABLE,
    [0x0e] = NOT_PRINTABLE,
    [0x0f] = NOT_PRINTABLE,
    [0x10] = NOT_PRINTABLE,
    [0x11] = NOT_PRINTABLE,
    [0x12] = NOT_PRINTABLE,
    [0x13] = NOT_PRINTABLE,
    [0x14] = NOT_PRINTABLE,
    [0x15] = NOT_PRINTABLE,
    [0x16] = NOT_PRINTABLE,
    [0x17] = NOT_PRINTABLE,
    [0x18] = NOT_PRINTABLE,
    [0x19] = NOT_PRINTABLE,
    [0x1a] = NOT_PRINTABLE,
    [0x1b] = NOT_PRINTABLE,
    [0x1c] = NOT_PRINTABLE,
    [0x1d] = NOT_PRINTABLE,
    [0x1e] = NOT_PRINTABLE,
    [0x1f] = NOT_PRINTABLE,
    [0x7f] = NOT_PRINTABLE,
    [' '] = CLASS_SPACE | CLASS_URL,
    ['\t'] = CLASS_SPACE | CLASS_URL,
    ['\n'] = CLASS_SPACE | CLASS_URL | CLASS_STRING,
    ['\r'] = CLASS_SPACE | CLASS_URL | CLASS_STRING,
    ['\f'] = CLASS_SPACE | CLASS_URL | CLASS_STRING,
    ['"'] = CLASS_BLOCK | CLASS_URL | CLASS_STRING,
    ['\''] = CLASS_BLOCK | CLASS_URL | CLASS_STRING,
    ['('] = CLASS_BLOCK | CLASS_URL,
    [')'] = CLASS_BLOCK | CLASS_URL,
    ['['] = CLASS_BLOCK,
    [']'] = CLASS_BLOCK,
    ['{'] = CLASS_BLOCK,
    ['}'] = CLASS_BLOCK,
    ['/'] = CLASS_BLOCK,
    [';'] = CLASS_SEMICOLON,
    ['\\'] = CLASS_BLOCK | CLASS_URL | CLASS_STRING,
};

static bool is_newline(uint8_t c) {
    return c == '\n' || c == '\r' || c == '\f';
}

// ---- text of a token ----------------------------------------------------------------------------

void css_token_begin(struct css_scan *s, enum css_lex lex) {
    s->lex = (uint8_t)lex;
    s->text_n = 0;
    s->is_text_cut = false;
}

void css_token_put(struct css_scan *s, struct span run) {
    if (run.n > sizeof s->text - s->text_n) {
        s->is_text_cut = true;
        return;
    }
    if (run.n > 0) {
        memcpy(s->text + s->text_n, run.p, run.n);
        s->text_n = (uint16_t)(s->text_n + run.n);
    }
}

void css_token_put_code(struct css_scan *s, uint32_t code) {
    uint8_t utf8[4];
    size_t n = 0;
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        code = 0xfffd;
    }
    if (code < 0x80) {
        utf8[n++] = (uint8_t)code;
    } else {
        size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
        utf8[n++] = (uint8_t)(lead[more] | code >> 6 * more);
        while (more-- > 0) {
            utf8[n++] = (uint8_t)(0x80 | (code >> 6 * more & 0x3f));
        }
    }
    css_token_put(s, span_of(utf8, n));
}

size_t css_token_run(struct span in, uint8_t stop) {
    size_t n = 0;
    while (n < in.n && (css_token_classes[in.p[n]] & stop) == 0) {
        n++;
    }
    return n;
}

// ---- escapes ------------------------------------------------------------------------------------

void css_token_escape(struct css_scan *s, enum css_lex back) {
    s->back = (uint8_t)back;
    s->lex = LEX_ESCAPE;
}

// A backslash in front of a newline is no escape; only strings may have one there.
static void escape_newline(struct css_scan *s, uint8_t c) {
    if (s->back == LEX_STRING) {
        css_token_skip(s, 1);
        s->lex = c == '\r' ? LEX_ESCAPE_CR : LEX_STRING;
    } else if (s->back == LEX_URL || s->back == LEX_URL_BAD) {
        s->lex = LEX_URL_BAD;
    } else {
        s->lex = LEX_PLAIN;
        if (!s->is_skipping) {
            css_rule_delimiter(s, 0);
        }
    }
}

static void step_escape(struct css_scan *s, uint8_t c) {
    int digit = hex_value(c);
    if (is_newline(c)) {
        escape_newline(s, c);
        return;
    }
    css_token_skip(s, 1);
    if (digit >= 0) {
        s->code = (uint32_t)digit;
        s->digit = 1;
        s->lex = LEX_HEX;
        return;
    }
    css_token_put(s, span_of(&c, 1));
    s->is_text_cut |= c == 0;
    s->lex = s->back;
}

static void step_hex(struct css_scan *s, uint8_t c) {
    int digit = hex_value(c);
    if (digit >= 0 && s->digit < 6) {
        s->code = s->code << 4 | (uint32_t)digit;
        s->digit++;
        css_token_skip(s, 1);
        return;
    }
    css_token_put_code(s, s->code);
    s->lex = c == '\r' ? LEX_ESCAPE_CR : s->back;
    css_token_skip(s, css_token_is_space(c) ? 1 : 0);
}

// ---- comments, strings, names, URLs -------------------------------------------------------------

static void step_slash(struct css_scan *s, uint8_t c) {
    if (c == '*') {
        css_token_skip(s, 1);
        s->lex = LEX_COMMENT;
        return;
    }
    s->lex = LEX_PLAIN;
    if (!s->is_skipping) {
        css_rule_delimiter(s, '/');
    }
}

static void step_comment(struct css_scan *s) {
    size_t n = span_index(s->in, '*');
    s->lex = n < s->in.n ? LEX_COMMENT_STAR : LEX_COMMENT;
    css_token_skip(s, n + 1);
}

static void step_comment_star(struct css_scan *s, uint8_t c) {
    s->lex = c == '/' ? LEX_PLAIN : c == '*' ? LEX_COMMENT_STAR : LEX_COMMENT;
    css_token_skip(s, 1);
}

static void step_string(struct css_scan *s) {
    size_t n = css_token_run(s->in, CLASS_STRING);
    css_token_put(s, span_first(s->in, s->is_skipping ? 0 : n));
    css_token_skip(s, n);
    if (s->in.n == 0) {
        return;
    }
    uint8_t c = s->in.p[0];
    if (is_newline(c)) { // a bad string; the newline is not part of it
        s->lex = LEX_PLAIN;
        if (!s->is_skipping) {
            css_rule_delimiter(s, 0);
        }
        return;
    }
    css_token_skip(s, 1);
    if (c == '\\') {
        css_token_escape(s, LEX_STRING);
    } else if (c == s->quote) {
        s->lex = LEX_PLAIN;
        if (!s->is_skipping) {
            css_rule_string(s);
        }
    } else { // the other quote, or NUL
        css_token_put(s, span_of(&c, 1));
        s->is_text_cut |= c == 0;
    }
}

void css_token_begin_string(struct css_scan *s, uint8_t quote) {
    css_token_begin(s, LEX_STRING);
    s->quote = quote;
    css_token_skip(s, 1);
}

static bool is_url_name(const struct css_scan *s) {
    return !s->is_text_cut && span_eq_nocase(span_of(s->text, s->text_n), SPAN("url"));
}

static void end_name(struct css_scan *s, uint8_t c) {
    s->lex = LEX_PLAIN;
    if (c != '(' || (s->text_n > 0 && (s->text[0] == '@' || s->text[0] == '#'))) {
        css_rule_name(s);
        return;
    }
    css_token_skip(s, 1);
    if (is_url_name(s)) {
        css_token_begin(s, LEX_URL_START);
    } else {
        css_rule_function(s);
    }
}

static void step_name(struct css_scan *s) {
    size_t n = 0;
    while (n < s->in.n && css_token_is_name_char(s->in.p[n])) {
        n++;
    }
    css_token_put(s, span_first(s->in, n));
    css_token_skip(s, n);
    if (s->in.n == 0) {
        return;
    }
    if (s->in.p[0] == '\\') {
        css_token_skip(s, 1);
        css_token_escape(s, LEX_NAME);
        return;
    }
    end_name(s, s->in.p[0]);
}

static void step_url_start(struct css_scan *s, uint8_t c) {
    if (css_token_is_space(c)) {
        css_token_skip(s, 1);
    } else if (c == '"' || c == '\'') {
        css_rule_url_function(s);
        css_token_begin_string(s, c);
    } else {
        s->lex = LEX_URL;
    }
}

void css_token_end_url(struct css_scan *s, bool is_bad) {
    s->lex = LEX_PLAIN;
    if (!s->is_skipping) {
        s->is_text_cut |= is_bad;
        css_rule_url(s);
    }
}

static void step_url(struct css_scan *s) {
    size_t n = css_token_run(s->in, CLASS_URL);
    css_token_put(s, span_first(s->in, s->is_skipping ? 0 : n));
    css_token_skip(s, n);
    if (s->in.n == 0) {
        return;
    }
    uint8_t c = s->in.p[0];
    css_token_skip(s, 1);
    if (c == ')') {
        css_token_end_url(s, false);
    } else if (c == '\\') {
        css_token_escape(s, LEX_URL);
    } else {
        s->lex = css_token_is_space(c) ? LEX_URL_END : LEX_URL_BAD;
    }
}

static void step_url_end(struct css_scan *s, uint8_t c) {
    if (css_token_is_space(c)) {
        css_token_skip(s, 1);
    } else if (c == ')') {
        css_token_skip(s, 1);
        css_token_end_url(s, false);
    } else {
        s->lex = LEX_URL_BAD;
    }
}

static void step_url_bad(struct css_scan *s, uint8_t c) {
    css_token_skip(s, 1);
    if (c == ')') {
        css_token_end_url(s, true);
    } else if (c == '\\') {
        css_token_escape(s, LEX_URL_BAD);
    }
}

// A byte order mark is not part of the stylesheet. What is only the beginning of one begins a name.
static void step_start(struct css_scan *s, uint8_t c) {
    static const struct span mark = SPAN_INIT("\xef\xbb\xbf");
    if (c == mark.p[s->text_n]) {
        css_token_put(s, span_of(&c, 1));
        css_token_skip(s, 1);
        s->lex = s->text_n == mark.n ? LEX_PLAIN : LEX_START;
        return;
    }
    s->lex = s->text_n > 0 ? LEX_NAME : LEX_PLAIN;
}

void css_token_step(struct css_scan *s, uint8_t c) {
    switch ((enum css_lex)s->lex) {
    case LEX_START:
        step_start(s, c);
        break;
    case LEX_PLAIN:
        break;
    case LEX_SLASH:
        step_slash(s, c);
        break;
    case LEX_COMMENT:
        step_comment(s);
        break;
    case LEX_COMMENT_STAR:
        step_comment_star(s, c);
        break;
    case LEX_NAME:
        step_name(s);
        break;
    case LEX_STRING:
        step_string(s);
        break;
    case LEX_URL_START:
        step_url_start(s, c);
        break;
    case LEX_URL:
        step_url(s);
        break;
    case LEX_URL_END:
        step_url_end(s, c);
        break;
    case LEX_URL_BAD:
        step_url_bad(s, c);
        break;
    case LEX_ESCAPE:
        step_escape(s, c);
        break;
    case LEX_HEX:
        step_hex(s, c);
        break;
    case LEX_ESCAPE_CR:
        s->lex = s->back;
        css_token_skip(s, c == '\n' ? 1 : 0);
        break;
    }
}
