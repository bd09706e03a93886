// SPDX-License-Identifier: MIT
// A learner_record's parts as text that people can read and that can be read back: for the store's
// tables, the JSON of the admin endpoint and its requests. What is read back is judged anew, since
// a file or a request may hold anything.
//
//     route text: the path of the key; "*" is a wildcard; "%", "*", control characters and what is
//     no UTF-8 are written as %XX
#ifndef HINTS_RECORD_TEXT_H
#define HINTS_RECORD_TEXT_H

#include "base/arena.h"
#include "hints/learner_record.h"

#define RECORD_LINK_MAX 4096 // bytes of a hint as text

// A route's key taken apart.
struct record_name {
    struct span site;
    bool is_session;   // the audience
    bool is_pattern;   // set by record_name_read
    struct span route; // text
};

enum record_push { RECORD_PUSH_NO, RECORD_PUSH_CAN, RECORD_PUSH_ONLY };

// Takes a key apart. Spans borrow from the key or live in the arena. False when it is none, or the
// arena has no room.
bool record_name_read(struct record_name *out, struct span key, struct arena *arena);
// The key of a name, in the arena; p is NULL when it cannot be one.
struct span record_name_key(const struct record_name *name, struct arena *arena);
// Writes s as text that is valid UTF-8, everything else in it as %XX; "%" too, so that it can be
// read back. In the arena; p is NULL when that has no room.
struct span record_text_escape(struct span s, struct arena *arena);

// The pushing of a hint, which its Link text does not tell.
enum record_push record_push_of(const struct hint *hint);
// The hint of a Link text (hint_format), judged as if an application had sent it on the page of
// `name` under `policy` (may be NULL). False when it would not be hinted. Spans live in the arena
// or borrow from text.
struct record_hint_context {
    const struct record_name *name;
    const struct hint_policy *policy;
    struct arena *arena;
};
bool record_hint_read(struct hint *out, struct span text, enum record_push push,
                      const struct record_hint_context *context);

// Whether a record may be given to a learner: counts and bits in range, numbers finite. Times after
// now_ms (Unix) are set to it, since what lies in the future would never grow old.
bool record_check(struct learner_record *r, uint64_t now_ms);

// "none", "reusable", "not_reusable", "dead".
const char *record_state_label(enum offer_asset_state state);
// Their inverse; false for other texts.
bool record_state_read(struct span label, enum offer_asset_state *out);
bool record_reuse_read(struct span label, enum reuse_reason *out);

#endif
