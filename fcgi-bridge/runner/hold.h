// SPDX-License-Identifier: MIT
// The part of an answer that waits until the request body is read. A front may stop sending a body
// once it has got the head of a final answer (nginx does), and the program would wait for the rest
// for ever. Interim blocks pass: no front takes them for the answer.
#ifndef RUNNER_HOLD_H
#define RUNNER_HOLD_H

#include "base/arena.h"
#include "base/buf.h"
#include "fcgi/cgi_head.h"

#include <stdbool.h>

struct hold {
    struct buf bytes; // held, in the order in which they came
    struct cgi_head head;
    struct arena arena;
    uint64_t fed;     // bytes that came
    uint64_t passed;  // bytes of them that were taken
    uint64_t interim; // bytes of them that are interim blocks
    bool is_final;    // what follows is no interim block
};

// limit: most bytes that are held.
void hold_init(struct hold *h, uint64_t limit);
// Idempotent.
void hold_fini(struct hold *h);
// Adds bytes. False when they are more than may be held; nothing is added then.
bool hold_put(struct hold *h, struct span bytes);
// What may pass now: the interim blocks, or all once the body is read. Borrowed until the next
// call.
struct span hold_ready(const struct hold *h, bool is_body_read);
// n bytes of hold_ready have passed.
void hold_take(struct hold *h, size_t n);

#endif
