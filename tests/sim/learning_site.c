// SPDX-License-Identifier: MIT
#include "sim/learning_site.h"

#include <assert.h>
#include <stdio.h>

enum kind { FRONT, POST, PAGE, LIST, PRODUCT, LANDING };

// The pages by number: the first of each kind.
static const unsigned first_of[] = {
    [FRONT] = 0, [POST] = 1, [PAGE] = 151, [LIST] = 181, [PRODUCT] = 241, [LANDING] = 291};

static const char *const blocks[] = {"cover",  "table",  "image",   "gallery", "search", "quote",
                                     "button", "column", "heading", "list",    "code",   "social"};
#define BLOCKS (sizeof blocks / sizeof blocks[0])

// One line of what a page may need: {name}, kind of file, size, how.
struct part {
    const char *name;
    enum hint_as as;
    uint32_t bytes;
    uint8_t flags;
};

#define STYLES (USE_BLOCKING | USE_HTML | USE_FETCHED)
#define AT_END (USE_HTML | USE_FETCHED | USE_LATE)

static const struct part style = {"theme/style", HINT_AS_STYLE, 41000, STYLES};
static const struct part navigation = {"blocks/navigation", HINT_AS_STYLE, 15000, STYLES};
static const struct part module = {"js/interactivity", HINT_AS_SCRIPT, 36000,
                                   USE_BLOCKING | USE_HTML | USE_FETCHED | USE_MODULE};
static const struct part view = {"js/navigation-view", HINT_AS_SCRIPT, 4000, AT_END};
static const struct part text_font = {"fonts/manrope", HINT_AS_FONT, 55000, USE_FONT | USE_FETCHED};
static const struct part comments = {"js/comment-reply", HINT_AS_SCRIPT, 3000, AT_END};
static const struct part shop[] = {
    {"shop/shop", HINT_AS_STYLE, 62000, STYLES},
    {"shop/cart", HINT_AS_SCRIPT, 18000, STYLES},
    {"fonts/shop-icons", HINT_AS_FONT, 21000, USE_FONT | USE_FETCHED},
};
static const struct part media[] = {
    {"js/jquery", HINT_AS_SCRIPT, 88000, STYLES},
    {"js/jquery-migrate", HINT_AS_SCRIPT, 13000, STYLES},
    {"media/player", HINT_AS_STYLE, 12000, STYLES},
    {"media/player", HINT_AS_SCRIPT, 160000, AT_END},
};
static const struct part session[] = {
    {"core/dashicons", HINT_AS_STYLE, 59000, STYLES},
    {"core/admin-bar", HINT_AS_STYLE, 20000, STYLES},
    {"core/admin-bar", HINT_AS_SCRIPT, 3500, AT_END},
};
static const struct part unused[] = {
    {"fonts/unused-1", HINT_AS_FONT, 40000, USE_FONT},
    {"fonts/unused-2", HINT_AS_FONT, 40000, USE_FONT},
    {"fonts/unused-3", HINT_AS_FONT, 40000, USE_FONT},
};

uint64_t site_mix(uint64_t a, uint64_t b) {
    uint64_t x = a * 0x9e3779b97f4a7c15u + b + 0x7f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void site_init(struct site *s) {
    memset(s, 0, sizeof *s);
    s->version = 1;
}

static enum kind kind_of(unsigned page) {
    enum kind kind = FRONT;
    while (kind < LANDING && page >= first_of[kind + 1]) {
        kind++;
    }
    return kind;
}

const char *site_path(unsigned page) {
    static char text[64];
    unsigned n = page - first_of[kind_of(page)];
    switch (kind_of(page)) {
    case FRONT:
        return "/";
    case POST:
        snprintf(text, sizeof text, "/2024/%02u/post-%u/", n % 6 + 1, n);
        break;
    case PAGE:
        snprintf(text, sizeof text, "/about/section-%u/", n);
        break;
    case LIST:
        snprintf(text, sizeof text, "/category/topic-%u/", n);
        break;
    case PRODUCT:
        snprintf(text, sizeof text, "/product/thing-%u/", n);
        break;
    case LANDING:
        snprintf(text, sizeof text, "/landing/offer-%u/", n);
        break;
    }
    return text;
}

static uint64_t hash(struct span text) {
    uint64_t h = 1;
    for (size_t i = 0; i < text.n; i++) {
        h = h * 0x100000001b3u + text.p[i];
    }
    return site_mix(h, text.n);
}

// Where the text is in by_hash, or would be.
static size_t slot_of(const struct site *s, struct span text) {
    size_t mask = 2 * SITE_URLS_MAX - 1, at = hash(text) & mask;
    while (s->by_hash[at] && !span_eq(span_str(s->urls[s->by_hash[at] - 1].text), text)) {
        at = (at + 1) & mask;
    }
    return at;
}

size_t site_find(const struct site *s, struct span text) {
    size_t at = slot_of(s, text);
    return s->by_hash[at] ? s->by_hash[at] - 1u : SITE_URLS_MAX;
}

// The URL of that text, made when it is new.
static struct site_url *intern(struct site *s, const char *text) {
    size_t at = slot_of(s, span_str(text));
    if (!s->by_hash[at]) {
        assert(s->urls_n < SITE_URLS_MAX);
        snprintf(s->urls[s->urls_n].text, sizeof s->urls[0].text, "%s", text);
        s->by_hash[at] = (uint16_t)++s->urls_n;
    }
    return &s->urls[s->by_hash[at] - 1];
}

static struct site_url *add(struct site *s, struct site_view *out, const char *text,
                            const struct part *part) {
    struct site_url *url = intern(s, text);
    uint16_t number = (uint16_t)(url - s->urls);
    for (size_t i = 0; i < out->n; i++) {
        if (out->uses[i].url == number) {
            return url; // several reasons for the same
        }
    }
    assert(out->n < SITE_USES_MAX);
    url->as = part->as;
    url->bytes = part->bytes;
    url->is_module = part->flags & USE_MODULE;
    out->uses[out->n++] = (struct site_use){number, part->flags};
    return url;
}

static const char *extension(enum hint_as as) {
    return as == HINT_AS_STYLE ? "css" : as == HINT_AS_SCRIPT ? "js" : "woff2";
}

// A file of the theme or the core, in its present version.
static void add_part(struct site *s, struct site_view *out, const struct part *part) {
    char text[64];
    const char *ext = extension(part->as);
    if (part->as == HINT_AS_FONT) {
        snprintf(text, sizeof text, "/t%u/%s.%s", s->theme, part->name, ext);
    } else if (s->has_hashed_names) {
        uint32_t content = (uint32_t)site_mix(hash(span_str(part->name)), s->version);
        snprintf(text, sizeof text, "/t%u/%s.%08x.%s", s->theme, part->name, content, ext);
    } else {
        snprintf(text, sizeof text, "/t%u/%s.%s?ver=6.%u", s->theme, part->name, ext, s->version);
    }
    add(s, out, text, part);
}

static void add_parts(struct site *s, struct site_view *out, const struct part *parts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        add_part(s, out, &parts[i]);
    }
}

static void add_block(struct site *s, struct site_view *out, size_t block) {
    char name[32];
    snprintf(name, sizeof name, "blocks/%s", blocks[block % BLOCKS]);
    add_part(s, out, &(struct part){name, HINT_AS_STYLE, 3000 + (uint32_t)block * 400, STYLES});
}

// The blocks of a page's present content: mostly none; now and then sound with its player.
static void add_content(struct site *s, struct site_view *out, unsigned page) {
    uint64_t content = site_mix(page + 1000, s->edits[page]);
    for (uint64_t i = 0; i < (content % 8 > 4 ? content % 8 - 4 : 0); i++) {
        add_block(s, out, content >> (8 + 8 * i) & 0xff);
    }
    if (kind_of(page) == POST && (content >> 48) % 16 == 0) {
        add_parts(s, out, media, sizeof media / sizeof media[0]);
    }
}

// What depends on the reader's device, and what every browser asks for by itself.
static void add_device(struct site *s, struct site_view *out, unsigned page,
                       const struct site_reader *reader) {
    static const struct part image = {"image", HINT_AS_IMAGE, 140000, USE_FETCHED};
    static const struct part small = {"image", HINT_AS_IMAGE, 45000, USE_FETCHED};
    static const struct part emoji = {"emoji", HINT_AS_SCRIPT, 19000, USE_FETCHED};
    static const struct part icon = {"icon", HINT_AS_IMAGE, 4000, USE_FETCHED};
    static const struct part print = {"print", HINT_AS_STYLE, 6000, USE_FETCHED};
    char text[64];
    snprintf(text, sizeof text, "/uploads/image-%u-%s.jpg", page,
             reader->is_mobile ? "768" : "1536");
    add(s, out, text, reader->is_mobile ? &small : &image);
    if (!reader->has_emoji) {
        add(s, out, "/core/emoji-release.min.js", &emoji);
    }
    add(s, out, "/favicon.ico", &icon);
    add(s, out, "/core/print.css", &print); // media=print: fetched, but never early
}

static void add_session(struct site *s, struct site_view *out, const struct site_reader *reader) {
    char text[64];
    add_parts(s, out, session, sizeof session / sizeof session[0]);
    snprintf(text, sizeof text, "/members/%u/colours.css", reader->user);
    static const struct part own = {"own", HINT_AS_STYLE, 2000, STYLES};
    add(s, out, text, &own)->owner = reader->user;
}

static void add_kind(struct site *s, struct site_view *out, unsigned page,
                     const struct site_reader *reader) {
    enum kind kind = kind_of(page);
    if (kind == POST && site_mix(page, 5) % 10 < 7) {
        add_part(s, out, &comments);
    }
    if (kind == PRODUCT) {
        add_parts(s, out, shop, sizeof shop / sizeof shop[0]);
    }
    if (kind == LANDING) {
        bool is_b = s->has_variants && reader->chance % 2;
        add_part(s, out,
                 &(struct part){is_b ? "landing/b" : "landing/a", HINT_AS_STYLE, 26000, STYLES});
    }
    if (kind == LIST || kind == FRONT) { // they show five posts and inherit their blocks
        for (unsigned i = 0; i < 5; i++) {
            uint64_t post = site_mix(page, i * 1000u + s->edits[page] / 4u) % 150;
            uint64_t content = site_mix(post + 1001, s->edits[1 + post]);
            if (content % 8 > 4) {
                add_block(s, out, content >> 8 & 0xff);
            }
        }
    }
}

void site_view(struct site *s, unsigned page, const struct site_reader *reader,
               struct site_view *out) {
    static const struct part skin = {"skin", HINT_AS_STYLE, SITE_SKIN_BYTES, STYLES};
    char text[64];
    out->n = 0;
    add_part(s, out, &style);
    if (site_mix(page, 77) % 5) { // on the others it is small enough to be inlined
        add_part(s, out, &navigation);
    }
    add_part(s, out, &module);
    add_part(s, out, &text_font);
    add_parts(s, out, unused, sizeof unused / sizeof unused[0]);
    add_part(s, out, &view);
    add_kind(s, out, page, reader);
    add_content(s, out, page);
    if (reader->user) {
        add_session(s, out, reader);
    }
    if (s->skin[0]) {
        snprintf(text, sizeof text, "/skins/%s.css", s->skin);
        add(s, out, text, &skin);
    }
    add_device(s, out, page, reader);
}

void site_deploy(struct site *s) {
    for (size_t i = 0; i < s->urls_n && s->has_hashed_names; i++) {
        struct span text = span_str(s->urls[i].text);
        bool is_file = span_has_prefix(text, SPAN("/t")) && s->urls[i].as != HINT_AS_FONT;
        s->urls[i].is_dead = s->urls[i].is_dead || is_file;
    }
    s->version++;
}

size_t site_link(const struct site_url *url, char *out, size_t cap) {
    static const char *const as[] = {"", "style", "script", "font", "image", "fetch"};
    int n = url->is_module ? snprintf(out, cap, "<%s>; rel=modulepreload", url->text)
                           : snprintf(out, cap, "<%s>; rel=preload; as=%s", url->text, as[url->as]);
    return (size_t)n;
}
