// SPDX-License-Identifier: MIT
// Most of a stylesheet is of no interest: there only what opens and closes blocks is looked for,
// with strings, comments and url() in between.
#include "scan/css_scan.h"

#include "scan/css_font.h"
#include "scan/css_rule.h"
#include "scan/css_token.h"

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
    return ((last | 0x202020) & 0xffffff) == url && !css_token_is_name_char(before) &&
           before != '\\';
}

static void structural(struct css_scan *s, uint8_t c) {
    css_token_skip(s, 1);
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
    size_t n = css_token_run(s->in, stop);
    remember(s, span_first(s->in, n));
    css_token_skip(s, n);
    if (s->in.n == 0) {
        return;
    }
    uint8_t c = s->in.p[0];
    uint32_t last = s->last;
    s->last = c;
    if (c == '"' || c == '\'') {
        css_token_begin_string(s, c);
    } else if (c == '\\') {
        css_token_skip(s, 1);
        css_token_begin(s, LEX_PLAIN);
        css_token_escape(s, LEX_PLAIN);
    } else if (c == '(' && was_url(last)) {
        css_token_skip(s, 1);
        css_token_begin(s, LEX_URL_START);
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
        css_token_skip(s, 1);
    } else if (css_token_is_space(c)) {
        css_token_skip(s, 1);
    } else if (css_token_is_name_char(c) || c == '@' || c == '#') {
        css_token_begin(s, LEX_NAME);
        css_token_put(s, span_of(&c, 1));
        css_token_skip(s, 1);
    } else if (c == '\\') {
        css_token_begin(s, LEX_NAME);
        css_token_skip(s, 1);
        css_token_escape(s, LEX_NAME);
    } else if (c == '"' || c == '\'') {
        css_token_begin_string(s, c);
    } else {
        structural(s, c);
    }
}

static void step(struct css_scan *s) {
    uint8_t c = s->in.p[0];
    if (s->lex == LEX_PLAIN) {
        step_plain(s, c);
    } else {
        css_token_step(s, c);
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
        css_token_put_code(s, s->code);
    }
    enum css_lex lex = s->lex >= LEX_ESCAPE ? (enum css_lex)s->back : (enum css_lex)s->lex;
    if (!s->is_skipping && lex == LEX_NAME) {
        css_rule_name(s);
    } else if (!s->is_skipping && lex == LEX_STRING) {
        css_rule_string(s);
    } else if (lex == LEX_URL_START || lex == LEX_URL || lex == LEX_URL_END || lex == LEX_URL_BAD) {
        css_token_end_url(s, lex == LEX_URL_BAD);
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
