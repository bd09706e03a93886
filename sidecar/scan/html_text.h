// SPDX-License-Identifier: MIT
// The value of an HTML attribute from its source text.
#ifndef SCAN_HTML_TEXT_H
#define SCAN_HTML_TEXT_H

#include "base/span.h"

// Decodes the character references of an attribute's value (HTML, 13.2.5.72 to 80) in place:
// numeric ones, amp, lt, gt, quot, apos and nbsp. *n is its length before and after. False when it
// cannot be read exactly: it has a NUL, another reference by name, or one to a number that stands
// for another character than its own.
bool html_text_decode(uint8_t *p, size_t *n);

#endif
