// SPDX-License-Identifier: MIT
#include "sim/learning_pupil.h"

#include <assert.h>
#include <stdlib.h>

#include "learner/route_chain.h"

static const struct span query_keys[] = {SPAN_INIT("p"), SPAN_INIT("s=*")};

void pupil_init(struct pupil *p, struct learner_conf conf) {
    memset(p, 0, sizeof *p);
    p->secret = conf.secret = (struct siphash_key){0x0123456789abcdef, 0xfedcba9876543210};
    p->l = learner_new(&conf);
    p->now_ms = 1790000000000;
    p->slots_n = 1024;
    p->slots = calloc(p->slots_n, sizeof p->slots[0]);
    assert(p->slots);
}

void pupil_fini(struct pupil *p) {
    learner_free(p->l);
    free(p->slots);
}

// Where that identity is, or would be.
static struct pupil_slot *slot_of(const struct pupil *p, struct route_id id) {
    size_t at = id.a & (p->slots_n - 1);
    while ((p->slots[at].id.a || p->slots[at].id.b) && !route_id_eq(p->slots[at].id, id)) {
        at = (at + 1) & (p->slots_n - 1);
    }
    return &p->slots[at];
}

// Gives up the places of what was dropped, and makes more room where that is not enough.
static void grow(struct pupil *p) {
    struct pupil old = *p;
    size_t live = 0;
    for (size_t i = 0; i < old.slots_n; i++) {
        live += old.slots[i].offer.plan != NULL;
    }
    p->slots_n *= 4 * live > p->slots_n ? 2 : 1;
    p->used = 0;
    p->slots = calloc(p->slots_n, sizeof p->slots[0]);
    assert(p->slots);
    for (size_t i = 0; i < old.slots_n; i++) {
        if (old.slots[i].offer.plan) {
            *slot_of(p, old.slots[i].id) = old.slots[i];
            p->used++;
        }
    }
    free(old.slots);
}

static void publish(struct pupil *p, const struct learner_news *news) {
    if (news->is_asset) {
        return; // of use to a connection that remembers what it was given
    }
    if (2 * (p->used + 1) > p->slots_n) {
        grow(p);
    }
    struct pupil_slot *slot = slot_of(p, news->id);
    p->used += slot->id.a == 0 && slot->id.b == 0;
    p->plans_n++;
    *slot = (struct pupil_slot){news->id, news->offer};
}

static void settle(struct pupil *p) {
    struct learner_news news;
    struct plan *plan;
    while (learner_next(p->l, &news) == STEP_ITEM) {
        publish(p, &news);
    }
    while ((plan = learner_next_retired(p->l)) != NULL) {
        plan_free(plan);
    }
}

// Through bytes, as the ring does it.
static void teach(struct pupil *p, const struct evidence *e, const struct evidence_item *items,
                  size_t n) {
    uint8_t bytes[EVIDENCE_MAX];
    struct evidence_writer w;
    struct evidence read;
    bool is_begun = evidence_begin(&w, e, bytes, sizeof bytes);
    assert(is_begun);
    for (size_t i = 0; i < n; i++) {
        evidence_put(&w, &items[i]);
    }
    bool is_whole = evidence_decode(&read, span_of(bytes, evidence_end(&w)));
    assert(is_begun && is_whole);
    learner_put(p->l, &read, p->now_ms);
    settle(p);
}

static void put_asset(struct pupil *p, struct evidence *asset, struct span path) {
    asset->kind = EVIDENCE_ASSET;
    asset->at_ms = p->now_ms;
    asset->key = SPAN(PUPIL_SITE);
    asset->scheme = SPAN("https");
    asset->authority = SPAN(PUPIL_SITE);
    asset->target = path;
    teach(p, asset, NULL, 0);
}

static void answer(struct pupil *p) {
    struct learner_question question;
    uint8_t path[2048];
    while (learner_next_question(p->l, &question) == STEP_ITEM) {
        struct evidence asset = {.status = 200,
                                 .as = (uint8_t)question.as,
                                 .reuse = REUSE_OK,
                                 .lifetime_s = 3600,
                                 .bytes = 10000};
        assert(question.path.n <= sizeof path);
        memcpy(path, question.path.p, question.path.n);
        struct span target = span_of(path, question.path.n);
        if (!p->look_up || p->look_up(p->self, target, &asset)) {
            put_asset(p, &asset, target);
        }
    }
}

static struct span key_of(const struct pupil_visitor *v, uint8_t *out, bool *is_clean) {
    struct route_parts parts = {.site = SPAN(PUPIL_SITE),
                                .path = span_str(v->path),
                                .query = span_str(v->query),
                                .is_session = v->session != 0,
                                .query_keys = query_keys,
                                .query_keys_n = 2};
    return route_key(out, &parts, is_clean);
}

static bool begin(const struct pupil *p, const struct pupil_visitor *v, uint8_t *key,
                  struct evidence *e) {
    bool is_clean;
    *e = (struct evidence){
        .at_ms = p->now_ms,
        .status = 200,
        .flags =
            (uint8_t)((v->session ? EVIDENCE_SESSION : 0) | (v->is_private ? EVIDENCE_PRIVATE : 0) |
                      (v->is_named ? EVIDENCE_NAMED : 0) | (v->is_inside ? EVIDENCE_INSIDE : 0)),
        .who = v->session ? v->session : v->network,
        .network = v->network,
        .user = v->user || v->is_user_known ? v->user
                : v->session                ? 2 * v->session + 1
                                            : 2 * v->network,
        .think_us = 60000,
        .scheme = SPAN("https"),
        .authority = SPAN(PUPIL_SITE),
        .target = span_str(v->path)};
    e->key = key_of(v, key, &is_clean);
    return e->key.p && is_clean;
}

void pupil_page(struct pupil *p, const struct pupil_visitor *v, const struct evidence_item *items,
                size_t n) {
    uint8_t key[ROUTE_KEY_MAX];
    struct evidence e;
    if (begin(p, v, key, &e)) {
        e.flags |= v->is_cut ? EVIDENCE_CUT : 0;
        teach(p, &e, items, n);
        answer(p);
    }
}

void pupil_failed(struct pupil *p, const struct pupil_visitor *v, uint16_t status) {
    uint8_t key[ROUTE_KEY_MAX];
    struct evidence e;
    if (begin(p, v, key, &e)) {
        e.status = status;
        teach(p, &e, NULL, 0);
    }
}

void pupil_visit(struct pupil *p, const struct pupil_visitor *v, uint8_t flags,
                 const struct evidence_item *items, size_t n) {
    uint8_t key[ROUTE_KEY_MAX];
    struct evidence e;
    if (begin(p, v, key, &e)) {
        e.kind = EVIDENCE_VISIT;
        e.flags |= flags;
        e.lead_us = flags & EVIDENCE_HINTED ? 50000 : 0;
        teach(p, &e, items, n);
        answer(p);
    }
}

void pupil_asset(struct pupil *p, const char *path, enum hint_as as, uint16_t status) {
    pupil_asset_to(p, path, as, status, 0);
}

void pupil_asset_to(struct pupil *p, const char *path, enum hint_as as, uint16_t status,
                    uint64_t network) {
    struct evidence asset = {
        .status = status, .as = (uint8_t)as, .lifetime_s = 3600, .network = network};
    asset.reuse = REUSE_OK;
    put_asset(p, &asset, span_str(path));
}

const struct plan *pupil_plan(const struct pupil *p, const struct pupil_visitor *v) {
    uint8_t bytes[ROUTE_KEY_MAX];
    struct route_chain chain;
    struct span key;
    bool is_clean;
    key = key_of(v, bytes, &is_clean);
    if (!key.p) {
        return NULL;
    }
    route_chain_init(&chain, key, NULL, 0);
    while (route_chain_next(&chain, &key)) {
        const struct offer *offer = &slot_of(p, route_key_id(&p->secret, key))->offer;
        if (offer->plan && (!offer->is_inside || v->is_inside)) {
            return offer->plan;
        }
    }
    return NULL;
}

bool pupil_hints(const struct pupil *p, const struct pupil_visitor *v, const char *target) {
    const struct plan *plan = pupil_plan(p, v);
    for (size_t i = 0; plan && i < plan->hints_n; i++) {
        if (span_eq(plan->hints[i].target, span_str(target))) {
            return true;
        }
    }
    return false;
}
