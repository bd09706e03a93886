// SPDX-License-Identifier: MIT
#include "learner/learner.h"

#include "learner/learner_inside.h"

#include <stdlib.h>

#define ROUTES_DEFAULT 65536
#define BYTES_DEFAULT ((size_t)64 << 20)
#define ASSETS_DEFAULT 65536
#define TTL_DEFAULT_MS ((uint64_t)30 * 24 * 3600 * 1000)
#define EXPIRED_A_TICK 4096           // routes, some milliseconds
#define SCRATCH_MAX ((size_t)1 << 20) // bytes to read one piece of evidence with

void *learner_allocate(struct learner *l, size_t n) {
    void *p = calloc(1, n);
    if (p == NULL) {
        abort();
    }
    l->bytes += n + ALLOCATION;
    return p;
}

void learner_release(struct learner *l, void *p, size_t n) {
    if (p != NULL) {
        free(p);
        l->bytes -= n + ALLOCATION;
    }
}

// For so many things, but no more than a small part of the bytes.
static size_t buckets_for(size_t things, size_t bytes) {
    size_t buckets = 64;
    while (buckets < things && buckets * sizeof(void *) < bytes / 32) {
        buckets *= 2;
    }
    return buckets;
}

static void queue_init(struct queue *q) {
    q->head = NULL;
    q->tail = &q->head;
}

struct learner *learner_new(const struct learner_conf *conf) {
    struct learner *l = calloc(1, sizeof *l);
    if (l == NULL) {
        abort();
    }
    l->conf = *conf;
    l->conf.max_routes = conf->max_routes ? conf->max_routes : ROUTES_DEFAULT;
    l->conf.max_bytes = conf->max_bytes ? conf->max_bytes : BYTES_DEFAULT;
    l->conf.max_assets = conf->max_assets ? conf->max_assets : ASSETS_DEFAULT;
    l->conf.ttl_ms = conf->ttl_ms ? conf->ttl_ms : TTL_DEFAULT_MS;
    size_t buckets = buckets_for(l->conf.max_routes, l->conf.max_bytes);
    l->mask = buckets - 1;
    l->buckets = learner_allocate(l, buckets * sizeof(struct node *));
    l->group_mask = buckets / 4 - 1;
    l->group_buckets = learner_allocate(l, buckets / 4 * sizeof(struct group *));
    list_init(&l->probation);
    list_init(&l->main);
    list_init(&l->pending);
    queue_init(&l->news);
    list_init(&l->changed);
    asset_table_init(&l->assets, l->conf.max_assets,
                     buckets_for(l->conf.max_assets, l->conf.max_bytes), &l->conf.secret);
    arena_init(&l->scratch, SCRATCH_MAX);
    l->memos = calloc(MEMOS, sizeof *l->memos);
    if (l->memos == NULL) {
        abort();
    }
    return l;
}

// ---- queues -------------------------------------------------------------------------------------

void learner_tell(struct learner *l, struct node *node) {
    if (!node->in_news) {
        node->in_news = true;
        node->next_news = NULL;
        *l->news.tail = node;
        l->news.tail = &node->next_news;
    }
}

static struct node *take_news(struct learner *l) {
    struct node *node = l->news.head;
    if (node != NULL) {
        l->news.head = node->next_news;
        l->news.tail = l->news.head != NULL ? l->news.tail : &l->news.head;
        node->in_news = false;
    }
    return node;
}

void learner_change(struct learner *l, struct node *node) {
    if (list_is_empty(&node->changed)) {
        list_put(&l->changed, &node->changed);
    }
}

struct node *learner_take_changed(struct learner *l) {
    struct list *node = list_take(&l->changed);
    return node != NULL ? LIST_ITEM(node, struct node, changed) : NULL;
}

void learner_free(struct learner *l) {
    struct list *node;
    while ((node = list_take(&l->probation)) != NULL || (node = list_take(&l->main)) != NULL) {
        learner_drop(l, LIST_ITEM(node, struct node, age));
    }
    for (struct node *n = take_news(l); n != NULL; n = take_news(l)) {
        learner_bury(l, n);
    }
    for (struct node *n = learner_take_changed(l); n != NULL; n = learner_take_changed(l)) {
        learner_bury(l, n);
    }
    if (l->lingering != NULL) {
        learner_bury(l, l->lingering);
    }
    learner_free_groups(l);
    asset_table_fini(&l->assets);
    for (size_t i = 0; i < POLICIES_MAX; i++) {
        free((void *)(uintptr_t)l->policies[i].text.p);
    }
    arena_fini(&l->scratch);
    free(l->memos);
    free(l->group_buckets);
    free(l->buckets);
    free(l);
}

// ---- looking up ---------------------------------------------------------------------------------

struct node *learner_node_by_id(const struct learner *l, struct route_id id) {
    struct node *node = l->buckets[id.a & l->mask];
    while (node != NULL && !route_id_eq(node->id, id)) {
        node = node->chain;
    }
    return node;
}

struct node *learner_node(const struct learner *l, struct span key) {
    return learner_node_by_id(l, route_key_id(&l->conf.secret, key));
}

// ---- evidence -----------------------------------------------------------------------------------

void learner_count(struct learner *l) {
    l->stats.assets = l->assets.files;
    l->stats.refused += l->assets.refused;
    l->assets.refused = 0;
    l->stats.plans = l->groups_n;
    l->stats.bytes = l->bytes + l->assets.bytes;
    l->is_shown = false;
}

void learner_put(struct learner *l, const struct evidence *e, uint64_t now_ms) {
    l->stats.evidence++;
    l->assets.now_ms = now_ms;
    switch (e->kind) {
    case EVIDENCE_PAGE:
        learner_put_page(l, e, now_ms);
        break;
    case EVIDENCE_VISIT:
        learner_put_visit(l, e, now_ms);
        break;
    case EVIDENCE_ASSET:
        learner_put_asset(l, e, now_ms);
        break;
    case EVIDENCE_SHEET:
        learner_put_sheet(l, e, now_ms);
        break;
    default:
        l->stats.ignored++;
    }
    learner_make_room(l);
    arena_reset(&l->scratch);
    learner_count(l);
}

// ---- what comes out -----------------------------------------------------------------------------

static enum offer_scope scope_of(const struct node *node) {
    return !node->is_pattern ? OFFER_EXACT : learner_is_site(node) ? OFFER_SITE : OFFER_PATTERN;
}

// False when the workers know it already.
static bool say_node(struct learner *l, struct node *node, struct learner_news *out) {
    bool has_plan = node->group != NULL && !node->is_gone;
    bool is_new = has_plan || node->is_told;
    *out = (struct learner_news){.id = node->id};
    if (has_plan) {
        out->offer = (struct offer){.plan = node->group->plan,
                                    .think_us = node->think_us,
                                    .scope = scope_of(node),
                                    .observe = node->is_observed,
                                    .is_inside = learner_is_inside(node)};
    }
    node->is_told_inside = out->offer.is_inside;
    node->is_told = has_plan;
    node->told_think_us = node->think_us;
    learner_bury(l, node);
    return is_new;
}

enum step learner_next(struct learner *l, struct learner_news *out) {
    struct asset_file *f = asset_next_news(&l->assets);
    if (f != NULL) {
        *out = (struct learner_news){.is_asset = true, .id = f->id};
        if (f->plans > 0) {
            out->asset = (struct offer_asset){f->is_local ? (enum offer_asset_state)f->state
                                                          : OFFER_ASSET_REUSABLE,
                                              f->lifetime_s};
        }
        return STEP_ITEM;
    }
    struct node *node;
    while ((node = take_news(l)) != NULL || (node = learner_next_stale(l)) != NULL) {
        if (say_node(l, node, out)) {
            return STEP_ITEM;
        }
    }
    return STEP_MORE;
}

enum step learner_next_question(struct learner *l, struct learner_question *out) {
    struct asset_file *f = asset_next_question(&l->assets);
    if (f == NULL) {
        return STEP_MORE;
    }
    bool is_module = f->variants != NULL && f->variants->hint.rel == HINT_MODULEPRELOAD;
    *out = (struct learner_question){f->site, f->url,
                                     is_module             ? HINT_AS_SCRIPT
                                     : f->variants != NULL ? f->variants->hint.as
                                                           : HINT_AS_NONE,
                                     f->is_on_disk};
    return STEP_ITEM;
}

// Those that are still in the table are given only after their replacement was.
struct plan *learner_next_retired(struct learner *l) {
    bool is_all_told = l->news.head == NULL && list_is_empty(&l->pending);
    if (!is_all_told || l->retired_at == l->retired_n) {
        return NULL;
    }
    struct plan *plan = l->retired[l->retired_at++];
    if (l->retired_at == l->retired_n) {
        l->retired_at = l->retired_n = 0;
    }
    return plan;
}

bool learner_forget(struct learner *l, struct span key) {
    struct node *node = learner_node(l, key);
    if (node != NULL) {
        learner_drop(l, node);
        learner_count(l);
    }
    return node != NULL;
}

// At most so many.
static size_t expire(struct learner *l, struct list *list, size_t most, uint64_t now_ms) {
    size_t n = 0;
    for (; n < most && !list_is_empty(list); n++) {
        struct node *node = LIST_ITEM(list->next, struct node, age);
        uint64_t seen_ms = (uint64_t)node->last_s * 1000;
        if (now_ms <= seen_ms || now_ms - seen_ms < l->conf.ttl_ms) {
            break;
        }
        learner_drop(l, node);
    }
    l->stats.expired += n;
    return n;
}

bool learner_tick(struct learner *l, uint64_t now_ms) {
    size_t n = expire(l, &l->probation, EXPIRED_A_TICK, now_ms);
    n += expire(l, &l->main, EXPIRED_A_TICK - n, now_ms);
    learner_count(l);
    return n < EXPIRED_A_TICK;
}

const struct learner_stats *learner_stats(const struct learner *l) {
    return &l->stats;
}
