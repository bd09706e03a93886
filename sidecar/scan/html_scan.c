// SPDX-License-Identifier: MIT
// The tokenizer (HTML, 13.2.5). Its states have the names of the standard, shortened; of states
// that differ in what they report but not in what they accept there is one.
#include "scan/html_scan.h"

#include "scan/html_tag.h"
#include "scan/html_text.h"

enum state {
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

static bool is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static bool is_alpha(uint8_t c) {
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

static bool ends_name(uint8_t c) {
    return c <= '>' && (is_space(c) || c == '/' || c == '>');
}

static void advance(struct html_scan *s, size_t n) {
    s->in = span_skip(s->in, n);
}

static void enter(struct html_scan *s, enum state state, size_t n) {
    s->state = (uint8_t)state;
    advance(s, n);
}

// Goes behind the next `c`, to `state`, or to the end of what was fed.
static void find(struct html_scan *s, uint8_t c, enum state state) {
    size_t n = span_index(s->in, c);
    if (n < s->in.n) {
        s->state = (uint8_t)state;
    }
    advance(s, n + 1);
}

static void put_name(struct html_scan *s, uint8_t c) {
    if (s->name_n < HTML_SCAN_NAME_MAX) {
        s->name[s->name_n] = span_lower_byte(c);
    }
    s->name_n += s->name_n <= HTML_SCAN_NAME_MAX;
}

// Empty when it is longer than any that matters.
static struct span name_of(const struct html_scan *s) {
    return span_of(s->name, s->name_n <= HTML_SCAN_NAME_MAX ? s->name_n : 0);
}

// ---- tags ---------------------------------------------------------------------------------------

static void begin_tag(struct html_scan *s, bool is_end_tag) {
    s->state = STATE_TAG_NAME;
    s->is_end_tag = is_end_tag;
    s->is_self_closing = s->is_unreadable = false;
    s->name_n = 0;
    s->has = 0;
    s->used = 0;
}

static void step_tag_name(struct html_scan *s) {
    size_t n = 0;
    for (; n < s->in.n && !ends_name(s->in.p[n]); n++) {
        put_name(s, s->in.p[n]);
    }
    advance(s, n);
    if (s->in.n > 0) {
        s->element = (uint8_t)html_tag_element(name_of(s));
        s->reads_attributes = !s->is_end_tag && html_tag_has_attributes(s->element);
        s->state = STATE_BEFORE_ATTRIBUTE;
    }
}

static void begin_attribute(struct html_scan *s) {
    s->state = STATE_ATTRIBUTE_NAME;
    s->attribute_n = 0;
    if (s->in.p[0] == '=') { // part of the name, strange as it is
        s->attribute_n = HTML_SCAN_NAME_MAX + 1;
        advance(s, 1);
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
    while (n < s->in.n && s->in.p[n] != '=' && !ends_name(s->in.p[n])) {
        n++;
    }
    if (s->reads_attributes) {
        put_attribute_name(s, span_first(s->in, n));
    }
    advance(s, n);
    if (s->in.n > 0) {
        end_attribute_name(s);
        bool has_value = s->in.p[0] == '=';
        enter(s, has_value ? STATE_BEFORE_VALUE : STATE_AFTER_ATTRIBUTE_NAME, has_value);
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
    advance(s, n + 1);
}

static void step_value_unquoted(struct html_scan *s) {
    size_t n = 0;
    while (n < s->in.n && s->in.p[n] != '>' && !is_space(s->in.p[n])) {
        n++;
    }
    put_value(s, span_first(s->in, n));
    advance(s, n);
    if (s->in.n > 0) {
        end_value(s);
    }
}

static void step_before_value(struct html_scan *s, uint8_t c) {
    if (is_space(c)) {
        advance(s, 1);
    } else if (c == '"' || c == '\'') {
        s->quote = c;
        enter(s, STATE_VALUE_QUOTED, 1);
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
    advance(s, 1);
    s->state = STATE_DATA;
    if (s->is_end_tag) {
        html_tag_close(s);
        return false;
    }
    enum html_text_kind kind = html_tag_open(s);
    s->state = states[kind];
    s->is_double = false;
    s->is_done |= kind == HTML_TEXT_END;
    if (kind == HTML_TEXT_STYLE) {
        s->is_style_read = true;
        css_scan_init(&s->css, HTML_SCAN_MOST);
        return false;
    }
    return html_tag_item(s, out);
}

// Behind a tag's name, an attribute or its value.
static bool step_before_attribute(struct html_scan *s, uint8_t c, struct html_item *out) {
    if (c == '>') {
        return end_tag(s, out);
    }
    if (is_space(c)) {
        advance(s, 1);
    } else if (c == '/') {
        enter(s, STATE_SELF_CLOSING, 1);
    } else if (c == '=' && s->state == STATE_AFTER_ATTRIBUTE_NAME) {
        enter(s, STATE_BEFORE_VALUE, 1);
    } else {
        begin_attribute(s);
    }
    return false;
}

static void step_self_closing(struct html_scan *s, uint8_t c) {
    s->is_self_closing = c == '>';
    s->state = STATE_BEFORE_ATTRIBUTE;
}

// ---- text and comments --------------------------------------------------------------------------

static void step_tag_open(struct html_scan *s, uint8_t c) {
    if (is_alpha(c)) {
        begin_tag(s, false);
    } else if (c == '/') {
        enter(s, STATE_END_TAG_OPEN, 1);
    } else if (c == '!') {
        s->name_n = 0;
        enter(s, STATE_MARKUP, 1);
    } else {
        s->state = c == '?' ? STATE_BOGUS : STATE_DATA;
    }
}

static void step_end_tag_open(struct html_scan *s, uint8_t c) {
    if (is_alpha(c)) {
        begin_tag(s, true);
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
    advance(s, 1);
    if (word[s->name_n] == 0) {
        bool is_cdata = word == cdata && html_tag_is_foreign(s);
        s->state = word == comment ? STATE_COMMENT_START : is_cdata ? STATE_CDATA : STATE_BOGUS;
    }
}

static void step_comment(struct html_scan *s, uint8_t c) {
    enum state state = (enum state)s->state, next = STATE_COMMENT;
    if (state == STATE_COMMENT) {
        find(s, '-', STATE_COMMENT_DASH);
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
    enter(s, next, 1);
}

static void step_cdata(struct html_scan *s, uint8_t c) {
    if (s->state == STATE_CDATA) {
        find(s, ']', STATE_CDATA_BRACKET);
    } else if (c == ']') {
        enter(s, STATE_CDATA_END, 1);
    } else {
        enter(s, c == '>' && s->state == STATE_CDATA_END ? STATE_DATA : STATE_CDATA, 1);
    }
}

// ---- raw text and scripts -----------------------------------------------------------------------

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
    advance(s, n + 1);
}

// Keeps "</" and what follows as they came: they may be text after all.
static void begin_raw_end_tag(struct html_scan *s, enum state back) {
    s->back = (uint8_t)back;
    memcpy(s->name, "</", 2);
    s->name_n = 2;
    enter(s, STATE_RAW_END_TAG, 1);
}

static void step_raw_open(struct html_scan *s, uint8_t c) {
    if (c == '/') {
        begin_raw_end_tag(s, STATE_RAW);
        return;
    }
    put_style(s, SPAN("<"));
    s->state = STATE_RAW;
}

static void step_raw_end_tag(struct html_scan *s, uint8_t c) {
    struct span name = html_tag_name(s->element);
    size_t n = s->name_n - 2u;
    if (n < name.n && span_lower_byte(c) == name.p[n]) {
        s->name[s->name_n++] = c;
        advance(s, 1);
        return;
    }
    if (n < name.n || !ends_name(c)) {
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
        enter(s, STATE_SCRIPT_BANG, 1);
    } else {
        s->state = STATE_SCRIPT;
    }
}

static void step_script_comment(struct html_scan *s, uint8_t c) {
    if (c != '-') {
        s->state = STATE_SCRIPT;
    } else {
        enter(s, s->state == STATE_SCRIPT_BANG ? STATE_SCRIPT_DASH : STATE_ESCAPED_END, 1);
    }
}

static void step_escaped(struct html_scan *s, uint8_t c) {
    enum state state = (enum state)s->state, next = STATE_ESCAPED;
    size_t n = 0;
    if (state == STATE_ESCAPED) {
        while (n < s->in.n && s->in.p[n] != '-' && s->in.p[n] != '<') {
            n++;
        }
        advance(s, n);
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
    enter(s, next, 1);
}

// "<script" begins, "</script" ends what hides an end tag; one that is not hidden ends the script.
static void step_escaped_open(struct html_scan *s, uint8_t c) {
    s->name_n = 0;
    if (c == '/' && s->is_double) {
        enter(s, STATE_ESCAPED_NAME, 1);
    } else if (c == '/') {
        begin_raw_end_tag(s, STATE_ESCAPED);
    } else {
        s->state = !s->is_double && is_alpha(c) ? STATE_ESCAPED_NAME : STATE_ESCAPED;
    }
}

static void step_escaped_name(struct html_scan *s, uint8_t c) {
    if (is_alpha(c)) {
        put_name(s, c);
        advance(s, 1);
        return;
    }
    if (ends_name(c)) {
        s->is_double ^= span_eq(name_of(s), SPAN("script"));
    }
    enter(s, STATE_ESCAPED, ends_name(c));
}

// ---- the engine ---------------------------------------------------------------------------------

// One step in text; the states from STATE_TAG_NAME to STATE_SELF_CLOSING are step's.
static void step_text(struct html_scan *s, uint8_t c) {
    switch ((enum state)s->state) {
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
        find(s, '>', STATE_DATA);
        break;
    case STATE_CDATA:
    case STATE_CDATA_BRACKET:
    case STATE_CDATA_END:
        step_cdata(s, c);
        break;
    case STATE_RAW:
        step_raw(s);
        break;
    case STATE_RAW_OPEN:
        step_raw_open(s, c);
        break;
    case STATE_RAW_END_TAG:
        step_raw_end_tag(s, c);
        break;
    case STATE_SCRIPT:
        find(s, '<', STATE_SCRIPT_OPEN);
        break;
    case STATE_SCRIPT_OPEN:
        step_script_open(s, c);
        break;
    case STATE_SCRIPT_BANG:
    case STATE_SCRIPT_DASH:
        step_script_comment(s, c);
        break;
    case STATE_ESCAPED:
    case STATE_ESCAPED_DASH:
    case STATE_ESCAPED_END:
        step_escaped(s, c);
        break;
    case STATE_ESCAPED_OPEN:
        step_escaped_open(s, c);
        break;
    case STATE_ESCAPED_NAME:
        step_escaped_name(s, c);
        break;
    default:
        step_comment(s, c);
    }
}

// True when it found an item.
static bool step(struct html_scan *s, struct html_item *out) {
    uint8_t c = s->in.p[0];
    switch ((enum state)s->state) {
    case STATE_DATA:
        find(s, '<', STATE_TAG_OPEN);
        break;
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
    case STATE_SELF_CLOSING:
        step_self_closing(s, c);
        break;
    default:
        step_text(s, c);
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
        if (html_tag_css_item(s, &item, out)) {
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
