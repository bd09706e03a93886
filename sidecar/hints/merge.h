// SPDX-License-Identifier: MIT
// The fields of the final response: the application's, untouched and in order, but for its Link
// fields, of which links marked x-http2-push-only are taken out (they speak to us) and a link that
// stands there twice is kept once. From a field that changes, what is no link goes too; one that
// becomes empty is dropped. Behind them comes what the operator asked for: the links of a plan for
// a client that got no 103, fields of ours.
#ifndef HINTS_MERGE_H
#define HINTS_MERGE_H

#include "hints/plan.h"

// What is added.
struct merge_extra {
    const struct plan *plan;   // its links that the application does not name itself; NULL: none
    enum dialect dialect;      // in which they are said
    const struct pair *fields; // further fields, as they are: Server-Timing
    size_t fields_n;
};

// *out is `fields` itself, array and all, when nothing changes; else a new array in the arena,
// whose unchanged spans borrow from fields, and the added ones from extra, which may be NULL. 0, or
// ERR_ARENA_LIMIT and *out is `fields` as it was.
int merge_fields(const struct pairs *fields, const struct merge_extra *extra, struct arena *arena,
                 struct pairs *out);

#endif
