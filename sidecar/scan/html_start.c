// SPDX-License-Identifier: MIT
#include "scan/html_state.h"

#include "scan/html_link.h"
#include "scan/html_place.h"
#include "scan/html_tag.h"
#include "scan/html_text.h"

void html_start_begin(struct html_scan *s, bool is_end_tag) {
    s->state = STATE_TAG_NAME;
    s->is_end_tag = is_end_tag;
    s->is_self_closing = s->is_unreadable = false;
    s->name_n = 0;
    s->has = 0;
    s->used = 0;
}

static void step_tag_name(struct html_scan *s) {
    size_t n = 0;
    for (; n < s->in.n && !html_state_ends_name(s->in.p[n]); n++) {
        html_state_put_name(s, s->in.p[n]);
    }
    html_state_skip(s, n);
    if (s->in.n > 0) {
        s->element = (uint8_t)html_tag_element(html_state_name(s));
        s->reads_attributes = !s->is_end_tag && html_tag_has_attributes(s->element);
        s->state = STATE_BEFORE_ATTRIBUTE;
    }
}

static void begin_attribute(struct html_scan *s) {
    s->state = STATE_ATTRIBUTE_NAME;
    s->attribute_n = 0;
    if (s->in.p[0] == '=') { // part of the name, strange as it is
        s->attribute_n = HTML_SCAN_NAME_MAX + 1;
        html_state_skip(s, 1);
    }
}

static void put_attribute_name(struct html_scan *s, struct span run) {
    for (size_t i = 0; i < run.n; i++) {
        if (s->attribute_n < HTML_SCAN_NAME_MAX) {
            s->attribute_name[s->attribute_n] = span_lower_byte(run.p[i]);
        }
        s->attribute_n += s->attribute_n <= HTML_SCAN_NAME_MAX;
    }
}

// Of two attributes of one name the first counts.
static void end_attribute_name(struct html_scan *s) {
    s->attribute = HTML_ATTRIBUTES;
    if (!s->reads_attributes || s->attribute_n > HTML_SCAN_NAME_MAX) {
        return;
    }
    enum html_attribute attribute = html_tag_attribute(span_of(s->attribute_name, s->attribute_n));
    if (attribute < HTML_ATTRIBUTES && (s->has & 1U << attribute) == 0) {
        s->has |= 1U << attribute;
        s->value[attribute].at = s->used;
        s->value[attribute].n = 0;
        s->attribute = html_tag_keeps(attribute) ? (uint8_t)attribute : HTML_ATTRIBUTES;
    }
}

static void step_attribute_name(struct html_scan *s) {
    size_t n = 0;
    while (n < s->in.n && s->in.p[n] != '=' && !html_state_ends_name(s->in.p[n])) {
        n++;
    }
    if (s->reads_attributes) {
        put_attribute_name(s, span_first(s->in, n));
    }
    html_state_skip(s, n);
    if (s->in.n > 0) {
        end_attribute_name(s);
        bool has_value = s->in.p[0] == '=';
        html_state_enter(s, has_value ? STATE_BEFORE_VALUE : STATE_AFTER_ATTRIBUTE_NAME, has_value);
    }
}

static void put_value(struct html_scan *s, struct span run) {
    if (s->attribute == HTML_ATTRIBUTES || run.n == 0) {
        return;
    }
    size_t n = s->value[s->attribute].n;
    if (run.n > HTML_SCAN_VALUE_MAX - n || run.n > sizeof s->store - s->used - n) {
        s->is_unreadable = true;
        s->attribute = HTML_ATTRIBUTES;
        return;
    }
    memcpy(s->store + s->used + n, run.p, run.n);
    s->value[s->attribute].n = (uint16_t)(n + run.n);
}

static void end_value(struct html_scan *s) {
    s->state = STATE_BEFORE_ATTRIBUTE;
    if (s->attribute == HTML_ATTRIBUTES) {
        return;
    }
    size_t n = s->value[s->attribute].n;
    // A title is only compared with others.
    if (!html_text_decode(s->store + s->used, &n) && s->attribute != HTML_TITLE) {
        s->is_unreadable = true;
    }
    s->value[s->attribute].n = (uint16_t)n;
    s->used = (uint16_t)(s->used + n);
}

static void step_value_quoted(struct html_scan *s) {
    size_t n = span_index(s->in, s->quote);
    put_value(s, span_first(s->in, n));
    if (n < s->in.n) {
        end_value(s);
    }
    html_state_skip(s, n + 1);
}

static void step_value_unquoted(struct html_scan *s) {
    size_t n = 0;
    while (n < s->in.n && s->in.p[n] != '>' && !html_state_is_space(s->in.p[n])) {
        n++;
    }
    put_value(s, span_first(s->in, n));
    html_state_skip(s, n);
    if (s->in.n > 0) {
        end_value(s);
    }
}

static void step_before_value(struct html_scan *s, uint8_t c) {
    if (html_state_is_space(c)) {
        html_state_skip(s, 1);
    } else if (c == '"' || c == '\'') {
        s->quote = c;
        html_state_enter(s, STATE_VALUE_QUOTED, 1);
    } else {
        s->state = c == '>' ? STATE_BEFORE_ATTRIBUTE : STATE_VALUE_UNQUOTED;
    }
}

// True when the tag makes a browser fetch something.
static bool end_tag(struct html_scan *s, struct html_item *out) {
    static const uint8_t states[] = {
        [HTML_TEXT_MARKUP] = STATE_DATA, [HTML_TEXT_RAW] = STATE_RAW,
        [HTML_TEXT_STYLE] = STATE_RAW,   [HTML_TEXT_SCRIPT] = STATE_SCRIPT,
        [HTML_TEXT_END] = STATE_DATA,
    };
    html_state_skip(s, 1);
    s->state = STATE_DATA;
    if (s->is_end_tag) {
        html_place_close(s);
        return false;
    }
    enum html_text_kind kind = html_place_open(s);
    s->state = states[kind];
    s->is_double = false;
    s->is_done |= kind == HTML_TEXT_END;
    if (kind == HTML_TEXT_STYLE) {
        s->is_style_read = true;
        css_scan_init(&s->css, HTML_SCAN_MOST);
        return false;
    }
    return html_link_item(s, out);
}

// Behind a tag's name, an attribute or its value.
static bool step_before_attribute(struct html_scan *s, uint8_t c, struct html_item *out) {
    if (c == '>') {
        return end_tag(s, out);
    }
    if (html_state_is_space(c)) {
        html_state_skip(s, 1);
    } else if (c == '/') {
        html_state_enter(s, STATE_SELF_CLOSING, 1);
    } else if (c == '=' && s->state == STATE_AFTER_ATTRIBUTE_NAME) {
        html_state_enter(s, STATE_BEFORE_VALUE, 1);
    } else {
        begin_attribute(s);
    }
    return false;
}

static void step_self_closing(struct html_scan *s, uint8_t c) {
    s->is_self_closing = c == '>';
    s->state = STATE_BEFORE_ATTRIBUTE;
}

bool html_start_step(struct html_scan *s, struct html_item *out) {
    uint8_t c = s->in.p[0];
    switch ((enum html_state)s->state) {
    case STATE_TAG_NAME:
        step_tag_name(s);
        break;
    case STATE_BEFORE_ATTRIBUTE:
    case STATE_AFTER_ATTRIBUTE_NAME:
        return step_before_attribute(s, c, out);
    case STATE_ATTRIBUTE_NAME:
        step_attribute_name(s);
        break;
    case STATE_BEFORE_VALUE:
        step_before_value(s, c);
        break;
    case STATE_VALUE_QUOTED:
        step_value_quoted(s);
        break;
    case STATE_VALUE_UNQUOTED:
        step_value_unquoted(s);
        break;
    default:
        step_self_closing(s, c);
    }
    return false;
}
