// SPDX-License-Identifier: MIT
#include "learner/record_text.h"

#include "hints/target.h"

#include <math.h>

#define WILDCARD 0x01   // of a pattern, in its key
#define COUNT_MOST 1e15 // of navigations, and of microseconds
#define VARIANCE_MOST 1e30

static const struct span states[] = {
    [OFFER_ASSET_NONE] = SPAN_INIT("none"),
    [OFFER_ASSET_REUSABLE] = SPAN_INIT("reusable"),
    [OFFER_ASSET_NOT_REUSABLE] = SPAN_INIT("not_reusable"),
    [OFFER_ASSET_DEAD] = SPAN_INIT("dead"),
};

#define STATES (sizeof states / sizeof states[0])

const char *record_state_label(enum offer_asset_state state) {
    return (const char *)states[state].p;
}

bool record_state_read(struct span label, enum offer_asset_state *out) {
    for (size_t i = 0; i < STATES; i++) {
        if (span_eq(label, states[i])) {
            *out = (enum offer_asset_state)i;
            return true;
        }
    }
    return false;
}

bool record_reuse_read(struct span label, enum reuse_reason *out) {
    for (int i = 0; i < REUSE_REASONS; i++) {
        if (span_eq(label, span_str(reuse_row((enum reuse_reason)i)->label))) {
            *out = (enum reuse_reason)i;
            return true;
        }
    }
    return false;
}

// ---- hints --------------------------------------------------------------------------------------

enum record_push record_push_of(const struct hint *hint) {
    return !hint->can_push ? RECORD_PUSH_NO : hint->push_only ? RECORD_PUSH_ONLY : RECORD_PUSH_CAN;
}

bool record_hint_read(struct hint *out, struct span text, enum record_push push,
                      const struct record_hint_context *context) {
    struct link_reader reader;
    struct link link, second;
    // A link to http: was on a page of http:, where it is no downgrade.
    bool is_http = span_has_prefix(text, SPAN("<http:"));
    struct target_page page = {.scheme = is_http ? SPAN("http") : SPAN("https"),
                               .authority = context->site,
                               .path = SPAN("")};
    struct hint_context judge = {&page, context->policy, context->arena};
    if (text.n > RECORD_LINK_MAX) {
        return false;
    }
    link_init(&reader, text, context->arena);
    if (link_next(&reader, &link) != STEP_ITEM || reader.broken > 0 ||
        link_next(&reader, &second) != STEP_MORE || reader.broken > 0) {
        return false;
    }
    if (hint_from_link(out, &link, &judge) != HINT_OK) {
        return false;
    }
    out->can_push = out->can_push && push != RECORD_PUSH_NO;
    out->push_only = out->can_push && push == RECORD_PUSH_ONLY;
    return true;
}

// ---- whole records ------------------------------------------------------------------------------

static uint64_t bits_kept(uint64_t bits, const uint8_t *to, uint64_t mask) {
    uint64_t kept = 0;
    for (bits &= mask; bits != 0; bits &= bits - 1) {
        kept |= UINT64_C(1) << to[__builtin_ctzll(bits)];
    }
    return kept;
}

void record_compact(struct learner_record *r, uint64_t mask) {
    uint8_t to[RECORD_ASSETS_MAX];
    r->assets_n = 0;
    for (size_t i = 0; i < RECORD_ASSETS_MAX; i++) {
        to[i] = (uint8_t)r->assets_n;
        if ((mask >> i & 1) != 0) {
            r->assets[r->assets_n++] = r->assets[i];
        }
    }
    for (size_t i = 0; i < r->votes_n; i++) {
        struct record_vote *vote = &r->votes[i];
        vote->html = bits_kept(vote->html, to, mask);
        vote->fetched = bits_kept(vote->fetched, to, mask);
        vote->testable = bits_kept(vote->testable, to, mask);
    }
}

static bool is_sane(const struct learner_outcome *o) {
    return o->n <= COUNT_MOST && isfinite(o->mean_us) && isfinite(o->variance) && o->mean_us >= 0 &&
           o->mean_us <= COUNT_MOST && o->variance >= 0 && o->variance <= VARIANCE_MOST;
}

static void not_after(uint64_t *at_ms, uint64_t now_ms) {
    *at_ms = *at_ms < now_ms ? *at_ms : now_ms;
}

bool record_check(struct learner_record *r, uint64_t now_ms) {
    if (!route_key_is_valid(r->key) || r->assets_n > RECORD_ASSETS_MAX ||
        r->votes_n > RECORD_VOTES_MAX || r->seen > COUNT_MOST || !is_sane(&r->hinted) ||
        !is_sane(&r->held)) {
        return false;
    }
    uint64_t mask = r->assets_n < 64 ? (UINT64_C(1) << r->assets_n) - 1 : UINT64_MAX;
    for (size_t i = 0; i < r->votes_n; i++) {
        struct record_vote *vote = &r->votes[i];
        if (((vote->html | vote->fetched | vote->testable) & ~mask) != 0) {
            return false;
        }
        not_after(&vote->at_ms, now_ms);
    }
    not_after(&r->last_seen_ms, now_ms);
    not_after(&r->first_seen_ms, r->last_seen_ms);
    return true;
}
