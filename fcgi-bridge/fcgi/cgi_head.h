// SPDX-License-Identifier: MIT
// The response of a CGI program (RFC 3875, 6) from its standard output, cut anywhere: header blocks
// first, then the body. A program may send blocks with `Status: 1xx` before its final block; each
// is told as soon as it is complete, since a hint that waits is worthless.
//
// Whether a 1xx block was followed by another block cannot be known when it is told. PHP-FPM sends
// a 1xx that a script asked for as its only block, directly followed by the page. What follows a
// 1xx block is a header block if its lines are header fields until one of them is Status,
// Content-Type or Location; from that line on it is held to be one, and what is bad in it is an
// error. Else it is the body, and the 1xx block was the final head after all: it is told once more
// as CGI_HEAD_FINAL with status 200 and `was_interim`. Where nothing at all follows, the program
// has not answered: an error.
//
// One odd field does not cost the page: a line that is no field, a length that is no number, other
// control characters in a value than NUL and CR, a second Status are left out, and the event says
// so in `odd`. The block must then have one of Status, Content-Type and Location, or it is no head.
// What could be read in two ways where it is sent (NUL, CR, folding) is an error.
//
//     block  = *( name ":" OWS value OWS EOL ) EOL        EOL = [ CR ] LF
//     Status = 3DIGIT [ SP reason ]
#ifndef FCGI_CGI_HEAD_H
#define FCGI_CGI_HEAD_H

#include "base/buf.h"
#include "base/message.h"
#include "base/step.h"

#define CGI_HEAD_LIMIT_DEFAULT (128u << 10)
#define CGI_HEAD_FIELDS_DEFAULT 1000
#define CGI_HEAD_NAME_MAX 256 // bytes of a field name

struct cgi_head_conf {
    size_t head_limit;   // bytes of one header block; 0: CGI_HEAD_LIMIT_DEFAULT
    size_t fields_limit; // fields of one header block; 0: CGI_HEAD_FIELDS_DEFAULT
};

enum cgi_head_event_kind {
    CGI_HEAD_INTERIM, // a 1xx block
    CGI_HEAD_FINAL,   // the final head, once
    CGI_HEAD_BODY,    // bytes behind the final head
};

struct cgi_head_event {
    enum cgi_head_event_kind kind;
    // INTERIM, FINAL: in the arena. Names are tokens in the case in which they came, values have no
    // CTL but HTAB. Without Status and connection-specific fields (RFC 9110, 7.6.1); at most one
    // Content-Length, which is a number, and one Content-Type.
    struct response response;
    const char *odd;  // INTERIM, FINAL: static words for what was left out last, or NULL
    bool was_interim; // FINAL: told as INTERIM before; its status was made 200
    struct span body; // BODY: borrowed until the next cgi_head_next; never empty
};

enum cgi_head_state { CGI_HEAD_IN_FIRST, CGI_HEAD_IN_NEXT, CGI_HEAD_IN_BODY, CGI_HEAD_IN_ERROR };

// What has been seen of the block that is being read.
struct cgi_head_block {
    struct response response;
    size_t len;      // bytes of complete lines
    size_t fields;   // lines, dropped fields too
    uint64_t length; // value of Content-Length
    bool has_status, has_location, has_length, has_no_length, is_certain;
    bool is_doubtful; // a line was no field
    const char *odd;
};

struct cgi_head {
    struct cgi_head_conf conf;
    enum cgi_head_state state;
    struct arena *arena;
    struct span in;
    struct buf held; // the block so far, when its beginning came with an earlier piece
    bool is_held;    // the block's bytes are in `held`, else directly before in.p
    bool has_ended;
    struct cgi_head_block block;
    struct response interim; // the last 1xx told
    int error;               // of STEP_BAD
    const char *why;         // static words for it
};

void cgi_head_init(struct cgi_head *h, const struct cgi_head_conf *conf);
// Frees what is held. Idempotent.
void cgi_head_fini(struct cgi_head *h);
// Makes h ready for the next response, whose heads are copied into `arena` (borrowed until the next
// begin or fini).
void cgi_head_begin(struct cgi_head *h, struct arena *arena);
// Hands over bytes, borrowed until cgi_head_next says MORE; only then may more be fed.
void cgi_head_feed(struct cgi_head *h, struct span bytes);
// The output is complete; what was held back is told by the following cgi_head_next.
void cgi_head_end(struct cgi_head *h);
// STEP_BAD with h->error and h->why: ERR_BACKEND_HEAD, ERR_BACKEND_STATUS.
enum step cgi_head_next(struct cgi_head *h, struct cgi_head_event *e);
// The final head has been told.
bool cgi_head_is_done(const struct cgi_head *h);

#endif
