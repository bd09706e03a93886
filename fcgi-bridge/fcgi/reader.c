// SPDX-License-Identifier: MIT
#include "fcgi/reader.h"

#include <assert.h>
#include <fastcgi.h>

static_assert(READER_HEADER_LEN == FCGI_HEADER_LEN, "the header of fastcgi.h");

void reader_init(struct reader *r) {
    *r = (struct reader){.part = READER_HEADER, .need = READER_HEADER_LEN};
}

void reader_feed(struct reader *r, struct span bytes) {
    assert(r->in.n == 0);
    r->in = bytes;
}

// Takes up to `need` bytes of the part off the input.
static struct span take(struct reader *r) {
    struct span s = span_first(r->in, r->need);
    if (s.n > 0) {
        r->in = span_skip(r->in, s.n);
        r->need -= s.n;
    }
    return s;
}

static void enter(struct reader *r, enum reader_part part, size_t need) {
    r->part = part;
    r->need = need;
}

static uint16_t number(const uint8_t *p) {
    return (uint16_t)(p[0] << 8 | p[1]);
}

static enum step tell(const struct reader *r, struct reader_event *e, enum reader_event_kind kind) {
    *e = (struct reader_event){
        .kind = kind,
        .type = r->header[1],
        .id = number(r->header + 2),
        .content_len = number(r->header + 4),
    };
    return STEP_ITEM;
}

static enum step next_header(struct reader *r, struct reader_event *e) {
    uint8_t *at = r->header + READER_HEADER_LEN - r->need;
    struct span s = take(r);
    if (s.n > 0) {
        memcpy(at, s.p, s.n);
    }
    if (r->need > 0) {
        return STEP_MORE;
    }
    if (r->header[0] != FCGI_VERSION_1) {
        return STEP_BAD; // and again at each further call: nothing more is needed of the header
    }
    enter(r, READER_CONTENT, number(r->header + 4));
    return tell(r, e, READER_OPEN);
}

static enum step next_content(struct reader *r, struct reader_event *e) {
    struct span s = take(r);
    if (s.n == 0) {
        return STEP_MORE;
    }
    tell(r, e, READER_PIECE);
    e->piece = s;
    return STEP_ITEM;
}

static enum step next_padding(struct reader *r, struct reader_event *e) {
    take(r);
    if (r->need > 0) {
        return STEP_MORE;
    }
    enter(r, READER_HEADER, READER_HEADER_LEN);
    return tell(r, e, READER_CLOSE);
}

enum step reader_next(struct reader *r, struct reader_event *e) {
    if (r->part == READER_CONTENT && r->need == 0) {
        enter(r, READER_PADDING, r->header[6]);
    }
    switch (r->part) {
    case READER_HEADER:
        return next_header(r, e);
    case READER_CONTENT:
        return next_content(r, e);
    case READER_PADDING:
        return next_padding(r, e);
    }
    assert(!"a part of a record");
    return STEP_BAD;
}

bool reader_is_between(const struct reader *r) {
    return r->part == READER_HEADER && r->need == READER_HEADER_LEN && r->in.n == 0;
}
