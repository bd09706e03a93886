// SPDX-License-Identifier: MIT
// A simulated site for the learning simulation: three hundred pages of six kinds as WordPress and a
// shop make them, with what all pages share, what a kind shares, what a single page needs, fonts
// that only a browser's requests reveal, and decoys. Whether the navigation's stylesheet is linked
// or inlined is decided per page. The site is edited and deployed while it is visited. Everything
// follows from numbers given to it: the same numbers make the same site.
#ifndef SIM_LEARNING_SITE_H
#define SIM_LEARNING_SITE_H

#include "hints/hint.h"

#define SITE_PAGES 300
#define SITE_URLS_MAX 4096
#define SITE_USES_MAX 48 // of one page
#define SITE_SKIN_BYTES 30000

enum site_use_flag {
    USE_BLOCKING = 1, // blocks rendering: belongs to the right set
    USE_HTML = 2,     // the HTML has it where a preload scanner finds it
    USE_FETCHED = 4,  // the browser of this visitor needs it
    USE_FONT = 8,     // a font that an inline @font-face declares
    USE_LATE = 16,    // does not block: module, async, at the end of the body
    USE_MODULE = 32,
};

// One asset by its URL: a new version is another one.
struct site_url {
    char text[64]; // path and query
    enum hint_as as;
    uint32_t bytes;
    uint32_t owner; // the user who alone may see it; 0: everybody
    bool is_dead;   // 404 since a deploy took its file away
    bool is_module;
};

struct site_use {
    uint16_t url;
    uint8_t flags; // enum site_use_flag
};

// What one response of a page needs.
struct site_view {
    struct site_use uses[SITE_USES_MAX];
    size_t n;
};

// Who asks.
struct site_reader {
    uint32_t user;   // 0: nobody in particular
    bool is_mobile;  // gets the small images
    bool has_emoji;  // needs no script for them
    uint64_t chance; // decides what the site decides by chance: the variant
};

struct site {
    struct site_url urls[SITE_URLS_MAX];
    size_t urls_n;
    uint16_t by_hash[2 * SITE_URLS_MAX]; // url + 1
    unsigned version;                    // of what a deploy replaces
    bool has_hashed_names;               // a deploy renames files instead of changing ?ver=
    unsigned theme;
    bool has_variants;          // landing pages are of two kinds, by chance
    uint16_t edits[SITE_PAGES]; // how often each page's content was changed
    char skin[32];              // what the next response reflects from its query, or empty
};

// A well-mixed number of two.
uint64_t site_mix(uint64_t a, uint64_t b);
void site_init(struct site *s);
// The path of a page: page 0 is the front page. Valid until the next call.
const char *site_path(unsigned page);
// The URL's number by its text, or SITE_URLS_MAX.
size_t site_find(const struct site *s, struct span text);
// What the next response of the page to that reader has.
void site_view(struct site *s, unsigned page, const struct site_reader *reader,
               struct site_view *out);
// Replaces all files of the theme and the core by newer ones; renamed ones leave 404s behind.
void site_deploy(struct site *s);
// Writes the canonical Link value of an asset. Its length.
size_t site_link(const struct site_url *url, char *out, size_t cap);

#endif
