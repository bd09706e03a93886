// SPDX-License-Identifier: MIT
// The client's side of one FastCGI connection, one request at a time (PHP-FPM says
// FCGI_MPXS_CONNS=0, and so do most). An engine without I/O: params and body in, records out by
// fcgi_conn_output; records in, the response out by fcgi_conn_next. A response is complete if and
// only if FCGI_EVENT_END came: the end of the connection alone means that it was cut short.
//
//     begin ─► body* ─► body_end ─► output ─► sent          feed ─► next ─► INTERIM* HEAD BODY* END
//                                                                           (ERRORS anywhere)
//
// After fcgi_conn_is_idle the next request may begin on the same connection. To drop a request,
// close the connection: FCGI_ABORT_REQUEST is ignored by PHP-FPM.
#ifndef FCGI_CONN_H
#define FCGI_CONN_H

#include "fcgi/cgi_head.h"
#include "fcgi/reader.h"

#define FCGI_CONN_WINDOW_DEFAULT (64u << 10)
#define FCGI_CONN_END_LEN 8 // bytes of output that end a request: the empty STDIN record

struct fcgi_conn_conf {
    struct cgi_head_conf head; // limits of the response's header blocks
    size_t params_limit;       // bytes of all params of a request; 0: PARAMS_LIMIT_DEFAULT
    size_t window;             // bytes of output queued beyond which no body is taken; 0: default
};

enum fcgi_event_kind {
    FCGI_EVENT_INTERIM, // a 1xx head; told as soon as it is complete
    FCGI_EVENT_HEAD,    // the final head
    FCGI_EVENT_BODY,    // bytes of the body, as many as came, whatever Content-Length says
    FCGI_EVENT_ERRORS,  // bytes of the error stream, raw: not text, not bounded; the caller caps
    FCGI_EVENT_END,     // the response is complete; last event of the request
};

struct fcgi_event {
    enum fcgi_event_kind kind;
    struct response response; // INTERIM, HEAD: in the request's arena (rules: see cgi_head.h)
    bool was_interim;         // HEAD: was told as INTERIM; a 1xx was the only block; status is 200
    const char *odd;          // INTERIM, HEAD: a field that was left out, in static words, or NULL
    struct span bytes;        // BODY, ERRORS: borrowed until the next fcgi_conn_next; never empty
    uint32_t app_status;      // END: exit status of the application; PHP-FPM always says 0
};

struct fcgi_conn {
    struct fcgi_conn_conf conf;
    struct reader reader;
    struct cgi_head head;
    struct buf out;
    uint16_t id;         // of the request; 0 before the first
    uint64_t body_left;  // bytes of STDIN that have not been put
    uint8_t end[8];      // content of END_REQUEST
    size_t end_len;      // bytes of it that have come
    bool is_active;      // a request has begun
    bool is_stdin_ended; // the empty STDIN record has been put
    bool has_sent;
    bool has_end_record, has_ended; // END_REQUEST has come; FCGI_EVENT_END has been told
    bool keep;
    int error;       // of STEP_BAD: ERR_BACKEND_*
    const char *why; // static words for it
};

// conf is copied; NULL stands for defaults. Allocates nothing.
void fcgi_conn_init(struct fcgi_conn *c, const struct fcgi_conn_conf *conf);
// Frees the buffers. Idempotent.
void fcgi_conn_fini(struct fcgi_conn *c);

// Begins a request on a fresh or idle connection (asserted): all of BEGIN_REQUEST, PARAMS and, when
// content_length is 0, the end of STDIN is put to the output at once. `keep` asks the peer not to
// close after the answer. params is copied; arena is borrowed until the next begin or fini.
// 0, or ERR_PARAMS_LIMIT with nothing put, and the connection still fresh or idle.
int fcgi_conn_begin(struct fcgi_conn *c, struct arena *arena, const struct pairs *params,
                    uint64_t content_length, bool keep);
// How many bytes of body fcgi_conn_body takes now; never more than are left of content_length.
size_t fcgi_conn_room(const struct fcgi_conn *c);
// Puts bytes of the body (a copy). 0; ERR_BODY_LONG when they exceed content_length; ERR_BUF_LIMIT
// when they exceed fcgi_conn_room. On an error nothing is put.
int fcgi_conn_body(struct fcgi_conn *c, struct span bytes);
// The body is complete. 0 (also when called again), or ERR_BODY_SHORT: then close the connection,
// since PHP would run with half a body or hang.
int fcgi_conn_body_end(struct fcgi_conn *c);

// Hands over received bytes, borrowed until fcgi_conn_next says MORE; only then may more be fed.
void fcgi_conn_feed(struct fcgi_conn *c, struct span bytes);
// Pulls one event. STEP_BAD with c->error and c->why, for good: ERR_BACKEND_RECORD (malformed, of
// another request, or with no request under way), ERR_BACKEND_REFUSED, ERR_BACKEND_OVERLOADED,
// ERR_BACKEND_HEAD, ERR_BACKEND_STATUS. Only reset or fini are left then.
enum step fcgi_conn_next(struct fcgi_conn *c, struct fcgi_event *e);
// Instead of fcgi_conn_next, once the response is not wanted any more: passes over what was fed.
// True when the request is over at the peer (END_REQUEST), or its records make no sense any more.
bool fcgi_conn_drain(struct fcgi_conn *c);
// The peer closed; to be asked when fcgi_conn_next says MORE. 0 when no request is under way or END
// was told; ERR_BACKEND_CLOSED when no final head was told; else ERR_BACKEND_SHORT.
int fcgi_conn_eof(const struct fcgi_conn *c);

// Bytes to be written to the peer; borrowed until the next call on c that is not a question.
struct span fcgi_conn_output(const struct fcgi_conn *c);
// n bytes of the output have left.
void fcgi_conn_sent(struct fcgi_conn *c, size_t n);
// The body of the present request is not complete: to close now cuts it short.
bool fcgi_conn_awaits_body(const struct fcgi_conn *c);
// Some byte of the present request has left: the peer may have executed it.
bool fcgi_conn_has_sent(const struct fcgi_conn *c);
// The connection may carry another request: none was begun yet, or the last one asked to be kept,
// was answered and sent completely, and no bytes came behind its answer.
bool fcgi_conn_is_idle(const struct fcgi_conn *c);

#endif
