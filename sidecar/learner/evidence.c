// SPDX-License-Identifier: MIT
#include "learner/evidence.h"

#include "hints/hint.h"
#include "http/field.h"

#define MAGIC 0x4503 // 'E', version 3
#define FLAGS_AT 3
#define STATUS_MOST 999

static const struct learn_reason_row rows[LEARN_REASONS] = {
#define REASON(constant, label, sentence) [LEARN_##constant] = {label, sentence},
#include "learner/learn_reason.def"
#undef REASON
};

const struct learn_reason_row *learn_reason_row(enum learn_reason reason) {
    return &rows[reason];
}

// ---- what is learned from -----------------------------------------------------------------------

// private[="..."] or no-store among the directives (RFC 9111, 5.2.2)
static bool says_private(struct span cache_control) {
    struct span part;
    while (field_next_element(&cache_control, &part)) {
        struct span name = span_trim(span_first(part, span_index(part, '=')));
        if (span_eq_nocase(name, SPAN("private")) || span_eq_nocase(name, SPAN("no-store"))) {
            return true;
        }
    }
    return false;
}

bool evidence_is_private(const struct response *response) {
    for (size_t i = 0; i < response->fields.n; i++) {
        const struct pair *f = &response->fields.v[i];
        if (span_eq_nocase(f->name, SPAN("set-cookie")) ||
            (span_eq_nocase(f->name, SPAN("cache-control")) && says_private(f->value))) {
            return true;
        }
    }
    return false;
}

// A field that does not change what a page needs, or by which its audience is told apart already.
static bool is_no_choice(struct span name, bool is_session) {
    return span_eq_nocase(name, SPAN("accept-encoding")) ||
           (is_session &&
            (span_eq_nocase(name, SPAN("cookie")) || span_eq_nocase(name, SPAN("authorization"))));
}

// The response was chosen by something that this request carried and others may not. A varying
// field that was absent is no harm: then this is what everybody without it gets.
static bool is_chosen(struct span vary, const struct pairs *request, bool is_session) {
    struct span name;
    while (field_next_element(&vary, &name)) {
        if (span_eq(name, SPAN("*")) ||
            (!is_no_choice(name, is_session) && pairs_find(request, name) != NULL)) {
            return true;
        }
    }
    return false;
}

enum learn_reason evidence_may_learn(const struct request *request, const struct response *response,
                                     bool is_session) {
    const struct pairs *asked = &request->fields, *answered = &response->fields;
    // The body of a GET is no part of its route, but applications read it all the same.
    if (!span_eq(request->method, SPAN("GET")) || request->body_len != 0) {
        return LEARN_METHOD;
    }
    const struct span *purpose = pairs_find(asked, SPAN("sec-purpose"));
    if (purpose != NULL && span_has_prefix(*purpose, SPAN("prefetch"))) {
        return LEARN_PREFETCH;
    }
    if (pairs_find(asked, SPAN("range")) != NULL) {
        return LEARN_RANGE;
    }
    int status = response->status;
    if (status == 206 || status == 304 || status == 412 || status == 416) {
        return LEARN_CONDITION;
    }
    for (size_t i = 0; i < answered->n; i++) {
        if (span_eq_nocase(answered->v[i].name, SPAN("vary")) &&
            is_chosen(answered->v[i].value, asked, is_session)) {
            return LEARN_VARY;
        }
    }
    return status == 200 ? LEARN_OK : LEARN_STATUS;
}

// ---- writing ------------------------------------------------------------------------------------

static void put_number(struct evidence_writer *w, uint64_t value, unsigned bytes) {
    if (w->is_full || w->cap - w->n < bytes) {
        w->is_full = true;
        return;
    }
    for (unsigned i = bytes; i-- > 0;) {
        w->p[w->n++] = (uint8_t)(value >> 8 * i);
    }
}

// The length in so many bytes, then the span.
static void put_span(struct evidence_writer *w, struct span s, unsigned bytes) {
    if (s.n >> 8 * bytes != 0) {
        w->is_full = true;
    }
    put_number(w, s.n, bytes);
    if (w->is_full || w->cap - w->n < s.n) {
        w->is_full = true;
        return;
    }
    if (s.n > 0) {
        memcpy(w->p + w->n, s.p, s.n);
    }
    w->n += s.n;
}

bool evidence_begin(struct evidence_writer *w, const struct evidence *e, uint8_t *p, size_t cap) {
    *w = (struct evidence_writer){.p = p, .cap = cap < EVIDENCE_MAX ? cap : EVIDENCE_MAX};
    put_number(w, MAGIC, 2);
    put_number(w, e->kind, 1);
    put_number(w, e->flags, 1);
    put_number(w, e->status, 2);
    put_number(w, e->at_ms, 8);
    put_number(w, e->who, 8);
    put_number(w, e->network, 8);
    put_number(w, e->user, 8);
    put_number(w, e->think_us, 4);
    put_number(w, e->lead_us, 4);
    put_number(w, e->critical_us, 4);
    put_number(w, e->as, 1);
    put_number(w, e->reuse, 1);
    put_number(w, e->lifetime_s, 4);
    put_number(w, e->bytes, 8);
    put_span(w, e->key, 2);
    put_span(w, e->scheme, 1);
    put_span(w, e->authority, 2);
    put_span(w, e->target, 2);
    w->items_at = w->n;
    put_number(w, 0, 2);
    return !w->is_full;
}

bool evidence_put(struct evidence_writer *w, const struct evidence_item *item) {
    struct evidence_writer before = *w;
    put_number(w, item->kind, 1);
    put_number(w, item->flags, 1);
    put_number(w, item->as, 1);
    put_number(w, item->asked_ms, 4);
    put_number(w, item->done_ms, 4);
    put_span(w, item->text, 2);
    put_span(w, item->via, 2);
    if (w->is_full) {
        *w = before;
        w->p[FLAGS_AT] |= EVIDENCE_CUT;
        return false;
    }
    w->items++; // no overflow: EVIDENCE_MAX has no room for so many
    return true;
}

size_t evidence_end(struct evidence_writer *w) {
    w->p[w->items_at] = (uint8_t)(w->items >> 8);
    w->p[w->items_at + 1] = (uint8_t)w->items;
    return w->n;
}

// ---- reading ------------------------------------------------------------------------------------

// Which flags and which items a kind of evidence has.
static const struct {
    uint8_t flags;
    unsigned items;
} kinds[] = {
    [EVIDENCE_PAGE] = {EVIDENCE_CUT | EVIDENCE_SESSION | EVIDENCE_PRIVATE | EVIDENCE_NAMED |
                           EVIDENCE_INSIDE,
                       1U << EVIDENCE_LINK | 1U << EVIDENCE_HTML | 1U << EVIDENCE_BASE |
                           1U << EVIDENCE_FONT | 1U << EVIDENCE_POLICY},
    [EVIDENCE_VISIT] = {EVIDENCE_CUT | EVIDENCE_SESSION | EVIDENCE_PRIVATE | EVIDENCE_NAMED |
                            EVIDENCE_INSIDE | EVIDENCE_HINTED | EVIDENCE_HELD,
                        1U << EVIDENCE_FETCH},
    [EVIDENCE_ASSET] = {EVIDENCE_VARIES_ORIGIN | EVIDENCE_SESSION, 0},
    [EVIDENCE_SHEET] = {EVIDENCE_CUT, 1U << EVIDENCE_IMPORT | 1U << EVIDENCE_FONT},
};

static const uint8_t item_flags[EVIDENCE_ITEMS] = {
    [EVIDENCE_HTML] = EVIDENCE_BODY | EVIDENCE_LATE | EVIDENCE_CONDITIONAL,
    [EVIDENCE_FETCH] = EVIDENCE_WAS_HINTED | EVIDENCE_ANSWERED,
};

// A number of so many bytes; 0 and *is_bad set when they are not there.
static uint64_t take_number(struct span *s, unsigned bytes, bool *is_bad) {
    uint64_t value = 0;
    if (s->n < bytes) {
        *is_bad = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++) {
        value = value << 8 | s->p[i];
    }
    *s = span_skip(*s, bytes);
    return value;
}

static struct span take_span(struct span *s, unsigned bytes, bool *is_bad) {
    uint64_t n = take_number(s, bytes, is_bad);
    if (s->n < n) {
        *is_bad = true;
        n = 0;
    }
    struct span taken = span_first(*s, (size_t)n);
    *s = span_skip(*s, (size_t)n);
    return taken;
}

bool evidence_next(struct span *items, struct evidence_item *item) {
    bool is_bad = false;
    uint64_t kind = take_number(items, 1, &is_bad);
    item->flags = (uint8_t)take_number(items, 1, &is_bad);
    item->as = (uint8_t)take_number(items, 1, &is_bad);
    item->asked_ms = (uint32_t)take_number(items, 4, &is_bad);
    item->done_ms = (uint32_t)take_number(items, 4, &is_bad);
    item->text = take_span(items, 2, &is_bad);
    item->via = take_span(items, 2, &is_bad);
    if (is_bad || kind >= EVIDENCE_ITEMS) {
        return false;
    }
    item->kind = (enum evidence_item_kind)kind;
    return true;
}

// What only a FETCH has is zero elsewhere.
static bool is_item(const struct evidence_item *item, enum evidence_kind kind) {
    bool is_fetch = item->kind == EVIDENCE_FETCH;
    bool has_fetch = item->as != 0 || item->asked_ms != 0 || item->done_ms != 0 || item->via.n != 0;
    return (kinds[kind].items & 1U << item->kind) != 0 &&
           (item->flags & ~item_flags[item->kind]) == 0 && item->as <= HINT_AS_FETCH &&
           (is_fetch || !has_fetch);
}

static bool check_items(const struct evidence *e) {
    struct span rest = e->items;
    struct evidence_item item;
    for (unsigned i = 0; i < e->items_n; i++) {
        if (!evidence_next(&rest, &item) || !is_item(&item, e->kind)) {
            return false;
        }
    }
    return rest.n == 0;
}

bool evidence_decode(struct evidence *e, struct span bytes) {
    bool is_bad = bytes.n > EVIDENCE_MAX;
    uint64_t magic = take_number(&bytes, 2, &is_bad), kind = take_number(&bytes, 1, &is_bad);
    if (is_bad || magic != MAGIC || kind >= sizeof kinds / sizeof *kinds) {
        return false;
    }
    *e = (struct evidence){.kind = (enum evidence_kind)kind};
    e->flags = (uint8_t)take_number(&bytes, 1, &is_bad);
    e->status = (uint16_t)take_number(&bytes, 2, &is_bad);
    e->at_ms = take_number(&bytes, 8, &is_bad);
    e->who = take_number(&bytes, 8, &is_bad);
    e->network = take_number(&bytes, 8, &is_bad);
    e->user = take_number(&bytes, 8, &is_bad);
    e->think_us = (uint32_t)take_number(&bytes, 4, &is_bad);
    e->lead_us = (uint32_t)take_number(&bytes, 4, &is_bad);
    e->critical_us = (uint32_t)take_number(&bytes, 4, &is_bad);
    e->as = (uint8_t)take_number(&bytes, 1, &is_bad);
    e->reuse = (uint8_t)take_number(&bytes, 1, &is_bad);
    e->lifetime_s = (uint32_t)take_number(&bytes, 4, &is_bad);
    e->bytes = take_number(&bytes, 8, &is_bad);
    e->key = take_span(&bytes, 2, &is_bad);
    e->scheme = take_span(&bytes, 1, &is_bad);
    e->authority = take_span(&bytes, 2, &is_bad);
    e->target = take_span(&bytes, 2, &is_bad);
    e->items_n = (uint16_t)take_number(&bytes, 2, &is_bad);
    e->items = bytes;
    return !is_bad && (e->flags & ~kinds[kind].flags) == 0 && e->status <= STATUS_MOST &&
           e->as <= HINT_AS_FETCH && check_items(e);
}
