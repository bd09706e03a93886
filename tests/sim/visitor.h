// SPDX-License-Identifier: MIT
// The client of a play: on HTTP/2 a real nghttp2 client session, on HTTP/1.1 a strict reader of
// answers of its own. It keeps what it saw of each stream as text, and a fault as soon as it sees
// what no server may send: a second final response, an interim response behind it, a field or a
// frame that the library refuses, a break that pretends to be none.
#ifndef TESTS_SIM_VISITOR_H
#define TESTS_SIM_VISITOR_H

#include "base/buf.h"

#include <nghttp2/nghttp2.h>

#define CLIENT_STREAMS 64

enum seen_end {
    SEEN_OPEN,      // neither complete nor broken off
    SEEN_COMPLETE,  // END_STREAM, or the end that HTTP/1 framing gives
    SEEN_RESET,     // the server broke it off: RST_STREAM, or the end of the connection before
    SEEN_CANCELLED, // the client did
};

// One stream as the client sees it.
struct heard {
    int32_t id;
    bool is_push, is_head; // promised by the server; the request was a HEAD
    bool is_ended;         // the request's body is complete
    bool is_chunked;       // HTTP/1: it has no length
    bool has_all;          // HTTP/1: the response had a length, and that much has come
    bool is_refused;       // by GOAWAY: the server has not seen it, and never will
    struct buf path;       // of a push
    struct buf heads;      // "103 [link: </a>] ", then the final "200 [a: b] "
    struct buf block;      // fields of the head that is coming in: "[a: b] "
    struct buf length;     // its Content-Length, written behind the others
    struct buf body;
    struct buf upload;        // of the request's body, waits to leave
    int status, block_status; // of the final head, of the one coming in; 0: none
    unsigned informs;         // interim responses
    enum seen_end end;
};

struct visitor {
    bool is_h2;
    bool is_http10; // and else this, set behind visitor_init
    nghttp2_session *session;
    struct heard *seen[CLIENT_STREAMS];
    size_t seen_n;
    struct buf out;  // to the server
    struct buf in;   // HTTP/1: from the server, not yet read
    bool is_in_body; // HTTP/1: of the oldest answer that is open
    bool is_chunked; // HTTP/1: that body
    uint64_t body_left;
    bool is_closed;    // the connection is over
    uint32_t goaway;   // error code + 1 of a GOAWAY; 0: none
    const char *fault; // static words, or NULL
};

// window: bytes of SETTINGS_INITIAL_WINDOW_SIZE, 0 for the default.
void visitor_init(struct visitor *c, bool is_h2, bool takes_pushes, uint32_t window);
void visitor_fini(struct visitor *c);
// Sends a request: "GET /path\nname: value\n", a navigation. A body may follow behind an empty
// line; then, and where the method is not POST, the request is complete.
struct heard *visitor_request(struct visitor *c, const char *text);
// Sends a piece of the body of a request that is not complete, and its end.
void visitor_body(struct visitor *c, struct heard *s, const char *text);
void visitor_end(struct visitor *c, struct heard *s);
// Breaks one stream off. On HTTP/1 only the whole connection can be: false.
bool visitor_reset(struct visitor *c, struct heard *s);
// Says that it goes away (HTTP/2).
void visitor_goaway(struct visitor *c);
// Opens the windows of all streams by so many bytes (HTTP/2).
void visitor_open(struct visitor *c, int32_t bytes);
// Bytes from the server.
void visitor_feed(struct visitor *c, struct span bytes);
// The connection is over. An HTTP/1.0 body without a length is complete by the server's FIN only.
enum visitor_end { CLIENT_LEAVES, CLIENT_SEES_FIN, CLIENT_SEES_RESET };
void visitor_close(struct visitor *c, enum visitor_end end);
// Moves what the client has to say to c->out.
void visitor_flush(struct visitor *c);
// The body so far, unpacked where the head has a Content-Encoding that a browser knows; `room`,
// which the caller frees, may hold it.
struct span visitor_plain(const struct heard *s, struct buf *room);
// Writes `heads "body" complete`, `heads cancelled`, `heads open` or `reset`.
void visitor_write(const struct heard *s, struct buf *text);

#endif
