// SPDX-License-Identifier: MIT
// What was fetched after a navigation. It is the only sign of fonts and of what scripts insert, and
// the weakest: a client with a full cache fetches nothing, one that was hinted fetches what it was
// told to, and anybody may claim anything. So only cold visits count, only for what they were not
// hinted, and only what several networks fetched.
#include "learner/learner_inside.h"

#include "learner/token.h"

#define OBSERVE_MS ((uint64_t)24 * 3600 * 1000) // after that it is tried again

// A visit in one node.
struct visit {
    struct learner *l;
    const struct evidence *e;
    const struct hint_policy *policy;
    struct node *node;
    uint64_t fetched, hinted;
};

static enum hint_as font_or(const struct asset_file *f, const struct evidence_item *item) {
    static const struct span suffixes[] = {SPAN_INIT(".woff2"), SPAN_INIT(".woff"),
                                           SPAN_INIT(".ttf"), SPAN_INIT(".otf")};
    struct span path = span_first(item->text, span_index(item->text, '?'));
    if (item->as != HINT_AS_NONE) {
        return (enum hint_as)item->as;
    }
    for (size_t i = 0; f != NULL && f->is_font && i < sizeof suffixes / sizeof *suffixes; i++) {
        if (span_has_suffix(path, suffixes[i])) {
            return HINT_AS_FONT;
        }
    }
    return HINT_AS_NONE;
}

static struct span type_of(struct span url) {
    static const struct {
        struct span suffix, type;
    } rows[] = {
        {SPAN_INIT(".woff2"), SPAN_INIT("font/woff2")},
        {SPAN_INIT(".woff"), SPAN_INIT("font/woff")},
        {SPAN_INIT(".ttf"), SPAN_INIT("font/ttf")},
        {SPAN_INIT(".otf"), SPAN_INIT("font/otf")},
    };
    struct span path = span_first(url, span_index(url, '?'));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (span_has_suffix(path, rows[i].suffix)) {
            return rows[i].type;
        }
    }
    return span_of(NULL, 0);
}

// A place for what only a request revealed. What was not fetched on cold visits before was not
// needed then. Images depend on the client, and so do scripts that scripts insert: nothing tells
// one that every client needs from one that only some lack, like WordPress's emoji. What a
// stylesheet imports, and for whom, is in the stylesheet.
static int add_slot(struct visit *v, const struct asset_file *f, const struct evidence_item *item) {
    struct learner *l = v->l;
    enum hint_as as = font_or(f, item);
    const struct hint_policy *p = v->policy;
    bool may = p == NULL || p->learn == 0 || (p->learn & LEARNER_REQUEST) != 0;
    bool is_kind = as == HINT_AS_FONT || as == HINT_AS_STYLE;
    bool is_import = as == HINT_AS_STYLE && item->via.n > 0;
    if (!may || !is_kind || is_import || (item->flags & EVIDENCE_WAS_HINTED) != 0 ||
        item->text.n == 0 || item->text.p[0] != '/' || span_has_prefix(item->text, SPAN("//")) ||
        token_of(item->text) != TOKEN_NONE) {
        return -1;
    }
    struct asset_file *file = asset_put_file(&l->assets, route_key_site(v->e->key), item->text);
    if (file == NULL || !learner_may_take(v->node, learner_own_part(v->e->key, file))) {
        return -1;
    }
    struct hint hint = {.target = item->text,
                        .as = as,
                        .rel = HINT_PRELOAD,
                        .type = as == HINT_AS_FONT ? type_of(item->text) : span_of(NULL, 0),
                        .crossorigin = as == HINT_AS_FONT ? HINT_ANONYMOUS : HINT_NO_CORS,
                        .can_push = as == HINT_AS_STYLE};
    struct asset *asset = asset_put(&l->assets, route_key_site(v->e->key), &hint);
    int at = asset != NULL ? learner_put_slot(l, v->node, asset, v->fetched) : -1;
    for (unsigned i = 0; at >= 0 && i < v->node->ballot.n; i++) {
        struct vote *vote = &v->node->ballot.v[i];
        vote->testable |= vote->has_visit ? UINT64_C(1) << at : 0;
    }
    return at;
}

static void read_fetches(struct visit *v) {
    struct span items = v->e->items, site = route_key_site(v->e->key);
    struct evidence_item item;
    while (evidence_next(&items, &item)) {
        if (item.kind != EVIDENCE_FETCH || (item.flags & EVIDENCE_ANSWERED) == 0) {
            continue;
        }
        struct asset_file *f = asset_find(&v->l->assets, site, item.text);
        int at = f != NULL ? learner_slot_of_file(v->l, v->node, f) : -1;
        at = at < 0 ? add_slot(v, f, &item) : at;
        if (at >= 0) {
            v->fetched |= UINT64_C(1) << at;
            v->hinted |= (item.flags & EVIDENCE_WAS_HINTED) != 0 ? UINT64_C(1) << at : 0;
            v->node->slots[at].sources |= LEARNER_REQUEST;
        }
    }
}

// A client that had a good part of the page in its cache says nothing by what it did not fetch.
static bool is_cold(const struct visit *v) {
    const struct node *node = v->node;
    uint64_t known = 0;
    for (unsigned i = node->ballot.n; i > 0; i--) {
        if (node->ballot.v[i - 1].has_page) {
            known = node->ballot.v[i - 1].html;
            break;
        }
    }
    unsigned all = 0, fetched = 0;
    for (unsigned i = 0; i < node->slots_n; i++) {
        const struct asset *a = asset_at(&v->l->assets, node->slots[i].number);
        if ((known >> i & 1) && !node->slots[i].is_conditional && hint_rank(&a->hint) <= 1 &&
            a->file->is_local) {
            all++;
            fetched += v->fetched >> i & 1;
        }
    }
    return all == 0 ? v->fetched != 0 : 2 * fetched >= all;
}

static void cast(struct visit *v) {
    const struct evidence *e = v->e;
    struct node *node = v->node;
    uint64_t asked = v->fetched & ~v->hinted, tested = ~v->hinted; // asked: by itself
    if ((e->flags & EVIDENCE_HINTED) != 0) {
        for (unsigned i = 0; i < node->slots_n; i++) {
            const struct asset *a = asset_at(&v->l->assets, node->slots[i].number);
            if (node->group != NULL && learner_group_has(node->group, a)) {
                tested &= ~(UINT64_C(1) << i) | asked;
            }
        }
    }
    struct vote *vote = learner_admit(v->l, node, e);
    if (vote == NULL) {
        return;
    }
    vote->at_min = (uint32_t)(e->at_ms / 60000) & ((1u << 28) - 1);
    if (!vote->has_visit) {
        vote->fetched = vote->testable = 0;
    }
    vote->has_visit = true;
    vote->fetched = (vote->fetched & ~tested) | (v->fetched & tested);
    vote->testable |= tested;
}

// ---- is it faster -------------------------------------------------------------------------------

static void compare(struct visit *v, uint64_t now_ms) {
    struct learner *l = v->l;
    struct node *node = v->node;
    const struct evidence *e = v->e;
    bool is_hinted = (e->flags & EVIDENCE_HINTED) != 0, is_held = (e->flags & EVIDENCE_HELD) != 0;
    if (e->critical_us == 0 || is_hinted == is_held) {
        return;
    }
    if (node->outcomes == NULL) {
        node->outcomes = learner_allocate(l, sizeof *node->outcomes);
    }
    struct outcomes *o = node->outcomes;
    outcome_put(is_hinted ? &o->hinted : &o->held, e->critical_us);
    outcome_crowd_put(is_hinted ? &o->hinted_crowd : &o->held_crowd,
                      (uint16_t)(learner_from(l, e) >> 16), e->critical_us);
    bool was = node->is_observed;
    if (!was && outcome_is_worse(&o->hinted, &o->held) &&
        outcome_crowd_is_worse(&o->hinted_crowd, &o->held_crowd)) {
        node->is_observed = true;
        o->observed_ms = now_ms;
    } else if (was && now_ms >= o->observed_ms && now_ms - o->observed_ms >= OBSERVE_MS) {
        node->is_observed = false;
        o->hinted = (struct outcome){0};
        o->hinted_crowd = (struct outcome_crowd){.n = 0};
    }
    if (was != node->is_observed && node->group != NULL) {
        learner_tell(l, node);
    }
}

static void update_node(struct visit *v, uint64_t now_ms) {
    v->fetched = v->hinted = 0;
    uint64_t voter = learner_voter(v->l, v->node, v->e);
    bool is_private = (v->e->flags & EVIDENCE_PRIVATE) != 0;
    if (v->node->is_pattern && (ballot_find(&v->node->ballot, voter) == NULL ||
                                (is_private && learner_is_site(v->node)))) {
        return; // the page itself did not vote there, or says nothing about the whole site
    }
    read_fetches(v);
    if (is_cold(v)) {
        cast(v);
        learner_decide(v->l, v->node, now_ms);
    }
}

void learner_put_visit(struct learner *l, const struct evidence *e, uint64_t now_ms) {
    struct visit v = {.l = l, .e = e, .policy = learner_policy(l, e->key)};
    bool is_page = route_key_is_valid(e->key) && !route_key_is_pattern(e->key);
    v.node = is_page ? learner_node(l, e->key) : NULL;
    if (v.node == NULL) {
        l->stats.ignored++;
        return;
    }
    compare(&v, now_ms);
    update_node(&v, now_ms);
    struct route_chain chain;
    struct span key;
    bool is_session = route_key_is_session(e->key);
    const struct hint_policy *p = v.policy;
    route_chain_init(&chain, e->key, p != NULL ? p->patterns : NULL, p != NULL ? p->patterns_n : 0);
    while (route_chain_next(&chain, &key)) {
        bool is_kin = route_key_is_pattern(key) && route_key_is_session(key) == is_session;
        v.node = is_kin ? learner_node(l, key) : NULL;
        if (v.node != NULL) {
            compare(&v, now_ms);
            update_node(&v, now_ms);
        }
    }
}
