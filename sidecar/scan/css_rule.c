// SPDX-License-Identifier: MIT
#include "scan/css_rule.h"

#include "scan/css_font.h"
#include "scan/media.h"
#include "scan/reference.h"

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
    RULE_UNKNOWN, // browsers drop it, and imports may follow
    RULE_CHARSET, // likewise, wherever it stands
    RULE_FONT_FACE,
    RULE_IMPORT,
    RULE_LAYER,
    RULE_MEDIA,
    RULE_SUPPORTS,
    RULE_OTHER, // of no interest, but no import may follow
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

struct span css_rule_text(const struct css_scan *s) {
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

bool css_rule_hold_url(struct css_scan *s) {
    s->held_n = (uint16_t)reference_clean(css_rule_text(s), s->held, sizeof s->held);
    if (reference_is_inline(span_of(s->held, s->held_n))) {
        s->held_n = 0;
    }
    return s->held_n > 0;
}

static void take_import_url(struct css_scan *s) {
    s->stage = STAGE_AT;
    s->has_import = true; // also one of nothing
    if (!css_rule_hold_url(s)) {
        s->rule = RULE_UNKNOWN;
    }
}

static void end_import(struct css_scan *s) {
    if (s->rule == RULE_IMPORT && s->stage == STAGE_AT) {
        s->item = (struct css_item){.kind = CSS_IMPORT,
                                    .url = span_of(s->held, s->held_n),
                                    .is_conditional = !is_for_screens(s)};
        s->is_ready = true;
    }
}

// ---- rules --------------------------------------------------------------------------------------

// The rules that browsers know (CSS, at-rules). Vendors' own begin with "@-".
static enum rule rule_of(struct span name) {
    static const struct {
        struct span name;
        enum rule rule;
    } rules[] = {
        {SPAN_INIT("@charset"), RULE_CHARSET},
        {SPAN_INIT("@container"), RULE_OTHER},
        {SPAN_INIT("@counter-style"), RULE_OTHER},
        {SPAN_INIT("@font-face"), RULE_FONT_FACE},
        {SPAN_INIT("@font-feature-values"), RULE_OTHER},
        {SPAN_INIT("@font-palette-values"), RULE_OTHER},
        {SPAN_INIT("@import"), RULE_IMPORT},
        {SPAN_INIT("@keyframes"), RULE_OTHER},
        {SPAN_INIT("@layer"), RULE_LAYER},
        {SPAN_INIT("@media"), RULE_MEDIA},
        {SPAN_INIT("@namespace"), RULE_OTHER},
        {SPAN_INIT("@page"), RULE_OTHER},
        {SPAN_INIT("@position-try"), RULE_OTHER},
        {SPAN_INIT("@property"), RULE_OTHER},
        {SPAN_INIT("@scope"), RULE_OTHER},
        {SPAN_INIT("@starting-style"), RULE_OTHER},
        {SPAN_INIT("@supports"), RULE_SUPPORTS},
        {SPAN_INIT("@view-transition"), RULE_OTHER},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (span_eq_nocase(name, rules[i].name)) {
            return rules[i].rule;
        }
    }
    return span_has_prefix(name, SPAN("@-")) || name.n == 0 ? RULE_OTHER : RULE_UNKNOWN;
}

static void begin_at_rule(struct css_scan *s) {
    s->stage = STAGE_AT;
    s->media_n = 0;
    s->rule = (uint8_t)rule_of(css_rule_text(s));
    if (s->rule == RULE_IMPORT) {
        bool may = s->depth == 0 && !s->is_past_imports;
        s->rule = may ? RULE_IMPORT : RULE_UNKNOWN;
        s->stage = may ? STAGE_IMPORT_URL : STAGE_AT;
    } else if (s->rule == RULE_LAYER) {
        s->is_past_imports |= s->has_import; // between imports it ends them (CSS Cascade 5, 4.1)
    } else if (s->rule != RULE_CHARSET && s->rule != RULE_UNKNOWN) {
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
        s->rule = RULE_UNKNOWN;
    } else if (s->stage == STAGE_AT) {
        media_put(s, word);
    }
}

static bool is_dashes(struct span name) {
    return span_eq(name, SPAN("--"));
}

// Behind the string of a url() there is something more: no browser knows what it would mean.
static void spoil_url(struct css_scan *s) {
    if (s->stage == STAGE_FONT_SRC) {
        s->is_unusable |= !s->is_chosen;
    } else {
        s->rule = RULE_UNKNOWN;
    }
}

void css_rule_name(struct css_scan *s) {
    struct span name = css_rule_text(s);
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
            css_font_name(s);
        }
        break;
    case BLOCK_FORMAT:
        css_font_format(s);
        break;
    case BLOCK_TECH:
        css_font_tech(s);
        break;
    case BLOCK_URL:
        spoil_url(s);
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
        css_font_url(s);
    } else if (block == BLOCK_RULES) {
        rule_token(s, SPAN("?"));
    } else {
        spoil_url(s);
    }
    settle(s);
}

void css_rule_string(struct css_scan *s) {
    enum block block = top(s);
    if (block == BLOCK_FORMAT) {
        css_font_format(s);
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
    struct span name = css_rule_text(s);
    enum block block = top(s), opened = BLOCK_PAREN;
    if (block == BLOCK_FONT && s->stage == STAGE_FONT_SRC) {
        opened = span_eq_nocase(name, SPAN("format")) ? BLOCK_FORMAT
                 : span_eq_nocase(name, SPAN("tech")) ? BLOCK_TECH
                                                      : BLOCK_PAREN;
    } else if (block == BLOCK_FONT) {
        css_font_delimiter(s, 0);
    } else if (block == BLOCK_URL) {
        spoil_url(s);
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
        css_font_begin(s);
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
        css_font_end(s);
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
        css_font_end_descriptor(s);
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
        css_font_delimiter(s, c);
    } else if (block == BLOCK_URL) {
        spoil_url(s);
    } else if (block == BLOCK_RULES &&
               !(s->stage == STAGE_START && s->depth == 0 && is_comment_mark)) {
        rule_token(s, c == ',' ? SPAN(",") : SPAN("?"));
    }
    settle(s);
}

bool css_rule_is_range(const struct css_scan *s) {
    return s->stage == STAGE_FONT_RANGE && top(s) == BLOCK_FONT;
}

void css_rule_end(struct css_scan *s) {
    while (s->depth > 0 && top(s) != BLOCK_FONT && top(s) != BLOCK_RULES) {
        s->depth--;
    }
    if (top(s) == BLOCK_FONT) {
        css_font_end(s);
    } else {
        end_import(s);
    }
    s->is_done = true;
}

bool css_rule_wants_semicolon(const struct css_scan *s) {
    return top(s) == BLOCK_FONT || top(s) == BLOCK_RULES;
}
