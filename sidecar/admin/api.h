// SPDX-License-Identifier: MIT
// What the admin endpoint answers: a method and a target in, a status, a type and a body out. Every
// target is a row of a table; nothing here changes anything. The caller writes the head and adds
// what keeps a browser from misusing it (nosniff, no-store).
//
//     GET /routes    what has been learned, JSON
//     GET /metrics   Prometheus text
//     GET /health    {"status":"ok"} or 503 {"status":"draining"}
#ifndef ADMIN_API_H
#define ADMIN_API_H

#include "base/buf.h"
#include "hints/learner.h"
#include "metrics/metrics.h"

#define API_BODY_MOST ((size_t)64 << 20) // bytes of an answer: the learner is bounded far below

// What there is to tell about. Borrowed for the call. On the learner's thread.
struct api {
    const struct metrics *metrics;
    const struct learner *learner;
    bool is_draining;
};

struct api_response {
    int status;
    struct span type;  // Content-Type, a constant
    struct span allow; // Allow of a 405, a constant; else empty
    struct buf body;
};

// Fills *out, which api_response_fini frees. HEAD is answered as GET; the caller leaves the body
// out. 0, or ERR_BUF_LIMIT (status 500).
int api_answer(const struct api *api, struct span method, struct span target,
               struct api_response *out);
// Idempotent.
void api_response_fini(struct api_response *r);

#endif
