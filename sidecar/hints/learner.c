// SPDX-License-Identifier: MIT
#include "hints/learner.h"

#include <assert.h>
#include <stdlib.h>

#include "base/list.h"
#include "hints/target.h"

#define ROUTES_DEFAULT 4096
#define BYTES_DEFAULT ((size_t)16 << 20)
#define TTL_DEFAULT_MS ((uint64_t)7 * 24 * 3600 * 1000)
#define SCRATCH_MAX ((size_t)512 << 10) // bytes to read one piece of evidence with

struct route {
    struct learner_route view; // the first member: a view is its route
    struct list age;           // in learner.ages; nowhere when it was forgotten
    struct list news;          // in learner.news while a plan is to be published
    struct route *chain;       // the next one in the same bucket
    struct plan *plan;         // what it needs, without a version
    uint64_t hash;
    bool is_gone; // forgotten; lives until its drop has been published
};

struct learner {
    struct learner_conf conf;
    struct route **buckets;
    size_t mask;
    struct list ages; // the one seen last at the end
    struct list news;
    uint64_t version;
    struct arena scratch; // of the evidence being read
    struct learner_stats stats;
};

static void *allocate(size_t n, size_t size) {
    void *p = calloc(n, size);
    if (p == NULL) {
        abort();
    }
    return p;
}

struct learner *learner_new(const struct learner_conf *conf) {
    struct learner *l = allocate(1, sizeof *l);
    size_t buckets = 64;
    l->conf = *conf;
    l->conf.max_routes = conf->max_routes ? conf->max_routes : ROUTES_DEFAULT;
    l->conf.max_bytes = conf->max_bytes ? conf->max_bytes : BYTES_DEFAULT;
    l->conf.max_hints = conf->max_hints ? conf->max_hints : HINT_SET_MAX;
    l->conf.ttl_ms = conf->ttl_ms ? conf->ttl_ms : TTL_DEFAULT_MS;
    while (buckets < l->conf.max_routes) {
        buckets *= 2;
    }
    l->buckets = allocate(buckets, sizeof(struct route *));
    l->mask = buckets - 1;
    list_init(&l->ages);
    list_init(&l->news);
    arena_init(&l->scratch, SCRATCH_MAX);
    return l;
}

static size_t route_bytes(const struct route *r) {
    return sizeof *r + r->plan->size;
}

static void free_route(struct route *r) {
    list_drop(&r->age);
    list_drop(&r->news);
    plan_free(r->plan);
    free(r);
}

// list_take, and says to whoever proves things about it that the node is off the list.
static struct list *take(struct list *list) {
    struct list *node = list_take(list);
    assert(node == NULL || list->next != node);
    return node;
}

void learner_free(struct learner *l) {
    struct list *node;
    while ((node = take(&l->news)) != NULL) {
        struct route *r = LIST_ITEM(node, struct route, news);
        if (r->is_gone) {
            free_route(r);
        }
    }
    while ((node = take(&l->ages)) != NULL) {
        free_route(LIST_ITEM(node, struct route, age));
    }
    arena_fini(&l->scratch);
    free(l->buckets);
    free(l);
}

// The link that points, or would point, at the route of that key.
static struct route **find(const struct learner *l, uint64_t hash, struct span key) {
    struct route **at = &l->buckets[hash & l->mask];
    while (*at != NULL && ((*at)->hash != hash || !span_eq((*at)->view.key, key))) {
        at = &(*at)->chain;
    }
    return at;
}

// Gives the route what it needs from now on, and keeps the books.
static void set_hints(struct learner *l, struct route *r, struct span key,
                      const struct hint_set *set) {
    struct plan *old = r->plan;
    r->plan = plan_new(&(struct plan_conf){.key = key, .hash = r->hash}, set->v, set->n);
    r->view.key = r->plan->key;
    r->view.hints = r->plan->hints;
    r->view.hints_n = r->plan->hints_n;
    l->stats.bytes += r->plan->size;
    if (old != NULL) {
        l->stats.bytes -= old->size;
        plan_free(old);
    }
    if (list_is_empty(&r->news)) {
        list_put(&l->news, &r->news);
    }
}

static struct route *add_route(struct learner *l, struct route **at, uint64_t hash,
                               uint64_t now_ms) {
    struct route *r = allocate(1, sizeof *r);
    list_init(&r->age);
    list_init(&r->news);
    r->hash = hash;
    r->view.first_seen_ms = now_ms;
    *at = r;
    l->stats.routes++;
    l->stats.bytes += sizeof *r;
    return r;
}

// Forgets a route. What was published for it is to be dropped, so it waits for learner_next then.
static void drop_route(struct learner *l, struct route *r) {
    struct route **at = find(l, r->hash, r->view.key);
    assert(*at == r);
    *at = r->chain;
    list_drop(&r->age);
    assert(l->ages.next != &r->age);
    l->stats.routes--;
    l->stats.bytes -= route_bytes(r);
    if (r->view.version == 0) {
        free_route(r);
        return;
    }
    r->is_gone = true;
    if (list_is_empty(&r->news)) {
        list_put(&l->news, &r->news);
    }
}

static struct route *oldest(const struct learner *l) {
    return list_is_empty(&l->ages) ? NULL : LIST_ITEM(l->ages.next, struct route, age);
}

// Makes room by forgetting what was not seen for the longest time, but never the newest route.
static void evict(struct learner *l) {
    while (l->stats.routes > 1 &&
           (l->stats.routes > l->conf.max_routes || l->stats.bytes > l->conf.max_bytes)) {
        drop_route(l, oldest(l));
        l->stats.evicted++;
    }
}

static void add_tally(struct hint_tally *sum, const struct hint_tally *one) {
    sum->broken += one->broken;
    for (int i = 0; i < HINT_REASONS; i++) {
        sum->reasons[i] += one->reasons[i];
    }
}

// All the hints of one response. 0, or ERR_ARENA_LIMIT.
static int read_links(struct learner *l, const struct evidence *e, struct hint_set *set,
                      struct hint_tally *tally) {
    struct target_page page = {e->scheme, e->authority, e->target};
    struct hint_context context = {.page = &page, .arena = &l->scratch};
    struct span links = e->links, value;
    if (l->conf.find_policy != NULL) {
        context.policy = l->conf.find_policy(l->conf.policy_self, route_key_site(e->key));
    }
    int error = hint_set_init(set, &l->scratch, l->conf.max_hints);
    for (unsigned i = 0; error == 0 && i < e->links_n && evidence_next(&links, &value); i++) {
        hint_set_read(set, value, &context, tally);
    }
    add_tally(&l->stats.links, tally);
    return error;
}

static uint32_t refusals(const struct hint_tally *tally) {
    uint32_t bits = 0;
    for (int i = HINT_OK + 1; i < HINT_REASONS; i++) {
        bits |= tally->reasons[i] > 0 ? UINT32_C(1) << i : 0;
    }
    return bits;
}

static void teach(struct learner *l, const struct evidence *e, uint64_t now_ms) {
    struct hint_set set;
    struct hint_tally tally = {.broken = 0};
    if (route_key_site(e->key).n == 0 || read_links(l, e, &set, &tally) != 0) {
        l->stats.ignored++;
        return;
    }
    uint64_t hash = route_key_hash(&l->conf.secret, e->key);
    struct route **at = find(l, hash, e->key);
    struct route *r = *at;
    if (r == NULL && set.n == 0) {
        l->stats.ignored++;
        return;
    }
    if (r == NULL) {
        r = add_route(l, at, hash, now_ms);
    }
    r->view.seen++;
    r->view.last_seen_ms = now_ms;
    r->view.refused = refusals(&tally);
    list_put(&l->ages, &r->age);
    if (r->plan == NULL || !hint_set_eq(&set, r->plan->hints, r->plan->hints_n)) {
        set_hints(l, r, e->key, &set);
    }
    evict(l);
}

void learner_put(struct learner *l, const struct evidence *e, uint64_t now_ms) {
    l->stats.evidence++;
    teach(l, e, now_ms);
    arena_reset(&l->scratch);
}

static bool is_old(const struct learner *l, const struct route *r, uint64_t now_ms) {
    uint64_t seen = r->view.last_seen_ms;
    return now_ms > seen && now_ms - seen >= l->conf.ttl_ms;
}

void learner_tick(struct learner *l, uint64_t now_ms) {
    struct route *r;
    while ((r = oldest(l)) != NULL && is_old(l, r, now_ms)) {
        drop_route(l, r);
        l->stats.expired++;
    }
}

uint64_t learner_deadline(const struct learner *l) {
    const struct route *r = oldest(l);
    if (r == NULL || r->view.last_seen_ms > UINT64_MAX - l->conf.ttl_ms) {
        return UINT64_MAX;
    }
    return r->view.last_seen_ms + l->conf.ttl_ms;
}

enum step learner_next(struct learner *l, struct plan **out) {
    struct list *node = take(&l->news);
    if (node == NULL) {
        return STEP_MORE;
    }
    struct route *r = LIST_ITEM(node, struct route, news);
    struct plan_conf conf = {.key = r->view.key, .hash = r->hash, .version = ++l->version};
    *out = plan_new(&conf, r->plan->hints, r->is_gone ? 0 : r->plan->hints_n);
    r->view.version = conf.version;
    if (r->is_gone) {
        free_route(r);
    }
    return STEP_ITEM;
}

bool learner_forget(struct learner *l, struct span key) {
    struct route *r = *find(l, route_key_hash(&l->conf.secret, key), key);
    if (r != NULL) {
        drop_route(l, r);
    }
    return r != NULL;
}

const struct learner_route *learner_find(const struct learner *l, struct span key) {
    const struct route *r = *find(l, route_key_hash(&l->conf.secret, key), key);
    return r != NULL ? &r->view : NULL;
}

static const struct learner_route *view_of(const struct learner *l, struct list *node) {
    return node == &l->ages ? NULL : &LIST_ITEM(node, struct route, age)->view;
}

const struct learner_route *learner_first(const struct learner *l) {
    return view_of(l, l->ages.prev);
}

const struct learner_route *learner_after(const struct learner *l, const struct learner_route *r) {
    return view_of(l, ((const struct route *)r)->age.prev);
}

const struct learner_stats *learner_stats(const struct learner *l) {
    return &l->stats;
}
