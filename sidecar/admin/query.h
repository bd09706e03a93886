// SPDX-License-Identifier: MIT
// The query of a request target: "?site=blog.example&limit=10".
#ifndef ADMIN_QUERY_H
#define ADMIN_QUERY_H

#include "base/arena.h"

// The value of the first pair of that name, percent-decoded, in the arena. False when there is
// none.
bool query_find(struct span target, struct span name, struct arena *arena, struct span *value);
// The same as a number in [least, most], else `otherwise`.
struct query_range {
    uint64_t least, most, otherwise;
};
uint64_t query_number(struct span target, struct span name, const struct query_range *range);

#endif
