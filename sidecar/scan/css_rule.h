// SPDX-License-Identifier: MIT
// What the tokens of a stylesheet mean, for css_scan: which rule they belong to, and what that rule
// makes a browser fetch. Each function takes one token of CSS Syntax 3; the text of names, strings
// and URLs is s->text. When s->is_ready is set after a call, an item is complete.
#ifndef SCAN_CSS_RULE_H
#define SCAN_CSS_RULE_H

#include "scan/css_scan.h"

// Where in a rule the stylesheet is read.
enum css_stage {
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

// The text of the token; empty when it was too long.
struct span css_rule_text(const struct css_scan *s);
// Puts the URL that was read into s->held. False when it cannot be told.
bool css_rule_hold_url(struct css_scan *s);

// A name, number, "@name" or "#name".
void css_rule_name(struct css_scan *s);
// A string.
void css_rule_string(struct css_scan *s);
// An unquoted url().
void css_rule_url(struct css_scan *s);
// "(" of the function whose name is s->text, or of none.
void css_rule_function(struct css_scan *s);
// "url(" in front of a string.
void css_rule_url_function(struct css_scan *s);
// "(", "[" or "{" without a name.
void css_rule_open(struct css_scan *s, uint8_t c);
// ")", "]" or "}".
void css_rule_close(struct css_scan *s, uint8_t c);
// ";".
void css_rule_semicolon(struct css_scan *s);
// Any other byte that is a token of its own, or a token that is broken (0).
void css_rule_delimiter(struct css_scan *s, uint8_t c);
// The value of a unicode-range is being read: its bytes are no tokens, but css_font_range's.
bool css_rule_is_range(const struct css_scan *s);
// The end of the stylesheet.
void css_rule_end(struct css_scan *s);
// A ";" means something where the stylesheet is read now.
bool css_rule_wants_semicolon(const struct css_scan *s);

#endif
