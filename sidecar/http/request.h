// SPDX-License-Identifier: MIT
// What HTTP/1 and HTTP/2 check alike in a request head, in one place, so that both give the same
// verdict on the same request (RFC 9110, 7 and 9; RFC 9112, 3; RFC 9113, 8.3.1).
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/message.h"

// Checks a request of which method, scheme, target, fields, protocol and, if there was one beside
// the Host field (:authority, absolute-form), authority are set as received, and completes it:
//
//   method     1*32 of tchar without lower case; TRACE and CONNECT are refused
//   scheme     "http" or "https"
//   fields     names are tokens, values without CTL but HTAB and without blanks at their ends; at
//              most one Host; Cookie fields become one, joined by "; "
//   authority  from Host when it was empty; lower case. Where both are there, HTTP/2's must be
//              equal, and HTTP/1's target in absolute-form counts. Only HTTP/1.0 may have none
//   path,      of target, which is in origin-form, or "*" for OPTIONS: that gives the path "/"
//   query
//   body_len   of Content-Length; unchanged when there is none
//
// New text lives in `a`; the rest still borrows what it borrowed. 0, or what refuses the request:
// ERR_REQUEST_SYNTAX, ERR_REQUEST_METHOD, ERR_REQUEST_HOST, ERR_REQUEST_PATH, ERR_REQUEST_FRAMING
// (Content-Length), ERR_ARENA_LIMIT; then *why says it in static words.
int request_complete(struct request *r, struct arena *a, const char **why);

// Whether the client of a complete request waits for a 100 before it sends the body (RFC 9110,
// 10.1.1); in HTTP/1.0 the field means nothing. 0, or ERR_REQUEST_EXPECT for what else it expects.
int request_expect(const struct request *r, bool *expects_continue, const char **why);

// Methods that are not refused: the Allow of a 405.
#define REQUEST_ALLOW SPAN("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")

#endif
