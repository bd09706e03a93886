// SPDX-License-Identifier: MIT
// The names in a tag, and what its attributes say. Where in the document it stands is
// html_place.h's, what it makes a browser fetch html_link.h's.
#ifndef SCAN_HTML_TAG_H
#define SCAN_HTML_TAG_H

#include "scan/html_scan.h"

enum html_element {
    HTML_ELEMENT_OTHER,
#define ELEMENT(constant, name, kind) HTML_ELEMENT_##constant,
#include "scan/html_element.def"
#undef ELEMENT
    HTML_ELEMENTS
};

// Bits of what html_element.def says of an element.
enum { HTML_KIND_RAW = 1, HTML_KIND_HEAD = 2 };

// The element of that name, in lower case.
enum html_element html_tag_element(struct span name);
// The attribute of that name, in lower case; HTML_ATTRIBUTES if it does not matter.
enum html_attribute html_tag_attribute(struct span name);
// The attribute's value matters, not only that it is there.
bool html_tag_keeps(enum html_attribute attribute);
// The attributes of such a start tag may matter.
bool html_tag_has_attributes(enum html_element element);
// The name of an element, lower case.
struct span html_tag_name(enum html_element element);
// Its kind: bits HTML_KIND_*.
unsigned html_tag_kind(enum html_element element);
// The start tag that was read has the attribute, with or without a value.
bool html_tag_has(const struct html_scan *s, enum html_attribute attribute);
// Its value; empty when it is not there.
struct span html_tag_value(const struct html_scan *s, enum html_attribute attribute);
// Its value is that keyword, in any case; with blanks around it, it is none (HTML, 2.3.3).
bool html_tag_is(const struct html_scan *s, enum html_attribute attribute, struct span keyword);
// Without the blanks of HTML around it.
struct span html_tag_trim(struct span text);
// The type says CSS, with or without parameters, or nothing.
bool html_tag_is_css(const struct html_scan *s);

#endif
