// SPDX-License-Identifier: MIT
// What the admin endpoint answers: a request in, a status, a type and a body out. Every target is a
// row of a table. GET changes nothing; what changes something is a POST of JSON, which a web page
// cannot send without being asked first (CORS). The caller writes the head and adds what keeps a
// browser from misusing it (nosniff, no-store).
//
//     GET  /routes   what has been learned and why each hint is sent or not; ?site= ?route=
//                    ?audience= ?limit= ?after=
//     GET  /metrics  Prometheus text
//     GET  /health   {"status":"ok"}, or 503 {"status":"draining"} from the first moment of a
//     drain;
//          /readyz   the same
//     GET  /process  {"pid":1,"state":"serving"}, or "starting", "upgrading" (another program has
//     been
//                    started in its place), "not upgraded" (which has failed)
//     GET  /export   what has been learned, to be imported elsewhere; ?since= ?limit= ?after=
//     POST /import   an export
//     POST /forget   {"site":"...","route":"...","audience":"public"}: one route
//     POST /clear    {"site":"..."} or {}: the routes of a site, or of all sites; ?after=
//     POST /reload   {}: reads the configuration again; 200, or 409 with what is wrong, as text
//     POST /upgrade  {}: starts another program in the place of this one; 200 when it is under way
//
// An answer that is cut, so that the loop goes on, has "truncated":true and "next", the value of
// "after" that asks for what follows. A cut /clear without "next" is to be asked again as it was.
#ifndef ADMIN_API_H
#define ADMIN_API_H

#include "base/buf.h"
#include "learner/learner.h"
#include "metrics/metrics.h"

#define API_BODY_MOST ((size_t)64 << 20)   // bytes of an answer
#define API_REQUEST_MOST ((size_t)4 << 20) // bytes of a request's body

// What there is to tell about. Borrowed for the call. On the learner's thread.
struct api {
    const struct metrics *metrics;
    struct learner *learner;
    // As in learner_conf: how an import's links are judged. May be NULL.
    const struct hint_policy *(*find_policy)(void *self, struct span site);
    void *policy_self;
    // Called when a request has changed the learner, so that it is published. May be NULL.
    void (*on_change)(void *self);
    void *change_self;
    // Reads the configuration again. False: it is refused, and *errors says why, a line an error.
    // May be NULL: there is nothing to be read.
    bool (*reload)(void *self, struct buf *errors);
    // Starts another program in the place of this one. False: it is not started. May be NULL.
    bool (*upgrade)(void *self, struct buf *errors);
    void *reload_self; // of both
    int pid;
    const char *(*state)(void *self); // of the process: one of those above. May be NULL: serving
    bool is_draining;
};

struct api_request {
    struct span method, target;
    struct span type; // Content-Type, as received
    struct span body; // all of it, at most API_REQUEST_MOST
    uint64_t now_ms;  // Unix time
};

struct api_response {
    int status;
    struct span type;  // Content-Type, a constant
    struct span allow; // Allow of a 405, a constant; else empty
    struct buf body;
};

// Fills *out, which api_response_fini frees. HEAD is answered as GET; the caller leaves the body
// out. 0, or ERR_BUF_LIMIT (status 500).
int api_answer(const struct api *api, const struct api_request *request, struct api_response *out);
// Idempotent.
void api_response_fini(struct api_response *r);

#endif
