// SPDX-License-Identifier: MIT
// Where in the document html_scan is, without a tree: in <head> or <body>, in templates, in SVG and
// MathML and in HTML inside of those (HTML, 13.2.6.5); and so how the text behind a tag is to be
// read. Where a document closes what it has not opened, what browsers do depends on all that is
// open; here it is taken for closed.
#ifndef SCAN_HTML_PLACE_H
#define SCAN_HTML_PLACE_H

#include "scan/html_scan.h"

enum html_place {
    HTML_PLACE_HTML, // inside of SVG or MathML: at an integration point
    HTML_PLACE_SVG,
    HTML_PLACE_MATH,
};

// How the text behind a tag is to be read.
enum html_text_kind {
    HTML_TEXT_MARKUP,
    HTML_TEXT_RAW,    // up to the element's own end tag
    HTML_TEXT_STYLE,  // likewise, and it is a stylesheet
    HTML_TEXT_SCRIPT, // likewise, with the ways in which a script can hide its end tag
    HTML_TEXT_END,    // there is no markup any more
};

// Takes the start tag that was read; its name is in s->name. Says how the text behind it is read.
enum html_text_kind html_place_open(struct html_scan *s);
// Takes the end tag that was read.
void html_place_close(struct html_scan *s);
// Nothing is fetched because of the tag: it is in a template, or cannot be read exactly.
bool html_place_is_inert(const struct html_scan *s);
// In a shadow tree, which has no base URL and declares no fonts of its own (CSS Scoping, 3.5).
bool html_place_is_shadow(const struct html_scan *s);
// Inside of SVG or MathML, where CDATA sections are.
bool html_place_is_foreign(const struct html_scan *s);
// Inside of SVG.
bool html_place_is_svg(const struct html_scan *s);

#endif
