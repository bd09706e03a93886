// SPDX-License-Identifier: MIT
// What a response had becomes a vote in its route and in the patterns that its route matches.
#include "learner/learner_reading.h"

#define OFTEN 32      // sightings after which a pattern is not judged with each of them
#define AGREED 6      // newest votes that say the same
#define THINK_PARTS 4 // a new think time counts a quarter

// What one network brings about in a row counts once, where others vote as well: it could ask for
// what is fast.
static void think(struct node *node, uint32_t think_us, uint16_t network) {
    const struct ballot *b = &node->ballot;
    bool is_again =
        b->n > 0 && b->v[b->n - 1].network == network && !learner_is_only_network(node, network);
    if (think_us > 0 && !is_again) {
        uint32_t old = node->think_us;
        node->think_us = old == 0 ? think_us : old - old / THINK_PARTS + think_us / THINK_PARTS;
    }
}

// ---- versions -----------------------------------------------------------------------------------

// Old versions go out of all plans at once. What was not meant for everybody, or is not complete,
// says nothing about others.
static void retire_versions(struct reading *reading, uint64_t now_ms) {
    struct learner *l = reading->l;
    struct asset_file *old;
    struct asset_sight sight = {.files = reading->files,
                                .n = reading->n,
                                .network = (uint16_t)(learner_from(l, reading->e) >> 16),
                                .now_ms = now_ms};
    bool is_for_all = (reading->e->flags & (EVIDENCE_SESSION | EVIDENCE_PRIVATE)) == 0;
    while (is_for_all && asset_retire(&l->assets, &sight, &old)) {
        learner_take_out(l, old);
    }
}

// What was voted for the old version is said of the newest one.
static void migrate(struct learner *l, struct node *node) {
    for (unsigned i = 0; i < node->slots_n; i++) {
        struct asset *old = asset_at(&l->assets, node->slots[i].number);
        struct asset *newer = asset_newer(&l->assets, old);
        if (newer == NULL) {
            continue;
        }
        int there = node->slots[i].is_conditional ? learner_conditional_slot(l, node, newer->file)
                                                  : learner_slot_of_file(l, node, newer->file);
        if (there < 0) {
            asset_keep(&l->assets, newer);
            node->slots[i].number = newer->number & (ASSET_NUMBERS - 1);
            asset_release(&l->assets, old);
            continue;
        }
        uint64_t from = UINT64_C(1) << i, to = UINT64_C(1) << there;
        for (unsigned k = 0; k < node->ballot.n; k++) {
            struct vote *v = &node->ballot.v[k];
            v->html = (v->html & from ? v->html | to : v->html) & ~from;
            v->behind = (v->behind & from ? v->behind | to : v->behind) & ~from;
            v->fetched = (v->fetched & from ? v->fetched | to : v->fetched) & ~from;
        }
    }
}

// ---- voting -------------------------------------------------------------------------------------

// "scheme://authority" of the page; none where no policy asks for it.
static struct span origin_of(struct reading *reading) {
    const struct span parts[] = {reading->page.scheme, SPAN("://"), reading->page.authority};
    size_t most = parts[0].n + parts[1].n + parts[2].n, n = 0;
    uint8_t *p = reading->csp.n > 0 ? arena_alloc(&reading->l->scratch, most) : NULL;
    for (size_t i = 0; p != NULL && i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].n > 0) {
            memcpy(p + n, parts[i].p, parts[i].n);
        }
        n += parts[i].n;
    }
    return span_of(p, n);
}

// Another policy than the node's is believed when another network was given it before: it blocks
// hints of all visitors. A network that nobody else voted with is believed at once.
static bool is_policy_proven(const struct reading *reading, struct node *node, struct span origin) {
    const struct learner *l = reading->l;
    const struct span parts[] = {reading->csp, reading->referrer, origin};
    uint64_t hashes[3];
    for (size_t i = 0; i < 3; i++) {
        hashes[i] = siphash(&l->conf.secret, parts[i]);
    }
    uint64_t hash = siphash(&l->conf.secret, span_of((const uint8_t *)hashes, sizeof hashes));
    uint32_t other = (uint32_t)hash | 1;
    uint16_t network = (uint16_t)(learner_from(l, reading->e) >> 16);
    bool is_proven = learner_is_only_network(node, network) ||
                     (node->other_policy == other && node->other_network != network);
    node->other_policy = is_proven ? 0 : other;
    node->other_network = network;
    return is_proven;
}

static void set_text(struct learner *l, uint16_t *place, struct span text) {
    learner_set_text(l, place, learner_put_text(l, text));
}

static void set_policies(struct reading *reading, struct node *node) {
    struct learner *l = reading->l;
    struct span origin = origin_of(reading);
    bool is_other = !span_eq(l->policies[node->csp].text, reading->csp) ||
                    !span_eq(l->policies[node->referrer].text, reading->referrer);
    bool is_elsewhere = !span_eq(l->policies[node->origin].text, origin);
    if (!is_other && !is_elsewhere) {
        node->is_policy_new = false;
        node->other_policy = 0;
    } else if (is_policy_proven(reading, node, origin)) {
        node->is_policy_new = is_other;
        set_text(l, &node->csp, reading->csp);
        set_text(l, &node->referrer, reading->referrer);
        set_text(l, &node->origin, origin);
    }
    // What one user was given is repeated to nobody.
    node->is_policy_new |= (reading->e->flags & (EVIDENCE_PRIVATE | EVIDENCE_SESSION)) != 0;
}

// The newest votes of the ballot all say the same.
static bool is_agreed(const struct ballot *b) {
    for (unsigned i = 1; i < AGREED && b->n >= AGREED; i++) {
        if (b->v[b->n - 1 - i].html != b->v[b->n - 1].html) {
            return false;
        }
    }
    return b->n >= AGREED;
}

static void cast(struct reading *reading, struct node *node) {
    struct learner *l = reading->l;
    const struct evidence *e = reading->e;
    migrate(l, node);
    struct vote *vote = learner_admit(l, node, e);
    if (vote == NULL) {
        return;
    }
    uint64_t before = vote->html;
    vote->at_min = (uint32_t)(e->at_ms / 60000) & ((1u << 28) - 1);
    // Of one that was cut short the rest stays as it was, and so does whom that was meant for.
    vote->is_private =
        (e->flags & EVIDENCE_PRIVATE) != 0 || ((e->flags & EVIDENCE_CUT) != 0 && vote->is_private);
    vote->has_page = true;
    vote->has_failed = false;
    vote->html = (e->flags & EVIDENCE_CUT) != 0 ? before : 0;
    for (size_t i = 0; i < reading->n; i++) {
        if (!learner_may_take(node, reading->own[i])) {
            continue;
        }
        int at = reading->kinds[i].is_conditional
                     ? learner_put_conditional(l, node, reading->assets[i], 0)
                     : learner_put_slot(l, node, reading->assets[i], 0);
        if (at >= 0) {
            uint64_t bit = UINT64_C(1) << at;
            vote->html |= bit;
            vote->behind = reading->kinds[i].is_behind ? vote->behind | bit : vote->behind & ~bit;
            node->slots[at].sources |= reading->kinds[i].sources;
        }
    }
}

// The page in one of its nodes: its own or a pattern's.
static void update_node(struct reading *reading, struct span key, uint64_t now_ms) {
    struct learner *l = reading->l;
    struct node *node = learner_node(l, key);
    if (node == NULL) {
        node = learner_add(l, key, now_ms);
    }
    if (!node->is_pattern) {
        set_policies(reading, node);
    }
    think(node, reading->e->think_us, (uint16_t)(learner_from(l, reading->e) >> 16));
    learner_touch(l, node, now_ms);
    cast(reading, node);
    if (!node->is_session && learner_is_site(node)) {
        learner_abandon(l, node, now_ms);
    }
    // A pattern sees all its pages, which mostly say the same.
    if (!node->is_pattern || !is_agreed(&node->ballot) || node->seen <= OFTEN ||
        node->seen % OFTEN == 0) {
        learner_decide(l, node, now_ms);
    }
}

static bool has_pattern(struct learner *l, struct span key, const struct hint_policy *p) {
    struct route_chain chain;
    struct span next;
    route_chain_init(&chain, key, p != NULL ? p->patterns : NULL, p != NULL ? p->patterns_n : 0);
    while (route_chain_next(&chain, &next)) {
        const struct node *node = learner_node(l, next);
        if (node != NULL && node->group != NULL) {
            return true;
        }
    }
    return false;
}

static void update_patterns(struct reading *reading, uint64_t now_ms) {
    const struct hint_policy *p = reading->policy;
    struct route_chain chain;
    struct span key;
    bool is_session = route_key_is_session(reading->e->key);
    route_chain_init(&chain, reading->e->key, p != NULL ? p->patterns : NULL,
                     p != NULL ? p->patterns_n : 0);
    while (route_chain_next(&chain, &key)) {
        if (route_key_is_pattern(key) && route_key_is_session(key) == is_session) {
            update_node(reading, key, now_ms);
        }
    }
}

// Not "not found", which anybody can bring about for any path.
static bool may_add_failing(uint16_t status) {
    return status == EVIDENCE_NO_PAGE || (status >= 300 && status < 400) || status == 401 ||
           status == 403 || status >= 500;
}

// Redirects, errors and what is no page count where the route is known, or would be hinted what its
// kind is: then it has to be known that it is none of them.
static struct node *failing_node(struct learner *l, const struct evidence *e, uint64_t now_ms) {
    struct node *node = learner_node(l, e->key);
    if (e->status == 304) {
        return NULL;
    }
    if (node == NULL && may_add_failing(e->status) &&
        has_pattern(l, e->key, learner_policy(l, e->key))) {
        node = learner_add(l, e->key, now_ms);
    }
    return node;
}

static void put_failure(struct learner *l, const struct evidence *e, uint64_t now_ms) {
    struct node *node = failing_node(l, e, now_ms);
    if (node == NULL) {
        l->stats.ignored++;
        return;
    }
    if (may_add_failing(e->status)) {
        learner_touch(l, node, now_ms);
    }
    // What it says of assets was said where it says.
    const struct vote *old = ballot_find(&node->ballot, learner_voter(l, node, e));
    uint32_t from = old != NULL ? (uint32_t)old->network << 16 | old->page : learner_from(l, e);
    struct vote *vote = learner_vote(l, node, learner_voter(l, node, e), from);
    vote->at_min = (uint32_t)(e->at_ms / 60000) & ((1u << 28) - 1);
    vote->has_failed = true;
    learner_decide(l, node, now_ms);
}

void learner_put_page(struct learner *l, const struct evidence *e, uint64_t now_ms) {
    struct reading reading;
    if (!route_key_is_valid(e->key) || route_key_is_pattern(e->key)) {
        l->stats.ignored++;
        return;
    }
    if (e->status != 200) {
        put_failure(l, e, now_ms);
        return;
    }
    learner_reading_page(&reading, l, e, now_ms);
    bool is_worth =
        reading.n > 0 || learner_node(l, e->key) != NULL || has_pattern(l, e->key, reading.policy);
    learner_name_hosts(reading.files, reading.n, reading.csp);
    if (is_worth) {
        retire_versions(&reading, now_ms);
        update_patterns(&reading, now_ms);
        update_node(&reading, e->key, now_ms);
    } else {
        l->stats.ignored++;
    }
    learner_reading_fini(&reading);
}
