// SPDX-License-Identifier: MIT
#include "scan/html_state.h"

#include "scan/html_place.h"
#include "scan/html_tag.h"

// Gives text of a stylesheet to its scanner, which is asked before the next step.
static void put_style(struct html_scan *s, struct span text) {
    if (s->is_style_read) {
        css_scan_feed(&s->css, text);
    }
}

static void step_raw(struct html_scan *s) {
    size_t n = span_index(s->in, '<');
    put_style(s, span_first(s->in, n));
    if (n < s->in.n) {
        s->state = STATE_RAW_OPEN;
    }
    html_state_skip(s, n + 1);
}

// Keeps "</" and what follows as they came: they may be text after all.
static void begin_raw_end_tag(struct html_scan *s, enum html_state back) {
    s->back = (uint8_t)back;
    memcpy(s->name, "</", 2);
    s->name_n = 2;
    html_state_enter(s, STATE_RAW_END_TAG, 1);
}

static void step_raw_open(struct html_scan *s, uint8_t c) {
    if (c == '/') {
        begin_raw_end_tag(s, STATE_RAW);
        return;
    }
    if (c == '!' && html_place_is_foreign(s)) {
        s->name[0] = '<';
        s->name_n = 1;
        s->state = STATE_RAW_CDATA;
        return;
    }
    put_style(s, SPAN("<"));
    s->state = STATE_RAW;
}

// SVG's stylesheets often stand in a CDATA section, whose beginning is not their text. Its end is
// left to the stylesheet, where it matches no rule.
static void step_raw_cdata(struct html_scan *s, uint8_t c) {
    static const struct span cdata = SPAN_INIT("<![CDATA[");
    if (c != cdata.p[s->name_n]) {
        put_style(s, span_of(s->name, s->name_n));
        s->state = STATE_RAW;
        return;
    }
    s->name[s->name_n++] = c;
    html_state_skip(s, 1);
    if (s->name_n == cdata.n) {
        s->state = STATE_RAW;
    }
}

static void step_raw_end_tag(struct html_scan *s, uint8_t c) {
    struct span name = html_tag_name(s->element);
    size_t n = s->name_n - 2u;
    if (n < name.n && span_lower_byte(c) == name.p[n]) {
        s->name[s->name_n++] = c;
        html_state_skip(s, 1);
        return;
    }
    if (n < name.n || !html_state_ends_name(c)) {
        put_style(s, span_of(s->name, s->name_n));
        s->state = s->back;
        return;
    }
    if (s->is_style_read) {
        css_scan_end(&s->css);
    }
    s->is_end_tag = true;
    s->reads_attributes = false;
    s->state = STATE_BEFORE_ATTRIBUTE;
}

static void step_script_open(struct html_scan *s, uint8_t c) {
    if (c == '/') {
        begin_raw_end_tag(s, STATE_SCRIPT);
    } else if (c == '!') {
        html_state_enter(s, STATE_SCRIPT_BANG, 1);
    } else {
        s->state = STATE_SCRIPT;
    }
}

static void step_script_comment(struct html_scan *s, uint8_t c) {
    if (c != '-') {
        s->state = STATE_SCRIPT;
    } else {
        html_state_enter(s, s->state == STATE_SCRIPT_BANG ? STATE_SCRIPT_DASH : STATE_ESCAPED_END,
                         1);
    }
}

static void step_escaped(struct html_scan *s, uint8_t c) {
    enum html_state state = (enum html_state)s->state, next = STATE_ESCAPED;
    size_t n = 0;
    if (state == STATE_ESCAPED) {
        while (n < s->in.n && s->in.p[n] != '-' && s->in.p[n] != '<') {
            n++;
        }
        html_state_skip(s, n);
        if (s->in.n == 0) {
            return;
        }
        c = s->in.p[0];
    }
    if (c == '-') {
        next = state == STATE_ESCAPED ? STATE_ESCAPED_DASH : STATE_ESCAPED_END;
    } else if (c == '<') {
        next = STATE_ESCAPED_OPEN;
    } else if (c == '>' && state == STATE_ESCAPED_END) {
        next = STATE_SCRIPT;
        s->is_double = false;
    }
    html_state_enter(s, next, 1);
}

// "<script" begins, "</script" ends what hides an end tag; one that is not hidden ends the script.
static void step_escaped_open(struct html_scan *s, uint8_t c) {
    s->name_n = 0;
    if (c == '/' && s->is_double) {
        html_state_enter(s, STATE_ESCAPED_NAME, 1);
    } else if (c == '/') {
        begin_raw_end_tag(s, STATE_ESCAPED);
    } else {
        s->state = !s->is_double && html_state_is_alpha(c) ? STATE_ESCAPED_NAME : STATE_ESCAPED;
    }
}

static void step_escaped_name(struct html_scan *s, uint8_t c) {
    if (html_state_is_alpha(c)) {
        html_state_put_name(s, c);
        html_state_skip(s, 1);
        return;
    }
    if (html_state_ends_name(c)) {
        s->is_double ^= span_eq(html_state_name(s), SPAN("script"));
    }
    html_state_enter(s, STATE_ESCAPED, html_state_ends_name(c));
}

void html_raw_step(struct html_scan *s) {
    uint8_t c = s->in.p[0];
    switch ((enum html_state)s->state) {
    case STATE_RAW:
        step_raw(s);
        break;
    case STATE_RAW_OPEN:
        step_raw_open(s, c);
        break;
    case STATE_RAW_CDATA:
        step_raw_cdata(s, c);
        break;
    case STATE_RAW_END_TAG:
        step_raw_end_tag(s, c);
        break;
    case STATE_SCRIPT:
        html_state_find(s, '<', STATE_SCRIPT_OPEN);
        break;
    case STATE_SCRIPT_OPEN:
        step_script_open(s, c);
        break;
    case STATE_SCRIPT_BANG:
    case STATE_SCRIPT_DASH:
        step_script_comment(s, c);
        break;
    case STATE_ESCAPED_OPEN:
        step_escaped_open(s, c);
        break;
    case STATE_ESCAPED_NAME:
        step_escaped_name(s, c);
        break;
    default:
        step_escaped(s, c);
    }
}
