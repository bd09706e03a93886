// SPDX-License-Identifier: MIT
// The fields of the final response: the application's, untouched and in order, but for its Link
// fields, of which links marked x-http2-push-only are taken out (they speak to us) and a link that
// stands there twice is kept once. From a field that changes, what is no link goes too; one that
// becomes empty is dropped.
#ifndef HINTS_MERGE_H
#define HINTS_MERGE_H

#include "base/pair.h"

// *out is `fields` itself, array and all, when nothing changes; else a new array in the arena,
// whose unchanged spans borrow from fields. 0, or ERR_ARENA_LIMIT and *out is `fields` as it was.
int merge_fields(const struct pairs *fields, struct arena *arena, struct pairs *out);

#endif
