// SPDX-License-Identifier: MIT
// Reads the value of a Link field (RFC 8288, 3) link by link, and writes a link back in one
// canonical form. Quoted strings, commas inside <> and quotes, blanks around "=" and ";", empty
// list elements and parameters without a value are understood. A broken link is skipped up to the
// next comma that is neither quoted nor in <>, and counted; it never hides a good link behind it.
//
//     link_init(&reader, value, arena);
//     while (link_next(&reader, &link) == STEP_ITEM) ...
#ifndef HINTS_LINK_H
#define HINTS_LINK_H

#include "base/arena.h"
#include "base/step.h"

enum link_attribute {
#define ATTRIBUTE(constant, name) LINK_##constant,
#include "hints/link_attribute.def"
#undef ATTRIBUTE
    LINK_ATTRIBUTES
};

struct link {
    struct span target;                 // what stands between < and >, not resolved
    struct span value[LINK_ATTRIBUTES]; // unquoted; empty when absent or without a value
    unsigned has;                       // bit 1 << enum link_attribute: the parameter is there
    unsigned has_value;                 // the same: and it has a "=" (crossorigin="" has)
    unsigned others;                    // how many further parameters there are
    struct span raw;                    // the whole link as received, without outer blanks
};

struct link_reader {
    struct span rest;
    struct arena *arena;
    unsigned broken;  // links skipped so far
    bool is_unclosed; // a quote without end was met: quotes mean nothing any more
};

// Starts on one field value. Borrows value until the links are no longer used; unescaped quoted
// strings are put into arena.
void link_init(struct link_reader *reader, struct span value, struct arena *arena);
// The next link, or STEP_MORE at the end of the value. Of several rel, as, ... parameters the first
// counts (RFC 8288, 3.3). A link for which the arena has no room counts as broken.
enum step link_next(struct link_reader *reader, struct link *out);
// The parameter is there, with or without a value.
static inline bool link_has(const struct link *link, enum link_attribute attribute) {
    return (link->has & 1U << attribute) != 0;
}
// One of the blank-separated relation types of rel is `type`, compared without case.
bool link_has_rel(const struct link *link, struct span type);
// The same bytes, or the same target and known parameters and no others on either.
bool link_eq(const struct link *a, const struct link *b);
// Writes "<target>; rel=preload; as=style": the known parameters in the order of
// link_attribute.def, quoted only where the value is not a token; other parameters are left out.
// The bytes written; 0 when they do not fit into cap, or may not be sent (not VCHAR).
size_t link_format(const struct link *link, uint8_t *out, size_t cap);

#endif
