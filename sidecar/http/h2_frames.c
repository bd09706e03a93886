// SPDX-License-Identifier: MIT
// A look at the heads of the frames that come in, before the library has them. It forgets a stream
// when it closes and skips what comes for it later, and it skips PRIORITY, whose tree we do not
// use, without telling anybody.
#include "http/h2_stream.h"

#define HEAD_LEN 9         // bytes of a frame's head (RFC 9113, 4.1)
#define PRIORITY_LEN 5     // bytes of a PRIORITY frame, of which
#define DEPENDENCY_LEN 4   // name the stream that this one depends on
#define PREFACE_LEN 24     // bytes before the first frame
#define SMALL_LEN 512      // bytes of a DATA frame from which on it is upload, not a flood
#define STREAMS_KNOWN 64   // the latest streams of the client of which we know what it did to them
#define ID_BITS 0x7fffffff // without the reserved bit

struct frame {
    uint32_t len, id;
    uint8_t type, flags;
};

static uint32_t read_u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static struct frame read_head(const uint8_t *p) {
    return (struct frame){
        .len = read_u32(p) >> 8, .type = p[3], .flags = p[4], .id = read_u32(p + 5) & ID_BITS};
}

void h2_frames_init(struct h2_frames *f) {
    *f = (struct h2_frames){.skip = PREFACE_LEN};
}

// ---- what the client did to its streams ---------------------------------------------------------

// The stream's bit in `opened` and `ended`, 0 for those that are too old.
static uint64_t bit_of(const struct h2_frames *f, uint32_t id) {
    uint32_t behind = (f->latest - id) / 2;
    return behind < STREAMS_KNOWN ? (uint64_t)1 << behind : 0;
}

static void open_stream(struct h2_frames *f, uint32_t id) {
    uint32_t ahead = (id - f->latest + 1) / 2;
    f->opened = ahead < STREAMS_KNOWN ? f->opened << ahead : 0;
    f->ended = ahead < STREAMS_KNOWN ? f->ended << ahead : 0;
    f->latest = id;
    f->opened |= 1;
}

// The client ended its side, and goes on: RFC 9113, 5.1. What was on its way when we ended the
// stream is none of that. Or it opens a stream that it has passed over: 5.1.1.
static uint32_t check_order(struct h2_frames *f, const struct frame *frame) {
    bool is_head = frame->type == NGHTTP2_HEADERS;
    bool is_content = is_head || frame->type == NGHTTP2_DATA;
    if (is_head && frame->id > f->latest) {
        open_stream(f, frame->id);
    }
    if (frame->id > f->latest) {
        return 0;
    }
    uint64_t bit = bit_of(f, frame->id);
    if (is_content && (f->ended & bit) != 0) {
        return NGHTTP2_STREAM_CLOSED;
    }
    if (is_head && bit != 0 && (f->opened & bit) == 0) {
        return NGHTTP2_PROTOCOL_ERROR;
    }
    if (frame->type == NGHTTP2_RST_STREAM ||
        (is_content && (frame->flags & NGHTTP2_FLAG_END_STREAM) != 0)) {
        f->ended |= bit;
    }
    return 0;
}

// ---- frames -------------------------------------------------------------------------------------

// RFC 7540, 5.3.1 and 6.3: all that is left of it.
static uint32_t check_priority(const struct frame *frame, const uint8_t *payload) {
    bool is_bad = frame->id == 0 ||
                  (frame->len == PRIORITY_LEN && (read_u32(payload) & ID_BITS) == frame->id);
    return is_bad ? NGHTTP2_PROTOCOL_ERROR : 0;
}

// For a stream that is gone: such frames may have been on their way, but not many.
static void count_late(struct h2 *h, const struct frame *frame) {
    bool is_cheap = frame->type == NGHTTP2_WINDOW_UPDATE || frame->type == NGHTTP2_HEADERS ||
                    (frame->type == NGHTTP2_DATA && frame->len < SMALL_LEN);
    if (is_cheap && h2_stream_find(h, (int32_t)frame->id) == NULL &&
        frame->id <= (uint32_t)nghttp2_session_get_last_proc_stream_id(h->session)) {
        h2_abuse_answer(h, (int32_t)frame->id);
    }
}

static uint32_t check(struct h2 *h, const uint8_t *head) {
    struct frame frame = read_head(head);
    if (frame.type == NGHTTP2_PRIORITY) {
        return check_priority(&frame, head + HEAD_LEN);
    }
    if (frame.id % 2 == 0) {
        return 0; // the connection's, or a push's
    }
    uint32_t code = check_order(&h->frames, &frame);
    if (code == 0) {
        count_late(h, &frame);
    }
    return code;
}

// How many of a frame's first bytes are to be looked at, of which n are there.
static size_t wanted(const uint8_t *p, size_t n) {
    if (n < HEAD_LEN || p[3] != NGHTTP2_PRIORITY) {
        return HEAD_LEN;
    }
    return read_head(p).len == PRIORITY_LEN ? HEAD_LEN + DEPENDENCY_LEN : HEAD_LEN;
}

// What of `rest` begins a frame: *head, where that is complete, or kept until it is. How many bytes
// of `rest` that are.
static size_t take_head(struct h2_frames *f, struct span rest, const uint8_t **head) {
    *head = rest.p;
    size_t n = wanted(rest.p, rest.n);
    if (f->n == 0 && n <= rest.n) {
        return n; // mostly
    }
    n = wanted(f->bytes, f->n) - f->n;
    n = n < rest.n ? n : rest.n;
    memcpy(f->bytes + f->n, rest.p, n);
    f->n = (uint8_t)(f->n + n);
    bool is_complete = f->n == wanted(f->bytes, f->n);
    *head = is_complete ? f->bytes : NULL;
    f->n = is_complete ? 0 : f->n;
    return n;
}

size_t h2_frames_look(struct h2 *h, struct span bytes, uint32_t *code) {
    struct h2_frames *f = &h->frames;
    for (size_t at = 0; at < bytes.n;) {
        struct span rest = span_skip(bytes, at);
        const uint8_t *head;
        if (f->skip > 0) {
            size_t n = f->skip < rest.n ? f->skip : rest.n;
            f->skip -= (uint32_t)n;
            at += n;
            continue;
        }
        at += take_head(f, rest, &head);
        if (head == NULL) {
            continue;
        }
        *code = check(h, head);
        if (*code != 0) {
            return at - 1; // of which the library makes nothing
        }
        f->skip = (uint32_t)(read_head(head).len - (wanted(head, HEAD_LEN) - HEAD_LEN));
    }
    return bytes.n;
}
