// SPDX-License-Identifier: MIT
#include "scan/html_scan.h"

#include "scan/html_link.h"
#include "scan/html_place.h"
#include "scan/html_state.h"
#include "scan/html_tag.h"

// ---- text and comments --------------------------------------------------------------------------

static void step_tag_open(struct html_scan *s, uint8_t c) {
    if (html_state_is_alpha(c)) {
        html_start_begin(s, false);
    } else if (c == '/') {
        html_state_enter(s, STATE_END_TAG_OPEN, 1);
    } else if (c == '!') {
        s->name_n = 0;
        html_state_enter(s, STATE_MARKUP, 1);
    } else {
        s->state = c == '?' ? STATE_BOGUS : STATE_DATA;
    }
}

static void step_end_tag_open(struct html_scan *s, uint8_t c) {
    if (html_state_is_alpha(c)) {
        html_start_begin(s, true);
    } else {
        s->state = STATE_BOGUS;
    }
}

// "<!--", "<![CDATA[", or something that ends at ">": a doctype too, since there ">" ends even what
// is quoted.
static void step_markup(struct html_scan *s, uint8_t c) {
    static const char cdata[] = "[CDATA[", comment[] = "--";
    const char *word = s->name_n > 0 && s->name[0] == '[' ? cdata : comment;
    word = s->name_n == 0 && c == '[' ? cdata : word;
    if (c != (uint8_t)word[s->name_n]) {
        s->state = STATE_BOGUS;
        return;
    }
    s->name[s->name_n++] = c;
    html_state_skip(s, 1);
    if (word[s->name_n] == 0) {
        bool is_cdata = word == cdata && html_place_is_foreign(s);
        s->state = word == comment ? STATE_COMMENT_START : is_cdata ? STATE_CDATA : STATE_BOGUS;
    }
}

static void step_comment(struct html_scan *s, uint8_t c) {
    enum html_state state = (enum html_state)s->state, next = STATE_COMMENT;
    if (state == STATE_COMMENT) {
        html_state_find(s, '-', STATE_COMMENT_DASH);
        return;
    }
    if (c == '-') {
        next = state == STATE_COMMENT_START  ? STATE_COMMENT_START_DASH
               : state == STATE_COMMENT_BANG ? STATE_COMMENT_DASH
                                             : STATE_COMMENT_END;
    } else if (c == '>' && state != STATE_COMMENT_DASH) {
        next = STATE_DATA;
    } else if (c == '!' && state == STATE_COMMENT_END) {
        next = STATE_COMMENT_BANG;
    }
    html_state_enter(s, next, 1);
}

static void step_cdata(struct html_scan *s, uint8_t c) {
    if (s->state == STATE_CDATA) {
        html_state_find(s, ']', STATE_CDATA_BRACKET);
    } else if (c == ']') {
        html_state_enter(s, STATE_CDATA_END, 1);
    } else {
        html_state_enter(s, c == '>' && s->state == STATE_CDATA_END ? STATE_DATA : STATE_CDATA, 1);
    }
}

// ---- the engine ---------------------------------------------------------------------------------

// One step in a state between STATE_TAG_OPEN and STATE_CDATA_END that is not within a tag.
static void step_text(struct html_scan *s, uint8_t c) {
    switch ((enum html_state)s->state) {
    case STATE_TAG_OPEN:
        step_tag_open(s, c);
        break;
    case STATE_END_TAG_OPEN:
        step_end_tag_open(s, c);
        break;
    case STATE_MARKUP:
        step_markup(s, c);
        break;
    case STATE_BOGUS:
        html_state_find(s, '>', STATE_DATA);
        break;
    case STATE_CDATA:
    case STATE_CDATA_BRACKET:
    case STATE_CDATA_END:
        step_cdata(s, c);
        break;
    default:
        step_comment(s, c);
    }
}

// True when it found an item.
static bool step(struct html_scan *s, struct html_item *out) {
    uint8_t c = s->in.p[0];
    switch ((enum html_state)s->state) {
    case STATE_DATA:
        html_state_find(s, '<', STATE_TAG_OPEN);
        break;
    case STATE_TAG_NAME:
    case STATE_BEFORE_ATTRIBUTE:
    case STATE_AFTER_ATTRIBUTE_NAME:
    case STATE_ATTRIBUTE_NAME:
    case STATE_BEFORE_VALUE:
    case STATE_VALUE_QUOTED:
    case STATE_VALUE_UNQUOTED:
    case STATE_SELF_CLOSING:
        return html_start_step(s, out);
    default:
        if (s->state >= STATE_RAW) {
            html_raw_step(s);
        } else {
            step_text(s, c);
        }
    }
    return false;
}

void html_scan_init(struct html_scan *s) {
    memset(s, 0, offsetof(struct html_scan, store));
}

void html_scan_feed(struct html_scan *s, struct span bytes) {
    s->in = span_first(bytes, HTML_SCAN_MOST - s->seen);
    s->seen += s->in.n;
}

// What the inline stylesheet has to tell.
static bool take_style(struct html_scan *s, struct html_item *out) {
    struct css_item item;
    while (css_scan_next(&s->css, &item) == STEP_ITEM) {
        if (html_link_css_item(s, &item, out)) {
            return true;
        }
    }
    s->is_style_read = !css_scan_is_done(&s->css);
    return false;
}

enum step html_scan_next(struct html_scan *s, struct html_item *out) {
    for (;;) {
        if (s->is_style_read && take_style(s, out)) {
            return STEP_ITEM;
        }
        if (s->in.n == 0 || s->is_done) {
            s->is_done |= s->seen == HTML_SCAN_MOST;
            return STEP_MORE;
        }
        if (step(s, out)) {
            return STEP_ITEM;
        }
    }
}

bool html_scan_is_done(const struct html_scan *s) {
    return s->is_done;
}
