// SPDX-License-Identifier: MIT
// Evidence of any bytes. What is decoded encodes to the same bytes; a learner that is taught with
// it stays within its bounds and publishes plans that agree with themselves.
#include "hints/learner.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void need(bool holds) {
    if (!holds) {
        abort();
    }
}

static void check_round_trip(const struct evidence *e, struct span bytes) {
    static uint8_t out[EVIDENCE_MAX];
    struct arena arena;
    struct pairs fields = {0};
    struct span links = e->links, value;
    arena_init(&arena, 1 << 22);
    while (evidence_next(&links, &value)) {
        need(pairs_put(&fields, &arena, SPAN("Link"), value) == 0);
    }
    need(fields.n == e->links_n);
    size_t written = evidence_encode(e, &fields, out, sizeof out);
    need(span_eq(span_of(out, written), bytes));
    arena_fini(&arena);
}

static void check_plans(struct learner *l) {
    struct plan *plan;
    while (learner_next(l, &plan) == STEP_ITEM) {
        need(plan->hints_n <= HINT_SET_MAX && plan->pushes_n <= PLAN_PUSH_MAX);
        need(plan->link.n <= PLAN_LINK_MAX);
        for (size_t i = 0; i < plan->link.n; i++) {
            need(plan->link.p[i] >= 0x20 && plan->link.p[i] < 0x7f);
        }
        plan_free(plan);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct learner_conf conf = {.max_routes = 2, .max_bytes = 8192, .secret = {3, 4}};
    struct span bytes = span_of(data, n);
    struct evidence e;
    if (!evidence_decode(&e, bytes)) {
        return 0;
    }
    check_round_trip(&e, bytes);
    struct learner *l = learner_new(&conf);
    for (uint64_t now = 0; now < 2; now++) {
        learner_put(l, &e, now);
        need(learner_stats(l)->routes <= 2);
        check_plans(l);
    }
    learner_free(l);
    return 0;
}
