// SPDX-License-Identifier: MIT
#include "server/learning.h"

#include "hints/route_key.h"
#include "server/log.h"

#include <stdlib.h>
#include <time.h>

#define RING_LEN (1u << 18) // bytes of a worker's ring: some thousand pieces of evidence
#define DRAIN_MS 5          // from the first piece to the drain: a burst is taken as one
#define TABLE_BUCKETS 1024  // at first

// A plan in the table.
struct learning_plan {
    struct cds_lfht_node node;
    struct plan *plan;
    struct learning_plan *next; // retired ones
};

// What ThreadSanitizer is told to order by: plans published, and reading ended.
static char published, finished;

static int is_match(struct cds_lfht_node *node, const void *key) {
    const struct learning_plan *p = LIST_ITEM(node, struct learning_plan, node);
    const struct span *wanted = key;
    RCU_SAW(&published);
    return span_eq(p->plan->key, *wanted);
}

// ---- the learner's side -------------------------------------------------------------------------

static void retire(struct learning *l, struct cds_lfht_node *node) {
    struct learning_plan *p = LIST_ITEM(node, struct learning_plan, node);
    p->next = l->retired;
    l->retired = p;
    l->plans--;
}

static void publish(struct learning *l, struct plan *plan) {
    struct cds_lfht_iter iter;
    if (plan->hints_n == 0) {
        cds_lfht_lookup(l->table, plan->hash, is_match, &plan->key, &iter);
        struct cds_lfht_node *old = cds_lfht_iter_get_node(&iter);
        if (old != NULL && cds_lfht_del(l->table, old) == 0) {
            retire(l, old);
        }
        plan_free(plan);
        return;
    }
    struct learning_plan *p = calloc(1, sizeof *p);
    if (p == NULL) {
        abort();
    }
    p->plan = plan;
    cds_lfht_node_init(&p->node);
    RCU_WROTE(&published);
    struct cds_lfht_node *old =
        cds_lfht_add_replace(l->table, plan->hash, is_match, &plan->key, &p->node);
    l->plans++;
    if (old != NULL) {
        retire(l, old);
    }
}

static void free_retired(struct learning *l) {
    if (l->retired == NULL) {
        return;
    }
    synchronize_rcu();
    RCU_SAW(&finished);
    while (l->retired != NULL) {
        struct learning_plan *p = l->retired;
        l->retired = p->next;
        plan_free(p->plan);
        free(p);
    }
}

static uint64_t unix_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void publish_all(struct learning *l) {
    struct plan *plan;
    while (learner_next(l->model, &plan) == STEP_ITEM) {
        publish(l, plan);
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
    learner_tick(l->model, unix_ms());
    publish_all(l);
    rcu_thread_offline();
    free_retired(l);
}

static void on_drain(uv_timer_t *timer) {
    learning_drain(timer->data);
}

static void on_wake(uv_async_t *wake) {
    struct learning *l = wake->data;
    if (!uv_is_active((uv_handle_t *)&l->drain)) {
        uv_timer_start(&l->drain, on_drain, DRAIN_MS, 0);
    }
}

void learning_init(struct learning *l, struct loop *loop, const struct learner_conf *conf,
                   unsigned workers) {
    *l = (struct learning){.loop = loop, .secret = conf->secret, .workers_n = workers};
    atomic_init(&l->is_awake, false);
    rcu_register_thread();
    rcu_thread_offline();
    l->model = learner_new(conf);
    l->table = cds_lfht_new(TABLE_BUCKETS, TABLE_BUCKETS, 0, CDS_LFHT_AUTO_RESIZE, NULL);
    l->workers = calloc(workers, sizeof *l->workers);
    if (l->table == NULL || l->workers == NULL) {
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

void learning_fini(struct learning *l) {
    struct cds_lfht_iter iter;
    struct cds_lfht_node *node;
    rcu_thread_online();
    cds_lfht_for_each(l->table, &iter, node) {
        if (cds_lfht_del(l->table, node) == 0) {
            retire(l, node);
        }
    }
    rcu_thread_offline();
    free_retired(l);
    cds_lfht_destroy(l->table, NULL);
    for (unsigned i = 0; i < l->workers_n; i++) {
        ring_fini(&l->workers[i].ring);
    }
    free(l->workers);
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

const struct plan *learning_find(struct learning_worker *w, struct span key) {
    struct learning *l = w->learning;
    struct cds_lfht_iter iter;
    if (!w->is_reading) {
        w->is_reading = true;
        rcu_thread_online();
    }
    cds_lfht_lookup(l->table, route_key_hash(&l->secret, key), is_match, &key, &iter);
    struct cds_lfht_node *node = cds_lfht_iter_get_node(&iter);
    return node != NULL ? LIST_ITEM(node, struct learning_plan, node)->plan : NULL;
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
