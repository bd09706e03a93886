// SPDX-License-Identifier: MIT
#include "hints/css_rule.h"

#include "hints/media.h"
#include "hints/reference.h"

// A block that is open. At the bottom of the stack is always a list of rules: the stylesheet.
enum block {
    BLOCK_PAREN,  // "(", with or without a function's name
    BLOCK_URL,    // url( in front of a string
    BLOCK_FORMAT, // format(
    BLOCK_TECH,   // tech(
    BLOCK_SQUARE,
    BLOCK_OPAQUE, // "{" of something that fetches nothing we tell
    BLOCK_RULES,  // "{" of a group of rules that apply
    BLOCK_FONT,   // "{" of @font-face
};

enum rule {
    RULE_OTHER,
    RULE_CHARSET,
    RULE_FONT_FACE,
    RULE_IMPORT,
    RULE_LAYER,
    RULE_MEDIA,
    RULE_SUPPORTS
};

enum stage {
    STAGE_START,      // rules: in front of a rule
    STAGE_STYLE,      // rules: in front of the "{" of a style rule
    STAGE_AT,         // rules: behind an at-keyword
    STAGE_IMPORT_URL, // rules: behind @import
    STAGE_FONT_NAME,  // font: in front of a descriptor
    STAGE_FONT_OTHER, // font: in a descriptor of no interest
    STAGE_FONT_SRC_COLON,
    STAGE_FONT_SRC,
    STAGE_FONT_RANGE_COLON,
    STAGE_FONT_RANGE,
};

static enum block top(const struct css_scan *s) {
    return s->depth > 0 ? (enum block)s->stack[s->depth - 1] : BLOCK_RULES;
}

// Decides what matters in the place that was just reached.
static void settle(struct css_scan *s) {
    switch (top(s)) {
    case BLOCK_RULES:
        s->is_skipping = s->stage == STAGE_STYLE ||
                         (s->stage == STAGE_AT && s->rule != RULE_IMPORT && s->rule != RULE_MEDIA);
        break;
    case BLOCK_FONT:
        s->is_skipping = s->stage == STAGE_FONT_OTHER;
        break;
    case BLOCK_URL:
    case BLOCK_FORMAT:
    case BLOCK_TECH:
        s->is_skipping = false;
        break;
    default:
        s->is_skipping = true;
    }
}

static void push(struct css_scan *s, enum block block) {
    if (s->depth == CSS_SCAN_DEPTH_MAX) {
        s->is_done = true;
        return;
    }
    s->stack[s->depth++] = (uint8_t)block;
}

static struct span text_of(const struct css_scan *s) {
    return span_of(s->text, s->is_text_cut ? 0 : s->text_n);
}

// ---- media queries ------------------------------------------------------------------------------

// Behind what does not fit nothing is taken in, and media_is_every_screen will find no end of the
// query that was cut.
static void media_put(struct css_scan *s, struct span word) {
    if (s->media_n + word.n + 1 > sizeof s->media) {
        word = SPAN("?");
    }
    if (s->media_n + word.n + 1 > sizeof s->media) {
        return;
    }
    memcpy(s->media + s->media_n, word.p, word.n);
    s->media[s->media_n + word.n] = ' ';
    s->media_n = (uint8_t)(s->media_n + word.n + 1);
}

static bool is_for_screens(const struct css_scan *s) {
    return media_is_every_screen(span_of(s->media, s->media_n));
}

// ---- @import ------------------------------------------------------------------------------------

// Puts the URL that was read into `held`. False when it cannot be told.
static bool hold_url(struct css_scan *s) {
    s->held_n = (uint16_t)reference_clean(text_of(s), s->held, sizeof s->held);
    if (reference_is_inline(span_of(s->held, s->held_n))) {
        s->held_n = 0;
    }
    return s->held_n > 0;
}

static void take_import_url(struct css_scan *s) {
    s->stage = STAGE_AT;
    if (!hold_url(s)) {
        s->rule = RULE_OTHER;
    }
}

static void end_import(struct css_scan *s) {
    if (s->rule == RULE_IMPORT && s->stage == STAGE_AT && is_for_screens(s)) {
        s->item = (struct css_item){.kind = CSS_IMPORT, .url = span_of(s->held, s->held_n)};
        s->is_ready = true;
    }
}

// ---- @font-face ---------------------------------------------------------------------------------

static bool is_one_of(struct span name, const struct span *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (span_eq_nocase(name, names[i])) {
            return true;
        }
    }
    return false;
}

static void begin_source(struct css_scan *s) {
    s->has_url = s->is_unusable = false;
    s->type = span_of(NULL, 0);
    s->held_n = 0;
}

static void begin_font(struct css_scan *s) {
    s->stage = STAGE_FONT_NAME;
    s->is_chosen = false;
    s->is_latin = true;
    begin_source(s);
}

static void take_source_url(struct css_scan *s) {
    if (!s->is_chosen) {
        s->has_url = true;
        hold_url(s);
    }
}

static void take_format(struct css_scan *s) {
    static const struct {
        struct span name, type;
    } formats[] = {
        {SPAN_INIT("woff2"), SPAN_INIT("font/woff2")},
        {SPAN_INIT("woff2-variations"), SPAN_INIT("font/woff2")},
        {SPAN_INIT("woff"), SPAN_INIT("font/woff")},
        {SPAN_INIT("woff-variations"), SPAN_INIT("font/woff")},
        {SPAN_INIT("truetype"), SPAN_INIT("font/ttf")},
        {SPAN_INIT("truetype-variations"), SPAN_INIT("font/ttf")},
        {SPAN_INIT("opentype"), SPAN_INIT("font/otf")},
        {SPAN_INIT("opentype-variations"), SPAN_INIT("font/otf")},
    };
    if (s->is_chosen) {
        return;
    }
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (span_eq_nocase(text_of(s), formats[i].name)) {
            s->type = formats[i].type;
            return;
        }
    }
    s->is_unusable = true;
}

static void take_tech(struct css_scan *s) {
    static const struct span known[] = {SPAN_INIT("variations"), SPAN_INIT("features-opentype"),
                                        SPAN_INIT("color-colrv0"), SPAN_INIT("color-colrv1"),
                                        SPAN_INIT("palettes")};
    s->is_unusable |= !s->is_chosen && !is_one_of(text_of(s), known, sizeof known / sizeof *known);
}

// Without a format, what the name of the file ends in says whether browsers have any use for it.
static bool is_old_format(struct span url) {
    static const struct span old[] = {SPAN_INIT(".eot"), SPAN_INIT(".svg"), SPAN_INIT(".svgz")};
    struct span path = span_first(url, span_index(url, '#'));
    path = span_first(path, span_index(path, '?'));
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        size_t n = old[i].n;
        if (path.n > n && span_eq_nocase(span_skip(path, path.n - n), old[i])) {
            return true;
        }
    }
    return false;
}

// Browsers take the first source that they understand, also when it is a data: URL or one that is
// too long to be told.
static void end_source(struct css_scan *s) {
    if (s->is_chosen) {
        return;
    }
    bool is_old = s->type.n == 0 && is_old_format(span_of(s->held, s->held_n));
    if (s->has_url && !s->is_unusable && !is_old) {
        s->is_chosen = true;
        return;
    }
    begin_source(s);
}

// urange = "U+" 1*HEX [ "-" 1*HEX ] or with "?" for digits that may be any: is it a to z or more?
static bool has_latin(struct span range) {
    uint32_t low = 0, high = 0;
    bool is_low = true;
    if (range.n < 3 || span_lower_byte(range.p[0]) != 'u' || range.p[1] != '+') {
        return false;
    }
    for (size_t i = 2; i < range.n; i++) {
        uint8_t c = span_lower_byte(range.p[i]);
        uint32_t digit = c <= '9' ? c - (uint32_t)'0' : c - (uint32_t)'a' + 10;
        if (c == '-') {
            high = 0;
            is_low = false;
            continue;
        }
        high = high << 4 | (c == '?' ? 15 : digit & 15);
        low = !is_low ? low : low << 4 | (c == '?' ? 0 : digit & 15);
    }
    return low <= 'a' && high >= 'z';
}

static void end_range(struct css_scan *s) {
    s->is_latin |= s->range_n <= sizeof s->range && has_latin(span_of(s->range, s->range_n));
    s->range_n = 0;
}

void css_rule_range(struct css_scan *s, uint8_t c) {
    if (c == ',') {
        end_range(s);
    } else if (c > ' ' && s->range_n < sizeof s->range) {
        s->range[s->range_n++] = c;
    } else if (c > ' ') {
        s->range_n = sizeof s->range + 1;
    }
}

bool css_rule_is_range(const struct css_scan *s) {
    return s->stage == STAGE_FONT_RANGE && top(s) == BLOCK_FONT;
}

static void end_descriptor(struct css_scan *s) {
    if (s->stage == STAGE_FONT_SRC) {
        end_source(s);
    } else if (s->stage == STAGE_FONT_RANGE) {
        end_range(s);
    }
    s->stage = STAGE_FONT_NAME;
}

static void end_font(struct css_scan *s) {
    end_descriptor(s);
    if (s->is_chosen && s->held_n > 0) {
        s->item = (struct css_item){.kind = CSS_FONT,
                                    .url = span_of(s->held, s->held_n),
                                    .type = s->type,
                                    .is_latin = s->is_latin};
        s->is_ready = true;
    }
}

static void begin_descriptor(struct css_scan *s) {
    struct span name = text_of(s);
    s->stage = span_eq_nocase(name, SPAN("src"))             ? STAGE_FONT_SRC_COLON
               : span_eq_nocase(name, SPAN("unicode-range")) ? STAGE_FONT_RANGE_COLON
                                                             : STAGE_FONT_OTHER;
}

static void font_delimiter(struct css_scan *s, uint8_t c) {
    if (s->stage == STAGE_FONT_SRC) {
        if (c == ',') {
            end_source(s);
        }
    } else if (s->stage == STAGE_FONT_SRC_COLON && c == ':') {
        s->stage = STAGE_FONT_SRC; // a later src replaces an earlier one
        s->is_chosen = false;
        begin_source(s);
    } else if (s->stage == STAGE_FONT_RANGE_COLON && c == ':') {
        s->stage = STAGE_FONT_RANGE;
        s->is_latin = false;
        s->range_n = 0;
    } else {
        s->stage = STAGE_FONT_OTHER;
    }
}

// ---- rules --------------------------------------------------------------------------------------

static void begin_at_rule(struct css_scan *s) {
    static const struct span names[] = {
        [RULE_CHARSET] = SPAN_INIT("@charset"), [RULE_FONT_FACE] = SPAN_INIT("@font-face"),
        [RULE_IMPORT] = SPAN_INIT("@import"),   [RULE_LAYER] = SPAN_INIT("@layer"),
        [RULE_MEDIA] = SPAN_INIT("@media"),     [RULE_SUPPORTS] = SPAN_INIT("@supports"),
    };
    s->stage = STAGE_AT;
    s->rule = RULE_OTHER;
    s->media_n = 0;
    for (uint8_t i = 1; i < sizeof names / sizeof *names; i++) {
        if (span_eq_nocase(text_of(s), names[i])) {
            s->rule = i;
        }
    }
    if (s->rule == RULE_IMPORT) {
        bool may = s->depth == 0 && !s->is_past_imports;
        s->rule = may ? RULE_IMPORT : RULE_OTHER;
        s->stage = may ? STAGE_IMPORT_URL : STAGE_AT;
    } else if (s->rule != RULE_CHARSET && s->rule != RULE_LAYER) {
        s->is_past_imports = true;
    }
}

static void begin_style_rule(struct css_scan *s) {
    s->stage = STAGE_STYLE;
    s->is_past_imports = true;
}

// A token among rules that is not a block, a ";" or an at-keyword at a rule's beginning; `word` is
// how it looks in a media query.
static void rule_token(struct css_scan *s, struct span word) {
    if (s->stage == STAGE_START) {
        begin_style_rule(s);
    } else if (s->stage == STAGE_IMPORT_URL) {
        s->stage = STAGE_AT;
        s->rule = RULE_OTHER;
    } else if (s->stage == STAGE_AT) {
        media_put(s, word);
    }
}

static bool is_dashes(struct span name) {
    return span_eq(name, SPAN("--"));
}

void css_rule_name(struct css_scan *s) {
    struct span name = text_of(s);
    switch (top(s)) {
    case BLOCK_RULES:
        if (s->stage == STAGE_START && s->text_n > 0 && s->text[0] == '@') {
            begin_at_rule(s);
        } else if (s->stage == STAGE_AT && s->media_n == 0 && s->rule == RULE_IMPORT &&
                   span_eq_nocase(name, SPAN("layer"))) {
            break; // says in which layer, not whether
        } else if (s->stage != STAGE_START || s->depth > 0 || !is_dashes(name)) {
            rule_token(s, name.n > 0 ? name : SPAN("?"));
        }
        break;
    case BLOCK_FONT:
        if (s->stage == STAGE_FONT_NAME) {
            begin_descriptor(s);
        }
        break;
    case BLOCK_FORMAT:
        take_format(s);
        break;
    case BLOCK_TECH:
        take_tech(s);
        break;
    default:
        break;
    }
    settle(s);
}

void css_rule_url(struct css_scan *s) {
    enum block block = top(s);
    if (s->stage == STAGE_IMPORT_URL && (block == BLOCK_RULES || block == BLOCK_URL)) {
        take_import_url(s);
    } else if (s->stage == STAGE_FONT_SRC && (block == BLOCK_FONT || block == BLOCK_URL)) {
        take_source_url(s);
    } else if (block == BLOCK_RULES) {
        rule_token(s, SPAN("?"));
    }
    settle(s);
}

void css_rule_string(struct css_scan *s) {
    enum block block = top(s);
    if (block == BLOCK_FORMAT) {
        take_format(s);
    } else if (block == BLOCK_URL || block == BLOCK_RULES) {
        css_rule_url(s);
    }
    settle(s);
}

void css_rule_url_function(struct css_scan *s) {
    enum block block = top(s);
    bool is_wanted = (block == BLOCK_RULES && s->stage == STAGE_IMPORT_URL) ||
                     (block == BLOCK_FONT && s->stage == STAGE_FONT_SRC);
    if (block == BLOCK_RULES && !is_wanted) {
        rule_token(s, SPAN("?"));
    }
    push(s, is_wanted ? BLOCK_URL : BLOCK_PAREN);
    settle(s);
}

void css_rule_function(struct css_scan *s) {
    struct span name = text_of(s);
    enum block block = top(s), opened = BLOCK_PAREN;
    if (block == BLOCK_FONT && s->stage == STAGE_FONT_SRC) {
        opened = span_eq_nocase(name, SPAN("format")) ? BLOCK_FORMAT
                 : span_eq_nocase(name, SPAN("tech")) ? BLOCK_TECH
                                                      : BLOCK_PAREN;
    } else if (block == BLOCK_FONT) {
        font_delimiter(s, 0);
    } else if (block == BLOCK_RULES && (s->rule != RULE_IMPORT || s->stage != STAGE_AT ||
                                        s->media_n > 0 || !span_eq_nocase(name, SPAN("layer")))) {
        rule_token(s, SPAN("?"));
    }
    push(s, opened);
    settle(s);
}

// The block that "{" opens behind an at-rule's prelude.
static enum block block_of_rule(struct css_scan *s) {
    switch (s->rule) {
    case RULE_FONT_FACE:
        return s->media_n == 0 ? BLOCK_FONT : BLOCK_OPAQUE;
    case RULE_LAYER:
        s->is_past_imports = true;
        return BLOCK_RULES;
    case RULE_SUPPORTS:
        return BLOCK_RULES;
    case RULE_MEDIA:
        return is_for_screens(s) ? BLOCK_RULES : BLOCK_OPAQUE;
    default:
        return BLOCK_OPAQUE;
    }
}

static void open_brace(struct css_scan *s) {
    bool is_rule = top(s) == BLOCK_RULES;
    enum block block = is_rule && s->stage == STAGE_AT ? block_of_rule(s) : BLOCK_OPAQUE;
    if (is_rule && s->stage == STAGE_START) {
        begin_style_rule(s);
    }
    push(s, block);
    if (block == BLOCK_RULES) {
        s->stage = STAGE_START;
    } else if (block == BLOCK_FONT) {
        begin_font(s);
    }
}

void css_rule_open(struct css_scan *s, uint8_t c) {
    enum block block = top(s);
    if (c == '{') {
        open_brace(s);
    } else {
        css_rule_delimiter(s, c);
        push(s, c == '(' ? BLOCK_PAREN : BLOCK_SQUARE);
    }
    if (block == BLOCK_FONT && s->stage != STAGE_FONT_SRC) {
        s->stage = STAGE_FONT_OTHER;
    }
    settle(s);
}

static bool closes(enum block block, uint8_t c) {
    switch (block) {
    case BLOCK_OPAQUE:
    case BLOCK_RULES:
    case BLOCK_FONT:
        return c == '}';
    case BLOCK_SQUARE:
        return c == ']';
    default:
        return c == ')';
    }
}

void css_rule_close(struct css_scan *s, uint8_t c) {
    enum block block = top(s);
    if (s->depth == 0 || !closes(block, c)) {
        css_rule_delimiter(s, c);
        return;
    }
    if (block == BLOCK_FONT) {
        end_font(s);
    }
    s->depth--;
    if (c == '}' && top(s) == BLOCK_RULES) {
        s->stage = STAGE_START;
    }
    settle(s);
}

void css_rule_semicolon(struct css_scan *s) {
    enum block block = top(s);
    if (block == BLOCK_FONT) {
        end_descriptor(s);
    } else if (block == BLOCK_RULES && s->stage == STAGE_START) {
        begin_style_rule(s);
    } else if (block == BLOCK_RULES && s->stage != STAGE_STYLE) {
        end_import(s);
        s->stage = STAGE_START;
    }
    settle(s);
}

void css_rule_delimiter(struct css_scan *s, uint8_t c) {
    enum block block = top(s);
    bool is_comment_mark = c == '<' || c == '!' || c == '>'; // of <!-- and -->
    if (block == BLOCK_FONT) {
        font_delimiter(s, c);
    } else if (block == BLOCK_RULES &&
               !(s->stage == STAGE_START && s->depth == 0 && is_comment_mark)) {
        rule_token(s, c == ',' ? SPAN(",") : SPAN("?"));
    }
    settle(s);
}

void css_rule_end(struct css_scan *s) {
    while (s->depth > 0 && top(s) != BLOCK_FONT && top(s) != BLOCK_RULES) {
        s->depth--;
    }
    if (top(s) == BLOCK_FONT) {
        end_font(s);
    } else {
        end_import(s);
    }
    s->is_done = true;
}

bool css_rule_wants_semicolon(const struct css_scan *s) {
    return top(s) == BLOCK_FONT || top(s) == BLOCK_RULES;
}
