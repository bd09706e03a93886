// SPDX-License-Identifier: MIT
// What the tags of a document mean, for html_scan: where in the document it is, and how the text
// behind a tag is to be read. What a tag makes a browser fetch is html_link.h's.
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

// How the text behind a tag is to be read.
enum html_text_kind {
    HTML_TEXT_MARKUP,
    HTML_TEXT_RAW,    // up to the element's own end tag
    HTML_TEXT_STYLE,  // likewise, and it is a stylesheet
    HTML_TEXT_SCRIPT, // likewise, with the ways in which a script can hide its end tag
    HTML_TEXT_END,    // there is no markup any more
};

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
// Takes the start tag that was read; its name is in s->name. Says how the text behind it is read.
enum html_text_kind html_tag_open(struct html_scan *s);
// Takes the end tag that was read.
void html_tag_close(struct html_scan *s);
// The start tag that was read has the attribute, with or without a value.
bool html_tag_has(const struct html_scan *s, enum html_attribute attribute);
// Its value; empty when it is not there.
struct span html_tag_value(const struct html_scan *s, enum html_attribute attribute);
// Its value without blanks around it is that keyword, in any case.
bool html_tag_is(const struct html_scan *s, enum html_attribute attribute, struct span keyword);
// Without the blanks of HTML around it.
struct span html_tag_trim(struct span text);
// The type says CSS, or nothing.
bool html_tag_is_css(const struct html_scan *s);
// Nothing is fetched because of it: it is in a template, or cannot be read exactly.
bool html_tag_is_inert(const struct html_scan *s);
// Text is inside of SVG or MathML, where CDATA sections are.
bool html_tag_is_foreign(const struct html_scan *s);

#endif
