// SPDX-License-Identifier: MIT
// Responses. The library checks nothing that it is given to send, so everything passes through
// here: names, values, state and size.
#include "http/date.h"
#include "http/field.h"
#include "http/h2_stream.h"
#include "http/request.h"

#include <stdio.h>

#define INDEXED_MAX 1024 // bytes of a value that may push others out of the HPACK table

// A header block in the making. How much of a backend's is taken is decided where it is read; these
// bounds let all of that pass. SETTINGS_MAX_HEADER_LIST_SIZE is advisory (RFC 9113, 10.5.1), and
// nginx, HAProxy and the library send a larger one, too: a client refuses it by itself.
struct block {
    nghttp2_nv nv[H2_HEAD_FIELDS];
    size_t n, len;
    uint64_t body_len; // its Content-Length, or BODY_UNKNOWN
    bool has_date;
    char status[3];
};

static int put(struct block *b, struct span name, struct span value, uint8_t flags) {
    if (b->n == H2_HEAD_FIELDS) {
        return ERR_SYNTAX;
    }
    b->len += name.n + value.n + H2_HEAD_FIELD_OWN;
    b->nv[b->n++] = h2_nv(name, value, flags);
    return b->len > H2_HEAD_LEN ? ERR_SYNTAX : 0;
}

// Only fields that vary little and are no secret go into the HPACK table.
static uint8_t flags_of(struct span name, struct span value) {
    return value.n > INDEXED_MAX || span_eq_nocase(name, SPAN("set-cookie"))
               ? NGHTTP2_NV_FLAG_NO_INDEX
               : NGHTTP2_NV_FLAG_NONE;
}

// RFC 9110, 8.6: one length, and none in 1xx and 204; nor that of a content which a 205 may not
// have.
static int put_length(struct block *b, struct pair field, int status) {
    uint64_t len;
    if (!span_to_u64(field.value, &len) || (b->body_len != BODY_UNKNOWN && b->body_len != len)) {
        return ERR_SYNTAX;
    }
    if (status < 200 || status == 204 || status == 205 || b->body_len == len) {
        return 0;
    }
    b->body_len = len;
    return put(b, field.name, field.value, NGHTTP2_NV_FLAG_NONE);
}

static int put_field(struct block *b, struct pair field, int status) {
    if (!field_is_name(field.name) || !field_is_value(field.value)) {
        return ERR_SYNTAX;
    }
    if (field_is_connection_specific(field.name)) {
        return 0;
    }
    if (span_eq_nocase(field.name, SPAN("content-length"))) {
        return put_length(b, field, status);
    }
    b->has_date |= span_eq_nocase(field.name, SPAN("date"));
    return put(b, field.name, field.value, flags_of(field.name, field.value));
}

static int fill(struct block *b, const struct response *r) {
    b->n = b->len = 0;
    b->body_len = BODY_UNKNOWN;
    b->has_date = false;
    b->status[0] = (char)('0' + r->status / 100);
    b->status[1] = (char)('0' + r->status / 10 % 10);
    b->status[2] = (char)('0' + r->status % 10);
    int rv = put(b, SPAN(":status"), span_of(b->status, 3), NGHTTP2_NV_FLAG_NO_COPY_NAME);
    for (size_t i = 0; rv == 0 && i < r->fields.n; i++) {
        rv = put_field(b, r->fields.v[i], r->status);
    }
    return rv;
}

// Made once a second.
static struct span date(struct h2 *h) {
    struct h2_pool *pool = h->conf->pool;
    int64_t now = *h->conf->unix_time;
    if (!pool->has_date || pool->date_at != now) {
        date_format(now, pool->date);
        pool->date_at = now;
        pool->has_date = true;
    }
    return span_of(pool->date, DATE_LEN);
}

int h2_inform(struct front *f, struct front_stream *fs, const struct response *r) {
    struct h2 *h = h2_of(f);
    struct h2_stream *s = h2_stream_of(fs);
    struct block b;
    if (s->has_head || r->status < 100 || r->status > 199 || r->status == 101 || fill(&b, r) != 0) {
        return ERR_SYNTAX;
    }
    if (s->is_closed || h->error != 0) {
        return 0;
    }
    // Not nghttp2_submit_response, which half-closes the stream.
    int rv = nghttp2_submit_headers(h->session, NGHTTP2_FLAG_NONE, h2_stream_id(s), NULL, b.nv, b.n,
                                    NULL);
    return rv == 0 ? 0 : ERR_H2;
}

int h2_head(struct front *f, struct front_stream *fs, const struct response *r, bool end) {
    struct h2 *h = h2_of(f);
    struct h2_stream *s = h2_stream_of(fs);
    struct block b;
    if (s->has_head || r->status < 200 || r->status > 999 || fill(&b, r) != 0) {
        return ERR_SYNTAX;
    }
    if (!b.has_date) {
        put(&b, SPAN("date"), date(h), NGHTTP2_NV_FLAG_NO_COPY_NAME);
    }
    s->has_head = true;
    s->is_finished = end;
    s->drops_body |= end || r->status == 204 || r->status == 205 || r->status == 304;
    s->body_left = b.body_len;
    if (s->is_closed || h->error != 0) {
        return 0;
    }
    nghttp2_data_provider body = h2_output_provider();
    int rv = nghttp2_submit_response(h->session, h2_stream_id(s), b.nv, b.n,
                                     s->drops_body ? NULL : &body);
    return rv == 0 ? 0 : ERR_H2;
}

static void resume(struct h2 *h, struct h2_stream *s) {
    if (s->is_deferred && !s->is_closed) {
        s->is_deferred = false;
        nghttp2_session_resume_data(h->session, h2_stream_id(s));
    }
}

int h2_body(struct front *f, struct front_stream *fs, struct span bytes) {
    struct h2 *h = h2_of(f);
    struct h2_stream *s = h2_stream_of(fs);
    if (s->is_closed || s->drops_body || s->is_finished || h->error != 0) {
        return 0;
    }
    if (s->body_left != BODY_UNKNOWN) {
        bytes = bytes.n > s->body_left ? span_first(bytes, (size_t)s->body_left) : bytes;
        s->body_left -= bytes.n;
    }
    if (bytes.n == 0) {
        return 0;
    }
    int rv = buf_put(&s->queue, bytes);
    s->is_full |= buf_len(&s->queue) >= h->conf->response_queue;
    resume(h, s);
    return rv;
}

size_t h2_room(const struct front *f, const struct front_stream *fs) {
    const struct h2 *h = h2_of_const(f);
    const struct h2_stream *s = (const struct h2_stream *)(const void *)fs;
    // A connection in error drops what it is given: room for more would have it all read for
    // nothing.
    size_t most = h->error == 0 ? h->conf->response_queue : 0;
    size_t queued = buf_len(&s->queue);
    return queued < most ? most - queued : 0;
}

void h2_finish(struct front *f, struct front_stream *fs) {
    struct h2 *h = h2_of(f);
    struct h2_stream *s = h2_stream_of(fs);
    if (s->is_finished || (s->events & (H2_EVENT_DONE | H2_EVENT_RESET)) != 0) {
        return;
    }
    if (!s->drops_body && s->body_left != 0 && s->body_left != BODY_UNKNOWN) {
        h2_break_stream(h, s, ERR_BACKEND_SHORT, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    s->is_finished = true;
    if (s->is_closed) {
        h2_end(h, s, H2_EVENT_DONE);
        return;
    }
    resume(h, s);
}

// RST_STREAM on a stream that was never promised would be an error of the whole connection; for one
// whose promise is still to leave, see on_promise_sent.
void h2_submit_reset(struct h2 *h, const struct h2_stream *s, uint32_t h2_code) {
    if (!s->is_pushed || s->is_promised) {
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, h2_stream_id(s), h2_code);
    }
}

void h2_reset_stream(struct h2 *h, struct h2_stream *s, int error, uint32_t h2_code) {
    if ((s->events & (H2_EVENT_DONE | H2_EVENT_RESET)) != 0) {
        return;
    }
    if (!s->is_closed) {
        h2_submit_reset(h, s, h2_code);
        h2_detach(h, s);
    }
    s->reset_error = error;
    h2_end(h, s, H2_EVENT_RESET);
}

// What a break frees is wanted at once, and not when a slow client has taken what it was given.
static bool is_urgent(int error) {
    int status = error_row(error)->status;
    return status == 429 || status == 503;
}

// The library sends RST_STREAM before all bodies and drops the stream's frames that wait. So it is
// left to the end of the queue, where on_read has the library send it, with INTERNAL_ERROR.
void h2_break_stream(struct h2 *h, struct h2_stream *s, int error, uint32_t h2_code) {
    bool has_begun = s->has_head && !s->drops_body && !s->is_finished && !s->is_closed;
    bool may_wait = h2_code == NGHTTP2_INTERNAL_ERROR && !is_urgent(error) && h->error == 0;
    if (!has_begun || !may_wait) {
        h2_reset_stream(h, s, error, h2_code);
        return;
    }
    s->is_finished = s->is_broken = true;
    s->reset_error = error;
    resume(h, s);
}

void h2_refuse(struct h2 *h, struct h2_stream *s, int error) {
    const struct error_row *row = error_row(error);
    char text[128], len[8];
    int n = snprintf(text, sizeof text, "%d %s\n", row->status, row->text);
    int digits = snprintf(len, sizeof len, "%d", n);
    struct pair fields[] = {
        {SPAN("content-type"), SPAN("text/plain; charset=utf-8")},
        {SPAN("content-length"), span_of(len, (size_t)digits)},
        {SPAN("cache-control"), SPAN("no-store")},
        {SPAN("allow"), REQUEST_ALLOW}, // 405 needs it
    };
    struct pairs all = {.v = fields, .n = row->status == 405 ? 4 : 3, .cap = 4};
    struct response r = {.status = row->status, .fields = all};
    if (h2_head(&h->front, &s->base, &r, false) != 0) {
        h2_reset_stream(h, s, error, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    h2_body(&h->front, &s->base, span_of(text, (size_t)n));
    h2_finish(&h->front, &s->base);
    // The answer may wait for its window for long, and nobody will ask what the question was.
    arena_fini(&s->base.arena);
    s->base.request = (struct request){.protocol = PROTOCOL_HTTP2};
}
