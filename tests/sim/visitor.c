// SPDX-License-Identifier: MIT
#include "sim/visitor.h"

#include "base/pair.h"
#include "http/coding.h"
#include "support/split.h"

#include <stdio.h>
#include <stdlib.h>

#define LIMIT (64u << 20) // bytes of any of its buffers
#define AUTHORITY "blog.example"
#define FIELDS 300 // of a request

// ---- what it saw --------------------------------------------------------------------------------

static struct heard *add(struct visitor *c, int32_t id) {
    struct heard *s = calloc(1, sizeof *s);
    if (s == NULL || c->seen_n == CLIENT_STREAMS) {
        abort();
    }
    s->id = id;
    struct buf *const all[] = {&s->path, &s->heads, &s->block, &s->length, &s->body, &s->upload};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        buf_init(all[i], LIMIT);
    }
    c->seen[c->seen_n++] = s;
    return s;
}

static struct heard *find(const struct visitor *c, int32_t id) {
    for (size_t i = 0; i < c->seen_n; i++) {
        if (c->seen[i]->id == id) {
            return c->seen[i];
        }
    }
    return NULL;
}

static void fault(struct visitor *c, const char *words) {
    if (c->fault == NULL) {
        c->fault = words;
    }
}

static void empty(struct buf *b) {
    buf_take(b, buf_len(b));
}

// The server's clock and what a connection is made of say nothing about the response.
static bool is_left_out(struct span name) {
    return span_eq(name, SPAN("date")) || span_eq(name, SPAN("connection")) ||
           span_eq(name, SPAN("transfer-encoding"));
}

static void see_field(struct visitor *c, struct heard *s, struct span name, struct span value) {
    if (span_eq(name, SPAN("content-length"))) {
        if (buf_len(&s->length) > 0) {
            fault(c, "two Content-Length fields");
        }
        split_line(&s->length, "[%.*s: %.*s] ", SPAN_ARG(name), SPAN_ARG(value));
    } else if (!is_left_out(name)) {
        split_line(&s->block, "[%.*s: %.*s] ", SPAN_ARG(name), SPAN_ARG(value));
    }
}

// A head is complete.
static void see_head(struct visitor *c, struct heard *s) {
    int status = s->block_status;
    if (s->status != 0) {
        fault(c, status < 200 ? "an interim response after the final one" : "two final responses");
    }
    if (status < 200 && buf_len(&s->length) > 0) {
        fault(c, "a Content-Length in an interim response");
    }
    split_line(&s->heads, "%d %.*s%.*s", status, SPAN_ARG(buf_span(&s->block)),
               SPAN_ARG(buf_span(&s->length)));
    s->informs += status < 200;
    s->status = status < 200 ? s->status : status;
    s->block_status = 0;
    empty(&s->block);
    empty(&s->length);
}

static void see_end(struct visitor *c, struct heard *s, enum seen_end end) {
    if (s->end == SEEN_OPEN) {
        s->end = end;
        if (end == SEEN_COMPLETE && s->status == 0) {
            fault(c, "the end of a response that never began");
        }
    }
}

struct span visitor_plain(const struct heard *s, struct buf *room) {
    struct span heads = buf_span(&s->heads), label = SPAN("[content-encoding: "), piece;
    size_t at = span_find(heads, label);
    uint8_t buffer[4096];
    struct coding c;
    buf_init(room, LIMIT);
    if (at == heads.n) {
        return buf_span(&s->body);
    }
    struct span name = span_skip(heads, at + label.n);
    coding_init(&c, coding_kind_of(span_first(name, span_index(name, ']'))), UINT64_MAX);
    coding_feed(&c, buf_span(&s->body));
    while (coding_next(&c, buffer, sizeof buffer, &piece) == STEP_ITEM) {
        buf_put(room, piece);
    }
    if (s->end == SEEN_COMPLETE && !s->is_head && !coding_is_done(&c)) {
        buf_put(room, SPAN(" but not all of it"));
    }
    coding_fini(&c);
    return buf_span(room);
}

void visitor_write(const struct heard *s, struct buf *text) {
    static const char *const ends[] = {"open", "complete", "reset", "cancelled"};
    // How much came through before it was broken off is a matter of time.
    if (s->end != SEEN_RESET) {
        split_line(text, "%.*s", SPAN_ARG(buf_span(&s->heads)));
    }
    if (buf_len(&s->body) > 0 && s->end == SEEN_COMPLETE) {
        struct buf room;
        struct span body = visitor_plain(s, &room);
        if (body.n > 100) {
            split_line(text, "%zu bytes ", body.n);
        } else {
            split_line(text, "\"%.*s\" ", SPAN_ARG(body));
        }
        buf_fini(&room);
    }
    split_line(text, "%s", ends[s->end]);
}

// ---- HTTP/2 -------------------------------------------------------------------------------------

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *self) {
    (void)session;
    struct visitor *c = self;
    if (frame->hd.type == NGHTTP2_PUSH_PROMISE) {
        const struct heard *parent = find(c, frame->hd.stream_id);
        if (parent == NULL || parent->status != 0) {
            fault(c, "a promise behind the head of its page");
        }
        struct heard *s = add(c, frame->push_promise.promised_stream_id);
        s->is_push = s->is_ended = true;
    }
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags,
                     void *self) {
    (void)session, (void)flags;
    struct visitor *c = self;
    struct span n = span_of(name, name_n), v = span_of(value, value_n);
    if (frame->hd.type == NGHTTP2_PUSH_PROMISE) {
        struct heard *s = find(c, frame->push_promise.promised_stream_id);
        if (span_eq(n, SPAN(":path"))) {
            buf_put(&s->path, v);
        } else if (span_eq(n, SPAN(":authority")) && !span_eq(v, SPAN(AUTHORITY))) {
            fault(c, "a push of another authority");
        }
        return 0;
    }
    struct heard *s = find(c, frame->hd.stream_id);
    if (span_eq(n, SPAN(":status"))) {
        s->block_status = v.n == 3 ? atoi((const char *)value) : 0;
    } else {
        see_field(c, s, n, v);
    }
    return 0;
}

static int on_bad_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                         size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags,
                         void *self) {
    (void)session, (void)frame, (void)name, (void)name_n, (void)value, (void)value_n, (void)flags;
    fault(self, "a field that a client refuses");
    return 0;
}

static int on_bad_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                        void *self) {
    (void)session, (void)frame, (void)error;
    fault(self, "a frame that a client refuses");
    return 0;
}

static void on_stream_frame(struct visitor *c, struct heard *s, const nghttp2_frame *frame) {
    bool has_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        bool is_lie = frame->rst_stream.error_code == NGHTTP2_NO_ERROR && s->end == SEEN_OPEN;
        if (is_lie) {
            fault(c, "an incomplete response ended by NO_ERROR");
        }
        see_end(c, s, SEEN_RESET);
        return;
    }
    if (frame->hd.type == NGHTTP2_HEADERS) {
        see_head(c, s);
    }
    if (has_end) {
        see_end(c, s, SEEN_COMPLETE);
    }
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *self) {
    (void)session;
    struct visitor *c = self;
    struct heard *s = find(c, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        c->goaway = frame->goaway.error_code + 1;
    } else if (s != NULL && frame->hd.type != NGHTTP2_PUSH_PROMISE) {
        on_stream_frame(c, s, frame);
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t n, void *self) {
    (void)session, (void)flags;
    buf_put(&find(self, id)->body, span_of(data, n));
    return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *self) {
    (void)session;
    if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_CANCEL) {
        fault(self, "the client's library broke the stream off");
    }
    return 0;
}

// A GOAWAY that names an earlier stream: the request may be sent elsewhere.
static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *self) {
    (void)session;
    struct heard *s = find(self, id);
    if (s != NULL && s->end == SEEN_OPEN && error == NGHTTP2_REFUSED_STREAM) {
        s->is_refused = true;
        see_end(self, s, SEEN_RESET);
    }
    return 0;
}

// Nor is one sent behind a GOAWAY.
static int on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error,
                       void *self) {
    if (frame->hd.type == NGHTTP2_HEADERS && error == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED) {
        on_stream_close(session, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM, self);
    }
    return 0;
}

static ssize_t on_upload(nghttp2_session *session, int32_t id, uint8_t *buf, size_t len,
                         uint32_t *flags, nghttp2_data_source *source, void *self) {
    (void)session, (void)id, (void)self;
    struct heard *s = source->ptr;
    struct span piece = span_first(buf_span(&s->upload), len);
    if (piece.n == 0 && !s->is_ended) {
        return NGHTTP2_ERR_DEFERRED;
    }
    if (piece.n > 0) {
        memcpy(buf, piece.p, piece.n);
        buf_take(&s->upload, piece.n);
    }
    *flags = s->is_ended && buf_len(&s->upload) == 0 ? NGHTTP2_DATA_FLAG_EOF : 0;
    return (ssize_t)piece.n;
}

static void init_h2(struct visitor *c, bool takes_pushes, uint32_t window) {
    nghttp2_session_callbacks *calls;
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, takes_pushes},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window > 0 ? window : 65535},
    };
    if (nghttp2_session_callbacks_new(&calls) != 0) {
        abort();
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(calls, on_bad_header);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(calls, on_bad_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(calls, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(calls, on_not_sent);
    // With a small window the streams are opened by visitor_open only.
    nghttp2_option *option;
    if (nghttp2_option_new(&option) != 0) {
        abort();
    }
    nghttp2_option_set_no_auto_window_update(option, window > 0);
    if (nghttp2_session_client_new2(&c->session, calls, c, option) != 0) {
        abort();
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(calls);
    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, 2);
}

// ---- requests -----------------------------------------------------------------------------------

struct head {
    struct span method, target;
    struct pair fields[FIELDS];
    size_t n;
    bool has_length, has_body;
    struct span body;
};

static void read_request(struct span text, struct head *h) {
    struct span line;
    *h = (struct head){.n = 2};
    span_cut(&text, '\n', &line);
    span_cut(&line, ' ', &h->method);
    h->target = line;
    h->fields[0] = (struct pair){SPAN("sec-fetch-mode"), SPAN("navigate")};
    h->fields[1] = (struct pair){SPAN("sec-fetch-dest"), SPAN("document")};
    while (!h->has_body && span_cut(&text, '\n', &line)) {
        if (line.n == 0) {
            h->has_body = text.p != NULL;
            h->body = text;
            break;
        }
        size_t colon = span_index(line, ':');
        struct span name = span_first(line, colon);
        // The two of a navigation may be told otherwise.
        struct pair *field = span_eq(name, h->fields[0].name)   ? &h->fields[0]
                             : span_eq(name, h->fields[1].name) ? &h->fields[1]
                                                                : &h->fields[h->n++];
        field->name = name;
        field->value = span_trim(span_skip(line, colon + 1));
        h->has_length |= span_eq(field->name, SPAN("content-length"));
    }
}

static nghttp2_nv nv(struct span name, struct span value) {
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.p, (uint8_t *)(uintptr_t)value.p, name.n,
                        value.n, NGHTTP2_NV_FLAG_NONE};
}

static struct heard *request_h2(struct visitor *c, const struct head *h) {
    nghttp2_nv all[4 + FIELDS] = {
        nv(SPAN(":method"), h->method), nv(SPAN(":scheme"), SPAN("https")),
        nv(SPAN(":authority"), SPAN(AUTHORITY)), nv(SPAN(":path"), h->target)};
    for (size_t i = 0; i < h->n; i++) {
        all[4 + i] = nv(h->fields[i].name, h->fields[i].value);
    }
    struct heard *s = add(c, 0);
    s->is_ended = h->has_body || !span_eq(h->method, SPAN("POST"));
    buf_put(&s->upload, h->body);
    nghttp2_data_provider body = {.source.ptr = s, .read_callback = on_upload};
    bool has_data = h->has_body || !s->is_ended;
    s->id = nghttp2_submit_request(c->session, NULL, all, 4 + h->n, has_data ? &body : NULL, NULL);
    return s;
}

static void send_h1(struct visitor *c, const struct heard *s, struct span bytes) {
    if (s->is_chunked) {
        split_line(&c->out, "%zx\r\n%.*s\r\n", bytes.n, SPAN_ARG(bytes));
    } else {
        buf_put(&c->out, bytes);
    }
}

static struct heard *request_h1(struct visitor *c, const struct head *h) {
    struct heard *s = add(c, (int32_t)c->seen_n + 1);
    s->is_ended = h->has_body || !span_eq(h->method, SPAN("POST"));
    bool has_data = h->has_body || !s->is_ended;
    split_line(&c->out, "%.*s %.*s HTTP/1.%d\r\nHost: " AUTHORITY "\r\n", SPAN_ARG(h->method),
               SPAN_ARG(h->target), !c->is_http10);
    for (size_t i = 0; i < h->n; i++) {
        split_line(&c->out, "%.*s: %.*s\r\n", SPAN_ARG(h->fields[i].name),
                   SPAN_ARG(h->fields[i].value));
    }
    s->is_chunked = has_data && !h->has_length;
    split_line(&c->out, s->is_chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    if (h->body.n > 0) {
        send_h1(c, s, h->body);
    }
    if (s->is_chunked && s->is_ended) {
        split_line(&c->out, "0\r\n\r\n");
    }
    return s;
}

struct heard *visitor_request(struct visitor *c, const char *text) {
    struct head h;
    read_request(span_str(text), &h);
    struct heard *s = c->is_h2 ? request_h2(c, &h) : request_h1(c, &h);
    s->is_head = span_eq(h.method, SPAN("HEAD"));
    return s;
}

void visitor_body(struct visitor *c, struct heard *s, const char *text) {
    if (s->is_ended) {
        return;
    }
    // On HTTP/1 the rest of a body must follow, or nothing can.
    if (c->is_h2 && s->end == SEEN_OPEN) {
        buf_put(&s->upload, span_str(text));
        nghttp2_session_resume_data(c->session, s->id);
    } else if (!c->is_h2) {
        send_h1(c, s, span_str(text));
    }
}

void visitor_end(struct visitor *c, struct heard *s) {
    if (s->is_ended) {
        return;
    }
    s->is_ended = true;
    if (c->is_h2) {
        nghttp2_session_resume_data(c->session, s->id);
    } else if (s->is_chunked) {
        split_line(&c->out, "0\r\n\r\n");
    }
}

bool visitor_reset(struct visitor *c, struct heard *s) {
    if (!c->is_h2) {
        return false;
    }
    if (s->end == SEEN_OPEN) {
        see_end(c, s, SEEN_CANCELLED);
        nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL);
    }
    return true;
}

void visitor_goaway(struct visitor *c) {
    if (c->is_h2) {
        nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
    }
}

void visitor_open(struct visitor *c, int32_t bytes) {
    if (!c->is_h2) {
        return;
    }
    nghttp2_submit_window_update(c->session, NGHTTP2_FLAG_NONE, 0, bytes);
    for (size_t i = 0; i < c->seen_n; i++) {
        if (c->seen[i]->end == SEEN_OPEN) {
            nghttp2_submit_window_update(c->session, NGHTTP2_FLAG_NONE, c->seen[i]->id, bytes);
        }
    }
}

// ---- HTTP/1.1 -----------------------------------------------------------------------------------

static struct heard *oldest_open(const struct visitor *c) {
    for (size_t i = 0; i < c->seen_n; i++) {
        if (c->seen[i]->end == SEEN_OPEN) {
            return c->seen[i];
        }
    }
    return NULL;
}

static void lower(struct span s, char *to, size_t cap) {
    size_t n = s.n < cap - 1 ? s.n : cap - 1;
    for (size_t i = 0; i < n; i++) {
        to[i] = (char)span_lower_byte(s.p[i]);
    }
    to[n] = 0;
}

static void read_field(struct visitor *c, struct heard *s, struct span line) {
    char name[300];
    size_t colon = span_index(line, ':');
    lower(span_first(line, colon), name, sizeof name);
    struct span value = span_trim(span_skip(line, colon + 1));
    if (colon == line.n || colon == 0) {
        fault(c, "a field line without a name");
    }
    if (strcmp(name, "transfer-encoding") == 0) {
        c->is_chunked = true;
    }
    if (strcmp(name, "content-length") == 0 && !span_to_u64(value, &c->body_left)) {
        fault(c, "a Content-Length that is no number");
    }
    see_field(c, s, span_str(name), value);
}

static bool read_head(struct visitor *c, struct heard *s) {
    struct span in = buf_span(&c->in), line, rest;
    size_t n = span_find(in, SPAN("\r\n\r\n"));
    if (n == in.n) {
        return false;
    }
    rest = span_first(in, n + 2);
    c->is_chunked = false;
    c->body_left = UINT64_MAX;
    span_cut(&rest, '\n', &line);
    if (!span_has_prefix(line, SPAN("HTTP/1.1 ")) || line.n < 13) {
        fault(c, "no status line");
        return false;
    }
    s->block_status = atoi((const char *)line.p + 9);
    while (span_cut(&rest, '\n', &line) && line.n > 1) {
        read_field(c, s, span_first(line, line.n - 1));
    }
    buf_take(&c->in, n + 4);
    see_head(c, s);
    return true;
}

static void read_chunk(struct visitor *c, struct heard *s) {
    struct span in = buf_span(&c->in);
    size_t line = span_find(in, SPAN("\r\n"));
    if (line == in.n) {
        return;
    }
    size_t n = strtoul((const char *)in.p, NULL, 16);
    if (in.n < line + 2 + n + 2) {
        return;
    }
    buf_put(&s->body, span_of(in.p + line + 2, n));
    buf_take(&c->in, line + 2 + n + 2);
    if (n == 0) {
        see_end(c, s, SEEN_COMPLETE);
    }
}

static void read_body(struct visitor *c, struct heard *s) {
    bool has_none = s->is_head || s->status == 204 || s->status == 304;
    if (has_none) {
        see_end(c, s, SEEN_COMPLETE);
    } else if (c->is_chunked) {
        read_chunk(c, s);
    } else {
        struct span piece = buf_span(&c->in);
        piece = piece.n > c->body_left ? span_first(piece, (size_t)c->body_left) : piece;
        buf_put(&s->body, piece);
        buf_take(&c->in, piece.n);
        c->body_left -= piece.n;
        if (c->body_left == 0) {
            s->has_all = true;
            see_end(c, s, SEEN_COMPLETE);
        }
    }
}

static void feed_h1(struct visitor *c, struct span bytes) {
    size_t before;
    buf_put(&c->in, bytes);
    do {
        struct heard *s = oldest_open(c);
        before = buf_len(&c->in);
        if (s == NULL) {
            if (before > 0) {
                fault(c, "bytes behind the last answer");
            }
            return;
        }
        if (s->status == 0 && !read_head(c, s)) {
            return;
        }
        if (s->status != 0) {
            read_body(c, s);
        }
    } while (buf_len(&c->in) < before && c->fault == NULL);
}

// ---- the connection -----------------------------------------------------------------------------

void visitor_init(struct visitor *c, bool is_h2, bool takes_pushes, uint32_t window) {
    *c = (struct visitor){.is_h2 = is_h2};
    buf_init(&c->out, LIMIT);
    buf_init(&c->in, LIMIT);
    if (is_h2) {
        init_h2(c, takes_pushes, window);
    }
}

void visitor_fini(struct visitor *c) {
    nghttp2_session_del(c->session);
    for (size_t i = 0; i < c->seen_n; i++) {
        struct heard *s = c->seen[i];
        struct buf *const all[] = {&s->path,   &s->heads, &s->block,
                                   &s->length, &s->body,  &s->upload};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
            buf_fini(all[k]);
        }
        free(s);
    }
    buf_fini(&c->out);
    buf_fini(&c->in);
}

void visitor_feed(struct visitor *c, struct span bytes) {
    if (!c->is_h2) {
        feed_h1(c, bytes);
    } else if (nghttp2_session_mem_recv(c->session, bytes.p, bytes.n) != (ssize_t)bytes.n) {
        fault(c, "bytes that are not HTTP/2");
    }
}

void visitor_flush(struct visitor *c) {
    const uint8_t *p;
    ssize_t n;
    while (c->is_h2 && (n = nghttp2_session_mem_send(c->session, &p)) > 0) {
        buf_put(&c->out, span_of(p, (size_t)n));
    }
}

void visitor_close(struct visitor *c, enum visitor_end end) {
    c->is_closed = true;
    for (size_t i = 0; i < c->seen_n; i++) {
        struct heard *s = c->seen[i];
        bool is_all = end == CLIENT_SEES_FIN && !c->is_h2 && s->status > 0 && !c->is_chunked &&
                      c->body_left > LIMIT;
        see_end(c, s, is_all ? SEEN_COMPLETE : end == CLIENT_LEAVES ? SEEN_CANCELLED : SEEN_RESET);
    }
}
