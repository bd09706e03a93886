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
#ifndef HINTS_CSS_SCAN_H
#define HINTS_CSS_SCAN_H

#include "base/span.h"
#include "base/step.h"

#define CSS_SCAN_MOST (256u << 10) // bytes of a stylesheet that are looked at
#define CSS_SCAN_URL_MAX 1024      // bytes; an import or font with a longer URL is not told
#define CSS_SCAN_DEPTH_MAX 64      // blocks in blocks; a deeper stylesheet is not read further

enum css_item_kind {
    CSS_IMPORT, // @import that applies to every screen, before all other rules
    CSS_FONT,   // the source of an @font-face
};

struct css_item {
    enum css_item_kind kind;
    struct span url;  // as reference_clean writes it; not resolved. Borrowed until the next call
    struct span type; // FONT: "font/woff2", ..., or empty where the rule does not say. Static
    bool is_latin;    // FONT: there is no unicode-range, or it has all of a to z
};

struct css_scan {
    size_t seen, most; // bytes looked at; how many will be
    struct span in;
    bool has_ended; // css_scan_end was called
    bool is_done;

    uint8_t lex, quote;    // what the tokenizer is in, and the quote that ends a string
    uint8_t escape, digit; // what an escape goes back to, and how many hex digits it has so far
    uint32_t code;         // their value
    uint8_t last[4];       // the last bytes of ordinary text, to know "url(" when it is cut
    uint8_t skip;          // nothing of this statement is of interest: look for its end only

    uint8_t stack[CSS_SCAN_DEPTH_MAX]; // enum css_block: the blocks that are open
    uint8_t depth;
    uint8_t rule, stage;  // the at-rule that is being read, and where in it
    bool is_past_imports; // a rule was seen behind which no @import counts
    bool is_media_known;  // `media` has room for everything seen of it

    uint16_t text_n, held_n;
    bool is_text_cut; // the token is longer than `text`
    uint8_t media[48], media_n;
    uint8_t font_type, tech; // index of the held source's format, and whether its tech() is known
    bool is_chosen, is_entry_bad, is_latin, has_range;
    uint8_t range[16], range_n;
    bool is_ready; // an item waits for css_scan_next
    struct css_item item;
    uint8_t text[CSS_SCAN_URL_MAX]; // the name, string or URL that is being read
    uint8_t held[CSS_SCAN_URL_MAX]; // the URL of the rule that is being read, and the item's
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
