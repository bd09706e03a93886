// SPDX-License-Identifier: MIT
// Counters and gauges: one row each in metrics.def. Every worker counts in an array of its own,
// which only it writes; a reader sums over the workers. So counting costs a load, an add and a
// store without lock prefix, and no cache line is fought over. Workers come and go with the
// generations of the configuration; what those that are gone have counted stays in the sum.
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include "base/error.h"
#include "base/list.h"
#include "base/span.h"

#include <stdatomic.h>

// What a metric is split by. The reasons of some are tables of folders that this one may not know,
// so their names are given to metrics_name.
enum metric_dimension {
    METRIC_BY_NONE,
    METRIC_BY_PROTOCOL, // enum protocol of base/message.h
    METRIC_BY_CLASS,    // status / 100 - 1
    METRIC_BY_GATE,     // enum gate_reason of hints/gate.h
    METRIC_BY_PAGE,     // enum learn_reason of learner/evidence.h
    METRIC_BY_LINK,     // enum hint_reason of hints/hint.h, and behind them: not readable
    METRIC_BY_ERROR,    // enum error_index of base/error.h
    METRIC_DIMENSIONS,
};

enum {
    METRIC_SLOTS_NONE = 1,
    METRIC_SLOTS_PROTOCOL = 3,
    METRIC_SLOTS_CLASS = 5,
    METRIC_SLOTS_GATE = 48, // room for the reasons
    METRIC_SLOTS_PAGE = 16, // likewise
    METRIC_SLOTS_LINK = 32, // likewise
    METRIC_SLOTS_ERROR = ERROR_COUNT,
};

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

enum metric {
#define METRIC(id, name, type, dimension, sentence) METRIC_##id,
#include "metrics/metrics.def"
#undef METRIC
    METRIC_COUNT,
};

// Where the slots of each metric begin.
enum metric_slot {
#define METRIC(id, name, type, dimension, sentence)                                                \
    METRIC_SLOT_##id, METRIC_SLOT_END_##id = METRIC_SLOT_##id + METRIC_SLOTS_##dimension - 1,
#include "metrics/metrics.def"
#undef METRIC
    METRIC_SLOTS,
};

struct metric_row {
    const char *name; // "outrider_requests_total"
    enum metric_type type;
    enum metric_dimension dimension;
    unsigned slot, slots;
    const char *sentence;
};

// What one worker counted. Written by its thread only.
struct metrics_worker {
    _Alignas(64) _Atomic uint64_t v[METRIC_SLOTS];
    struct list node; // of all that count
};

struct metrics {
    struct list workers;
    struct metrics_worker gone; // what those that have left have counted
    struct metrics_names {
        const char *const *v;
        unsigned n;
    } names[METRIC_DIMENSIONS]; // given to metrics_name
};

// All zero. It, metrics_name, metrics_add_worker, metrics_drop_worker and metrics_read belong to
// one thread.
void metrics_init(struct metrics *m);
// Gives the label of each index of BY_GATE, BY_PAGE or BY_LINK: n, at most as many as the dimension
// has slots (asserted). Borrowed. Indices without a label are not shown.
void metrics_name(struct metrics *m, enum metric_dimension dimension, const char *const *names,
                  unsigned n);
// Frees it with all workers. Idempotent.
void metrics_fini(struct metrics *m);
// What a new worker counts in; until metrics_drop_worker.
struct metrics_worker *metrics_add_worker(struct metrics *m);
// The worker counts no more: keeps what it has counted, and frees it.
void metrics_drop_worker(struct metrics *m, struct metrics_worker *w);
const struct metric_row *metric_row(enum metric id);
// The word for a label's value: "h2", "2xx", "backend_closed"; NULL when there is none of that
// index.
const char *metrics_label(const struct metrics *m, enum metric_dimension dimension, unsigned index);
// The sum over all workers, those that are gone too. A gauge that is below zero for a moment reads
// 0.
uint64_t metrics_read(const struct metrics *m, enum metric id, unsigned label);
// Adds to a slot beyond the first: metrics_add_by(w, METRIC_GATE, reason, 1). An index that the
// dimension does not have is an assertion. By the worker's own thread.
void metrics_add_by(struct metrics_worker *w, enum metric id, unsigned label, uint64_t n);

// Adds to the slot METRIC_SLOT_id of a metric without label. By the worker's own thread. To lower a
// gauge by n add -(uint64_t)n.
static inline void metrics_add(struct metrics_worker *w, enum metric_slot slot, uint64_t n) {
    uint64_t was = atomic_load_explicit(&w->v[slot], memory_order_relaxed);
    atomic_store_explicit(&w->v[slot], was + n, memory_order_relaxed);
}

#endif
