// SPDX-License-Identifier: MIT
#include "server/publisher.h"

#include "learner/route_key.h"
#include "server/clock.h"

#include <stdlib.h>

#define RING_LEN (1u << 18)         // bytes of a worker's ring: some thousand pieces of evidence
#define SERIAL_LEN sizeof(uint64_t) // before each piece of evidence in a ring
#define DRAIN_MS 5                  // from the first piece to the drain: a burst is taken as one
// Most of one turn of the learner's loop, some milliseconds of each. The rest waits for the next:
// workers that put as fast as they are read must not keep signals, the store and the admin endpoint
// waiting, nor must an asset that is in the plans of a million routes.
#define EVIDENCE_A_TURN 1024
#define NEWS_A_TURN 1024
#define MOST 65536  // routes or assets that a learner has unless it is told otherwise
#define OF_BUCKET 4 // of them, in a full table
#define BUCKETS_MOST (1u << 24)
#define BLOCK_ENTRIES 1600 // of one allocation, some 64 KB
#define RETIRED_KEPT 4096  // places for retired entries that stay

// What is published under an identity. Never changed while a worker may see it. The first half of
// the identity is the hash, which the table keeps and compares before it asks is_match.
struct publisher_entry {
    struct cds_lfht_node node;
    uint64_t rest; // of the identity
    union {
        const struct plan *plan;
        struct publisher_entry *next; // of a spare one
    };
    uint32_t number; // think_us of an offer, lifetime_s of an asset
    uint8_t kind;    // the scope of an offer, the state of an asset
    bool observe, is_inside;
};

struct publisher_block {
    struct publisher_block *next;
    struct publisher_entry entries[BLOCK_ENTRIES];
};

// What ThreadSanitizer is told to order by: entries published, and reading ended.
static char published, finished;

static int is_match(struct cds_lfht_node *node, const void *key) {
    RCU_SAW(&published);
    return LIST_ITEM(node, struct publisher_entry, node)->rest == ((const struct route_id *)key)->b;
}

// The identity is a keyed hash already.
static struct publisher_entry *find(struct cds_lfht *table, const struct route_id *id) {
    struct cds_lfht_iter iter;
    cds_lfht_lookup(table, (unsigned long)id->a, is_match, id, &iter);
    struct cds_lfht_node *node = cds_lfht_iter_get_node(&iter);
    return node != NULL ? LIST_ITEM(node, struct publisher_entry, node) : NULL;
}

// ---- the learner's side -------------------------------------------------------------------------

static void retire(struct publisher *l, struct cds_lfht_node *node) {
    struct publisher_slab *slab = &l->slab;
    if (slab->retired_n == slab->retired_cap) {
        slab->retired_cap = slab->retired_cap > 0 ? slab->retired_cap * 2 : 64;
        slab->retired = realloc(slab->retired, slab->retired_cap * sizeof *slab->retired);
        if (slab->retired == NULL) {
            abort();
        }
    }
    slab->retired[slab->retired_n++] = LIST_ITEM(node, struct publisher_entry, node);
}

static void make_spare(struct publisher_slab *slab, struct publisher_entry *e) {
    e->next = slab->spare;
    slab->spare = e;
}

static struct publisher_entry *take_spare(struct publisher_slab *slab) {
    if (slab->spare == NULL) {
        struct publisher_block *block = malloc(sizeof *block);
        if (block == NULL) {
            abort();
        }
        block->next = slab->blocks;
        slab->blocks = block;
        slab->bytes += sizeof *block;
        for (size_t i = BLOCK_ENTRIES; i > 0; i--) {
            make_spare(slab, &block->entries[i - 1]);
        }
    }
    struct publisher_entry *e = slab->spare;
    slab->spare = e->next;
    return e;
}

// What a million routes that were cleared took is not kept for the next few.
static void reuse_retired(struct publisher_slab *slab) {
    while (slab->retired_n > 0) {
        make_spare(slab, slab->retired[--slab->retired_n]);
    }
    if (slab->retired_cap > RETIRED_KEPT) {
        free(slab->retired);
        slab->retired = NULL;
        slab->retired_cap = 0;
    }
}

static struct publisher_entry of_offer(const struct offer *offer) {
    return (struct publisher_entry){.plan = offer->plan,
                                    .number = offer->think_us,
                                    .kind = (uint8_t)offer->scope,
                                    .observe = offer->observe,
                                    .is_inside = offer->is_inside};
}

static struct publisher_entry of_asset(const struct offer_asset *asset) {
    return (struct publisher_entry){.number = asset->lifetime_s, .kind = (uint8_t)asset->state};
}

// Puts what the news say in place of what was published before; drops that where they say nothing.
static void publish(struct publisher *l, const struct learner_news *news) {
    struct cds_lfht *table = news->is_asset ? l->assets : l->offers;
    unsigned counts = news->is_asset ? 0 : 1;
    bool is_drop =
        news->is_asset ? news->asset.state == OFFER_ASSET_NONE : news->offer.plan == NULL;
    if (is_drop) {
        struct publisher_entry *old = find(table, &news->id);
        if (old != NULL && cds_lfht_del(table, &old->node) == 0) {
            atomic_fetch_sub(&l->offers_n, counts);
            retire(l, &old->node);
        }
        return;
    }
    struct publisher_entry *e = take_spare(&l->slab);
    *e = news->is_asset ? of_asset(&news->asset) : of_offer(&news->offer);
    e->rest = news->id.b;
    cds_lfht_node_init(&e->node);
    RCU_WROTE(&published);
    struct cds_lfht_node *old =
        cds_lfht_add_replace(table, (unsigned long)news->id.a, is_match, &news->id, &e->node);
    if (old != NULL) {
        retire(l, old);
    } else {
        atomic_fetch_add(&l->offers_n, counts);
    }
}

static void put_plan(struct publisher_plans *plans, struct plan *plan) {
    if (plans->n == plans->cap) {
        plans->cap = plans->cap > 0 ? plans->cap * 2 : 64;
        plans->v = realloc(plans->v, plans->cap * sizeof *plans->v);
        if (plans->v == NULL) {
            abort();
        }
    }
    plans->v[plans->n++] = plan;
}

static void free_retired(struct publisher *l) {
    if (l->slab.retired_n == 0 && l->plans.n == 0) {
        return;
    }
    synchronize_rcu();
    RCU_SAW(&finished);
    reuse_retired(&l->slab);
    while (l->plans.n > 0) {
        plan_free(l->plans.v[--l->plans.n]);
    }
}

// Publishes at most so many news, and takes them off *most.
static void publish_some(struct publisher *l, unsigned *most) {
    struct learner_news news;
    struct plan *plan;
    for (; *most > 0 && learner_next(l->model, &news) == STEP_ITEM; (*most)--) {
        publish(l, &news);
    }
    while ((plan = learner_next_retired(l->model)) != NULL) {
        put_plan(&l->plans, plan);
    }
}

static void take_evidence(struct publisher *l, struct span bytes) {
    struct evidence e;
    if (evidence_decode(&e, bytes)) {
        learner_put(l->model, &e, clock_unix_ms());
    }
}

// The ring whose oldest evidence was put before that of all others, or NULL. What a page needed
// before a deploy must not be learned after what it needs since, only because another worker saw
// it.
static struct ring *oldest(const struct publisher *l, struct span *bytes) {
    struct ring *found = NULL;
    uint64_t first = UINT64_MAX;
    for (struct list *n = l->workers.next; n != &l->workers; n = n->next) {
        struct ring *ring = &LIST_ITEM(n, struct publisher_worker, node)->ring;
        struct span record;
        uint64_t serial;
        if (ring_peek(ring, &record)) {
            memcpy(&serial, record.p, SERIAL_LEN);
            if (serial <= first) {
                first = serial;
                found = ring;
                *bytes = record;
            }
        }
    }
    return found;
}

static void free_worker(struct publisher_worker *w) {
    list_drop(&w->node);
    ring_fini(&w->ring);
    free(w);
}

// Those that have left and have nothing more to say.
static void free_gone(struct publisher *l) {
    struct span bytes;
    for (struct list *n = l->workers.next, *next; n != &l->workers; n = next) {
        struct publisher_worker *w = LIST_ITEM(n, struct publisher_worker, node);
        next = n->next;
        if (w->has_left && !ring_peek(&w->ring, &bytes)) {
            free_worker(w);
        }
    }
}

bool publisher_drain(struct publisher *l) {
    unsigned evidence = EVIDENCE_A_TURN, news = NEWS_A_TURN;
    // Cleared first: what is put from now on wakes again. Reading it too orders what was put
    // before.
    atomic_exchange(&l->is_awake, false);
    rcu_thread_online();
    struct span bytes;
    for (struct ring *r; evidence > 0 && (r = oldest(l, &bytes)) != NULL; evidence--) {
        take_evidence(l, span_skip(bytes, SERIAL_LEN));
        ring_taken(r);
        publish_some(l, &news);
    }
    free_gone(l);
    if (l->on_drain != NULL) {
        l->on_drain(l->drain_self);
    }
    bool is_expired = learner_tick(l->model, clock_unix_ms());
    publish_some(l, &news);
    rcu_thread_offline();
    free_retired(l);
    return evidence == 0 || news == 0 || !is_expired;
}

// What is left over is taken in the loop's next turn, behind whatever else waits by then.
static void on_drain(uv_timer_t *timer) {
    if (publisher_drain(timer->data)) {
        uv_timer_start(timer, on_drain, 0, 0);
    }
}

void publisher_drain_all(struct publisher *l) {
    while (publisher_drain(l)) {
    }
}

void publisher_wants_drain(struct publisher *l) {
    if (!uv_is_active((uv_handle_t *)&l->drain)) {
        uv_timer_start(&l->drain, on_drain, DRAIN_MS, 0);
    }
}

static void on_wake(uv_async_t *wake) {
    publisher_wants_drain(wake->data);
}

// For at most so many. It never grows: the library's thread that would make it grow is a reader for
// as long as that takes, for which whoever waits for a grace period would wait too.
static struct cds_lfht *new_table(size_t most) {
    unsigned long buckets = 1;
    most = most > 0 ? most : MOST;
    while (buckets < BUCKETS_MOST && buckets * OF_BUCKET < most) {
        buckets *= 2;
    }
    return cds_lfht_new(buckets, 1, 0, 0, NULL);
}

void publisher_init(struct publisher *l, struct loop *loop, const struct learner_conf *conf) {
    *l = (struct publisher){.loop = loop};
    list_init(&l->workers);
    atomic_init(&l->is_awake, false);
    atomic_init(&l->serial, 0);
    rcu_register_thread();
    rcu_thread_offline();
    l->model = learner_new(conf);
    l->offers = new_table(conf->max_routes);
    l->assets = new_table(conf->max_assets);
    if (l->offers == NULL || l->assets == NULL) {
        abort();
    }
    uv_async_init(&loop->uv, &l->wake, on_wake);
    uv_timer_init(&loop->uv, &l->drain);
    uv_unref((uv_handle_t *)&l->wake);
    l->wake.data = l->drain.data = l;
}

struct publisher_worker *publisher_add_worker(struct publisher *l) {
    struct publisher_worker *w = aligned_alloc(_Alignof(struct publisher_worker), sizeof *w);
    if (w == NULL) {
        abort();
    }
    *w = (struct publisher_worker){.publisher = l};
    list_init(&w->node);
    ring_init(&w->ring, RING_LEN);
    list_put(&l->workers, &w->node);
    return w;
}

void publisher_drop_worker(struct publisher_worker *w) {
    w->has_left = true;
    publisher_wants_drain(w->publisher);
}

void publisher_close(struct publisher *l) {
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->drain, NULL);
}

static void free_blocks(struct publisher_slab *slab) {
    while (slab->blocks != NULL) {
        struct publisher_block *block = slab->blocks;
        slab->blocks = block->next;
        free(block);
    }
    free(slab->retired);
}

static void empty(struct publisher *l, struct cds_lfht *table) {
    struct cds_lfht_iter iter;
    struct cds_lfht_node *node;
    cds_lfht_for_each(table, &iter, node) {
        if (cds_lfht_del(table, node) == 0) {
            retire(l, node);
        }
    }
}

void publisher_fini(struct publisher *l) {
    rcu_thread_online();
    empty(l, l->offers);
    empty(l, l->assets);
    rcu_thread_offline();
    free_retired(l);
    cds_lfht_destroy(l->offers, NULL);
    cds_lfht_destroy(l->assets, NULL);
    while (!list_is_empty(&l->workers)) {
        free_worker(LIST_ITEM(l->workers.next, struct publisher_worker, node));
    }
    free(l->plans.v);
    free_blocks(&l->slab);
    learner_free(l->model);
    rcu_unregister_thread();
}

// ---- the workers' side --------------------------------------------------------------------------

void publisher_enter(struct publisher_worker *w) {
    rcu_register_thread();
    rcu_thread_offline();
    w->is_reading = false;
}

void publisher_leave(struct publisher_worker *w) {
    publisher_turn_end(w);
    rcu_unregister_thread();
}

static void start_reading(struct publisher_worker *w) {
    if (!w->is_reading) {
        w->is_reading = true;
        rcu_thread_online();
    }
}

bool publisher_has_offers(const struct publisher_worker *w) {
    return atomic_load_explicit(&w->publisher->offers_n, memory_order_relaxed) > 0;
}

bool publisher_find(struct publisher_worker *w, struct route_id id, struct offer *out) {
    start_reading(w);
    const struct publisher_entry *e = find(w->publisher->offers, &id);
    if (e != NULL) {
        *out = (struct offer){.plan = e->plan,
                              .think_us = e->number,
                              .scope = (enum offer_scope)e->kind,
                              .observe = e->observe,
                              .is_inside = e->is_inside};
    }
    return e != NULL;
}

bool publisher_find_asset(struct publisher_worker *w, struct route_id id, struct offer_asset *out) {
    start_reading(w);
    const struct publisher_entry *e = find(w->publisher->assets, &id);
    if (e != NULL) {
        *out =
            (struct offer_asset){.state = (enum offer_asset_state)e->kind, .lifetime_s = e->number};
    }
    return e != NULL;
}

void publisher_turn_end(struct publisher_worker *w) {
    if (w->is_reading) {
        w->is_reading = false;
        RCU_WROTE(&finished);
        rcu_thread_offline();
    }
}

bool publisher_put(struct publisher_worker *w, struct span evidence) {
    static _Thread_local uint8_t record[SERIAL_LEN + EVIDENCE_MAX];
    uint64_t serial = atomic_fetch_add(&w->publisher->serial, 1);
    if (evidence.n == 0 || evidence.n > EVIDENCE_MAX) {
        return false;
    }
    memcpy(record, &serial, SERIAL_LEN);
    memcpy(record + SERIAL_LEN, evidence.p, evidence.n);
    if (!ring_put(&w->ring, span_of(record, SERIAL_LEN + evidence.n))) {
        return false;
    }
    // One wake-up for a burst: only the first after a drain costs a system call.
    if (!atomic_exchange(&w->publisher->is_awake, true)) {
        uv_async_send(&w->publisher->wake);
    }
    return true;
}
