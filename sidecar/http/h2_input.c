// SPDX-License-Identifier: MIT
// What the library calls while it reads. These functions only record: streams are marked, and
// front_next tells it.
#include "http/h2_stream.h"

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *self) {
    (void)session;
    struct h2 *h = self;
    if (hd->type == NGHTTP2_CONTINUATION) {
        return 0;
    }
    h->is_heading = false; // also after a block that the library ignored, which has no other end
    h2_order_frame(h, hd->type);
    // Of these the library does not tell when they are complete: it does little with them.
    bool is_idle = hd->type == NGHTTP2_PRIORITY || hd->type == NGHTTP2_PRIORITY_UPDATE;
    return is_idle ? h2_abuse_glitch(h, hd->stream_id) : 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *self) {
    (void)session;
    struct h2 *h = self;
    h->is_heading = true;
    h->head = NULL;
    h->head_bytes = 0;
    h->head_fields = 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        return h2_head_begin(h, frame->hd.stream_id);
    }
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *self) {
    (void)session, (void)flags;
    return h2_head_field(self, frame, name, value);
}

// The library would drop the field and deliver the rest of the request: RFC 9113, 8.2.1 calls it
// malformed.
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_n, const uint8_t *value,
                             size_t value_n, uint8_t flags, void *self) {
    (void)name, (void)name_n, (void)value, (void)value_n, (void)flags;
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                              NGHTTP2_PROTOCOL_ERROR);
    struct h2 *h = self;
    h->is_heading = false;
    int rv = h2_abuse_fault(h, &h->faults_seen);
    return rv != 0 ? rv : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                            void *self) {
    (void)session, (void)frame, (void)error;
    struct h2 *h = self;
    h->is_heading = false;
    return h2_abuse_fault(h, &h->faults_seen);
}

static int on_headers(struct h2 *h, const nghttp2_frame *frame) {
    bool has_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    h->is_heading = false;
    h->head = NULL;
    struct h2_stream *s = h2_stream_find(h, frame->hd.stream_id);
    if (s == NULL) {
        return 0;
    }
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        return h2_head_complete(h, s, has_end);
    }
    if (has_end && s->is_told) {
        h2_tell(h, s, H2_EVENT_BODY_END);
    }
    return 0;
}

static int on_data(struct h2 *h, const nghttp2_frame *frame) {
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
        bool is_empty = frame->hd.length == frame->data.padlen;
        return is_empty ? h2_abuse_glitch(h, frame->hd.stream_id) : 0;
    }
    struct h2_stream *s = h2_stream_find(h, frame->hd.stream_id);
    if (s != NULL && s->is_told) {
        h2_tell(h, s, H2_EVENT_BODY_END);
    }
    return 0;
}

// Cancelling a push is good manners; taking back a request that we have begun to work on is not. A
// stream that is gone may be reset once for each DATA frame of it that was still under way (so do
// python-h2 and those who use it), which the frames we sent pay for.
static int on_rst_stream(struct h2 *h, const nghttp2_frame *frame) {
    struct h2_stream *s = h2_stream_find(h, frame->hd.stream_id);
    if (s != NULL && s->is_pushed) {
        return 0; // the client has it already, or does not want it
    }
    int32_t id = frame->hd.stream_id;
    if (s == NULL) {
        return h2_abuse_answer(h, id);
    }
    return s->has_end ? h2_abuse_glitch(h, id) : h2_abuse_reset(h);
}

static int on_settings(struct h2 *h, const nghttp2_frame *frame) {
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        return 0;
    }
    h->has_settings = true;
    h2_order_settings(h);
    return h2_abuse_glitch(h, 0);
}

static int on_ping(struct h2 *h, const nghttp2_frame *frame) {
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 && h->is_shutting && !h->is_gone) {
        h2_tell_last(h);
        return 0;
    }
    return h2_abuse_glitch(h, 0);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *self) {
    (void)session;
    struct h2 *h = self;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        return on_headers(h, frame);
    case NGHTTP2_DATA:
        return on_data(h, frame);
    case NGHTTP2_RST_STREAM:
        return on_rst_stream(h, frame);
    case NGHTTP2_SETTINGS:
        return on_settings(h, frame);
    case NGHTTP2_PING:
        return on_ping(h, frame);
    case NGHTTP2_WINDOW_UPDATE:
        return h2_abuse_answer(h, frame->hd.stream_id);
    case NGHTTP2_GOAWAY:
        h->has_goaway = true;
        return 0;
    default:
        return 0;
    }
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t n, void *self) {
    (void)flags;
    struct h2 *h = self;
    struct h2_stream *s = h2_stream_find(h, id);
    if (s == NULL || !s->is_told) {
        nghttp2_session_consume(session, id, n);
        return 0;
    }
    s->unconsumed += n;
    s->body_received += n;
    h->body_received += n;
    h->body_stream = s;
    h->body = span_of(data, n);
    h->is_paused = true;
    return NGHTTP2_ERR_PAUSE;
}

// Frames of unknown types are ignored (RFC 9113, 4.1), but counted.
static int on_unknown(nghttp2_session *session, void **payload, const nghttp2_frame_hd *hd,
                      void *self) {
    (void)session, (void)payload;
    int rv = h2_abuse_glitch(self, hd->stream_id);
    return rv != 0 ? rv : NGHTTP2_ERR_CANCEL;
}

static int on_unknown_chunk(nghttp2_session *session, const nghttp2_frame_hd *hd,
                            const uint8_t *data, size_t n, void *self) {
    (void)session, (void)hd, (void)data, (void)n, (void)self;
    return 0;
}

void h2_input_callbacks(nghttp2_session_callbacks *c) {
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(c, on_invalid_header);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data_chunk);
    nghttp2_session_callbacks_set_unpack_extension_callback(c, on_unknown);
    nghttp2_session_callbacks_set_on_extension_chunk_recv_callback(c, on_unknown_chunk);
}
