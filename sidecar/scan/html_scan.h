// SPDX-License-Identifier: MIT
// The preload scanner: reads an HTML document as it passes, cut anywhere, and tells what a browser
// will fetch because of it. It reads tags, attributes, comments, scripts and the other raw text
// elements as browsers do (HTML, 13.2.5), but builds no tree. About 4 KB, all inside the struct;
// allocates nothing.
//
//     html_scan_feed(&scan, bytes);
//     while (html_scan_next(&scan, &item) == STEP_ITEM) ...
//
// Told are: stylesheets that every screen applies, and as such the others; classic and module
// scripts; modulepreload, preload and preconnect links; images with fetchpriority=high whose file
// does not depend on the screen; what inline stylesheets import; as candidates the fonts that those
// declare; the base URL; a content security policy. Never told is what stands in comments,
// <script>, <style>, <noscript>, <textarea>, <title>, <xmp>, <iframe> and the like, in <template>
// unless that is a shadow tree, in SVG and MathML but for the scripts and stylesheets of SVG and
// HTML inside of them, and what has an attribute that cannot be read exactly (too long, a NUL, a
// character reference that is not known).
#ifndef SCAN_HTML_SCAN_H
#define SCAN_HTML_SCAN_H

#include "hints/link.h"
#include "scan/css_scan.h"

#define HTML_SCAN_MOST (128u << 10) // bytes of a document that are looked at
#define HTML_SCAN_VALUE_MAX 2048    // bytes of an attribute's value
#define HTML_SCAN_STORE 3584        // bytes of all attributes of a tag that matter
#define HTML_SCAN_NAME_MAX 16       // bytes of the longest name of interest
#define HTML_SCAN_LEVELS 32         // SVG, MathML and HTML inside of each other; likewise templates

enum html_item_kind {
    HTML_LINK, // a link to hint: `link`
    HTML_FONT, // a font that an inline @font-face declares, as the link that would hint it: `link`
    HTML_BASE, // the URL against which the items behind it resolve: `text`
    HTML_POLICY, // <meta http-equiv=content-security-policy>: `text`
};

struct html_item {
    enum html_item_kind kind;
    struct link link; // rel, as, crossorigin, type, fetchpriority, integrity as the browser will
                      // ask; the target as reference_clean writes it. `raw` is empty
    struct span text;
    bool in_body;  // stands behind <head>
    bool is_late;  // LINK: rendering does not wait for it: async, defer, module, preload, image
    bool is_latin; // FONT: see css_item
    bool is_conditional; // LINK of a stylesheet or font: not every screen applies it, or only a
                         // script makes it apply. Browsers may fetch it none the less
};

enum html_attribute {
#define ATTRIBUTE(constant, name, keeps) HTML_##constant,
#include "scan/html_attribute.def"
#undef ATTRIBUTE
    HTML_ATTRIBUTES
};

struct html_scan {
    size_t seen; // bytes looked at
    struct span in;
    bool is_done;

    // The tokenizer, and the tag that it reads.
    uint8_t state, back; // back: where a raw text that does not end here goes on
    uint8_t quote;       // what ends the attribute's value
    bool is_double;      // of a script: "<!--" and "<script" hide its end tag
    uint8_t element;     // of the tag, or whose raw text is being read
    bool is_end_tag, is_self_closing;
    bool is_unreadable;    // an attribute that matters cannot be read exactly
    bool reads_attributes; // they may matter
    // Over HTML_SCAN_NAME_MAX: none that matters.
    uint8_t name_n, attribute_n;
    uint8_t name[HTML_SCAN_NAME_MAX], attribute_name[HTML_SCAN_NAME_MAX];
    uint8_t attribute; // whose value is being read; HTML_ATTRIBUTES: none that matters
    uint32_t has;      // bit 1 << enum html_attribute
    uint16_t used;     // of the store
    struct {
        uint16_t at, n;
    } value[HTML_ATTRIBUTES]; // in the store

    // Where in the document that is.
    bool in_body, in_picture, has_base, has_title;
    bool is_style_read;        // `css` reads the raw text
    bool is_style_conditional; // of a stylesheet that not every screen applies
    bool may_host;             // the tag before was a start tag of what can have a shadow tree
    uint8_t templates_n;       // open <template>s
    uint32_t templates; // a bit each, the lowest is the innermost: 1 is inert, 0 a shadow tree
    uint8_t levels_n;   // open <svg>, <math>, and HTML inside of them
    struct html_level {
        uint8_t place;   // enum html_place
        uint8_t element; // that opened it
        uint8_t depth;   // open elements in it that are no level of their own; no more than 255
    } levels[HTML_SCAN_LEVELS];
    uint32_t title; // hash of the preferred style sheet set's name

    union {
        uint8_t store[HTML_SCAN_STORE]; // the values of the tag's attributes, decoded
        struct css_scan css;            // of <style>
    };
};

// Starts at the beginning of a document.
void html_scan_init(struct html_scan *s);
// Hands over bytes, borrowed until html_scan_next says MORE; only then may more be fed.
void html_scan_feed(struct html_scan *s, struct span bytes);
// The next item, or STEP_MORE. Never STEP_BAD: all bytes are a document. The spans of *out are
// borrowed until the next call.
enum step html_scan_next(struct html_scan *s, struct html_item *out);
// Nothing will be told any more, whatever is fed.
bool html_scan_is_done(const struct html_scan *s);

#endif
