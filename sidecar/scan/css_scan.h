// SPDX-License-Identifier: MIT
// Reads a stylesheet as it passes, cut anywhere, and tells what a browser will fetch because of it:
// the stylesheets it imports, and the fonts it declares. Strings, comments, escapes, blocks and
// url() are read as CSS Syntax 3 says, so that nothing inside of them is taken for a rule. Holds
// everything in itself and allocates nothing.
//
//     css_scan_feed(&scan, bytes);
//     while (css_scan_next(&scan, &item) == STEP_ITEM) ...
//
// A font is told once its @font-face is complete: the first source that browsers can use, of the
// last src. It is a candidate only: browsers fetch it when text needs it. Rules inside a @media
// that not every screen matches are not told; @layer and @supports are looked into.
#ifndef SCAN_CSS_SCAN_H
#define SCAN_CSS_SCAN_H

#include "base/span.h"
#include "base/step.h"

#define CSS_SCAN_MOST (256u << 10) // bytes of a stylesheet that are looked at
#define CSS_SCAN_URL_MAX 1024      // bytes; an import or font with a longer URL is not told
#define CSS_SCAN_DEPTH_MAX 64      // blocks in blocks; a deeper stylesheet is not read further

enum css_item_kind {
    CSS_IMPORT, // @import, before all other rules
    CSS_FONT,   // the source of an @font-face
};

struct css_item {
    enum css_item_kind kind;
    struct span url;     // as reference_clean writes it; not resolved. Borrowed until the next call
    struct span type;    // FONT: "font/woff2", ..., or empty where the rule does not say. Static
    bool is_latin;       // FONT: there is no unicode-range, or it has all of a to z
    bool is_conditional; // IMPORT: it does not apply to every screen
};

struct css_scan {
    size_t seen, most; // bytes looked at; how many will be
    struct span in;
    bool has_ended, is_done;

    // The tokenizer.
    uint8_t lex, quote;  // what it is inside of, and the quote that ends a string
    uint8_t back, digit; // what an escape returns to, and how many hex digits it has so far
    uint32_t code;       // their value
    uint32_t last;       // the last four bytes of plain text, to know "url(" by
    bool is_skipping;    // only blocks and ends matter now, no names
    bool is_text_cut;    // the token is longer than `text`
    uint16_t text_n;

    // The rules.
    uint8_t stack[CSS_SCAN_DEPTH_MAX], depth; // the blocks that are open
    uint8_t rule, stage;                      // the at-rule that is being read, and where in it
    bool has_import, is_past_imports;         // one was seen; and a rule behind which none counts
    bool has_url, is_chosen, is_unusable;     // of a font's source
    bool is_latin;
    uint8_t media_n, range_n;
    uint16_t held_n;
    uint8_t media[48], range[16];
    struct span type;

    bool is_ready; // an item waits for css_scan_next
    struct css_item item;
    uint8_t text[CSS_SCAN_URL_MAX]; // the name, string or URL that is being read
    uint8_t held[CSS_SCAN_URL_MAX]; // the URL of the rule that is being read, then of its item
};

// Starts at the beginning of a stylesheet of which `most` bytes are to be looked at.
void css_scan_init(struct css_scan *s, size_t most);
// Hands over bytes, borrowed until css_scan_next says MORE; only then may more be fed.
void css_scan_feed(struct css_scan *s, struct span bytes);
// The stylesheet is complete: rules that are still open end here, and css_scan_next tells them.
void css_scan_end(struct css_scan *s);
// The next item, or STEP_MORE. Never STEP_BAD: all bytes are a stylesheet.
enum step css_scan_next(struct css_scan *s, struct css_item *out);
// Nothing will be told any more, whatever is fed.
bool css_scan_is_done(const struct css_scan *s);

#endif
