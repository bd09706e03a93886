// SPDX-License-Identifier: MIT
// What the files of the tokenizer share: its states, which have the names of the standard,
// shortened (HTML, 13.2.5), and how it goes from one to the next. Of states that differ in what
// they report but not in what they accept there is one.
//
//     html_scan.c   text, comments, and which file a state belongs to
//     html_start.c  within a tag: its name and its attributes
//     html_raw.c    raw text, and what hides the end of a script
#ifndef SCAN_HTML_STATE_H
#define SCAN_HTML_STATE_H

#include "scan/html_scan.h"

enum html_state {
    STATE_DATA,
    STATE_TAG_OPEN,     // behind "<"
    STATE_END_TAG_OPEN, // behind "</"
    STATE_TAG_NAME,
    STATE_BEFORE_ATTRIBUTE,
    STATE_ATTRIBUTE_NAME,
    STATE_AFTER_ATTRIBUTE_NAME,
    STATE_BEFORE_VALUE,
    STATE_VALUE_QUOTED,
    STATE_VALUE_UNQUOTED,
    STATE_SELF_CLOSING, // behind "/" in a tag
    STATE_MARKUP,       // behind "<!"
    STATE_BOGUS,        // a comment that ends at ">"
    STATE_COMMENT_START,
    STATE_COMMENT_START_DASH,
    STATE_COMMENT,
    STATE_COMMENT_DASH,
    STATE_COMMENT_END,  // behind "--"
    STATE_COMMENT_BANG, // behind "--!"
    STATE_CDATA,
    STATE_CDATA_BRACKET,
    STATE_CDATA_END, // behind "]]"
    STATE_RAW,
    STATE_RAW_OPEN,    // behind "<" in raw text
    STATE_RAW_CDATA,   // behind "<" in a stylesheet of SVG, in front of "![CDATA["
    STATE_RAW_END_TAG, // behind "</" in raw text or a script
    STATE_SCRIPT,
    STATE_SCRIPT_OPEN,  // behind "<" in a script
    STATE_SCRIPT_BANG,  // behind "<!"
    STATE_SCRIPT_DASH,  // behind "<!-"
    STATE_ESCAPED,      // behind "<!--"
    STATE_ESCAPED_DASH, // and "-"
    STATE_ESCAPED_END,  // and "--"
    STATE_ESCAPED_OPEN, // and "<"
    STATE_ESCAPED_NAME, // and a name behind that
};

static inline bool html_state_is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static inline bool html_state_is_alpha(uint8_t c) {
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

static inline bool html_state_ends_name(uint8_t c) {
    return c <= '>' && (html_state_is_space(c) || c == '/' || c == '>');
}

static inline void html_state_skip(struct html_scan *s, size_t n) {
    s->in = span_skip(s->in, n);
}

static inline void html_state_enter(struct html_scan *s, enum html_state state, size_t n) {
    s->state = (uint8_t)state;
    html_state_skip(s, n);
}

// Goes behind the next `c`, to `state`, or to the end of what was fed.
static inline void html_state_find(struct html_scan *s, uint8_t c, enum html_state state) {
    size_t n = span_index(s->in, c);
    if (n < s->in.n) {
        s->state = (uint8_t)state;
    }
    html_state_skip(s, n + 1);
}

static inline void html_state_put_name(struct html_scan *s, uint8_t c) {
    if (s->name_n < HTML_SCAN_NAME_MAX) {
        s->name[s->name_n] = span_lower_byte(c);
    }
    s->name_n += s->name_n <= HTML_SCAN_NAME_MAX;
}

// Empty when it is longer than any that matters.
static inline struct span html_state_name(const struct html_scan *s) {
    return span_of(s->name, s->name_n <= HTML_SCAN_NAME_MAX ? s->name_n : 0);
}

// ---- html_start.c -------------------------------------------------------------------------------

// A tag's name begins.
void html_start_begin(struct html_scan *s, bool is_end_tag);
// One step in a state from STATE_TAG_NAME to STATE_SELF_CLOSING. True when the tag is complete and
// is an item.
bool html_start_step(struct html_scan *s, struct html_item *out);

// ---- html_raw.c ---------------------------------------------------------------------------------

// One step in a state from STATE_RAW on.
void html_raw_step(struct html_scan *s);

#endif
