// SPDX-License-Identifier: MIT
// What the learner keys on: a site and a normalised path, as one run of bytes.
//
//     site name | 0x00 | decoded path
//
// Neither part can hold a zero byte, so two routes never share a key. The query does not count.
#ifndef HINTS_ROUTE_KEY_H
#define HINTS_ROUTE_KEY_H

#include "base/arena.h"
#include "hints/siphash.h"

#define ROUTE_KEY_MAX 2048 // bytes; longer paths are not learned

// The key of `path` (request.path: decoded, dot segments removed) on the site of that name, in the
// arena. p is NULL when there is none: longer than ROUTE_KEY_MAX, a zero byte, no memory.
struct span route_key(struct arena *arena, struct span site, struct span path);
// The parts of a key. Empty spans when it is none.
struct span route_key_site(struct span key);
struct span route_key_path(struct span key);
// The hash under which its plan is found.
uint64_t route_key_hash(const struct siphash_key *secret, struct span key);

#endif
