// SPDX-License-Identifier: MIT
// Whether a client can keep an asset's response. Chromium hands hints over through its HTTP cache:
// what it may not keep it fetches twice, and the page gets slower. So an asset is hinted only when
// its own response was seen and is reusable; else its reason names the field that is to blame. The
// freshness is that of a private cache (RFC 9111, 4.2), as Chromium computes it.
#ifndef HINTS_REUSE_H
#define HINTS_REUSE_H

#include "base/message.h"
#include "hints/hint.h"

enum reuse_reason {
#define REASON(constant, label, field, sentence) REUSE_##constant,
#include "hints/reuse.def"
#undef REASON
    REUSE_REASONS
};

struct reuse_row {
    const char *label, *sentence;
    const char *field; // to blame, in lower case; empty: none
};

struct reuse {
    enum reuse_reason reason;
    uint32_t lifetime_s; // if REUSE_OK: for how long a client may use it without asking, 1 or more
    bool varies_origin;  // there is Vary: Origin: for those who send one it is REUSE_VARY_ORIGIN
};

// How it is fetched.
struct reuse_use {
    enum hint_rel rel;
    enum hint_as as;
    enum hint_crossorigin crossorigin;
};

// Judges a response of now (Unix time in seconds; its Date counts instead where it has one). A 304
// does not carry everything, so that only a 200 is reusable.
struct reuse reuse_judge(const struct response *response, const struct reuse_use *use, int64_t now);
// The page's own request, so used, carries Origin, and the hinted one does not: a module, a font
// and what is marked crossorigin. fetch() sends none to its own origin.
bool reuse_sends_origin(const struct reuse_use *use);
// The row of a reason.
const struct reuse_row *reuse_row(enum reuse_reason reason);

#endif
