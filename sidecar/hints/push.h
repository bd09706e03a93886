// SPDX-License-Identifier: MIT
// What to push with a response: the same-origin preloads of its own Link fields, and of a plan.
// nopush is honoured, x-http2-push-only counts. Whether the peer takes pushes, and what it already
// has (hints/seen.h), the caller asks for itself.
#ifndef HINTS_PUSH_H
#define HINTS_PUSH_H

#include "hints/plan.h"
#include "hints/target.h"

#define PUSH_MAX 16 // pushes a response

struct push {
    struct span paths[PUSH_MAX]; // path and query each, no two alike
    size_t n;
};

// Empties it.
void push_init(struct push *push);
// Adds what the Link fields of a response on `page` ask for, up to PUSH_MAX. Paths borrow from the
// fields or live in the arena; where it has no room, links are left out.
void push_put_links(struct push *push, const struct pairs *fields, const struct target_page *page,
                    struct arena *arena);
// Adds what a plan asks for; plan may be NULL. Paths borrow from the plan.
void push_put_plan(struct push *push, const struct plan *plan);

#endif
