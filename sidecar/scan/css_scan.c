// SPDX-License-Identifier: MIT
// The tokenizer (CSS Syntax 3, 4.3). Most of a stylesheet is of no interest: there only what opens
// and closes blocks is looked for, with strings, comments and url() in between.
#include "scan/css_scan.h"

#include "base/hex.h"
#include "scan/css_font.h"
#include "scan/css_rule.h"

enum lex {
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

enum class {
    CLASS_BLOCK = 1, // ends plain text that is being skipped
    CLASS_SEMICOLON = 2,
    CLASS_URL = 4,    // ends an unquoted url
    CLASS_STRING = 8, // ends a string, or may
    CLASS_SPACE = 16,
};

#define NOT_PRINTABLE CLASS_URL

static const uint8_t classes[256] = {
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

static bool is_space(uint8_t c) {
    return (classes[c] & CLASS_SPACE) != 0;
}

static bool is_newline(uint8_t c) {
    return c == '\n' || c == '\r' || c == '\f';
}

static bool is_name_char(uint8_t c) {
    uint8_t low = span_lower_byte(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c >= 0x80;
}

static void advance(struct css_scan *s, size_t n) {
    s->in = span_skip(s->in, n);
}

// ---- text of a token ----------------------------------------------------------------------------

static void begin_text(struct css_scan *s, enum lex lex) {
    s->lex = (uint8_t)lex;
    s->text_n = 0;
    s->is_text_cut = false;
}

static void put_text(struct css_scan *s, struct span run) {
    if (run.n > sizeof s->text - s->text_n) {
        s->is_text_cut = true;
        return;
    }
    if (run.n > 0) {
        memcpy(s->text + s->text_n, run.p, run.n);
        s->text_n = (uint16_t)(s->text_n + run.n);
    }
}

static void put_code(struct css_scan *s, uint32_t code) {
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
    put_text(s, span_of(utf8, n));
}

// How many bytes at the front are not of these classes.
static size_t run_len(struct span in, uint8_t stop) {
    size_t n = 0;
    while (n < in.n && (classes[in.p[n]] & stop) == 0) {
        n++;
    }
    return n;
}

// ---- escapes ------------------------------------------------------------------------------------

static void begin_escape(struct css_scan *s, enum lex back) {
    s->back = (uint8_t)back;
    s->lex = LEX_ESCAPE;
}

// A backslash in front of a newline is no escape; only strings may have one there.
static void escape_newline(struct css_scan *s, uint8_t c) {
    if (s->back == LEX_STRING) {
        advance(s, 1);
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
    advance(s, 1);
    if (digit >= 0) {
        s->code = (uint32_t)digit;
        s->digit = 1;
        s->lex = LEX_HEX;
        return;
    }
    put_text(s, span_of(&c, 1));
    s->is_text_cut |= c == 0;
    s->lex = s->back;
}

static void step_hex(struct css_scan *s, uint8_t c) {
    int digit = hex_value(c);
    if (digit >= 0 && s->digit < 6) {
        s->code = s->code << 4 | (uint32_t)digit;
        s->digit++;
        advance(s, 1);
        return;
    }
    put_code(s, s->code);
    s->lex = c == '\r' ? LEX_ESCAPE_CR : s->back;
    advance(s, is_space(c) ? 1 : 0);
}

// ---- comments, strings, names, URLs -------------------------------------------------------------

static void step_slash(struct css_scan *s, uint8_t c) {
    if (c == '*') {
        advance(s, 1);
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
    advance(s, n + 1);
}

static void step_comment_star(struct css_scan *s, uint8_t c) {
    s->lex = c == '/' ? LEX_PLAIN : c == '*' ? LEX_COMMENT_STAR : LEX_COMMENT;
    advance(s, 1);
}

static void step_string(struct css_scan *s) {
    size_t n = run_len(s->in, CLASS_STRING);
    put_text(s, span_first(s->in, s->is_skipping ? 0 : n));
    advance(s, n);
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
    advance(s, 1);
    if (c == '\\') {
        begin_escape(s, LEX_STRING);
    } else if (c == s->quote) {
        s->lex = LEX_PLAIN;
        if (!s->is_skipping) {
            css_rule_string(s);
        }
    } else { // the other quote, or NUL
        put_text(s, span_of(&c, 1));
        s->is_text_cut |= c == 0;
    }
}

static void begin_string(struct css_scan *s, uint8_t quote) {
    begin_text(s, LEX_STRING);
    s->quote = quote;
    advance(s, 1);
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
    advance(s, 1);
    if (is_url_name(s)) {
        begin_text(s, LEX_URL_START);
    } else {
        css_rule_function(s);
    }
}

static void step_name(struct css_scan *s) {
    size_t n = 0;
    while (n < s->in.n && is_name_char(s->in.p[n])) {
        n++;
    }
    put_text(s, span_first(s->in, n));
    advance(s, n);
    if (s->in.n == 0) {
        return;
    }
    if (s->in.p[0] == '\\') {
        advance(s, 1);
        begin_escape(s, LEX_NAME);
        return;
    }
    end_name(s, s->in.p[0]);
}

static void step_url_start(struct css_scan *s, uint8_t c) {
    if (is_space(c)) {
        advance(s, 1);
    } else if (c == '"' || c == '\'') {
        css_rule_url_function(s);
        begin_string(s, c);
    } else {
        s->lex = LEX_URL;
    }
}

static void end_url(struct css_scan *s, bool is_bad) {
    s->lex = LEX_PLAIN;
    if (!s->is_skipping) {
        s->is_text_cut |= is_bad;
        css_rule_url(s);
    }
}

static void step_url(struct css_scan *s) {
    size_t n = run_len(s->in, CLASS_URL);
    put_text(s, span_first(s->in, s->is_skipping ? 0 : n));
    advance(s, n);
    if (s->in.n == 0) {
        return;
    }
    uint8_t c = s->in.p[0];
    advance(s, 1);
    if (c == ')') {
        end_url(s, false);
    } else if (c == '\\') {
        begin_escape(s, LEX_URL);
    } else {
        s->lex = is_space(c) ? LEX_URL_END : LEX_URL_BAD;
    }
}

static void step_url_end(struct css_scan *s, uint8_t c) {
    if (is_space(c)) {
        advance(s, 1);
    } else if (c == ')') {
        advance(s, 1);
        end_url(s, false);
    } else {
        s->lex = LEX_URL_BAD;
    }
}

static void step_url_bad(struct css_scan *s, uint8_t c) {
    advance(s, 1);
    if (c == ')') {
        end_url(s, true);
    } else if (c == '\\') {
        begin_escape(s, LEX_URL_BAD);
    }
}

// A byte order mark is not part of the stylesheet. What is only the beginning of one begins a name.
static void step_start(struct css_scan *s, uint8_t c) {
    static const struct span mark = SPAN_INIT("\xef\xbb\xbf");
    if (c == mark.p[s->text_n]) {
        put_text(s, span_of(&c, 1));
        advance(s, 1);
        s->lex = s->text_n == mark.n ? LEX_PLAIN : LEX_START;
        return;
    }
    s->lex = s->text_n > 0 ? LEX_NAME : LEX_PLAIN;
}

// ---- plain text ---------------------------------------------------------------------------------

// Keeps the last bytes, for behind them "(" may come with the next piece.
static void remember(struct css_scan *s, struct span run) {
    for (size_t i = run.n > 4 ? run.n - 4 : 0; i < run.n; i++) {
        s->last = s->last << 8 | run.p[i];
    }
}

// Plain text ended in "url", which is not the end of a longer name.
static bool was_url(uint32_t last) {
    uint8_t before = (uint8_t)(last >> 24);
    uint32_t url = (uint32_t)'u' << 16 | (uint32_t)'r' << 8 | 'l';
    return ((last | 0x202020) & 0xffffff) == url && !is_name_char(before) && before != '\\';
}

static void structural(struct css_scan *s, uint8_t c) {
    advance(s, 1);
    switch (c) {
    case '(':
    case '[':
    case '{':
        css_rule_open(s, c);
        break;
    case ')':
    case ']':
    case '}':
        css_rule_close(s, c);
        break;
    case '/':
        s->lex = LEX_SLASH;
        break;
    case ';':
        css_rule_semicolon(s);
        break;
    default:
        css_rule_delimiter(s, c);
    }
}

static void step_skipping(struct css_scan *s) {
    uint8_t stop = CLASS_BLOCK | (css_rule_wants_semicolon(s) ? CLASS_SEMICOLON : 0);
    size_t n = run_len(s->in, stop);
    remember(s, span_first(s->in, n));
    advance(s, n);
    if (s->in.n == 0) {
        return;
    }
    uint8_t c = s->in.p[0];
    uint32_t last = s->last;
    s->last = c;
    if (c == '"' || c == '\'') {
        begin_string(s, c);
    } else if (c == '\\') {
        advance(s, 1);
        begin_text(s, LEX_PLAIN);
        begin_escape(s, LEX_PLAIN);
    } else if (c == '(' && was_url(last)) {
        advance(s, 1);
        begin_text(s, LEX_URL_START);
    } else {
        structural(s, c);
    }
}

static void step_plain(struct css_scan *s, uint8_t c) {
    if (s->is_skipping) {
        step_skipping(s);
        return;
    }
    s->last = 0;
    if (css_rule_is_range(s) && c != ';' && c != '}') {
        css_font_range(s, c);
        advance(s, 1);
    } else if (is_space(c)) {
        advance(s, 1);
    } else if (is_name_char(c) || c == '@' || c == '#') {
        begin_text(s, LEX_NAME);
        put_text(s, span_of(&c, 1));
        advance(s, 1);
    } else if (c == '\\') {
        begin_text(s, LEX_NAME);
        advance(s, 1);
        begin_escape(s, LEX_NAME);
    } else if (c == '"' || c == '\'') {
        begin_string(s, c);
    } else {
        structural(s, c);
    }
}

static void step(struct css_scan *s) {
    uint8_t c = s->in.p[0];
    switch ((enum lex)s->lex) {
    case LEX_START:
        step_start(s, c);
        break;
    case LEX_PLAIN:
        step_plain(s, c);
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
        advance(s, c == '\n' ? 1 : 0);
        break;
    }
}

// ---- the engine ---------------------------------------------------------------------------------

void css_scan_init(struct css_scan *s, size_t most) {
    // `text` and `held` need not be cleared, which would cost more than to scan a small stylesheet.
    memset(s, 0, offsetof(struct css_scan, text));
    s->most = most;
}

void css_scan_feed(struct css_scan *s, struct span bytes) {
    s->in = span_first(bytes, s->most - s->seen);
    s->seen += s->in.n;
}

void css_scan_end(struct css_scan *s) {
    s->has_ended = true;
}

// What the end of the stylesheet makes of a token that it cuts.
static void finish(struct css_scan *s) {
    if (s->lex == LEX_HEX) {
        put_code(s, s->code);
    }
    enum lex lex = s->lex >= LEX_ESCAPE ? (enum lex)s->back : (enum lex)s->lex;
    if (!s->is_skipping && lex == LEX_NAME) {
        css_rule_name(s);
    } else if (!s->is_skipping && lex == LEX_STRING) {
        css_rule_string(s);
    } else if (lex == LEX_URL_START || lex == LEX_URL || lex == LEX_URL_END || lex == LEX_URL_BAD) {
        end_url(s, lex == LEX_URL_BAD);
    }
    css_rule_end(s);
}

enum step css_scan_next(struct css_scan *s, struct css_item *out) {
    while (s->in.n > 0 && !s->is_ready && !s->is_done) {
        step(s);
    }
    bool is_over = s->in.n == 0 && (s->has_ended || s->seen == s->most);
    if (!s->is_ready && !s->is_done && is_over) {
        // What the bound cuts is not told: the rest of a rule may change what it means.
        if (s->has_ended && s->seen < s->most) {
            finish(s);
        }
        s->is_done = true;
    }
    if (!s->is_ready) {
        return STEP_MORE;
    }
    s->is_ready = false;
    *out = s->item;
    return STEP_ITEM;
}

bool css_scan_is_done(const struct css_scan *s) {
    return s->is_done && !s->is_ready;
}
