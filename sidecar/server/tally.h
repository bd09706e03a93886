// SPDX-License-Identifier: MIT
// Counters that others keep for themselves (the log, the learner, the store), brought into the
// metrics now and then. On the learner's thread.
#ifndef SERVER_TALLY_H
#define SERVER_TALLY_H

#include "learner/learner.h"
#include "metrics/metrics.h"

struct tally {
    struct metrics_worker *counts;
    uint64_t was[METRIC_SLOTS]; // what has been brought, of each
};

// Counts as one of the metrics' workers; metrics_fini frees what it counts in.
void tally_init(struct tally *t, struct metrics *metrics);
// Brings what has changed since.
void tally_take(struct tally *t, const struct learner *learner);

#endif
