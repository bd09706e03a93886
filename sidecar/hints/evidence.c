// SPDX-License-Identifier: MIT
#include "hints/evidence.h"

#include "hints/audience.h"

#define MAGIC 0x4501 // 'E', version 1
#define FLAGS_AT 2

static const struct teach_reason_row rows[TEACH_REASONS] = {
#define REASON(constant, label, sentence) [TEACH_##constant] = {label, sentence},
#include "hints/teach_reason.def"
#undef REASON
};

const struct teach_reason_row *teach_reason_row(enum teach_reason reason) {
    return &rows[reason];
}

static enum teach_reason check_request(const struct pairs *fields) {
    if (!audience_is_anonymous(fields)) {
        return pairs_find(fields, SPAN("authorization")) ? TEACH_AUTHORIZATION : TEACH_SESSION;
    }
    const struct span *purpose = pairs_find(fields, SPAN("sec-purpose"));
    if (purpose != NULL && span_has_prefix(*purpose, SPAN("prefetch"))) {
        return TEACH_PREFETCH;
    }
    return pairs_find(fields, SPAN("range")) ? TEACH_RANGE : TEACH_OK;
}

// private[="..."] or no-store among the directives (RFC 9111, 5.2.2)
static bool is_private(struct span cache_control) {
    struct span part;
    while (span_cut(&cache_control, ',', &part)) {
        struct span name = span_trim(span_first(part, span_index(part, '=')));
        if (span_eq_nocase(name, SPAN("private")) || span_eq_nocase(name, SPAN("no-store"))) {
            return true;
        }
    }
    return false;
}

// The response was chosen by something that this request carried and others may not. A varying
// field that was absent is no harm: then this is what everybody without it gets. Accept-Encoding
// never changes what a page needs.
static bool is_chosen(struct span vary, const struct pairs *request) {
    struct span part;
    while (span_cut(&vary, ',', &part)) {
        struct span name = span_trim(part);
        if (span_eq(name, SPAN("*"))) {
            return true;
        }
        if (name.n > 0 && !span_eq_nocase(name, SPAN("accept-encoding")) &&
            pairs_find(request, name) != NULL) {
            return true;
        }
    }
    return false;
}

static enum teach_reason check_response(const struct pairs *response, const struct pairs *request) {
    for (size_t i = 0; i < response->n; i++) {
        const struct pair *f = &response->v[i];
        if (span_eq_nocase(f->name, SPAN("set-cookie"))) {
            return TEACH_SET_COOKIE;
        }
        if (span_eq_nocase(f->name, SPAN("cache-control")) && is_private(f->value)) {
            return TEACH_PRIVATE;
        }
        if (span_eq_nocase(f->name, SPAN("vary")) && is_chosen(f->value, request)) {
            return TEACH_VARY;
        }
    }
    return TEACH_OK;
}

enum teach_reason evidence_may_teach(const struct request *request,
                                     const struct response *response) {
    if (!span_eq(request->method, SPAN("GET"))) {
        return TEACH_METHOD;
    }
    if (response->status != 200) {
        return TEACH_STATUS;
    }
    enum teach_reason reason = check_request(&request->fields);
    return reason == TEACH_OK ? check_response(&response->fields, &request->fields) : reason;
}

// The bytes written so far, and whether all of them found room.
struct pen {
    uint8_t *p;
    size_t n, cap;
    bool is_full;
};

static void put_number(struct pen *pen, uint64_t value, unsigned bytes) {
    if (pen->is_full || pen->cap - pen->n < bytes) {
        pen->is_full = true;
        return;
    }
    for (unsigned i = bytes; i-- > 0;) {
        pen->p[pen->n++] = (uint8_t)(value >> 8 * i);
    }
}

// The length in so many bytes, then the span.
static void put_span(struct pen *pen, struct span s, unsigned bytes) {
    if (s.n >> 8 * bytes != 0) {
        pen->is_full = true;
    }
    put_number(pen, s.n, bytes);
    if (pen->is_full || pen->cap - pen->n < s.n) {
        pen->is_full = true;
        return;
    }
    if (s.n > 0) {
        memcpy(pen->p + pen->n, s.p, s.n);
    }
    pen->n += s.n;
}

static void put_links(struct pen *pen, const struct pairs *fields) {
    size_t count_at = pen->n;
    uint16_t count = 0;
    put_number(pen, 0, 2);
    for (size_t i = 0; i < fields->n && !pen->is_full; i++) {
        if (!span_eq_nocase(fields->v[i].name, SPAN("link"))) {
            continue;
        }
        struct pen before = *pen;
        put_span(pen, fields->v[i].value, 2);
        if (pen->is_full) {
            *pen = before;
            pen->p[FLAGS_AT] |= EVIDENCE_CUT;
        } else {
            count++; // no overflow: EVIDENCE_MAX has no room for so many
        }
    }
    if (!pen->is_full) {
        pen->p[count_at] = (uint8_t)(count >> 8);
        pen->p[count_at + 1] = (uint8_t)count;
    }
}

size_t evidence_encode(const struct evidence *e, const struct pairs *fields, uint8_t *p,
                       size_t cap) {
    struct pen pen = {.p = p, .cap = cap < EVIDENCE_MAX ? cap : EVIDENCE_MAX};
    put_number(&pen, MAGIC, 2);
    put_number(&pen, e->flags, 1);
    put_number(&pen, e->status, 2);
    put_number(&pen, e->at_ms, 8);
    put_span(&pen, e->key, 2);
    put_span(&pen, e->scheme, 1);
    put_span(&pen, e->authority, 2);
    put_span(&pen, e->target, 2);
    put_links(&pen, fields);
    return pen.is_full ? 0 : pen.n;
}

static bool take_number(struct span *s, unsigned bytes, uint64_t *value) {
    if (s->n < bytes) {
        return false;
    }
    *value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        *value = *value << 8 | s->p[i];
    }
    *s = span_skip(*s, bytes);
    return true;
}

static bool take_span(struct span *s, unsigned bytes, struct span *out) {
    uint64_t n;
    if (!take_number(s, bytes, &n) || s->n < n) {
        return false;
    }
    *out = span_first(*s, (size_t)n);
    *s = span_skip(*s, (size_t)n);
    return true;
}

bool evidence_decode(struct evidence *e, struct span bytes) {
    uint64_t magic, flags, status, links_n;
    struct span value;
    if (bytes.n > EVIDENCE_MAX || !take_number(&bytes, 2, &magic) || magic != MAGIC ||
        !take_number(&bytes, 1, &flags) || (flags & ~(uint64_t)EVIDENCE_CUT) != 0 ||
        !take_number(&bytes, 2, &status) || !take_number(&bytes, 8, &e->at_ms) ||
        !take_span(&bytes, 2, &e->key) || !take_span(&bytes, 1, &e->scheme) ||
        !take_span(&bytes, 2, &e->authority) || !take_span(&bytes, 2, &e->target) ||
        !take_number(&bytes, 2, &links_n)) {
        return false;
    }
    e->flags = (uint8_t)flags;
    e->status = (uint16_t)status;
    e->links_n = (uint16_t)links_n;
    e->links = bytes;
    for (uint64_t i = 0; i < links_n; i++) {
        if (!take_span(&bytes, 2, &value)) {
            return false;
        }
    }
    return bytes.n == 0;
}

bool evidence_next(struct span *links, struct span *value) {
    return take_span(links, 2, value);
}
