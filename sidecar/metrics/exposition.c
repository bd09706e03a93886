// SPDX-License-Identifier: MIT
#include "metrics/exposition.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define LINE_MOST 512 // bytes of one line; the words of the tables are shorter

static const char *const label_names[] = {
    [METRIC_BY_NONE] = "",       [METRIC_BY_PROTOCOL] = "protocol", [METRIC_BY_CLASS] = "code",
    [METRIC_BY_GATE] = "reason", [METRIC_BY_PAGE] = "reason",       [METRIC_BY_LINK] = "reason",
    [METRIC_BY_ERROR] = "error",
};

__attribute__((format(printf, 2, 3))) static int put(struct buf *out, const char *format, ...) {
    char line[LINE_MOST];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return buf_put(out, span_of(line, n < LINE_MOST ? (size_t)n : LINE_MOST - 1));
}

static int put_sample(const struct metrics *m, enum metric id, unsigned i, struct buf *out) {
    const struct metric_row *row = metric_row(id);
    const char *label = metrics_label(m, row->dimension, i);
    uint64_t value = metrics_read(m, id, i);
    if (label == NULL) {
        return 0;
    }
    if (row->dimension == METRIC_BY_NONE) {
        return put(out, "%s %" PRIu64 "\n", row->name, value);
    }
    if (row->slots > METRIC_SLOTS_CLASS && value == 0) { // of a long table
        return 0;
    }
    return put(out, "%s{%s=\"%s\"} %" PRIu64 "\n", row->name, label_names[row->dimension], label,
               value);
}

int exposition_write(const struct metrics *m, struct buf *out) {
    int error = 0;
    for (enum metric id = 0; id < METRIC_COUNT && error == 0; id++) {
        const struct metric_row *row = metric_row(id);
        error = put(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->sentence, row->name,
                    row->type == METRIC_GAUGE ? "gauge" : "counter");
        for (unsigned i = 0; i < row->slots && error == 0; i++) {
            error = put_sample(m, id, i, out);
        }
    }
    return error;
}
