// SPDX-License-Identifier: MIT
#include "exchange/body_reader.h"

#include "base/fnv.h"
#include "http/mime.h"
#include "learner/evidence.h"
#include "scan/html_scan.h"

#include <stdlib.h>

#define SEEN_SLOTS (2 * BODY_READER_ITEMS_MAX) // a power of two
#define UNPACK_PIECE 4096                      // bytes that are unpacked and looked at together
#define TEXT_MAX 3072                          // bytes of an item; a hint's target has at most 2048

struct body_reader {
    struct body_reader *next; // in the pool
    struct body_reader_pool *pool;
    struct evidence_writer *writer;
    enum body_reader_kind kind;
    bool is_done, is_bad, has_base;
    size_t items;
    void *packed;              // reads a compressed body; NULL: it is not compressed
    uint32_t seen[SEEN_SLOTS]; // hashes of the items that were put; 0: none
    union {
        struct html_scan html;
        struct css_scan css;
    };
    uint8_t text[TEXT_MAX];
    uint8_t unpacked[UNPACK_PIECE];
};

// ---- the pool -----------------------------------------------------------------------------------

void body_reader_pool_init(struct body_reader_pool *pool, size_t most,
                           const struct unpack *unpack) {
    *pool =
        (struct body_reader_pool){.unpack = unpack, .most = most ? most : BODY_READER_POOL_DEFAULT};
}

void body_reader_pool_fini(struct body_reader_pool *pool) {
    while (pool->free != NULL) {
        struct body_reader *reader = pool->free;
        pool->free = reader->next;
        free(reader);
    }
    pool->kept = 0;
}

static struct body_reader *take(struct body_reader_pool *pool) {
    struct body_reader *reader = pool->free;
    if (reader == NULL) {
        reader = malloc(sizeof *reader);
        if (reader == NULL) {
            abort();
        }
        return reader;
    }
    pool->free = reader->next;
    pool->kept--;
    return reader;
}

enum body_reader_kind body_reader_kind_of(struct span essence) {
    return span_eq_nocase(essence, SPAN("text/html"))  ? BODY_READER_PAGE
           : span_eq_nocase(essence, SPAN("text/css")) ? BODY_READER_SHEET
                                                       : BODY_READER_NONE;
}

static bool is_packed(struct span content_encoding) {
    return content_encoding.n > 0 && !span_eq_nocase(content_encoding, SPAN("identity"));
}

static void start(struct body_reader *reader, struct body_reader_pool *pool,
                  const struct body_reader_conf *conf) {
    memset(reader, 0, offsetof(struct body_reader, html));
    reader->pool = pool;
    reader->writer = conf->writer;
    reader->kind = conf->kind;
    if (conf->kind == BODY_READER_PAGE) {
        html_scan_init(&reader->html);
    } else {
        css_scan_init(&reader->css, CSS_SCAN_MOST);
    }
}

struct body_reader *body_reader_new(struct body_reader_pool *pool,
                                    const struct body_reader_conf *conf) {
    struct span encoding = conf->content_encoding;
    uint64_t most = conf->kind == BODY_READER_PAGE ? HTML_SCAN_MOST : CSS_SCAN_MOST;
    if (conf->kind == BODY_READER_NONE || (is_packed(encoding) && pool->unpack == NULL)) {
        return NULL;
    }
    if (pool->given == pool->most) {
        pool->refused++;
        return NULL;
    }
    void *packed = is_packed(encoding) ? pool->unpack->open(encoding, most) : NULL;
    if (is_packed(encoding) && packed == NULL) {
        return NULL;
    }
    struct body_reader *reader = take(pool);
    start(reader, pool, conf);
    reader->packed = packed;
    pool->given++;
    return reader;
}

// Its memory is not needed while the rest of the body passes.
static void stop_unpacking(struct body_reader *reader) {
    if (reader->packed != NULL) {
        reader->pool->unpack->close(reader->packed);
        reader->packed = NULL;
    }
}

void body_reader_free(struct body_reader *reader) {
    if (reader == NULL) {
        return;
    }
    struct body_reader_pool *pool = reader->pool;
    stop_unpacking(reader);
    reader->next = pool->free;
    pool->free = reader;
    pool->kept++;
    pool->given--;
}

// ---- items --------------------------------------------------------------------------------------

// True when the same was put before: the same text of the same kind, with the same base.
static bool was_seen(struct body_reader *reader, const struct evidence_item *item) {
    bool is_conditional = (item->flags & EVIDENCE_CONDITIONAL) != 0;
    uint32_t seed = (uint32_t)item->kind << 2 | is_conditional << 1 | reader->has_base;
    // A page that makes two of its own items collide loses one of them. 0 is a free place.
    uint32_t h = fnv_put(FNV_START ^ seed, item->text);
    h = h != 0 ? h : 1;
    uint32_t at = h & (SEEN_SLOTS - 1);
    while (reader->seen[at] != 0) {
        if (reader->seen[at] == h) {
            return true;
        }
        at = (at + 1) & (SEEN_SLOTS - 1);
    }
    reader->seen[at] = h;
    return false;
}

static void put(struct body_reader *reader, const struct evidence_item *item) {
    if (item->text.n == 0 || was_seen(reader, item)) {
        return;
    }
    if (reader->items == BODY_READER_ITEMS_MAX) {
        reader->is_done = true;
        reader->writer->is_full = true; // so that the writer says that something is missing
    }
    reader->items++;
    evidence_put(reader->writer, item);
}

// "content-security-policy: " and the policy; nothing when it is too long. Its line breaks, which
// part its words as blanks do, would not be part of a field.
static struct span policy_text(struct body_reader *reader, struct span policy) {
    static const struct span name = SPAN_INIT("content-security-policy: ");
    if (policy.n > sizeof reader->text - name.n) {
        return span_of(NULL, 0);
    }
    memcpy(reader->text, name.p, name.n);
    for (size_t i = 0; i < policy.n; i++) {
        uint8_t c = policy.p[i];
        reader->text[name.n + i] = c < ' ' || c == 0x7f ? ' ' : c;
    }
    return span_of(reader->text, name.n + policy.n);
}

static void put_html(struct body_reader *reader, const struct html_item *found) {
    struct evidence_item item = {.flags = 0};
    switch (found->kind) {
    case HTML_LINK:
        item.kind = EVIDENCE_HTML;
        item.flags = (found->in_body ? EVIDENCE_BODY : 0) | (found->is_late ? EVIDENCE_LATE : 0) |
                     (found->is_conditional ? EVIDENCE_CONDITIONAL : 0);
        item.text =
            span_of(reader->text, link_format(&found->link, reader->text, sizeof reader->text));
        break;
    case HTML_FONT:
        item.kind = EVIDENCE_FONT;
        item.text = found->link.target;
        break;
    case HTML_BASE:
        item.kind = EVIDENCE_BASE;
        item.text = found->text;
        break;
    case HTML_POLICY:
        item.kind = EVIDENCE_POLICY;
        item.text = policy_text(reader, found->text);
        break;
    }
    put(reader, &item);
    reader->has_base |= found->kind == HTML_BASE;
}

static void put_css(struct body_reader *reader, const struct css_item *found) {
    struct evidence_item item = {
        .kind = found->kind == CSS_FONT ? EVIDENCE_FONT : EVIDENCE_IMPORT,
        .text = found->url,
    };
    if (!found->is_conditional) { // what some clients apply is for all that can be told here
        put(reader, &item);
    }
}

// ---- the body -----------------------------------------------------------------------------------

static void pull(struct body_reader *reader) {
    if (reader->kind == BODY_READER_PAGE) {
        struct html_item item;
        while (!reader->is_done && html_scan_next(&reader->html, &item) == STEP_ITEM) {
            put_html(reader, &item);
        }
        reader->is_done |= html_scan_is_done(&reader->html);
    } else {
        struct css_item item;
        while (!reader->is_done && css_scan_next(&reader->css, &item) == STEP_ITEM) {
            put_css(reader, &item);
        }
        reader->is_done |= css_scan_is_done(&reader->css);
    }
}

static void look_at(struct body_reader *reader, struct span piece) {
    if (reader->kind == BODY_READER_PAGE) {
        html_scan_feed(&reader->html, piece);
    } else {
        css_scan_feed(&reader->css, piece);
    }
    pull(reader);
}

static void unpack(struct body_reader *reader, struct span bytes) {
    const struct unpack *with = reader->pool->unpack;
    enum step step = STEP_MORE;
    struct span piece;
    with->feed(reader->packed, bytes);
    while (!reader->is_done && (step = with->next(reader->packed, reader->unpacked,
                                                  sizeof reader->unpacked, &piece)) == STEP_ITEM) {
        look_at(reader, piece);
    }
    reader->is_bad |= step == STEP_BAD;
    reader->is_done |= reader->is_bad;
    if (reader->is_done) {
        stop_unpacking(reader);
    }
}

void body_reader_feed(struct body_reader *reader, struct span bytes) {
    if (reader->is_done) {
        return;
    }
    if (reader->packed != NULL) {
        unpack(reader, bytes);
    } else {
        look_at(reader, bytes);
    }
}

void body_reader_end(struct body_reader *reader) {
    bool is_whole = reader->packed == NULL || reader->pool->unpack->is_done(reader->packed);
    if (reader->kind == BODY_READER_SHEET && !reader->is_done && is_whole) {
        css_scan_end(&reader->css);
        pull(reader);
    }
    reader->is_done = true;
}

bool body_reader_is_done(const struct body_reader *reader) {
    return reader->is_done;
}

bool body_reader_is_bad(const struct body_reader *reader) {
    return reader->is_bad;
}
