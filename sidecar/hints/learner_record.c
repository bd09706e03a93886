// SPDX-License-Identifier: MIT
#include "hints/learner_record.h"

#include "hints/learner_inside.h"
#include "hints/token.h"

static void fill_assets(const struct learner *l, const struct node *node,
                        struct learner_record *out) {
    out->assets_n = node->slots_n;
    for (unsigned i = 0; i < node->slots_n; i++) {
        const struct asset *a = asset_at(&l->assets, node->slots[i].number);
        out->assets[i] = (struct record_asset){
            .hint = a->hint,
            .sources = node->slots[i].sources,
            .state = (enum offer_asset_state)a->file->state,
            .reuse = (enum reuse_reason)a->file->reuse,
            .lifetime_s = a->file->lifetime_s,
            .bytes = a->file->bytes,
        };
    }
}

static void fill_votes(const struct node *node, struct learner_record *out) {
    out->votes_n = node->ballot.n;
    for (unsigned i = 0; i < node->ballot.n; i++) {
        const struct vote *v = &node->ballot.v[i];
        out->votes[i] = (struct record_vote){
            .who = v->voter,
            .child = (uint64_t)v->network << 16 | v->page,
            .at_ms = (uint64_t)v->at_min * 60000,
            .is_private = v->is_private,
            .has_html = v->has_page,
            .has_fetched = v->has_visit,
            .html = v->html,
            .fetched = v->fetched,
            .testable = v->testable,
        };
        // Bits of places that are in no use yet mean nothing to others.
        uint64_t places = node->slots_n < 64 ? (UINT64_C(1) << node->slots_n) - 1 : UINT64_MAX;
        out->votes[i].testable &= places;
    }
}

static struct learner_outcome outcome_of(const struct outcome *o) {
    return (struct learner_outcome){o->n, o->mean_us, outcome_variance(o)};
}

static void fill(const struct learner *l, const struct node *node, struct learner_record *out) {
    out->key = node_key(node);
    out->is_gone = node->is_gone;
    out->seen = node->seen;
    out->first_seen_ms = (uint64_t)node->first_s * 1000;
    out->last_seen_ms = (uint64_t)node->last_s * 1000;
    out->think_us = node->think_us;
    out->hinted = out->held = (struct learner_outcome){0, 0, 0};
    if (node->outcomes != NULL) {
        out->hinted = outcome_of(&node->outcomes->hinted);
        out->held = outcome_of(&node->outcomes->held);
    }
    fill_assets(l, node, out);
    fill_votes(node, out);
}

enum step learner_next_changed(struct learner *l, struct learner_record *out) {
    struct node *node;
    if (l->lingering != NULL) { // its key was lent
        node = l->lingering;
        l->lingering = NULL;
        learner_bury(l, node);
    }
    while ((node = learner_take_changed(l)) != NULL) {
        if (!node->is_gone || node->is_stored) {
            fill(l, node, out);
            node->is_stored = !node->is_gone;
            l->lingering = node->is_gone ? node : NULL;
            return STEP_ITEM;
        }
        learner_bury(l, node);
    }
    return STEP_MORE;
}

bool learner_record_of(const struct learner *l, const struct learner_route *r,
                       struct learner_record *out) {
    if (r != &l->view || l->viewed == NULL) {
        return false;
    }
    fill(l, l->viewed, out);
    return true;
}

// ---- taking one ---------------------------------------------------------------------------------

static bool is_valid(const struct learner_record *r) {
    if (!route_key_is_valid(r->key) || r->assets_n > SLOTS_MAX || r->votes_n > RECORD_VOTES_MAX) {
        return false;
    }
    uint64_t places = r->assets_n < 64 ? (UINT64_C(1) << r->assets_n) - 1 : UINT64_MAX;
    for (size_t i = 0; i < r->votes_n; i++) {
        if (((r->votes[i].html | r->votes[i].fetched | r->votes[i].testable) & ~places) != 0) {
            return false;
        }
    }
    for (size_t i = 0; i < r->assets_n; i++) {
        if (r->assets[i].hint.target.n == 0 || r->assets[i].reuse >= REUSE_REASONS ||
            r->assets[i].state > OFFER_ASSET_DEAD) {
            return false;
        }
    }
    return true;
}

static void restore_asset(struct learner *l, struct node *node, const struct record_asset *r,
                          uint64_t taken, int *place) {
    bool is_secret = r->hint.rel != HINT_PRECONNECT && token_is_in(r->hint.target);
    struct asset *a =
        is_secret ? NULL : asset_put(&l->assets, route_key_site(node_key(node)), &r->hint);
    *place = a != NULL ? learner_put_slot(l, node, a, taken) : -1;
    if (*place < 0) {
        return;
    }
    node->slots[*place].sources = r->sources & 15;
    if (a->file->state == OFFER_ASSET_NONE) {
        a->file->bytes = r->bytes;
        a->file->lifetime_s = r->lifetime_s;
        asset_set_state(&l->assets, a->file, r->state, r->reuse);
    }
}

static uint64_t moved(uint64_t bits, const int *places, size_t n) {
    uint64_t out = 0;
    for (size_t i = 0; i < n; i++) {
        out |= places[i] >= 0 && (bits >> i & 1) ? UINT64_C(1) << places[i] : 0;
    }
    return out;
}

static void restore_outcome(struct outcome *to, const struct learner_outcome *from) {
    bool is_sane = from->n > 0 && from->mean_us >= 0 && from->variance >= 0;
    uint32_t n = from->n < OUTCOME_MEMORY ? (uint32_t)from->n : OUTCOME_MEMORY;
    *to = is_sane ? (struct outcome){n, from->mean_us, n > 1 ? from->variance * (n - 1) : 0}
                  : (struct outcome){0};
}

static void restore_votes(struct learner *l, struct node *node, const struct learner_record *r,
                          const int *places) {
    for (size_t i = 0; i < r->votes_n; i++) {
        const struct record_vote *from = &r->votes[i];
        struct vote *v = learner_vote(l, node, from->who, (uint32_t)from->child);
        v->at_min = (uint32_t)(from->at_ms / 60000) & ((1u << 28) - 1);
        v->is_private = from->is_private;
        v->has_page = from->has_html;
        v->has_visit = from->has_fetched;
        v->html = moved(from->html, places, r->assets_n);
        v->fetched = moved(from->fetched, places, r->assets_n);
        v->testable = moved(from->testable, places, r->assets_n);
    }
}

bool learner_restore(struct learner *l, const struct learner_record *r, uint64_t now_ms) {
    int places[SLOTS_MAX];
    uint64_t taken = 0;
    if (r->is_gone || !is_valid(r)) {
        return false;
    }
    struct node *node = learner_node(l, r->key);
    if (node != NULL) {
        learner_drop(l, node);
    }
    node = learner_add(l, r->key, now_ms);
    for (size_t i = 0; i < r->assets_n; i++) {
        restore_asset(l, node, &r->assets[i], taken, &places[i]);
        taken |= places[i] >= 0 ? UINT64_C(1) << places[i] : 0;
    }
    restore_votes(l, node, r, places);
    learner_touch(l, node, now_ms);
    if (r->seen > 1) {
        learner_touch(l, node, now_ms);
    }
    node->seen = r->seen < UINT32_MAX ? (uint32_t)r->seen : UINT32_MAX;
    node->first_s = (uint32_t)(r->first_seen_ms / 1000);
    node->last_s = (uint32_t)(r->last_seen_ms / 1000);
    node->think_us = r->think_us;
    if (r->hinted.n > 0 || r->held.n > 0) {
        node->outcomes = learner_allocate(l, sizeof *node->outcomes);
        restore_outcome(&node->outcomes->hinted, &r->hinted);
        restore_outcome(&node->outcomes->held, &r->held);
    }
    learner_decide(l, node, now_ms);
    struct route_id id = node->id;
    learner_make_room(l);
    learner_count(l);
    return learner_node_by_id(l, id) != NULL;
}
