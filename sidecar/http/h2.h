// SPDX-License-Identifier: MIT
// HTTP/2 (RFC 9113) for one client connection: an engine of the shape of http/front.h around an
// nghttp2 server session. The library's callbacks only mark what happened on the streams;
// front_next tells it. What is put in leaves in one run of bytes when front_output is asked, so all
// answers that are ready in one turn of the loop travel together.
//
// After front_output and front_sent call front_next again: sending makes room (FRONT_ROOM) and
// completes responses (FRONT_DONE). After an error (front_feed, STEP_BAD) write what front_output
// gives, then close.
//
// The library bounds little of what a peer may do, so this engine counts: fields and bytes of a
// header block, streams it had to reset, frames that cost work and bring nothing. See h2_conf.
#ifndef HTTP_H2_H
#define HTTP_H2_H

#include "base/list.h"
#include "http/front.h"
#include "http/h2_pool.h"

struct nghttp2_session;

// Set by h2_conf_init, then changed where wanted. Borrowed by every h2 made with it.
struct h2_conf {
    struct h2_pool *pool; // of this thread; must outlive every h2. NULL until set
    const int64_t
        *unix_time; // seconds, kept by the caller: for `date` and for decay. NULL until set
    bool is_secure; // request.is_secure

    uint32_t max_streams;    // requests under way at once: 100
    size_t request_memory;   // bytes the arena of a stream may hand out: 1280 KiB
    size_t response_queue;   // bytes of a response body queued before front_room is 0: 64 KiB
    uint32_t stream_window;  // bytes of request body a stream may send unacknowledged: 64 KiB
    uint32_t collect_window; // the same after front_collect: 8 MiB
    uint32_t session_window; // the same for all streams together: 16 MiB; more than max_streams
                             // windows, so that bodies nobody takes do not stop the others

    // A request's header block; cookie crumbs count one by one, a field counts 32 bytes more than
    // it has (RFC 9113, 6.5.2).
    uint32_t fields, fields_hard;       // above 100: 431; above 256: RST_STREAM
    size_t head_bytes, head_bytes_hard; // above 32 KiB: 431; above 64 KiB: GOAWAY
    size_t field_bytes;                 // of one field, above 8 KiB: 431

    // Above: GOAWAY ENHANCE_YOUR_CALM; what concerns streams is not counted after h2_share.
    uint32_t faults;   // streams reset for the client's fault: 50 a connection
    uint32_t resets;   // requests the client took back: 100; 10 a second and each answer make good
    uint32_t glitches; // idle work (PING, SETTINGS, empty DATA, unknown frames, WINDOW_UPDATE
                       // beyond need, ...): 100; 10 a second, and 2 each request make good
    uint32_t outbound; // frames that wait for a peer that does not read: 1000
};

// The defaults above, without pool and unix_time.
void h2_conf_init(struct h2_conf *c);

// A level that rises with what a peer does and falls with time and good conduct.
struct h2_level {
    int32_t level;
    int64_t at; // unix time of the last fall
};

// The heads of frames that have come in, and what the client did to its latest streams.
struct h2_frames {
    uint32_t skip;          // bytes of the input until the next frame begins
    uint8_t n, bytes[13];   // of the frame that begins: its head, and of PRIORITY a little more
    uint32_t latest;        // the highest stream that the client has opened
    uint64_t opened, ended; // of the streams latest, latest - 2, ...: a bit each, the lowest first
};

// All members are private to the h2_ files; read through the functions.
struct h2 {
    struct front front; // first
    const struct h2_conf *conf;
    struct nghttp2_session *session;
    struct span input; // fed and not yet read by the library
    struct h2_frames frames;
    uint32_t fault;         // HTTP/2 code of what follows the input, or 0
    struct list streams;    // every h2_stream that is not released
    struct list ready;      // those with something to tell
    struct h2_stream *head; // whose request head is coming in; NULL for trailers
    size_t head_bytes;      // of the header block that is coming in, 32 more a field
    uint32_t head_fields;
    struct h2_stream *body_stream; // DATA the library has paused on
    struct span body;
    struct h2_block *out; // frames to be written: [out_from, out_to); NULL when there are none
    size_t out_from, out_to;
    uint64_t body_received; // bytes of bodies that came, of all streams
    int error;              // ERR_ of SCOPE_CONN, or 0
    uint32_t pushes;        // pushed streams that are open now
    uint32_t faults_seen, faults_sent;
    struct h2_level resets, glitches;
    int32_t answer_credit; // WINDOW_UPDATE frames that are not a glitch
    bool is_paused;        // the library must be called once more, even without input
    bool is_heading;       // a header block has begun and is not complete
    bool has_settings;     // the peer's SETTINGS have arrived
    bool has_order;        // the peer has said something of RFC 9218: its defaults are meant
    bool has_goaway;       // the peer goes away
    bool is_shared;        // h2_share
    bool is_shutting;      // we go away: the client has been warned
    bool is_gone;          // and told which request was the last
};

// Makes a server session; SETTINGS wait in front_output. 0, or ERR_H2 when the library refuses.
// Borrows conf until front_fini(&h->front).
int h2_init(struct h2 *h, const struct h2_conf *conf);

// The peer is a front that the operator trusts, and many clients are behind it: what is done to one
// of their streams ends that stream, never the connection. To be called before anything is fed.
static inline void h2_share(struct h2 *h) {
    h->is_shared = true;
}
#define H2_ORIGINS_MOST 32 // of one ORIGIN frame

// Tells the client which other hosts it may ask for on this connection (ORIGIN, RFC 8336), by https
// and at that port. At most H2_ORIGINS_MOST hosts are told.
void h2_origins(struct h2 *h, const struct span *hosts, size_t n, struct span port);

#endif
