// SPDX-License-Identifier: MIT
// The head of an HTTP/1 request (RFC 9112, 2 to 5), read strictly: lines end in CR LF, one SP
// between the parts of the request line, no folding, no blank before the colon. First its end is
// looked for, in as many pieces as come, while its size is bounded; then it is parsed at once.
//
//     request-line = method SP request-target SP HTTP-version
//     head         = request-line CRLF *( name ":" OWS value OWS CRLF ) CRLF
//
#ifndef HTTP_H1_HEAD_H
#define HTTP_H1_HEAD_H

#include "base/message.h"
#include "base/step.h"

struct h1_limits {
    size_t line_bytes;  // of the request line: 8 KiB, above 414
    size_t field_bytes; // of one field: 8 KiB, above 431
    size_t head_bytes;  // of all of it: 32 KiB, above 431
    uint32_t fields;    // 100, above 431
};

// Where the search for the end stands. All zero at first.
struct h1_scan {
    size_t line;     // where the line begins that is not complete
    size_t at;       // bytes looked at
    uint32_t lines;  // complete lines
    bool has_begun;  // the empty line that may precede is over
    int error;       // of STEP_BAD
    const char *why; // static words for it
};

// What the head says about the connection and the message rather than the resource.
struct h1_head {
    bool keeps_alive;      // the client wants the connection to stay
    bool expects_continue; // it waits for a 100
    bool is_chunked;       // else request.body_len is right
};

// Looks for the end of the head in `bytes`, which grow from call to call and begin alike. STEP_ITEM
// when it is complete: s->at is its length. STEP_BAD with s->error.
enum step h1_scan(struct h1_scan *s, const struct h1_limits *limits, struct span bytes);
// Parses a complete head, which must outlive r. r->is_secure is set already; all else is filled,
// new text in `a`. 0, or the ERR_ that refuses the request, with *why in static words.
int h1_head_parse(struct span head, struct request *r, struct arena *a, struct h1_head *out,
                  const char **why);

#endif
