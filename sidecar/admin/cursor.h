// SPDX-License-Identifier: MIT
// How an answer that is cut goes on: "next" names the last route given, "after" asks for those
// behind it. Routes that are seen in between move to the front and are missed; ?since= finds them.
#ifndef ADMIN_CURSOR_H
#define ADMIN_CURSOR_H

#include "base/buf.h"
#include "learner/learner.h"
#include "learner/route_key.h"

// Bounds of one answer, so that the loop of the learner goes on after some milliseconds. Behind
// them it is cut.
#define CURSOR_ROUTES_MOST 16384              // routes that it looks at
#define CURSOR_BYTES_MOST ((size_t)512 << 10) // bytes that it writes

// The key of the last route given: a copy, since the learner lends one route at a time.
struct cursor {
    size_t n;
    uint8_t key[ROUTE_KEY_MAX];
};

// The key that "after" in the query of `target` gives; empty when there is none or it is no key.
void cursor_read(struct cursor *c, struct span target);
// The first route that the query of `target` asks for into *out: behind "after", or the first of
// all; NULL: there is none. False when the one called "after" is not known any more.
bool cursor_start(const struct learner *learner, struct span target,
                  const struct learner_route **out);
void cursor_keep(struct cursor *c, const struct learner_route *r);
// Two hexadecimal digits for each byte of the key, which "after" takes. 0, or ERR_BUF_LIMIT.
int cursor_print(const struct cursor *c, struct buf *out);
// Ends the array and its object: last is the last route given if there are more, else NULL. 0, or
// ERR_BUF_LIMIT.
int cursor_end(const struct cursor *last, struct buf *out);

#endif
