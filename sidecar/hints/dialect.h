// SPDX-License-Identifier: MIT
// What a client understands of a hint. Chromium drops a link with any parameter that it does not
// know, Firefox enforces what Chromium ignores, Safari takes preconnects only; so each hint is said
// in the dialect of the client's family, and left out where that has no words for it. Families and
// the marks by which they are told are rows in dialect.def and dialect_mark.def.
#ifndef HINTS_DIALECT_H
#define HINTS_DIALECT_H

#include "base/pair.h"
#include "hints/hint.h"

enum dialect {
#define FAMILY(constant, label, rels, attributes, by_http1, sentence) DIALECT_##constant,
#include "hints/dialect.def"
#undef FAMILY
    DIALECTS
};

// Attributes that a dialect may know besides rel, as and crossorigin: bits.
enum dialect_attribute {
    DIALECT_TYPE = 1,
    DIALECT_FETCHPRIORITY = 2,
    DIALECT_INTEGRITY = 4,
};

struct dialect_row {
    const char *label, *sentence;
    unsigned rels;       // bits 1 << enum hint_rel
    unsigned attributes; // bits of enum dialect_attribute
    bool by_http1;       // acts on a 103 over HTTP/1.1 too
};

// The family of a client by its Sec-CH-UA and User-Agent values, each empty when it is missing.
enum dialect dialect_of_values(struct span sec_ch_ua, struct span user_agent);
// The same by its fields.
enum dialect dialect_of(const struct pairs *fields);
// The hint as the dialect can say it: *out is the hint without the attributes that it does not
// know; fonts and fetches always with CORS. HINT_OK; HINT_PUSH_ONLY or HINT_UNSAYABLE when it is to
// be left out. *out borrows from hint.
enum hint_reason dialect_say(enum dialect dialect, const struct hint *hint, struct hint *out);
// The row of a family.
const struct dialect_row *dialect_row(enum dialect dialect);

#endif
