// SPDX-License-Identifier: MIT
#include "server/tally.h"

#include "server/access_output.h"
#include "server/labels.h"
#include "server/log.h"
#include "server/persistence.h"

void tally_init(struct tally *t, struct metrics *metrics) {
    *t = (struct tally){.counts = metrics_add_worker(metrics)};
}

static void put(struct tally *t, enum metric_slot slot, uint64_t now) {
    metrics_add(t->counts, slot, now - t->was[slot]);
    t->was[slot] = now;
}

static void take_links(struct tally *t, const struct hint_tally *links) {
    put(t, METRIC_SLOT_LINKS, links->reasons[HINT_OK]);
    for (unsigned i = HINT_OK + 1; i < HINT_REASONS; i++) {
        put(t, (enum metric_slot)(METRIC_SLOT_LINKS_REFUSED + i), links->reasons[i]);
    }
    put(t, (enum metric_slot)(METRIC_SLOT_LINKS_REFUSED + LABELS_LINK_BROKEN), links->broken);
}

static void take_learner(struct tally *t, const struct learner_stats *s) {
    put(t, METRIC_SLOT_LEARNER_ROUTES, s->routes);
    put(t, METRIC_SLOT_LEARNER_PATTERNS, s->patterns);
    put(t, METRIC_SLOT_LEARNER_ASSETS, s->assets);
    put(t, METRIC_SLOT_LEARNER_BYTES, s->bytes);
    put(t, METRIC_SLOT_LEARNER_EVICTED, s->evicted);
    put(t, METRIC_SLOT_LEARNER_EXPIRED, s->expired);
    put(t, METRIC_SLOT_LEARNER_REFUSED, s->refused);
    put(t, METRIC_SLOT_EVIDENCE_IGNORED, s->ignored);
    take_links(t, &s->links);
}

void tally_take(struct tally *t, const struct learner *learner) {
    take_learner(t, learner_stats(learner));
    put(t, METRIC_SLOT_STORE_FAILURES, persistence_failures());
    put(t, METRIC_SLOT_STORE_REFUSED, persistence_refused());
    put(t, METRIC_SLOT_LOG_SPARED, log_spared());
    put(t, METRIC_SLOT_LOG_LOST, log_lost());
    put(t, METRIC_SLOT_ACCESS_LOST, access_output_lost());
}
