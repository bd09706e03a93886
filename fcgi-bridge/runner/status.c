// SPDX-License-Identifier: MIT
#include "runner/status.h"

#include "runner/limit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const labels[REPORT_ENDINGS] = {
#define ENDING(name, label, status, why) [REPORT_##name] = label,
#include "runner/ending.def"
#undef ENDING
};

struct text {
    char bytes[4096];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->bytes + t->n, sizeof t->bytes - t->n, format, args);
    va_end(args);
    if (n > 0 && t->n + (size_t)n < sizeof t->bytes) {
        t->n += (size_t)n;
    }
}

static void add_endings(struct text *t, const char *name, const uint64_t *counts) {
    add(t, ",\"%s\":{", name);
    for (size_t i = REPORT_ENDED; i < REPORT_ENDINGS; i++) {
        add(t, "%s\"%s\":%" PRIu64, i == REPORT_ENDED ? "" : ",", labels[i], counts[i]);
    }
    add(t, "}");
}

static void add_limits(struct text *t, const struct desk *d) {
    add(t, ",\"limits\":{");
    for (enum limit i = 0; i < LIMITS; i++) {
        const char *who = d->crew->cgroup->has[i] ? "enforced" : "measured";
        add(t, "%s\"%s\":\"%s\"", i == 0 ? "" : ",", limit_name(i),
            limit_most(d->options, i) > 0 ? who : "none");
    }
    add(t, "}");
}

bool status_is_asked(const struct desk *d, const struct client *c) {
    struct span path = span_str(d->options->status);
    return path.n > 0 && span_eq(client_param(c, "SCRIPT_NAME"), path);
}

void status_answer(const struct desk *d, struct client *c) {
    struct text t = {.n = 0};
    size_t running = 0, waiting = 0;
    for (size_t i = 0; i < d->n; i++) {
        running += d->clients[i]->state == CLIENT_RUNS;
        waiting += d->clients[i] != c && d->clients[i]->state == CLIENT_WAITS;
    }
    add(&t, "Status: 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n\r\n");
    add(&t, "{\"workers\":%" PRIu64 ",\"running\":%zu,\"waiting\":%zu,\"left\":%zu",
        d->options->workers, running, waiting, d->crew->minders);
    add(&t,
        ",\"connections\":%zu,\"accepted\":%" PRIu64 ",\"requests\":%" PRIu64
        ",\"dropped\":%" PRIu64,
        d->n, d->accepted, d->served, d->dropped);
    add_limits(&t, d);
    add_endings(&t, "endings", d->crew->endings);
    add_endings(&t, "late", d->crew->late);
    add(&t, "}\n");
    client_refuse(c, t.bytes);
}
