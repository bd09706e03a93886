// SPDX-License-Identifier: MIT
#include "config/scan.h"

void scan_init(struct scan *s, struct span text) {
    *s = (struct scan){.text = text, .line = 1};
}

static int peek(const struct scan *s, size_t ahead) {
    return s->at + ahead < s->text.n ? s->text.p[s->at + ahead] : -1;
}

static enum step fail(struct scan *s, const char *why) {
    s->why = why;
    return STEP_BAD;
}

static bool is_bare(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c > 0 && strchr("-_.:/%", c) != NULL);
}

static bool is_ctl(int c) {
    return (c >= 0 && c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f;
}

// A comment that begins at s->at, if one does: *found.
static enum step skip_comment(struct scan *s, bool *found) {
    bool is_block = peek(s, 0) == '/' && peek(s, 1) == '*';
    *found = is_block || peek(s, 0) == '#' || (peek(s, 0) == '/' && peek(s, 1) == '/');
    if (!*found) {
        return STEP_ITEM;
    }
    unsigned line = s->line;
    for (s->at += is_block ? 2 : 0; s->at < s->text.n; s->at++) {
        if (is_ctl(peek(s, 0))) {
            return fail(s, "a control character");
        }
        if (is_block && peek(s, 0) == '*' && peek(s, 1) == '/') {
            s->at += 2;
            return STEP_ITEM;
        }
        if (peek(s, 0) == '\n' && !is_block) {
            return STEP_ITEM;
        }
        s->line += peek(s, 0) == '\n';
    }
    if (is_block) {
        s->line = line;
        return fail(s, "a comment is not closed");
    }
    return STEP_ITEM;
}

static enum step skip_blanks(struct scan *s) {
    while (s->at < s->text.n) {
        int c = peek(s, 0);
        bool is_comment;
        if (skip_comment(s, &is_comment) == STEP_BAD) {
            return STEP_BAD;
        }
        if (is_comment) {
            continue;
        }
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            return STEP_ITEM;
        }
        s->line += c == '\n';
        s->at++;
    }
    return STEP_MORE;
}

// "${NAME}" or "${NAME:-default}": must end before the string does.
static bool skip_variable(struct scan *s) {
    for (s->at += 2; s->at < s->text.n; s->at++) {
        int c = peek(s, 0);
        if (c == '}') {
            return true;
        }
        if (c == '"' || c == '\\' || c == '\n' || is_ctl(c)) {
            return false;
        }
    }
    return false;
}

static enum step scan_string(struct scan *s, int quote) {
    for (s->at++; s->at < s->text.n && peek(s, 0) != '\n'; s->at++) {
        int c = peek(s, 0), next = peek(s, 1);
        if (c == quote) {
            s->at++;
            return STEP_ITEM;
        }
        if (is_ctl(c)) {
            return fail(s, "a control character");
        }
        if (c == '\\') {
            if (next != quote && next != '\\' && !(next == '$' && quote == '"')) {
                return fail(s, quote == '"' ? "only \\\", \\\\ and \\$ may follow a backslash"
                                            : "only \\' and \\\\ may follow a backslash");
            }
            s->at++;
        } else if (c == '$' && next == '{' && quote == '"' && !skip_variable(s)) {
            return fail(s, "${ without its }; write \\${ for the characters themselves");
        }
    }
    return fail(s, "a quote is not closed on its line");
}

static enum step scan_bare(struct scan *s) {
    if (!is_bare(peek(s, 0))) {
        return fail(s, "a character that may only stand in quotes");
    }
    while (is_bare(peek(s, 0))) {
        if (peek(s, 0) == '/' && (peek(s, 1) == '/' || peek(s, 1) == '*')) {
            return fail(s, "// and /* begin a comment; put the text into quotes");
        }
        s->at++;
    }
    return STEP_ITEM;
}

enum step scan_next(struct scan *s, struct scan_token *out) {
    enum step step = skip_blanks(s);
    if (step != STEP_ITEM) {
        return step;
    }
    size_t from = s->at;
    int c = peek(s, 0);
    out->line = s->line;
    out->mark = SCAN_WORD;
    if (c == '{' || c == '}' || c == '=' || c == ',') {
        out->mark = (char)c;
        s->at++;
    } else if (c == '+' && peek(s, 1) == '=') {
        out->mark = '+';
        s->at += 2;
    } else {
        step = c == '"' || c == '\'' ? scan_string(s, c) : scan_bare(s);
    }
    out->text = span_of(s->text.p + from, s->at - from);
    return step;
}
