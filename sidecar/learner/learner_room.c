// SPDX-License-Identifier: MIT
// Room for nodes is given after 2Q (Johnson and Shasha, 1994): what was seen once is on probation,
// in at most a quarter of the room, so that a flood of random URLs pushes out only each other. What
// one network alone asks for again and again stays there, too, once half of the room is taken.
#include "learner/learner_inside.h"

#include <stdlib.h>

#include "learner/token.h"

#define DOUBTFUL_MOST 16 // places of a node for assets of doubtful URLs
#define CHANCES 16       // nodes looked at for one that is evicted

// A page hints nothing wrong for longer than a third of its votes take to come. A pattern has all
// views of its pages, so it can afford to hear more networks before it believes any.
static const struct ballot_rules page_rules = {
    .max = 12, .half_votes = 8, .half_visits = 2, .half_days = 7};
static const struct ballot_rules pattern_rules = {
    .max = BALLOT_MAX, .half_votes = 8, .half_visits = 8, .half_days = 7};

const struct ballot_rules *learner_rules(const struct node *node) {
    return node->is_pattern ? &pattern_rules : &page_rules;
}

struct vote *learner_vote(struct learner *l, struct node *node, uint64_t voter, uint32_t from) {
    size_t before = node->ballot.cap;
    struct vote *vote = ballot_put(&node->ballot, voter, from, learner_rules(node));
    l->bytes += (node->ballot.cap - before) * sizeof *vote + (before == 0 ? ALLOCATION : 0);
    return vote;
}

static size_t node_size(const struct node *node) {
    return sizeof *node + node->key_n;
}

// Who knows such a URL may see what is there: it is told to nobody.
static bool is_secret(struct span key) {
    struct span path = route_key_path(key), query = route_key_query(key), part;
    while (path.n > 0 && span_cut(&path, '/', &part)) {
        if (token_is_name(part)) {
            return true;
        }
    }
    while (query.n > 0 && span_cut(&query, '&', &part)) {
        if (token_is_name(span_skip(part, span_index(part, '=') + 1))) {
            return true;
        }
    }
    return false;
}

struct node *learner_add(struct learner *l, struct span key, uint64_t now_ms) {
    struct node *node = learner_allocate(l, sizeof *node + key.n);
    memcpy(node->key, key.p, key.n);
    node->key_n = (uint16_t)key.n;
    node->id = route_key_id(&l->conf.secret, key);
    node->is_pattern = route_key_is_pattern(key);
    node->is_session = route_key_is_session(key);
    node->is_secret = is_secret(key);
    node->first_s = node->last_s = (uint32_t)(now_ms / 1000);
    list_init(&node->age);
    list_init(&node->peers);
    list_init(&node->changed);
    list_put(&l->probation, &node->age);
    node->chain = l->buckets[node->id.a & l->mask];
    l->buckets[node->id.a & l->mask] = node;
    l->stats.routes += !node->is_pattern;
    l->stats.patterns += node->is_pattern;
    l->stats.probation++;
    return node;
}

static bool has_networks(const struct ballot *b) {
    for (unsigned i = 1; i < b->n; i++) {
        if (b->v[i].network != b->v[0].network) {
            return true;
        }
    }
    return false;
}

// Nobody can make a route look used by asking for it twice: once half of the room is taken, only
// what several networks ask for leaves probation.
static bool is_proven(const struct learner *l, const struct node *node) {
    bool has_room = 2 * (l->stats.routes + l->stats.patterns) <= l->conf.max_routes &&
                    2 * (l->bytes + l->assets.bytes) <= l->conf.max_bytes;
    return node->seen > 1 && (has_room || has_networks(&node->ballot));
}

void learner_touch(struct learner *l, struct node *node, uint64_t now_ms) {
    node->last_s = (uint32_t)(now_ms / 1000);
    node->seen += node->seen < UINT32_MAX;
    if (!node->is_main && is_proven(l, node)) {
        node->is_main = true;
        l->stats.probation--;
    }
    node->uses += node->is_main && node->uses < UINT8_MAX;
    list_put(node->is_main ? &l->main : &l->probation, &node->age);
}

static void unchain(struct learner *l, struct node *node) {
    struct node **at = &l->buckets[node->id.a & l->mask];
    while (*at != node) {
        at = &(*at)->chain;
    }
    *at = node->chain;
}

void learner_bury(struct learner *l, struct node *node) {
    if (node->is_gone && !node->in_news && list_is_empty(&node->changed)) {
        learner_release(l, node, node_size(node));
    }
}

void learner_drop(struct learner *l, struct node *node) {
    unchain(l, node);
    list_drop(&node->age);
    l->stats.routes -= !node->is_pattern;
    l->stats.patterns -= node->is_pattern;
    l->stats.probation -= !node->is_main;
    learner_set_group(l, node, NULL);
    for (unsigned i = 0; i < node->slots_n; i++) {
        asset_release(&l->assets, asset_at(&l->assets, node->slots[i].number));
    }
    learner_release(l, node->slots, node->slots_cap * sizeof *node->slots);
    if (node->ballot.cap > 0) {
        l->bytes -= node->ballot.cap * sizeof *node->ballot.v + ALLOCATION;
    }
    ballot_free(&node->ballot);
    learner_release(l, node->outcomes, sizeof *node->outcomes);
    learner_set_text(l, &node->csp, 0);
    learner_set_text(l, &node->referrer, 0);
    learner_set_text(l, &node->origin, 0);
    node->slots = NULL;
    node->outcomes = NULL;
    node->slots_n = node->slots_cap = 0;
    node->is_gone = true;
    l->viewed = NULL;
    if (node->is_told) {
        learner_tell(l, node);
    }
    if (node->is_stored) {
        learner_change(l, node);
    } else { // nobody has anything of it
        list_drop(&node->changed);
    }
    learner_bury(l, node);
}

// The next one to go from the main list: not used for long, and not often before.
static struct node *find_unworthy(struct learner *l) {
    struct node *node = NULL;
    for (unsigned i = 0; i < CHANCES; i++) {
        node = LIST_ITEM(l->main.next, struct node, age);
        if (node->uses <= 1) {
            break;
        }
        node->uses /= 2;
        list_put(&l->main, &node->age);
    }
    return node;
}

void learner_make_room(struct learner *l) {
    size_t max = l->conf.max_routes, bytes = l->conf.max_bytes;
    for (;;) {
        size_t nodes = l->stats.routes + l->stats.patterns;
        bool is_over = nodes > max || l->bytes + l->assets.bytes > bytes;
        bool is_crowded = l->stats.probation > max / 4 + 1;
        if ((!is_over && !is_crowded) || nodes <= 1) {
            return;
        }
        if (nodes <= max && !is_crowded && asset_shed(&l->assets)) {
            continue;
        }
        // Bytes are short: who is on probation goes first, while that is more than its part.
        bool from_probation =
            is_crowded || list_is_empty(&l->main) || l->stats.probation * 4 > nodes;
        struct node *node =
            from_probation ? LIST_ITEM(l->probation.next, struct node, age) : find_unworthy(l);
        learner_drop(l, node);
        l->stats.evicted++;
    }
}

// ---- what a node has ----------------------------------------------------------------------------

int learner_slot(const struct node *node, const struct asset *asset) {
    for (unsigned i = 0; i < node->slots_n; i++) {
        if (node->slots[i].number == asset->number && !node->slots[i].is_conditional) {
            return (int)i;
        }
    }
    return -1;
}

static int find_file(const struct learner *l, const struct node *node,
                     const struct asset_file *file, bool is_conditional) {
    for (unsigned i = 0; i < node->slots_n; i++) {
        if (asset_at(&l->assets, node->slots[i].number)->file == file &&
            node->slots[i].is_conditional == is_conditional) {
            return (int)i;
        }
    }
    return -1;
}

int learner_slot_of_file(const struct learner *l, const struct node *node,
                         const struct asset_file *file) {
    return find_file(l, node, file, false);
}

int learner_conditional_slot(const struct learner *l, const struct node *node,
                             const struct asset_file *file) {
    return find_file(l, node, file, true);
}

// Those that may be made anew for each response are not to take all places.
static bool has_room_for(const struct learner *l, const struct node *node,
                         const struct asset *asset) {
    unsigned n = 0;
    for (unsigned i = 0; i < node->slots_n && asset->file->is_doubtful; i++) {
        n += asset_at(&l->assets, node->slots[i].number)->file->is_doubtful;
    }
    return n < DOUBTFUL_MOST;
}

// A place that no vote speaks about any more and no plan needs, of a doubtful asset where there is
// no room for more of these; -1: none.
static int find_unused(const struct learner *l, const struct node *node, uint64_t taken,
                       bool is_of_doubtful) {
    uint64_t used = taken;
    for (unsigned i = 0; i < node->ballot.n; i++) {
        used |= node->ballot.v[i].html | node->ballot.v[i].fetched;
    }
    for (unsigned i = 0; i < node->slots_n; i++) {
        const struct asset *a = asset_at(&l->assets, node->slots[i].number);
        bool is_hinted = node->group != NULL && learner_group_has(node->group, a);
        bool is_kind = !is_of_doubtful || a->file->is_doubtful;
        if (!(used >> i & 1) && !is_hinted && is_kind) {
            return (int)i;
        }
    }
    return -1;
}

static bool grow(struct learner *l, struct node *node) {
    size_t cap = node->slots_cap ? node->slots_cap + node->slots_cap / 2u : 4;
    cap = cap < SLOTS_MAX ? cap : SLOTS_MAX;
    if (cap == node->slots_cap) {
        return false;
    }
    struct slot *slots = learner_allocate(l, cap * sizeof *slots);
    if (node->slots_n > 0) {
        memcpy(slots, node->slots, node->slots_n * sizeof *slots);
    }
    learner_release(l, node->slots, node->slots_cap * sizeof *slots);
    node->slots = slots;
    node->slots_cap = (uint8_t)cap;
    return true;
}

static int put_new(struct learner *l, struct node *node, struct asset *asset, uint64_t taken) {
    int at = -1;
    bool has_room = has_room_for(l, node, asset);
    bool is_full = node->slots_n == node->slots_cap || !has_room;
    if (is_full && (at = find_unused(l, node, taken, !has_room)) >= 0) {
        uint64_t mask = ~(UINT64_C(1) << at);
        asset_release(&l->assets, asset_at(&l->assets, node->slots[at].number));
        for (unsigned i = 0; i < node->ballot.n; i++) {
            node->ballot.v[i].testable &= mask;
        }
    } else if (!has_room || (is_full && !grow(l, node))) {
        l->stats.refused++;
        return -1;
    } else {
        at = node->slots_n++;
    }
    node->slots[at] = (struct slot){.number = asset->number & (ASSET_NUMBERS - 1)};
    asset_keep(&l->assets, asset);
    return at;
}

int learner_put_slot(struct learner *l, struct node *node, struct asset *asset, uint64_t taken) {
    int at = learner_slot(node, asset);
    return at >= 0 ? at : put_new(l, node, asset, taken);
}

int learner_put_conditional(struct learner *l, struct node *node, struct asset *asset,
                            uint64_t taken) {
    int at = learner_conditional_slot(l, node, asset->file);
    at = at >= 0 ? at : put_new(l, node, asset, taken);
    if (at >= 0) {
        node->slots[at].is_conditional = true;
    }
    return at;
}

// ---- texts of policies --------------------------------------------------------------------------

uint16_t learner_put_text(struct learner *l, struct span text) {
    uint16_t room = 0;
    uint64_t first = siphash(&l->conf.secret, text) % (POLICIES_MAX - 1);
    for (unsigned i = 0; i < 16 && text.n > 0; i++) {
        uint16_t at = (uint16_t)(1 + (first + i) % (POLICIES_MAX - 1));
        if (l->policies[at].refs > 0 && span_eq(l->policies[at].text, text)) {
            return at;
        }
        room = room == 0 && l->policies[at].refs == 0 ? at : room;
    }
    if (room == 0) {
        return 0;
    }
    struct policy_text *p = &l->policies[room];
    learner_release(l, (void *)(uintptr_t)p->text.p, p->text.n);
    uint8_t *copy = learner_allocate(l, text.n);
    memcpy(copy, text.p, text.n);
    p->text = span_of(copy, text.n);
    return room;
}

void learner_set_text(struct learner *l, uint16_t *place, uint16_t text) {
    if (text != 0) {
        l->policies[text].refs++;
    }
    if (*place != 0) {
        l->policies[*place].refs--;
    }
    *place = text;
}
