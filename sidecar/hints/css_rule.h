// SPDX-License-Identifier: MIT
// What the tokens of a stylesheet mean, for css_scan: which rule they belong to, and what that rule
// makes a browser fetch. Each function takes one token of CSS Syntax 3; the text of names, strings
// and URLs is s->text. When s->is_ready is set after a call, an item is complete.
#ifndef HINTS_CSS_RULE_H
#define HINTS_CSS_RULE_H

#include "hints/css_scan.h"

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
// One byte of the value of unicode-range, for as long as css_rule_is_range.
void css_rule_range(struct css_scan *s, uint8_t c);
// The value of a unicode-range is being read: its bytes are no tokens.
bool css_rule_is_range(const struct css_scan *s);
// The end of the stylesheet.
void css_rule_end(struct css_scan *s);
// A ";" means something where the stylesheet is read now.
bool css_rule_wants_semicolon(const struct css_scan *s);

#endif
