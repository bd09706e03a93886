// SPDX-License-Identifier: MIT
#include "metrics/metrics.h"

#include "base/message.h"

#include <assert.h>
#include <stdlib.h>

static const struct metric_row rows[METRIC_COUNT] = {
#define METRIC(id, name, type, dimension, sentence)                                                \
    [METRIC_##id] = {"outrider_" name,         METRIC_##type,                                      \
                     METRIC_BY_##dimension,    METRIC_SLOT_##id,                                   \
                     METRIC_SLOTS_##dimension, sentence},
#include "metrics/metrics.def"
#undef METRIC
};

static const char *const protocols[METRIC_SLOTS_PROTOCOL] = {
    [PROTOCOL_HTTP10] = "http/1.0",
    [PROTOCOL_HTTP11] = "http/1.1",
    [PROTOCOL_HTTP2] = "h2",
};

static const char *const classes[METRIC_SLOTS_CLASS] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

static void worker_init(struct metrics_worker *w) {
    for (unsigned i = 0; i < METRIC_SLOTS; i++) {
        atomic_init(&w->v[i], 0);
    }
    list_init(&w->node);
}

void metrics_name(struct metrics *m, enum metric_dimension dimension, const char *const *names,
                  unsigned n) {
    assert((dimension == METRIC_BY_GATE && n <= METRIC_SLOTS_GATE) ||
           (dimension == METRIC_BY_PAGE && n <= METRIC_SLOTS_PAGE) ||
           (dimension == METRIC_BY_LINK && n <= METRIC_SLOTS_LINK));
    m->names[dimension] = (struct metrics_names){names, n};
}

void metrics_init(struct metrics *m) {
    memset(m->names, 0, sizeof m->names);
    list_init(&m->workers);
    worker_init(&m->gone);
}

void metrics_fini(struct metrics *m) {
    while (m->workers.next != NULL && !list_is_empty(&m->workers)) {
        metrics_drop_worker(m, LIST_ITEM(m->workers.next, struct metrics_worker, node));
    }
}

struct metrics_worker *metrics_add_worker(struct metrics *m) {
    struct metrics_worker *w = aligned_alloc(_Alignof(struct metrics_worker), sizeof *w);
    if (w == NULL) {
        abort();
    }
    worker_init(w);
    list_put(&m->workers, &w->node);
    return w;
}

void metrics_drop_worker(struct metrics *m, struct metrics_worker *w) {
    for (unsigned i = 0; i < METRIC_SLOTS; i++) {
        metrics_add(&m->gone, i, atomic_load_explicit(&w->v[i], memory_order_relaxed));
    }
    list_drop(&w->node);
    free(w);
}

const struct metric_row *metric_row(enum metric id) {
    assert(id < METRIC_COUNT);
    return &rows[id];
}

const char *metrics_label(const struct metrics *m, enum metric_dimension dimension,
                          unsigned index) {
    switch (dimension) {
    case METRIC_BY_NONE:
        return index == 0 ? "" : NULL;
    case METRIC_BY_PROTOCOL:
        return index < METRIC_SLOTS_PROTOCOL ? protocols[index] : NULL;
    case METRIC_BY_CLASS:
        return index < METRIC_SLOTS_CLASS ? classes[index] : NULL;
    case METRIC_BY_GATE:
    case METRIC_BY_PAGE:
    case METRIC_BY_LINK:
        return index < m->names[dimension].n ? m->names[dimension].v[index] : NULL;
    case METRIC_BY_ERROR:
        return index < ERROR_COUNT ? error_row(-1 - (int)index)->label : NULL;
    case METRIC_DIMENSIONS:
        break;
    }
    return NULL;
}

uint64_t metrics_read(const struct metrics *m, enum metric id, unsigned label) {
    const struct metric_row *row = metric_row(id);
    assert(label < row->slots);
    unsigned slot = row->slot + label;
    uint64_t sum = atomic_load_explicit(&m->gone.v[slot], memory_order_relaxed);
    for (struct list *n = m->workers.next; n != &m->workers; n = n->next) {
        const struct metrics_worker *w = LIST_ITEM(n, struct metrics_worker, node);
        sum += atomic_load_explicit(&w->v[slot], memory_order_relaxed);
    }
    // A reader may see one worker's minus before another's plus.
    return row->type == METRIC_GAUGE && sum > INT64_MAX ? 0 : sum;
}

void metrics_add_by(struct metrics_worker *w, enum metric id, unsigned label, uint64_t n) {
    assert(id < METRIC_COUNT && label < rows[id].slots);
    metrics_add(w, (enum metric_slot)(rows[id].slot + label), n);
}
