// SPDX-License-Identifier: MIT
// What a link points at, seen from its page: a path of the page's own origin, or a URL of another
// origin. Refuses what must never reach a client: other schemes, http from an https page, user
// information, control characters, and anything longer than TARGET_MAX.
#ifndef HINTS_TARGET_H
#define HINTS_TARGET_H

#include "base/arena.h"
#include "hints/hint.h"

#define TARGET_MAX 2048 // bytes

// The page on which the link stands. Borrowed spans.
struct target_page {
    struct span scheme;    // "http" or "https"
    struct span authority; // host[:port]
    struct span path;      // path and query as the client wrote them: "/a%20b/?x=1"
};

struct target {
    bool is_same_origin;
    struct span path;   // absolute path and query, no fragment: "/wp/style.css?ver=6.4"
    struct span origin; // of another origin: scheme://host[:port], lower case, no default port
    struct span url;    // what a hint carries: path on the same origin, else origin + path
};

// Resolves `reference` (RFC 3986, 5) in its canonical form. HINT_OK, or why it was refused. The
// spans of *out live in the arena.
enum hint_reason target_resolve(struct target *out, const struct target_page *page,
                                struct span reference, struct arena *arena);

#endif
