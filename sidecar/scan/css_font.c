// SPDX-License-Identifier: MIT
#include "scan/css_font.h"

#include "scan/css_rule.h"

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

void css_font_begin(struct css_scan *s) {
    s->stage = STAGE_FONT_NAME;
    s->is_chosen = false;
    s->is_latin = true;
    begin_source(s);
}

void css_font_url(struct css_scan *s) {
    if (!s->is_chosen) {
        s->has_url = true;
        css_rule_hold_url(s);
    }
}

void css_font_format(struct css_scan *s) {
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
        if (span_eq_nocase(css_rule_text(s), formats[i].name)) {
            s->type = formats[i].type;
            return;
        }
    }
    s->is_unusable = true;
}

void css_font_tech(struct css_scan *s) {
    static const struct span known[] = {SPAN_INIT("variations"), SPAN_INIT("features-opentype"),
                                        SPAN_INIT("color-colrv0"), SPAN_INIT("color-colrv1"),
                                        SPAN_INIT("palettes")};
    s->is_unusable |=
        !s->is_chosen && !is_one_of(css_rule_text(s), known, sizeof known / sizeof *known);
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

void css_font_range(struct css_scan *s, uint8_t c) {
    if (c == ',') {
        end_range(s);
    } else if (c > ' ' && s->range_n < sizeof s->range) {
        s->range[s->range_n++] = c;
    } else if (c > ' ') {
        s->range_n = sizeof s->range + 1;
    }
}

void css_font_end_descriptor(struct css_scan *s) {
    if (s->stage == STAGE_FONT_SRC) {
        end_source(s);
    } else if (s->stage == STAGE_FONT_RANGE) {
        end_range(s);
    }
    s->stage = STAGE_FONT_NAME;
}

void css_font_end(struct css_scan *s) {
    css_font_end_descriptor(s);
    if (s->is_chosen && s->held_n > 0) {
        s->item = (struct css_item){.kind = CSS_FONT,
                                    .url = span_of(s->held, s->held_n),
                                    .type = s->type,
                                    .is_latin = s->is_latin};
        s->is_ready = true;
    }
}

void css_font_name(struct css_scan *s) {
    struct span name = css_rule_text(s);
    s->stage = span_eq_nocase(name, SPAN("src"))             ? STAGE_FONT_SRC_COLON
               : span_eq_nocase(name, SPAN("unicode-range")) ? STAGE_FONT_RANGE_COLON
                                                             : STAGE_FONT_OTHER;
}

void css_font_delimiter(struct css_scan *s, uint8_t c) {
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
