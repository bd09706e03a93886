// SPDX-License-Identifier: MIT
#include "exchange/observer.h"

#include "exchange/capture.h"

#include <stdlib.h>

void observer_init(struct observer *t, const struct siphash_key *secret, const int64_t *unix_time,
                   const struct unpack *unpack) {
    memset(t, 0, offsetof(struct observer, bytes));
    t->secret = *secret;
    t->unix_time = unix_time;
    visit_init(&t->visits, secret);
    lineage_init(&t->lineage);
    body_reader_pool_init(&t->readers, OBSERVER_CAPTURES, unpack);
    quota_init(&t->pages, OBSERVER_OWN, OBSERVER_ALL);
    quota_init(&t->assets, OBSERVER_ASSETS_OWN, OBSERVER_ASSETS);
    quota_loans_init(&t->held, OBSERVER_CAPTURES_HELD);
    t->told = calloc(OBSERVER_TOLD, sizeof *t->told);
    t->routes = calloc(OBSERVER_ROUTES, sizeof *t->routes);
    if (t->told == NULL || t->routes == NULL) {
        abort();
    }
}

void observer_fini(struct observer *t) {
    capture_free_all(t);
    visit_fini(&t->visits);
    lineage_fini(&t->lineage);
    body_reader_pool_fini(&t->readers);
    free(t->told);
    free(t->routes);
    t->told = NULL;
    t->routes = NULL;
}

size_t observer_next_visit(struct observer *t, uint64_t now_us, bool all) {
    return visit_next(&t->visits, t->bytes, now_us, all);
}

uint32_t observer_second(const struct observer *t) {
    return (uint32_t)*t->unix_time;
}

uint64_t observer_unix_ms(const struct observer *t) {
    return (uint64_t)*t->unix_time * 1000;
}

struct span observer_write(struct observer *t, const struct evidence *e) {
    struct evidence_writer w;
    bool is_begun = evidence_begin(&w, e, t->bytes, sizeof t->bytes);
    return span_of(t->bytes, is_begun ? evidence_end(&w) : 0);
}
