// SPDX-License-Identifier: MIT
// One hint: a target that a client should fetch or connect to early, with the few attributes that
// browsers accept in a 103. hint_from_link makes it of an application's Link, and is the one place
// where that is sanitised.
#ifndef HINTS_HINT_H
#define HINTS_HINT_H

#include "base/arena.h"
#include "hints/link.h"

struct plan_limits;
struct target_page;

enum hint_rel { HINT_PRELOAD, HINT_MODULEPRELOAD, HINT_PRECONNECT };
enum hint_as {
    HINT_AS_NONE,
    HINT_AS_STYLE,
    HINT_AS_SCRIPT,
    HINT_AS_FONT,
    HINT_AS_IMAGE,
    HINT_AS_FETCH
};
// ANONYMOUS is written bare: Chromium drops a link with crossorigin="".
enum hint_crossorigin { HINT_NO_CORS, HINT_ANONYMOUS, HINT_CREDENTIALS };
enum hint_priority {
    HINT_PRIORITY_NONE,
    HINT_PRIORITY_HIGH,
    HINT_PRIORITY_LOW,
    HINT_PRIORITY_AUTO
};

enum hint_reason {
#define REASON(constant, label, sentence) HINT_##constant,
#include "hints/hint_reason.def"
#undef REASON
    HINT_REASONS
};

struct hint_reason_row {
    const char *label, *sentence;
};

struct hint {
    struct span target;    // absolute path and query on the page's origin, else an absolute URL
    struct span type;      // media type, or empty
    struct span integrity; // or empty
    enum hint_rel rel;
    enum hint_as as;
    enum hint_crossorigin crossorigin;
    enum hint_priority priority;
    bool can_push;  // same origin, a preload, and the application did not say nopush
    bool push_only; // pushed where that is possible, never in a 103
};

// How a site wants its links judged and its routes learned. Borrowed.
struct hint_policy {
    // Other origins whose assets may be preloaded: "https://cdn.example".
    const struct span *origins;
    size_t origins_n;
    const struct plan_limits *limits; // of its 103s; NULL: the defaults of hints/plan.h
    // The operator's route patterns, paths in which "*" stands for any run of bytes; the first that
    // matches counts.
    const struct span *patterns;
    size_t patterns_n;
    unsigned learn;    // where evidence may come from: bits of enum learner_source
    unsigned distinct; // networks or sessions that must agree on what is private; 0: three
    bool has_policy;   // 103s carry the page's Content-Security-Policy and Referrer-Policy
};

struct hint_context {
    const struct target_page *page;
    const struct hint_policy *policy; // may be NULL
    struct arena *arena;
};

// The hint that `link` stands for on the page of the context, or why there is none. *out is filled
// where hint_is_usable: HINT_OK, HINT_CROSS_ORIGIN (a preload became a preconnect), HINT_PUSH_ONLY.
// The spans of *out borrow from the link or live in the arena.
enum hint_reason hint_from_link(struct hint *out, const struct link *link,
                                const struct hint_context *context);
static inline bool hint_is_usable(enum hint_reason reason) {
    return reason == HINT_OK || reason == HINT_CROSS_ORIGIN || reason == HINT_PUSH_ONLY;
}
// The same target, rel and crossorigin: a client would fetch it once.
bool hint_is_same(const struct hint *a, const struct hint *b);
// Every member is the same.
bool hint_eq(const struct hint *a, const struct hint *b);
// How much it blocks rendering: 0 the most. Style, script, preconnect, font, image, fetch.
int hint_rank(const struct hint *hint);
// The relation type: "preload".
struct span hint_rel_name(enum hint_rel rel);
// Writes its one canonical Link value. The bytes written; 0 when they do not fit into cap, or may
// not be sent.
size_t hint_format(const struct hint *hint, uint8_t *out, size_t cap);
// The row of a reason.
const struct hint_reason_row *hint_reason_row(enum hint_reason reason);

#endif
