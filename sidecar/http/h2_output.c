// SPDX-License-Identifier: MIT
// Frames into the output block. A body is copied once: from the stream's queue behind its frame
// header. What the library calls while it sends only records, as in h2_input.c.
#include "http/h2_stream.h"

static size_t room(const struct h2 *h) {
    return H2_BLOCK_LEN - h->out_to;
}

static void put(struct h2 *h, const uint8_t *p, size_t n) {
    if (n == 0 || p == NULL) {
        return;
    }
    memcpy(h->out->bytes + h->out_to, p, n);
    h->out_to += n;
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *data, size_t n, int flags,
                       void *self) {
    (void)session, (void)flags;
    struct h2 *h = self;
    if (n > room(h)) {
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    put(h, data, n);
    return (ssize_t)n;
}

// How much the next DATA frame carries; on_send_data copies it. When a body that is to go first has
// run out although its owner has more, this batch ends, and not with the bodies behind it.
static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *buf, size_t len,
                       uint32_t *flags, nghttp2_data_source *source, void *self) {
    (void)session, (void)buf, (void)source;
    struct h2_stream *s = h2_stream_find(self, id);
    if (s == NULL) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    size_t queued = buf_len(&s->queue);
    if (queued == 0 && !s->is_finished) {
        if ((s->events & H2_EVENT_ROOM) != 0) {
            return NGHTTP2_ERR_PAUSE;
        }
        s->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (queued == 0 && s->is_broken) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; // RST_STREAM with INTERNAL_ERROR
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (s->is_finished && !s->is_broken && queued <= len) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)(queued < len ? queued : len);
}

nghttp2_data_provider h2_output_provider(void) {
    return (nghttp2_data_provider){.read_callback = on_read};
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                        size_t n, nghttp2_data_source *source, void *self) {
    (void)session, (void)source;
    struct h2 *h = self;
    struct h2_stream *s = h2_stream_find(h, frame->hd.stream_id);
    if (s == NULL || n > buf_len(&s->queue)) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (9 + n > room(h)) {
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    put(h, head, 9);
    put(h, buf_span(&s->queue).p, n);
    buf_take(&s->queue, n);
    s->body_sent += n;
    if (s->is_full && !s->is_finished && buf_len(&s->queue) <= h->conf->response_queue / 2) {
        s->is_full = false;
        h2_tell(h, s, H2_EVENT_ROOM);
    }
    return 0;
}

// RFC 9113, 8.1: a complete response to an incomplete request stops the rest of it.
static void on_end_sent(struct h2 *h, struct h2_stream *s) {
    s->has_end = true;
    h2_abuse_praise_answer(h);
    if (nghttp2_session_get_stream_remote_close(h->session, h2_stream_id(s)) == 0) {
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, h2_stream_id(s), NGHTTP2_NO_ERROR);
    }
}

static int on_rst_sent(struct h2 *h, uint32_t code) {
    bool is_ours =
        code == NGHTTP2_NO_ERROR || code == NGHTTP2_INTERNAL_ERROR || code == NGHTTP2_CANCEL;
    return is_ours ? 0 : h2_abuse_fault(h, &h->faults_sent);
}

static struct h2_stream *stream_of_id(struct h2 *h, int32_t id) {
    for (struct list *n = h->streams.next; n != &h->streams; n = n->next) {
        struct h2_stream *s = LIST_ITEM(n, struct h2_stream, node);
        if (h2_stream_id(s) == id) {
            return s;
        }
    }
    return NULL;
}

// A push that was given up before could not be reset then: the client did not know the stream.
static void on_promise_sent(struct h2 *h, int32_t id) {
    struct h2_stream *s = stream_of_id(h, id);
    if (s != NULL && !s->is_closed) {
        s->is_promised = true;
        nghttp2_session_set_stream_user_data(h->session, id, s);
        h2_order_push(h, s);
    } else {
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    }
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *self) {
    (void)session;
    struct h2 *h = self;
    switch (frame->hd.type) {
    case NGHTTP2_RST_STREAM:
        return on_rst_sent(h, frame->rst_stream.error_code);
    case NGHTTP2_GOAWAY:
        if (frame->goaway.error_code != NGHTTP2_NO_ERROR && h->error == 0) {
            h->error = ERR_H2; // the library found the fault
        }
        return 0;
    case NGHTTP2_PUSH_PROMISE:
        on_promise_sent(h, frame->push_promise.promised_stream_id);
        return 0;
    case NGHTTP2_DATA:
        h2_abuse_praise_data(h);
        break;
    case NGHTTP2_HEADERS:
        break;
    default:
        return 0;
    }
    struct h2_stream *s = h2_stream_find(h, frame->hd.stream_id);
    if (s != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        on_end_sent(h, s);
    }
    return 0;
}

// The library drops a frame that it cannot send and says so only here: without a reset the client
// would wait for ever.
static int on_frame_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error,
                             void *self) {
    (void)session, (void)error;
    struct h2 *h = self;
    struct h2_stream *s = NULL;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        s = h2_stream_find(h, frame->hd.stream_id);
    } else if (frame->hd.type == NGHTTP2_PUSH_PROMISE) {
        s = stream_of_id(h, frame->push_promise.promised_stream_id);
    }
    if (s != NULL && !s->is_closed) {
        h2_reset_stream(h, s, s->is_pushed ? ERR_PUSH_REFUSED : ERR_H2, NGHTTP2_INTERNAL_ERROR);
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *self) {
    (void)session, (void)code;
    struct h2 *h = self;
    struct h2_stream *s = h2_stream_find(h, id);
    if (s == NULL) {
        return 0;
    }
    h2_detach(h, s);
    if (!s->has_end) {
        s->reset_error = s->is_broken ? s->reset_error : ERR_CLIENT_GONE;
        h2_end(h, s, H2_EVENT_RESET);
    } else if (s->is_finished) {
        h2_end(h, s, H2_EVENT_DONE);
    } // else h2_finish tells: the caller still puts a body that nobody wants
    return 0;
}

static void give_back(struct h2 *h) {
    if (h->out != NULL && h->out_from == h->out_to) {
        h2_pool_put_block(h->conf->pool, h->out);
        h->out = NULL;
        h->out_from = h->out_to = 0;
    }
}

// nghttp2_session_want_write alone says no to a second GOAWAY when no stream is open any more.
static bool has_frames(const struct h2 *h) {
    return nghttp2_session_want_write(h->session) ||
           nghttp2_session_get_outbound_queue_size(h->session) > 0;
}

struct span h2_output(struct front *f) {
    struct h2 *h = h2_of(f);
    if (h->session == NULL) {
        return span_of(NULL, 0);
    }
    if (has_frames(h)) {
        if (h->out == NULL) {
            h->out = h2_pool_take_block(h->conf->pool);
        }
        int rv = room(h) > H2_FRAME_LEN ? nghttp2_session_send(h->session) : 0;
        if (rv != 0 && h->error == 0) {
            h->error = ERR_H2;
        }
        give_back(h);
    }
    return h->out == NULL ? span_of(NULL, 0)
                          : span_of(h->out->bytes + h->out_from, h->out_to - h->out_from);
}

void h2_sent(struct front *f, size_t n) {
    struct h2 *h = h2_of(f);
    h->out_from += n;
    give_back(h);
}

void h2_output_callbacks(nghttp2_session_callbacks *c) {
    nghttp2_session_callbacks_set_send_callback(c, on_send);
    nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_frame_not_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
}
