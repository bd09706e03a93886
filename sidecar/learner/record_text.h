// SPDX-License-Identifier: MIT
// A learner_record's parts as text that people can read and that can be read back: for the store's
// tables, the JSON of the admin endpoint and its requests. What is read back is judged anew, since
// a file or a request may hold anything.
#ifndef LEARNER_RECORD_TEXT_H
#define LEARNER_RECORD_TEXT_H

#include "base/arena.h"
#include "learner/learner_record.h"
#include "learner/route_key.h"

#define RECORD_LINK_MAX 4096                     // bytes of a hint as text
#define RECORD_ROUTE_MAX (3 * ROUTE_KEY_MAX + 1) // bytes of a route as text (route_key_print)

enum record_push { RECORD_PUSH_NO, RECORD_PUSH_CAN, RECORD_PUSH_ONLY };

// The pushing of a hint, which its Link text does not tell.
enum record_push record_push_of(const struct hint *hint);
// The hint of a Link text (hint_format), judged as if an application had sent it on a page of
// `site` under `policy` (may be NULL). False when it would not be hinted. Spans live in the arena
// or borrow from text.
struct record_hint_context {
    struct span site;
    const struct hint_policy *policy;
    struct arena *arena;
};
bool record_hint_read(struct hint *out, struct span text, enum record_push push,
                      const struct record_hint_context *context);

// Keeps the assets whose bit is set in mask, of all places of r->assets, and moves the bits of the
// votes along; sets assets_n.
void record_compact(struct learner_record *r, uint64_t mask);
// Whether a record may be given to a learner: counts and bits in range, numbers finite. Times after
// now_ms (Unix) are set to it, since what lies in the future would never grow old.
bool record_check(struct learner_record *r, uint64_t now_ms);

// "none", "reusable", "not_reusable", "dead".
const char *record_state_label(enum offer_asset_state state);
// Their inverse; false for other texts.
bool record_state_read(struct span label, enum offer_asset_state *out);
bool record_reuse_read(struct span label, enum reuse_reason *out);

#endif
