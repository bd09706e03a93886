// SPDX-License-Identifier: MIT
#include "server/learning.h"

#include "hints/route_key.h"

#include <stdlib.h>
#include <time.h>

#define RING_LEN (1u << 18) // bytes of a worker's ring: some thousand pieces of evidence
#define DRAIN_MS 5          // from the first piece to the drain: a burst is taken as one
#define TABLE_BUCKETS 1024  // at first

// What is published under an identity. Never changed while it is in a table.
struct learning_entry {
    struct cds_lfht_node node;
    struct learning_entry *next; // retired ones
    struct route_id id;
    union {
        struct offer offer;
        struct offer_asset asset;
    };
};

// What ThreadSanitizer is told to order by: entries published, and reading ended.
static char published, finished;

static int is_match(struct cds_lfht_node *node, const void *key) {
    RCU_SAW(&published);
    return route_id_eq(LIST_ITEM(node, struct learning_entry, node)->id,
                       *(const struct route_id *)key);
}

// The identity is a keyed hash already.
static struct learning_entry *find(struct cds_lfht *table, const struct route_id *id) {
    struct cds_lfht_iter iter;
    cds_lfht_lookup(table, (unsigned long)id->a, is_match, id, &iter);
    struct cds_lfht_node *node = cds_lfht_iter_get_node(&iter);
    return node != NULL ? LIST_ITEM(node, struct learning_entry, node) : NULL;
}

// ---- the learner's side -------------------------------------------------------------------------

static void retire(struct learning *l, struct cds_lfht_node *node) {
    struct learning_entry *e = LIST_ITEM(node, struct learning_entry, node);
    e->next = l->retired;
    l->retired = e;
}

// Puts what the news say in place of what was published before; drops that where they say nothing.
static void publish(struct learning *l, const struct learner_news *news) {
    struct cds_lfht *table = news->is_asset ? l->assets : l->offers;
    uint64_t *count = news->is_asset ? &l->assets_n : &l->offers_n;
    bool is_drop =
        news->is_asset ? news->asset.state == OFFER_ASSET_NONE : news->offer.plan == NULL;
    if (is_drop) {
        struct learning_entry *old = find(table, &news->id);
        if (old != NULL && cds_lfht_del(table, &old->node) == 0) {
            (*count)--;
            retire(l, &old->node);
        }
        return;
    }
    struct learning_entry *e = calloc(1, sizeof *e);
    if (e == NULL) {
        abort();
    }
    e->id = news->id;
    if (news->is_asset) {
        e->asset = news->asset;
    } else {
        e->offer = news->offer;
    }
    cds_lfht_node_init(&e->node);
    RCU_WROTE(&published);
    struct cds_lfht_node *old =
        cds_lfht_add_replace(table, (unsigned long)e->id.a, is_match, &e->id, &e->node);
    if (old != NULL) {
        retire(l, old);
    } else {
        (*count)++;
    }
}

static void put_plan(struct learning_plans *plans, struct plan *plan) {
    if (plans->n == plans->cap) {
        plans->cap = plans->cap > 0 ? plans->cap * 2 : 64;
        plans->v = realloc(plans->v, plans->cap * sizeof *plans->v);
        if (plans->v == NULL) {
            abort();
        }
    }
    plans->v[plans->n++] = plan;
}

static void free_retired(struct learning *l) {
    if (l->retired == NULL && l->plans.n == 0) {
        return;
    }
    synchronize_rcu();
    RCU_SAW(&finished);
    while (l->retired != NULL) {
        struct learning_entry *e = l->retired;
        l->retired = e->next;
        free(e);
    }
    while (l->plans.n > 0) {
        plan_free(l->plans.v[--l->plans.n]);
    }
}

static uint64_t unix_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void publish_all(struct learning *l) {
    struct learner_news news;
    struct plan *plan;
    while (learner_next(l->model, &news) == STEP_ITEM) {
        publish(l, &news);
    }
    while ((plan = learner_next_retired(l->model)) != NULL) {
        put_plan(&l->plans, plan);
    }
}

static void take_evidence(struct learning *l, struct span bytes) {
    struct evidence e;
    if (evidence_decode(&e, bytes)) {
        learner_put(l->model, &e, unix_ms());
        publish_all(l);
    }
}

void learning_drain(struct learning *l) {
    // Cleared first: what is put from now on wakes again. Reading it too orders what was put
    // before.
    atomic_exchange(&l->is_awake, false);
    rcu_thread_online();
    for (unsigned i = 0; i < l->workers_n; i++) {
        struct span bytes;
        while (ring_peek(&l->workers[i].ring, &bytes)) {
            take_evidence(l, bytes);
            ring_taken(&l->workers[i].ring);
        }
    }
    if (l->on_drain != NULL) {
        l->on_drain(l->drain_self);
    }
    learner_tick(l->model, unix_ms());
    publish_all(l);
    rcu_thread_offline();
    free_retired(l);
}

static void on_drain(uv_timer_t *timer) {
    learning_drain(timer->data);
}

void learning_wants_drain(struct learning *l) {
    if (!uv_is_active((uv_handle_t *)&l->drain)) {
        uv_timer_start(&l->drain, on_drain, DRAIN_MS, 0);
    }
}

static void on_wake(uv_async_t *wake) {
    learning_wants_drain(wake->data);
}

void learning_init(struct learning *l, struct loop *loop, const struct learner_conf *conf,
                   unsigned workers) {
    *l = (struct learning){.loop = loop, .workers_n = workers};
    atomic_init(&l->is_awake, false);
    rcu_register_thread();
    rcu_thread_offline();
    l->model = learner_new(conf);
    l->offers = cds_lfht_new(TABLE_BUCKETS, TABLE_BUCKETS, 0, CDS_LFHT_AUTO_RESIZE, NULL);
    l->assets = cds_lfht_new(TABLE_BUCKETS, TABLE_BUCKETS, 0, CDS_LFHT_AUTO_RESIZE, NULL);
    l->workers = calloc(workers, sizeof *l->workers);
    if (l->offers == NULL || l->assets == NULL || l->workers == NULL) {
        abort();
    }
    for (unsigned i = 0; i < workers; i++) {
        l->workers[i].learning = l;
        ring_init(&l->workers[i].ring, RING_LEN);
    }
    uv_async_init(&loop->uv, &l->wake, on_wake);
    uv_timer_init(&loop->uv, &l->drain);
    uv_unref((uv_handle_t *)&l->wake);
    l->wake.data = l->drain.data = l;
}

void learning_close(struct learning *l) {
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->drain, NULL);
}

static void empty(struct learning *l, struct cds_lfht *table) {
    struct cds_lfht_iter iter;
    struct cds_lfht_node *node;
    cds_lfht_for_each(table, &iter, node) {
        if (cds_lfht_del(table, node) == 0) {
            retire(l, node);
        }
    }
}

void learning_fini(struct learning *l) {
    rcu_thread_online();
    empty(l, l->offers);
    empty(l, l->assets);
    rcu_thread_offline();
    free_retired(l);
    cds_lfht_destroy(l->offers, NULL);
    cds_lfht_destroy(l->assets, NULL);
    for (unsigned i = 0; i < l->workers_n; i++) {
        ring_fini(&l->workers[i].ring);
    }
    free(l->workers);
    free(l->plans.v);
    learner_free(l->model);
    rcu_unregister_thread();
}

// ---- the workers' side --------------------------------------------------------------------------

void learning_enter(struct learning_worker *w) {
    rcu_register_thread();
    rcu_thread_offline();
    w->is_reading = false;
}

void learning_leave(struct learning_worker *w) {
    learning_turn_end(w);
    rcu_unregister_thread();
}

static void start_reading(struct learning_worker *w) {
    if (!w->is_reading) {
        w->is_reading = true;
        rcu_thread_online();
    }
}

bool learning_find(struct learning_worker *w, struct route_id id, struct offer *out) {
    start_reading(w);
    const struct learning_entry *e = find(w->learning->offers, &id);
    if (e != NULL) {
        *out = e->offer;
    }
    return e != NULL;
}

bool learning_find_asset(struct learning_worker *w, struct route_id id, struct offer_asset *out) {
    start_reading(w);
    const struct learning_entry *e = find(w->learning->assets, &id);
    if (e != NULL) {
        *out = e->asset;
    }
    return e != NULL;
}

void learning_turn_end(struct learning_worker *w) {
    if (w->is_reading) {
        w->is_reading = false;
        RCU_WROTE(&finished);
        rcu_thread_offline();
    }
}

bool learning_put(struct learning_worker *w, struct span evidence) {
    if (!ring_put(&w->ring, evidence)) {
        return false;
    }
    // One wake-up for a burst: only the first after a drain costs a system call.
    if (!atomic_exchange(&w->learning->is_awake, true)) {
        uv_async_send(&w->learning->wake);
    }
    return true;
}
