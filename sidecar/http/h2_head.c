// SPDX-License-Identifier: MIT
// Request heads (RFC 9113, 8.3.1): the library checks their form and delivers field after field;
// how many and how large they may be is up to us. A block over a soft limit is answered 431, one
// over a hard limit ends the stream or the connection.
#include "http/h2_stream.h"
#include "http/request.h"

#define FIELD_OVERHEAD 32 // bytes that a field counts more than it has (RFC 9113, 6.5.2)

static struct span rcbuf_span(nghttp2_rcbuf *b) {
    nghttp2_vec v = nghttp2_rcbuf_get_buf(b);
    return span_of(v.base, v.len);
}

int h2_head_begin(struct h2 *h, int32_t id) {
    struct h2_stream *s = h2_pool_take(h, id);
    h->head = s;
    return nghttp2_session_set_stream_user_data(h->session, id, s) == 0
               ? 0
               : NGHTTP2_ERR_CALLBACK_FAILURE;
}

// One of a field's two texts, as the library has it.
struct part {
    struct span text;
    nghttp2_rcbuf *buf;
};

// A copy in the stream's arena; what stands in HPACK's static table lives for ever.
static struct span keep(struct h2_stream *s, const struct part *part) {
    return nghttp2_rcbuf_is_static(part->buf) ? part->text : arena_copy(&s->base.arena, part->text);
}

static struct span *pseudo(struct request *r, struct span name) {
    if (span_eq(name, SPAN(":path"))) {
        return &r->target;
    }
    if (span_eq(name, SPAN(":method"))) {
        return &r->method;
    }
    if (span_eq(name, SPAN(":authority"))) {
        return &r->authority;
    }
    return span_eq(name, SPAN(":scheme")) ? &r->scheme : NULL;
}

static int put(struct h2_stream *s, const struct part *name, const struct part *value) {
    struct request *r = &s->base.request;
    struct span v = keep(s, value);
    if (v.p == NULL) {
        return ERR_ARENA_LIMIT;
    }
    if (name->text.n > 0 && name->text.p[0] == ':') {
        struct span *to = pseudo(r, name->text);
        if (to != NULL) {
            *to = v;
        }
        return 0;
    }
    struct span n = keep(s, name);
    return n.p == NULL ? ERR_ARENA_LIMIT : pairs_put(&r->fields, &s->base.arena, n, v);
}

static int too_much(struct h2 *h, int32_t id, size_t len) {
    h->head_fields++;
    h->head_bytes += len;
    bool is_long = h->head_bytes > h->conf->head_bytes_hard;
    if (is_long && !h->is_shared) {
        return h2_fail(h, ERR_H2_ABUSE, NGHTTP2_ENHANCE_YOUR_CALM);
    }
    if (is_long || h->head_fields > h->conf->fields_hard) {
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_ENHANCE_YOUR_CALM);
        h->is_heading = false;
        int rv = h2_abuse_fault(h, &h->faults_seen);
        return rv != 0 ? rv : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return 0;
}

int h2_head_field(struct h2 *h, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                  nghttp2_rcbuf *value) {
    struct part n = {rcbuf_span(name), name}, v = {rcbuf_span(value), value};
    size_t len = n.text.n + v.text.n;
    int rv = too_much(h, frame->hd.stream_id, len + FIELD_OVERHEAD);
    struct h2_stream *s = h->head;
    if (rv != 0 || s == NULL || s->refusal != 0) {
        return rv;
    }
    if (h->head_fields > h->conf->fields || h->head_bytes > h->conf->head_bytes ||
        len > h->conf->field_bytes) {
        bool is_target = span_eq(n.text, SPAN(":path"));
        s->refusal = is_target ? ERR_REQUEST_LINE_LONG : ERR_REQUEST_FIELDS;
        return 0;
    }
    s->refusal = put(s, &n, &v);
    return 0;
}

static int check(struct h2_stream *s, bool has_end, bool *expects_continue) {
    struct request *r = &s->base.request;
    if (s->refusal != 0) {
        return s->refusal;
    }
    const char *why = NULL;
    r->body_len = has_end ? 0 : BODY_UNKNOWN;
    int rv = request_complete(r, &s->base.arena, &why);
    if (has_end) {
        r->body_len = 0;
    }
    return rv == 0 ? request_expect(r, expects_continue, &why) : rv;
}

int h2_head_complete(struct h2 *h, struct h2_stream *s, bool has_end) {
    h2_abuse_praise_request(h);
    bool expects_continue = false;
    int rv = check(s, has_end, &expects_continue);
    if (rv == 0) {
        s->is_told = true;
        s->drops_body = span_eq(s->base.request.method, SPAN("HEAD"));
        h2_order_request(h, s);
        h2_tell(h, s, H2_EVENT_REQUEST);
        if (has_end) {
            h2_tell(h, s, H2_EVENT_BODY_END);
        } else if (expects_continue) {
            h2_tell(h, s, H2_EVENT_CONTINUE);
        }
        return 0;
    }
    // RFC 9113, 8.1.1: a malformed request is a stream error; one that is merely not wanted here
    // gets an answer.
    if (rv == ERR_REQUEST_SYNTAX || rv == ERR_REQUEST_FRAMING) {
        h2_reset_stream(h, s, rv, NGHTTP2_PROTOCOL_ERROR);
        return h2_abuse_fault(h, &h->faults_seen);
    }
    s->drops_body = span_eq(s->base.request.method, SPAN("HEAD"));
    int32_t id = h2_stream_id(s);
    h2_refuse(h, s, rv);
    return h2_abuse_glitch(h, id);
}
