// SPDX-License-Identifier: MIT
// One @font-face, for css_rule: of its sources the one that browsers fetch (CSS Fonts 4, 4.3), and
// whether its unicode-range has the Latin letters. The text of names, strings and URLs is s->text;
// s->stage says which descriptor is being read.
#ifndef SCAN_CSS_FONT_H
#define SCAN_CSS_FONT_H

#include "scan/css_scan.h"

// Behind the "{" of the rule.
void css_font_begin(struct css_scan *s);
// The name of a descriptor.
void css_font_name(struct css_scan *s);
// A byte that is a token of its own: ":" and "," mean something.
void css_font_delimiter(struct css_scan *s, uint8_t c);
// The URL of a source.
void css_font_url(struct css_scan *s);
// What stands in format().
void css_font_format(struct css_scan *s);
// What stands in tech().
void css_font_tech(struct css_scan *s);
// One byte of the value of unicode-range.
void css_font_range(struct css_scan *s, uint8_t c);
// The ";" behind a descriptor.
void css_font_end_descriptor(struct css_scan *s);
// The end of the rule. Makes the item ready when there is one.
void css_font_end(struct css_scan *s);

#endif
