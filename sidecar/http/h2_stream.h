// SPDX-License-Identifier: MIT
// Inside the HTTP/2 engine: one stream, and what the h2_ files tell each other. Nobody else
// includes this.
//
//     h2.c         the table of http/front.h: feeding, pulling, phase
//     h2_input.c   the library's callbacks for what arrives
//     h2_frames.c  heads of frames, of which the library would tell nobody
//     h2_head.c    request heads: limits, fields, the check
//     h2_answer.c  interim and final responses
//     h2_output.c  frames into the output block, the end of streams
//     h2_order.c   whose body goes first
//     h2_push.c    promises
//     h2_time.c    the clock: bodies that do not come, responses that are not taken
//     h2_abuse.c   counting what a peer should not do
//     h2_library.c nghttp2's callbacks, options and memory, one set a pool
#ifndef HTTP_H2_STREAM_H
#define HTTP_H2_STREAM_H

#include "base/buf.h"
#include "base/error.h"
#include "http/h2.h"

#include <nghttp2/nghttp2.h>

// Things to tell about a stream, in the order in which they are told.
enum h2_event {
    H2_EVENT_REQUEST = 1,
    H2_EVENT_CONTINUE = 2, // told to the client: 100, unless the request has been answered
    H2_EVENT_BODY_END = 4,
    H2_EVENT_ROOM = 8,
    H2_EVENT_DONE = 16,
    H2_EVENT_RESET = 32,
    H2_EVENT_LATE = 64,
};

struct h2_stream {
    struct front_stream base;          // first
    struct list node;                  // in h2.streams
    struct h2_stream *next;            // in h2_pool.streams
    struct list ready;                 // in h2.ready
    struct buf queue;                  // response body not yet framed
    uint64_t body_left;                // of its Content-Length, or BODY_UNKNOWN
    size_t unconsumed;                 // bytes of request body told, not yet acknowledged
    uint64_t body_sent, body_received; // bytes of the bodies that left and came
    struct deadline wait;              // for the request's body, or for the stream's window
    uint64_t began_ms;                 // when the clock first saw it, or 0
    int refusal;                       // ERR_ that answers the request without anybody being told
    int reset_error;                   // for FRONT_RESET
    uint8_t events;                    // enum h2_event
    uint8_t urgency;                   // of a push, until its promise has been sent
    bool is_told; // FRONT_REQUEST is marked or told: the caller will release it
    bool is_pushed;
    bool is_promised; // the PUSH_PROMISE has been sent: the client knows the stream
    bool is_closed;   // the library has forgotten it
    bool has_head;    // the final head is submitted
    bool is_finished; // the caller has put all of the response that there is
    bool is_broken;   // and it is not all of it: a reset follows what was put
    bool has_end;     // END_STREAM has been sent
    bool drops_body;  // HEAD, 204, 304
    bool is_deferred; // the library waits for nghttp2_session_resume_data
    bool is_full;     // FRONT_ROOM is owed
};

static inline struct h2 *h2_of(struct front *f) {
    return (struct h2 *)(void *)f;
}

static inline const struct h2 *h2_of_const(const struct front *f) {
    return (const struct h2 *)(const void *)f;
}

static inline struct h2_stream *h2_stream_of(struct front_stream *s) {
    return (struct h2_stream *)(void *)s;
}

static inline int32_t h2_stream_id(const struct h2_stream *s) {
    return (int32_t)s->base.id;
}

// The stream of a frame; NULL when the engine has given it up or never knew it.
static inline struct h2_stream *h2_stream_find(struct h2 *h, int32_t id) {
    return nghttp2_session_get_stream_user_data(h->session, id);
}

static inline nghttp2_nv h2_nv(struct span name, struct span value, uint8_t flags) {
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.p, (uint8_t *)(uintptr_t)value.p, name.n,
                        value.n, flags};
}

// h2_pool.c: a stream in its first state, put on h->streams; and back, with all that it holds.
struct h2_stream *h2_pool_take(struct h2 *h, int32_t id);
void h2_pool_put(struct h2 *h, struct h2_stream *s);

// Bounds of a head that is sent, above those that options may allow a backend (`responses`): fields
// with :status and ours, what each counts besides its name and value, and bytes of all.
#define H2_HEAD_FIELDS (2000 + 16)
#define H2_HEAD_FIELD_OWN 12
#define H2_HEAD_LEN ((1u << 20) + H2_HEAD_FIELDS * H2_HEAD_FIELD_OWN)
#define H2_BLOCK_LEN (72u << 10)   // bytes of an output block: four DATA frames and their heads
#define H2_FRAME_LEN (9u + 16384u) // bytes of the largest frame we send

struct h2_block {
    struct h2_block *next;
    uint8_t bytes[H2_BLOCK_LEN];
};

struct h2_block *h2_pool_take_block(struct h2_pool *pool);
void h2_pool_put_block(struct h2_pool *pool, struct h2_block *b);

// h2_library.c: a server session for h with the pool's callbacks, options and memory. 0, or ERR_H2.
int h2_library_session(struct h2 *h);
void h2_library_free(struct h2_pool *pool);

// h2.c: marks something to tell; gives the stream up towards the library.
void h2_tell(struct h2 *h, struct h2_stream *s, enum h2_event event);
void h2_detach(struct h2 *h, struct h2_stream *s);
// GOAWAY with the last request that was taken, once.
void h2_tell_last(struct h2 *h);
// The stream is over with this event. If the caller does not know it yet, it never will.
void h2_end(struct h2 *h, struct h2_stream *s, enum h2_event event);
// Ends the connection with GOAWAY. Returns what a callback of the library is to return.
int h2_fail(struct h2 *h, int error, uint32_t h2_code);

// h2_input.c
void h2_input_callbacks(nghttp2_session_callbacks *callbacks);

// h2_frames.c
void h2_frames_init(struct h2_frames *f);
// Looks at input before the library has it. How many bytes of it are good; what follows is a fault
// of the connection with this HTTP/2 code. May end the connection as h2_fail does.
size_t h2_frames_look(struct h2 *h, struct span bytes, uint32_t *code);

// h2_head.c
int h2_head_begin(struct h2 *h, int32_t id);
int h2_head_field(struct h2 *h, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                  nghttp2_rcbuf *value);
int h2_head_complete(struct h2 *h, struct h2_stream *s, bool has_end);

// h2_answer.c: the commands of http/front.h.
int h2_inform(struct front *f, struct front_stream *s, const struct response *r);
int h2_head(struct front *f, struct front_stream *s, const struct response *r, bool end);
int h2_body(struct front *f, struct front_stream *s, struct span bytes);
void h2_finish(struct front *f, struct front_stream *s);
size_t h2_room(const struct front *f, const struct front_stream *s);
// Answers a request that nobody was told of with the status of an error's row.
void h2_refuse(struct h2 *h, struct h2_stream *s, int error);
// RST_STREAM now, or as soon as the client knows the stream.
void h2_submit_reset(struct h2 *h, const struct h2_stream *s, uint32_t h2_code);
// The same, and FRONT_RESET if the stream has been told.
// The same once what was put has left: a client shows what it got of a response that breaks off.
void h2_break_stream(struct h2 *h, struct h2_stream *s, int error, uint32_t h2_code);
void h2_reset_stream(struct h2 *h, struct h2_stream *s, int error, uint32_t h2_code);

// h2_output.c
void h2_output_callbacks(nghttp2_session_callbacks *callbacks);
struct span h2_output(struct front *f);
void h2_sent(struct front *f, size_t n);
nghttp2_data_provider h2_output_provider(void);

// h2_order.c
// What the head of a request, a frame that has begun, or SETTINGS say of the order of bodies.
void h2_order_request(struct h2 *h, const struct h2_stream *s);
void h2_order_frame(struct h2 *h, uint8_t type);
void h2_order_settings(struct h2 *h);
// A push is promised, and its promise has been sent.
void h2_order_promise(struct h2 *h, const struct h2_stream *parent, struct h2_stream *pushed);
void h2_order_push(struct h2 *h, const struct h2_stream *pushed);

// h2_time.c: front_tick and front_is_held.
bool h2_tick(struct front *f, const struct front_clock *clock);
bool h2_is_held(const struct front *f);

// h2_push.c
int h2_promise(struct front *f, struct front_stream *parent, const struct request *request,
               struct front_stream **pushed);
bool h2_can_push(const struct front *f);

// h2_abuse.c. Each returns 0, or what h2_fail returned. stream: of the frame, 0 is the connection.
int h2_abuse_fault(struct h2 *h, uint32_t *count); // &h->faults_seen or &h->faults_sent
int h2_abuse_reset(struct h2 *h);
int h2_abuse_glitch(struct h2 *h, int32_t stream);
int h2_abuse_answer(struct h2 *h, int32_t stream);
void h2_abuse_praise_request(struct h2 *h);
void h2_abuse_praise_answer(struct h2 *h);
void h2_abuse_praise_data(struct h2 *h);
int h2_abuse_outbound(struct h2 *h);

#endif
