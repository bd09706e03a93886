// SPDX-License-Identifier: MIT
// Takes an export apart into pieces that the endpoint takes one after another: the bytes are only
// looked at as far as that needs, so that a large one costs no memory. What they mean is judged by
// whoever imports them.
//
//     {"outrider":"export","version":1,"routes":[ {...} , {...} ] , ...}
//     `------------------- head -----------------' `-- items --'  `tail'
#ifndef ADMIN_TRANSFER_H
#define ADMIN_TRANSFER_H

#include "base/buf.h"
#include "base/step.h"

struct transfer {
    struct span head; // up to the bracket that opens the routes
    struct span rest;
};

// Starts. Borrows text. False when it has no "routes" array.
bool transfer_init(struct transfer *t, struct span text);
// The next route, an object as it is written; borrowed from the text. STEP_MORE: the array has
// ended, and t->rest is the tail. STEP_BAD: it does not end, or something else is in it.
enum step transfer_next(struct transfer *t, struct span *route);
// The value of the member "next" in the tail; empty when there is none.
struct span transfer_cursor(const struct transfer *t);

#endif
