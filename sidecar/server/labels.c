// SPDX-License-Identifier: MIT
#include "server/labels.h"

#include "hints/gate.h"
#include "learner/evidence.h"

static const char *const gates[] = {
#define REASON(constant, label, sentence) label,
#include "hints/gate.def"
#undef REASON
};

static const char *const pages[] = {
#define REASON(constant, label, sentence) label,
#include "learner/learn_reason.def"
#undef REASON
};

static const char *const links[] = {
#define REASON(constant, label, sentence) label,
#include "hints/hint_reason.def"
#undef REASON
    [LABELS_LINK_BROKEN] = "broken",
};

void labels_give(struct metrics *metrics) {
    metrics_name(metrics, METRIC_BY_GATE, gates, sizeof gates / sizeof *gates);
    metrics_name(metrics, METRIC_BY_PAGE, pages, sizeof pages / sizeof *pages);
    metrics_name(metrics, METRIC_BY_LINK, links, sizeof links / sizeof *links);
}
