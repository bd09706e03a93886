// SPDX-License-Identifier: MIT
#include "exchange/lesson.h"

#include "base/fnv.h"
#include "http/mime.h"
#include "learner/evidence.h"
#include "scan/html_scan.h"

#include <stdlib.h>

#define SEEN_SLOTS (2 * LESSON_ITEMS_MAX) // a power of two
#define UNPACK_PIECE 4096                 // bytes that are unpacked and looked at together
#define TEXT_MAX 3072                     // bytes of an item; a hint's target has at most 2048

struct lesson {
    struct lesson *next; // in the pool
    struct lesson_pool *pool;
    struct evidence_writer *writer;
    enum lesson_kind kind;
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

void lesson_pool_init(struct lesson_pool *pool, size_t most, const struct unpack *unpack) {
    *pool = (struct lesson_pool){.unpack = unpack, .most = most ? most : LESSON_POOL_DEFAULT};
}

void lesson_pool_fini(struct lesson_pool *pool) {
    while (pool->free != NULL) {
        struct lesson *lesson = pool->free;
        pool->free = lesson->next;
        free(lesson);
    }
    pool->kept = 0;
}

static struct lesson *take(struct lesson_pool *pool) {
    struct lesson *lesson = pool->free;
    if (lesson == NULL) {
        lesson = malloc(sizeof *lesson);
        if (lesson == NULL) {
            abort();
        }
        return lesson;
    }
    pool->free = lesson->next;
    pool->kept--;
    return lesson;
}

enum lesson_kind lesson_kind_of(struct span essence) {
    return span_eq_nocase(essence, SPAN("text/html"))  ? LESSON_PAGE
           : span_eq_nocase(essence, SPAN("text/css")) ? LESSON_SHEET
                                                       : LESSON_NONE;
}

static bool is_packed(struct span content_encoding) {
    return content_encoding.n > 0 && !span_eq_nocase(content_encoding, SPAN("identity"));
}

static void start(struct lesson *lesson, struct lesson_pool *pool, const struct lesson_conf *conf) {
    memset(lesson, 0, offsetof(struct lesson, html));
    lesson->pool = pool;
    lesson->writer = conf->writer;
    lesson->kind = conf->kind;
    if (conf->kind == LESSON_PAGE) {
        html_scan_init(&lesson->html);
    } else {
        css_scan_init(&lesson->css, CSS_SCAN_MOST);
    }
}

struct lesson *lesson_new(struct lesson_pool *pool, const struct lesson_conf *conf) {
    struct span encoding = conf->content_encoding;
    uint64_t most = conf->kind == LESSON_PAGE ? HTML_SCAN_MOST : CSS_SCAN_MOST;
    if (conf->kind == LESSON_NONE || (is_packed(encoding) && pool->unpack == NULL)) {
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
    struct lesson *lesson = take(pool);
    start(lesson, pool, conf);
    lesson->packed = packed;
    pool->given++;
    return lesson;
}

// Its memory is not needed while the rest of the body passes.
static void stop_unpacking(struct lesson *lesson) {
    if (lesson->packed != NULL) {
        lesson->pool->unpack->close(lesson->packed);
        lesson->packed = NULL;
    }
}

void lesson_free(struct lesson *lesson) {
    if (lesson == NULL) {
        return;
    }
    struct lesson_pool *pool = lesson->pool;
    stop_unpacking(lesson);
    lesson->next = pool->free;
    pool->free = lesson;
    pool->kept++;
    pool->given--;
}

// ---- items --------------------------------------------------------------------------------------

// True when the same was put before: the same text of the same kind, with the same base.
static bool was_seen(struct lesson *lesson, const struct evidence_item *item) {
    bool is_conditional = (item->flags & EVIDENCE_CONDITIONAL) != 0;
    uint32_t seed = (uint32_t)item->kind << 2 | is_conditional << 1 | lesson->has_base;
    // A page that makes two of its own items collide loses one of them. 0 is a free place.
    uint32_t h = fnv_put(FNV_START ^ seed, item->text);
    h = h != 0 ? h : 1;
    uint32_t at = h & (SEEN_SLOTS - 1);
    while (lesson->seen[at] != 0) {
        if (lesson->seen[at] == h) {
            return true;
        }
        at = (at + 1) & (SEEN_SLOTS - 1);
    }
    lesson->seen[at] = h;
    return false;
}

static void put(struct lesson *lesson, const struct evidence_item *item) {
    if (item->text.n == 0 || was_seen(lesson, item)) {
        return;
    }
    if (lesson->items == LESSON_ITEMS_MAX) {
        lesson->is_done = true;
        lesson->writer->is_full = true; // so that the writer says that something is missing
    }
    lesson->items++;
    evidence_put(lesson->writer, item);
}

// "content-security-policy: " and the policy; nothing when it is too long. Its line breaks, which
// part its words as blanks do, would not be part of a field.
static struct span policy_text(struct lesson *lesson, struct span policy) {
    static const struct span name = SPAN_INIT("content-security-policy: ");
    if (policy.n > sizeof lesson->text - name.n) {
        return span_of(NULL, 0);
    }
    memcpy(lesson->text, name.p, name.n);
    for (size_t i = 0; i < policy.n; i++) {
        uint8_t c = policy.p[i];
        lesson->text[name.n + i] = c < ' ' || c == 0x7f ? ' ' : c;
    }
    return span_of(lesson->text, name.n + policy.n);
}

static void put_html(struct lesson *lesson, const struct html_item *found) {
    struct evidence_item item = {.flags = 0};
    switch (found->kind) {
    case HTML_LINK:
        item.kind = EVIDENCE_HTML;
        item.flags = (found->in_body ? EVIDENCE_BODY : 0) | (found->is_late ? EVIDENCE_LATE : 0) |
                     (found->is_conditional ? EVIDENCE_CONDITIONAL : 0);
        item.text =
            span_of(lesson->text, link_format(&found->link, lesson->text, sizeof lesson->text));
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
        item.text = policy_text(lesson, found->text);
        break;
    }
    put(lesson, &item);
    lesson->has_base |= found->kind == HTML_BASE;
}

static void put_css(struct lesson *lesson, const struct css_item *found) {
    struct evidence_item item = {
        .kind = found->kind == CSS_FONT ? EVIDENCE_FONT : EVIDENCE_IMPORT,
        .text = found->url,
    };
    if (!found->is_conditional) { // what some clients apply is for all that can be told here
        put(lesson, &item);
    }
}

// ---- the body -----------------------------------------------------------------------------------

static void pull(struct lesson *lesson) {
    if (lesson->kind == LESSON_PAGE) {
        struct html_item item;
        while (!lesson->is_done && html_scan_next(&lesson->html, &item) == STEP_ITEM) {
            put_html(lesson, &item);
        }
        lesson->is_done |= html_scan_is_done(&lesson->html);
    } else {
        struct css_item item;
        while (!lesson->is_done && css_scan_next(&lesson->css, &item) == STEP_ITEM) {
            put_css(lesson, &item);
        }
        lesson->is_done |= css_scan_is_done(&lesson->css);
    }
}

static void look_at(struct lesson *lesson, struct span piece) {
    if (lesson->kind == LESSON_PAGE) {
        html_scan_feed(&lesson->html, piece);
    } else {
        css_scan_feed(&lesson->css, piece);
    }
    pull(lesson);
}

static void unpack(struct lesson *lesson, struct span bytes) {
    const struct unpack *with = lesson->pool->unpack;
    enum step step = STEP_MORE;
    struct span piece;
    with->feed(lesson->packed, bytes);
    while (!lesson->is_done && (step = with->next(lesson->packed, lesson->unpacked,
                                                  sizeof lesson->unpacked, &piece)) == STEP_ITEM) {
        look_at(lesson, piece);
    }
    lesson->is_bad |= step == STEP_BAD;
    lesson->is_done |= lesson->is_bad;
    if (lesson->is_done) {
        stop_unpacking(lesson);
    }
}

void lesson_feed(struct lesson *lesson, struct span bytes) {
    if (lesson->is_done) {
        return;
    }
    if (lesson->packed != NULL) {
        unpack(lesson, bytes);
    } else {
        look_at(lesson, bytes);
    }
}

void lesson_end(struct lesson *lesson) {
    bool is_whole = lesson->packed == NULL || lesson->pool->unpack->is_done(lesson->packed);
    if (lesson->kind == LESSON_SHEET && !lesson->is_done && is_whole) {
        css_scan_end(&lesson->css);
        pull(lesson);
    }
    lesson->is_done = true;
}

bool lesson_is_done(const struct lesson *lesson) {
    return lesson->is_done;
}

bool lesson_is_bad(const struct lesson *lesson) {
    return lesson->is_bad;
}
