// SPDX-License-Identifier: MIT
#include "http/h2.h"

#include "http/h2_stream.h"

#include <stdio.h>

#define ORIGIN_LEN 288 // bytes of an origin: scheme, host, port

void h2_conf_init(struct h2_conf *c) {
    *c = (struct h2_conf){
        .max_streams = 100,
        .request_memory = 1280u << 10,
        .response_queue = 64u << 10,
        .stream_window = 64u << 10,
        .collect_window = 8u << 20,
        .session_window = 16u << 20,
        .fields = 100,
        .fields_hard = 256,
        .head_bytes = 32u << 10,
        .head_bytes_hard = 64u << 10,
        .field_bytes = 8u << 10,
        .faults = 50,
        .resets = 100,
        .glitches = 100,
        .outbound = 1000,
    };
}

int h2_fail(struct h2 *h, int error, uint32_t h2_code) {
    if (h->error == 0) {
        h->error = error;
        nghttp2_session_terminate_session(h->session, h2_code);
    }
    h->input = span_of(NULL, 0);
    h->is_paused = false;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

void h2_tell(struct h2 *h, struct h2_stream *s, enum h2_event event) {
    s->events |= (uint8_t)event;
    list_put(&h->ready, &s->ready);
}

// The library forgets the stream; frames of it that are still queued find nobody.
void h2_detach(struct h2 *h, struct h2_stream *s) {
    if (s->is_closed) {
        return;
    }
    s->is_closed = true;
    nghttp2_session_set_stream_user_data(h->session, h2_stream_id(s), NULL);
    if (s->is_pushed) {
        h->pushes--;
    }
    if (h->head == s) {
        h->head = NULL;
    }
}

void h2_end(struct h2 *h, struct h2_stream *s, enum h2_event event) {
    if (s->is_told && (s->events & H2_EVENT_REQUEST) == 0) {
        h2_tell(h, s, event);
        return;
    }
    if (h->body_stream == s) {
        h->body_stream = NULL;
    }
    if (s->unconsumed > 0) {
        nghttp2_session_consume_connection(h->session, s->unconsumed);
    }
    h2_pool_put(h, s);
}

static int feed(struct front *f, struct span bytes) {
    struct h2 *h = h2_of(f);
    if (h->error != 0) {
        return h->error;
    }
    size_t good = h2_frames_look(h, bytes, &h->fault);
    h->input = h->error == 0 ? span_first(bytes, good) : span_of(NULL, 0);
    return h->error;
}

// Errors of the library end the connection; few of them make it say GOAWAY by itself.
static void fail_by_library(struct h2 *h, ssize_t code) {
    switch (code) {
    case NGHTTP2_ERR_FLOODED:
    case NGHTTP2_ERR_TOO_MANY_SETTINGS:
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
        h2_fail(h, ERR_H2_ABUSE, NGHTTP2_ENHANCE_YOUR_CALM);
        return;
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
        h2_fail(h, ERR_H2, NGHTTP2_PROTOCOL_ERROR);
        return;
    default:
        h2_fail(h, ERR_H2, NGHTTP2_INTERNAL_ERROR);
    }
}

static void read_input(struct h2 *h) {
    static const uint8_t nothing[1];
    const uint8_t *p = h->input.n > 0 ? h->input.p : nothing;
    // After a pause that used up the input the library must be called once more, or it keeps back
    // the end of the frame until the peer's next byte.
    h->is_paused = false;
    ssize_t n = nghttp2_session_mem_recv(h->session, p, h->input.n);
    if (n < 0) {
        fail_by_library(h, n);
        return;
    }
    if (n == 0 && !h->is_paused) {
        h->input.n = 0; // it wants no more: the connection ends
    }
    h->input = span_skip(h->input, (size_t)n);
    h2_abuse_outbound(h);
}

static enum step event(struct front_event *e, enum front_event_kind kind, struct h2_stream *s) {
    *e = (struct front_event){.kind = kind, .stream = &s->base};
    return STEP_ITEM;
}

static bool takes(struct h2_stream *s, enum h2_event which) {
    if ((s->events & which) == 0) {
        return false;
    }
    s->events &= (uint8_t)~which;
    return true;
}

static enum step tell_next(struct h2 *h, struct h2_stream *s, struct front_event *e) {
    if (s->events == 0) {
        list_drop(&s->ready); // all was told
        return STEP_MORE;
    }
    if (takes(s, H2_EVENT_REQUEST)) {
        return event(e, FRONT_REQUEST, s);
    }
    bool has_ended = (s->events & (H2_EVENT_DONE | H2_EVENT_RESET)) != 0;
    if (takes(s, H2_EVENT_CONTINUE)) {
        h2_inform(&h->front, &s->base, &(struct response){.status = 100});
    }
    if (!has_ended && takes(s, H2_EVENT_BODY_END)) {
        return event(e, FRONT_BODY_END, s);
    }
    if (!has_ended && takes(s, H2_EVENT_ROOM)) {
        return event(e, FRONT_ROOM, s);
    }
    if (!has_ended && takes(s, H2_EVENT_LATE)) {
        return event(e, FRONT_LATE, s);
    }
    list_drop(&s->ready);
    if (!has_ended) {
        return STEP_MORE;
    }
    bool is_reset = takes(s, H2_EVENT_RESET);
    s->events = 0;
    if (h->body_stream == s) {
        h->body_stream = NULL;
    }
    event(e, is_reset ? FRONT_RESET : FRONT_DONE, s);
    e->error = is_reset ? s->reset_error : 0;
    return STEP_ITEM;
}

static enum step tell_body(struct h2 *h, struct front_event *e) {
    struct h2_stream *s = h->body_stream;
    h->body_stream = NULL;
    event(e, FRONT_BODY, s);
    e->body = h->body;
    return STEP_ITEM;
}

static enum step next(struct front *f, struct front_event *e) {
    struct h2 *h = h2_of(f);
    for (;;) {
        if (h->error != 0) {
            return STEP_BAD;
        }
        while (!list_is_empty(&h->ready)) {
            struct h2_stream *s = LIST_ITEM(h->ready.next, struct h2_stream, ready);
            if (tell_next(h, s, e) == STEP_ITEM) {
                return STEP_ITEM;
            }
        }
        if (h->body_stream != NULL) {
            return tell_body(h, e);
        }
        if (h->input.n > 0 || h->is_paused) {
            read_input(h);
        } else if (h->fault != 0) {
            h2_fail(h, ERR_H2, h->fault);
        } else {
            return STEP_MORE;
        }
    }
}

static enum front_phase phase(const struct front *f) {
    const struct h2 *h = h2_of_const(f);
    if (h->error != 0) {
        return FRONT_CLOSING;
    }
    if (!h->has_settings || h->is_heading) {
        return FRONT_HEAD;
    }
    if (!list_is_empty(&h->streams)) {
        return FRONT_BUSY;
    }
    return h->has_goaway || h->is_gone ? FRONT_CLOSING : FRONT_IDLE;
}

// The windows bound what bodies may wait; frames that wait for a peer that does not read are
// bounded here before h2_abuse_outbound ends the connection.
static bool wants(const struct front *f) {
    const struct h2 *h = h2_of_const(f);
    return h->error == 0 &&
           nghttp2_session_get_outbound_queue_size(h->session) <= h->conf->outbound / 2;
}

static void collect(struct front *f, struct front_stream *fs) {
    struct h2 *h = h2_of(f);
    struct h2_stream *s = h2_stream_of(fs);
    uint64_t len = fs->request.body_len;
    bool is_small = len != BODY_UNKNOWN && len <= h->conf->stream_window;
    // A body that fits is sent without a word. Without memory for it the window stays as it is.
    if (h->error == 0 && !s->is_closed && !is_small) {
        nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, h2_stream_id(s),
                                              (int32_t)h->conf->collect_window);
    }
}

static void consumed(struct front *f, struct front_stream *fs, size_t n) {
    struct h2 *h = h2_of(f);
    struct h2_stream *s = h2_stream_of(fs);
    n = n < s->unconsumed ? n : s->unconsumed;
    s->unconsumed -= n;
    if (n == 0 || h->error != 0) {
        return;
    }
    if (s->is_closed) {
        nghttp2_session_consume_connection(h->session, n);
    } else {
        nghttp2_session_consume(h->session, h2_stream_id(s), n);
    }
}

static uint32_t code_of(const struct h2_stream *s, int error) {
    if (s->is_pushed || error == ERR_CLIENT_GONE) {
        return NGHTTP2_CANCEL;
    }
    bool is_refused = error == ERR_SHUTDOWN || error_row(error)->status == 429;
    return is_refused && !s->has_head ? NGHTTP2_REFUSED_STREAM : NGHTTP2_INTERNAL_ERROR;
}

static void reset(struct front *f, struct front_stream *fs, int error) {
    struct h2_stream *s = h2_stream_of(fs);
    h2_break_stream(h2_of(f), s, error, code_of(s, error));
}

static void release(struct front *f, struct front_stream *fs) {
    struct h2 *h = h2_of(f);
    struct h2_stream *s = h2_stream_of(fs);
    consumed(f, fs, s->unconsumed);
    if (h->body_stream == s) {
        h->body_stream = NULL;
    }
    if (!s->is_closed) {
        h2_submit_reset(h, s, NGHTTP2_CANCEL);
        h2_detach(h, s);
    }
    h2_pool_put(h, s);
}

void h2_tell_last(struct h2 *h) {
    if (!h->is_gone) {
        h->is_gone = true;
        nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR,
                              NULL, 0);
    }
}

// RFC 9113, 6.8: first a GOAWAY that names the highest id, then, when the client has seen it (its
// PING comes back), one that names the last request that was taken: none is lost in between. A
// client that does not answer is told at the second call; what it sends after all it may repeat.
static void shut(struct front *f) {
    struct h2 *h = h2_of(f);
    if (h->is_shutting && h->error == 0) {
        h2_tell_last(h);
    }
    if (h->is_shutting || h->error != 0) {
        return;
    }
    h->is_shutting = true;
    nghttp2_submit_shutdown_notice(h->session);
    nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
}

static void fini(struct front *f) {
    struct h2 *h = h2_of(f);
    nghttp2_session_del(h->session);
    h->session = NULL;
    while (!list_is_empty(&h->streams)) {
        h2_pool_put(h, LIST_ITEM(h->streams.next, struct h2_stream, node));
    }
    if (h->out != NULL) {
        h2_pool_put_block(h->conf->pool, h->out);
        h->out = NULL;
    }
    if (h->error == 0) {
        h->error = ERR_CLIENT_GONE;
    }
}

static const struct front_ops h2_ops = {
    .feed = feed,
    .next = next,
    .output = h2_output,
    .sent = h2_sent,
    .phase = phase,
    .wants = wants,
    .tick = h2_tick,
    .is_held = h2_is_held,
    .inform = h2_inform,
    .promise = h2_promise,
    .head = h2_head,
    .room = h2_room,
    .body = h2_body,
    .finish = h2_finish,
    .reset = reset,
    .collect = collect,
    .consumed = consumed,
    .release = release,
    .shutdown = shut,
    .can_push = h2_can_push,
    .fini = fini,
};

static int submit_settings(struct h2 *h) {
    const struct h2_conf *c = h->conf;
    // RFC 9113, 6.5.2; RFC 9218, 2.1: priorities come in the `priority` field and PRIORITY_UPDATE.
    const nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, c->max_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, c->stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)c->head_bytes},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, entries,
                                sizeof entries / sizeof *entries) != 0 ||
        nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                              (int32_t)c->session_window) != 0) {
        return ERR_H2;
    }
    return 0;
}

int h2_init(struct h2 *h, const struct h2_conf *conf) {
    *h = (struct h2){.front = {&h2_ops}, .conf = conf, .answer_credit = 50};
    list_init(&h->streams);
    list_init(&h->ready);
    h2_frames_init(&h->frames);
    if (h2_library_session(h) != 0) {
        return ERR_H2;
    }
    if (submit_settings(h) != 0) {
        fini(&h->front);
        return ERR_H2;
    }
    return 0;
}

// serialized origin (RFC 6454, 6.2): the usual port is left out.
static size_t print_origin(char *to, size_t cap, struct span host, struct span port) {
    bool is_usual = port.n == 0 || span_eq(port, SPAN("443"));
    int n = snprintf(to, cap, "https://%.*s%s%.*s", SPAN_ARG(host), is_usual ? "" : ":",
                     is_usual ? 0 : (int)port.n, (const char *)port.p);
    return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

void h2_origins(struct h2 *h, const struct span *hosts, size_t n, struct span port) {
    char texts[H2_ORIGINS_MOST][ORIGIN_LEN];
    nghttp2_origin_entry origins[H2_ORIGINS_MOST];
    size_t told = 0;
    for (size_t i = 0; i < n && told < H2_ORIGINS_MOST; i++) {
        size_t len = print_origin(texts[told], ORIGIN_LEN, hosts[i], port);
        origins[told] = (nghttp2_origin_entry){(uint8_t *)texts[told], len};
        told += len > 0;
    }
    if (told > 0) {
        nghttp2_submit_origin(h->session, NGHTTP2_FLAG_NONE, origins, told); // it may do without
    }
}
