// SPDX-License-Identifier: MIT
#include "learner/learner_record.h"

#include "learner/learner_inside.h"
#include "learner/learner_reading.h"
#include "learner/token.h"

// The scratch memory is no part of what the learner knows.
static struct arena *scratch(const struct learner *l) {
    return &((struct learner *)(uintptr_t)l)->scratch;
}

// Lives in the scratch memory.
static struct span imports_of(const struct learner *l, const struct asset_file *f) {
    size_t most = 0, n = 0;
    for (size_t i = 0; i < f->imports_n; i++) {
        most += f->imports[i]->hint.target.n + 1;
    }
    uint8_t *p = most > 0 ? arena_alloc(scratch(l), most) : NULL;
    for (size_t i = 0; p != NULL && i < f->imports_n; i++) {
        struct span path = f->imports[i]->hint.target;
        memcpy(p + n, path.p, path.n);
        n += path.n;
        p[n++] = ' ';
    }
    return span_of(p, n > 0 ? n - 1 : 0);
}

static struct record_asset record_of(const struct learner *l, const struct asset *a) {
    const struct asset_file *f = a->file;
    return (struct record_asset){
        .hint = a->hint,
        .state = (enum offer_asset_state)f->state,
        .reuse = (enum reuse_reason)f->reuse,
        .lifetime_s = f->lifetime_s,
        .bytes = f->bytes,
        .is_abandoned = f->is_abandoned,
        .born = f->stem != NULL ? f->born : 0,
        .newer = f->newer != NULL ? f->newer->url : span_of(NULL, 0),
        .imports = imports_of(l, f),
    };
}

static void fill_assets(const struct learner *l, const struct node *node,
                        struct learner_record *out) {
    out->assets_n = node->slots_n;
    for (unsigned i = 0; i < node->slots_n; i++) {
        const struct slot *slot = &node->slots[i];
        struct record_asset *r = &out->assets[i];
        *r = record_of(l, asset_at(&l->assets, slot->number));
        r->sources = slot->sources;
        r->is_behind = slot->is_behind;
        r->is_conditional = slot->is_conditional;
        r->is_firm = slot->is_firm;
        if (node->group != NULL && !slot->is_conditional) {
            r->rank = learner_group_rank(node->group, asset_at(&l->assets, slot->number));
        }
    }
    for (unsigned i = 0; node->group != NULL && i < node->group->key.n; i++) {
        const struct asset *a = asset_at(&l->assets, node->group->key.numbers[i]);
        if (learner_slot(node, a) < 0 && out->assets_n < RECORD_ASSETS_MAX) {
            out->assets[out->assets_n] = record_of(l, a);
            out->assets[out->assets_n++].rank = i + 1;
        }
    }
}

static void fill_plan(const struct learner *l, const struct node *node,
                      struct learner_record *out) {
    out->plan = node->group != NULL ? RECORD_PLAN_KEPT : RECORD_PLAN_NONE;
    out->csp = l->policies[node->csp].text;
    out->referrer = l->policies[node->referrer].text;
    out->origin = l->policies[node->origin].text;
    out->is_policy_new = node->is_policy_new;
}

static void fill_votes(const struct node *node, struct learner_record *out) {
    out->votes_n = node->ballot.n;
    for (unsigned i = 0; i < node->ballot.n; i++) {
        const struct vote *v = &node->ballot.v[i];
        out->votes[i] = (struct record_vote){
            .who = v->voter,
            .child = (uint64_t)v->user << 32 | (uint64_t)v->network << 16 | v->page,
            .at_ms = (uint64_t)v->at_min * 60000,
            .is_private = v->is_private,
            .has_html = v->has_page,
            .has_fetched = v->has_visit,
            .has_failed = v->has_failed,
            .html = v->html,
            .fetched = v->fetched,
            .testable = v->testable,
        };
        // Bits of places that are in no use yet mean nothing to others.
        uint64_t places = node->slots_n < 64 ? (UINT64_C(1) << node->slots_n) - 1 : UINT64_MAX;
        out->votes[i].testable &= places;
    }
}

static uint64_t moved(uint64_t bits, const int *places, size_t n) {
    uint64_t out = 0;
    for (size_t i = 0; i < n; i++) {
        out |= i < 64 && places[i] >= 0 && (bits >> i & 1) ? UINT64_C(1) << places[i] : 0;
    }
    return out;
}

// What may be a secret is not written down before it is known for none.
static void leave_out_doubtful(struct learner_record *out) {
    int places[RECORD_ASSETS_MAX];
    size_t n = 0, old = out->assets_n;
    for (size_t i = 0; i < old; i++) {
        const struct record_asset *a = &out->assets[i];
        bool stays = a->rank > 0 || token_of(a->hint.target) == TOKEN_NONE;
        places[i] = stays ? (int)n : -1;
        out->assets[n] = *a;
        n += stays;
    }
    out->assets_n = n;
    for (size_t i = 0; n < old && i < out->votes_n; i++) {
        struct record_vote *v = &out->votes[i];
        v->html = moved(v->html, places, old);
        v->fetched = moved(v->fetched, places, old);
        v->testable = moved(v->testable, places, old);
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
    fill_plan(l, node, out);
    arena_reset(scratch(l));
    fill_assets(l, node, out);
    fill_votes(node, out);
    leave_out_doubtful(out);
}

enum step learner_next_changed(struct learner *l, struct learner_record *out) {
    struct node *node;
    if (l->lingering != NULL) { // its key was lent
        node = l->lingering;
        l->lingering = NULL;
        learner_bury(l, node);
    }
    while ((node = learner_take_changed(l)) != NULL) {
        if (!node->is_secret && (!node->is_gone || node->is_stored)) {
            fill(l, node, out);
            node->is_stored = !node->is_gone;
            l->lingering = node->is_gone ? node : NULL;
            return STEP_ITEM;
        }
        learner_bury(l, node);
    }
    return STEP_MORE;
}

static void change_each(struct learner *l, struct list *nodes) {
    for (struct list *at = nodes->next; at != nodes; at = at->next) {
        learner_change(l, LIST_ITEM(at, struct node, age));
    }
}

void learner_change_all(struct learner *l) {
    change_each(l, &l->main);
    change_each(l, &l->probation);
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
    return r->plan < RECORD_PLANS;
}

static void restore_imports(struct learner *l, struct asset_file *f, struct span paths) {
    struct asset *imports[ASSET_IMPORTS_MAX];
    struct span path;
    size_t n = 0;
    while (n < ASSET_IMPORTS_MAX && paths.n > 0 && span_cut(&paths, ' ', &path)) {
        struct hint hint = {
            .target = path, .rel = HINT_PRELOAD, .as = HINT_AS_STYLE, .can_push = true};
        bool is_usable = path.n > 1 && path.p[0] == '/' && path.p[1] != '/' &&
                         token_of(path) == TOKEN_NONE && !span_eq(path, f->url);
        struct asset *a = is_usable ? asset_put(&l->assets, f->site, &hint) : NULL;
        if (a != NULL) {
            asset_keep(&l->assets, a);
            imports[n++] = a;
        }
    }
    asset_set_imports(&l->assets, f, imports, n);
    for (size_t i = 0; i < n; i++) {
        asset_release(&l->assets, imports[i]);
    }
}

// What is known of the file here is newer than any record.
static void restore_file(struct learner *l, struct asset_file *f, const struct record_asset *r) {
    if (f->state == OFFER_ASSET_NONE) {
        f->bytes = r->bytes;
        f->lifetime_s = r->lifetime_s;
        f->is_abandoned = r->is_abandoned;
        asset_set_state(&l->assets, f, r->state, r->reuse);
    }
    if (f->imports_n == 0) {
        restore_imports(l, f, r->imports);
    }
    asset_restore_version(&l->assets, f, r->born, r->newer);
}

static bool has_place(const struct record_asset *r) {
    return (r->sources & (LEARNER_LINK | LEARNER_HTML | LEARNER_REQUEST)) != 0;
}

static void restore_asset(struct learner *l, struct node *node, const struct record_asset *r,
                          uint64_t taken, int *place) {
    struct span site = route_key_site(node_key(node));
    struct asset *a = learner_is_secret(&r->hint) ? NULL : asset_put(&l->assets, site, &r->hint);
    if (a != NULL) {
        restore_file(l, a->file, r);
    }
    *place = a == NULL || !has_place(r) ? -1
             : r->is_conditional        ? learner_put_conditional(l, node, a, taken)
                                        : learner_put_slot(l, node, a, taken);
    if (*place < 0) {
        return;
    }
    node->slots[*place].sources = r->sources & 15;
    node->slots[*place].is_behind = r->is_behind;
    node->slots[*place].is_firm = r->is_firm;
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
        v->user = (uint32_t)(from->child >> 32);
        v->is_private = from->is_private;
        v->has_page = from->has_html;
        v->has_visit = from->has_fetched;
        v->has_failed = from->has_failed;
        v->html = moved(from->html, places, r->assets_n);
        v->fetched = moved(from->fetched, places, r->assets_n);
        v->testable = moved(from->testable, places, r->assets_n);
        for (unsigned k = 0; k < node->slots_n; k++) {
            v->behind |= node->slots[k].is_behind ? UINT64_C(1) << k : 0;
        }
    }
}

static void restore_node(struct learner *l, struct node *node, const struct learner_record *r,
                         uint64_t now_ms) {
    node->seen = r->seen < UINT32_MAX ? (uint32_t)r->seen : UINT32_MAX;
    node->first_s = (uint32_t)(r->first_seen_ms / 1000);
    node->last_s = (uint32_t)(r->last_seen_ms / 1000);
    node->think_us = r->think_us;
    learner_set_text(l, &node->csp, learner_put_text(l, r->csp));
    learner_set_text(l, &node->referrer, learner_put_text(l, r->referrer));
    learner_set_text(l, &node->origin, learner_put_text(l, r->origin));
    node->is_policy_new = r->is_policy_new;
    if (r->hinted.n > 0 || r->held.n > 0) {
        struct outcomes *o = node->outcomes = learner_allocate(l, sizeof *o);
        restore_outcome(&o->hinted, &r->hinted);
        restore_outcome(&o->held, &r->held);
        node->is_observed = outcome_is_worse(&o->hinted, &o->held);
        o->observed_ms = node->is_observed ? now_ms : 0;
    }
}

// What the plan had in each place; without those of which nothing can be made.
static size_t find_plan(struct learner *l, const struct node *node, const struct learner_record *r,
                        struct asset **plan) {
    struct asset *by_rank[HINT_SET_MAX + 1] = {NULL};
    struct span site = route_key_site(node_key(node));
    size_t n = 0;
    for (size_t i = 0; i < r->assets_n; i++) {
        unsigned rank = r->assets[i].rank;
        if (rank > 0 && rank <= HINT_SET_MAX && !learner_is_secret(&r->assets[i].hint)) {
            by_rank[rank] = asset_put(&l->assets, site, &r->assets[i].hint);
        }
    }
    for (unsigned rank = 1; rank <= HINT_SET_MAX; rank++) {
        struct asset *newer = by_rank[rank] ? asset_newer(&l->assets, by_rank[rank]) : NULL;
        struct asset *a = newer != NULL ? newer : by_rank[rank];
        bool is_there = a == NULL;
        for (size_t i = 0; i < n; i++) {
            is_there |= plan[i] == a;
        }
        if (!is_there) {
            plan[n++] = a;
        }
    }
    return n;
}

static void restore_plan(struct learner *l, struct node *node, const struct learner_record *r) {
    struct asset *plan[HINT_SET_MAX];
    if (r->plan == RECORD_PLAN_KEPT) {
        learner_resume(l, node, plan, find_plan(l, node, r, plan));
    }
    learner_change(l, node);
}

bool learner_restore(struct learner *l, const struct learner_record *r, uint64_t now_ms) {
    int places[SLOTS_MAX];
    uint64_t taken = 0;
    if (r->is_gone || !is_valid(r)) {
        return false;
    }
    l->assets.now_ms = now_ms;
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
    restore_node(l, node, r, now_ms);
    if (r->plan == RECORD_PLAN_JUDGE) {
        learner_decide(l, node, now_ms);
    } else {
        restore_plan(l, node, r);
    }
    struct route_id id = node->id;
    if (node->is_secret) { // an older program kept it
        learner_drop(l, node);
    }
    learner_make_room(l);
    learner_count(l);
    return learner_node_by_id(l, id) != NULL;
}
