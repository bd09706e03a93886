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

void metrics_init(struct metrics *m, unsigned workers, const char *const *gates, unsigned gates_n) {
    assert(gates_n <= METRIC_SLOTS_GATE);
    size_t size = workers * sizeof(struct metrics_worker);
    *m = (struct metrics){.workers_n = workers, .gates = gates, .gates_n = gates_n};
    m->workers = aligned_alloc(_Alignof(struct metrics_worker), size ? size : 64);
    if (m->workers == NULL) {
        abort();
    }
    for (unsigned w = 0; w < workers; w++) {
        for (unsigned i = 0; i < METRIC_SLOTS; i++) {
            atomic_init(&m->workers[w].v[i], 0);
        }
    }
}

void metrics_fini(struct metrics *m) {
    free(m->workers);
    *m = (struct metrics){0};
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
        return index < m->gates_n ? m->gates[index] : NULL;
    case METRIC_BY_ERROR:
        return index < ERROR_COUNT ? error_row(-1 - (int)index)->label : NULL;
    }
    return NULL;
}

uint64_t metrics_read(const struct metrics *m, enum metric id, unsigned label) {
    const struct metric_row *row = metric_row(id);
    assert(label < row->slots);
    uint64_t sum = 0;
    for (unsigned w = 0; w < m->workers_n; w++) {
        sum += atomic_load_explicit(&m->workers[w].v[row->slot + label], memory_order_relaxed);
    }
    // A reader may see one worker's minus before another's plus.
    return row->type == METRIC_GAUGE && sum > INT64_MAX ? 0 : sum;
}

void metrics_add_by(struct metrics_worker *w, enum metric id, unsigned label, uint64_t n) {
    assert(id < METRIC_COUNT && label < rows[id].slots);
    metrics_add(w, (enum metric_slot)(rows[id].slot + label), n);
}
