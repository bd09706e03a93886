// SPDX-License-Identifier: MIT
// Link fields of any bytes, one each line; an empty line divides an operator's rule from what was
// learned. Whatever they say, what is sent in each dialect reads back as so many good links as the
// plan says, within the limits, with no attribute that the family does not know; and any part that
// is left out leaves the others as they were.
#include "hints/plan.h"

#include "hints/link.h"
#include "hints/target.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define FIELDS_MAX 64

static const struct target_page page = {SPAN_INIT("https"), SPAN_INIT("site.example"),
                                        SPAN_INIT("/dir/page?x")};

static void need(bool holds) {
    if (!holds) {
        abort();
    }
}

static size_t count(uint64_t bits) {
    size_t n = 0;
    for (; bits != 0; bits &= bits - 1) {
        n++;
    }
    return n;
}

static const struct plan *read_plan(struct span *lines, const struct plan_limits *limits,
                                    struct arena *arena) {
    struct hint_policy policy = {.limits = limits};
    struct pair v[FIELDS_MAX];
    struct pairs fields = {v, 0, FIELDS_MAX};
    struct span line;
    while (fields.n < FIELDS_MAX && span_cut(lines, '\n', &line) && line.n > 0) {
        v[fields.n++] = (struct pair){SPAN("link"), line};
    }
    return plan_of_links(&fields, &page, &policy, arena);
}

static void check_link(const struct link *link, enum dialect dialect, struct arena *arena) {
    struct hint_context context = {.page = &page, .arena = arena};
    struct hint hint, said;
    enum hint_reason reason = hint_from_link(&hint, link, &context);
    need(reason == HINT_OK && link->others == 0);
    need(dialect_say(dialect, &hint, &said) == HINT_OK && hint_eq(&hint, &said));
    need(!link_has(link, LINK_MEDIA) && !link_has(link, LINK_NOPUSH));
}

// How many links the value has.
static size_t check_value(struct span value, enum dialect dialect, struct arena *arena) {
    struct link_reader reader;
    struct link link;
    size_t n = 0;
    link_init(&reader, value, arena);
    while (link_next(&reader, &link) == STEP_ITEM) {
        check_link(&link, dialect, arena);
        n++;
    }
    need(reader.broken == 0);
    return n;
}

static struct span value_of(const struct response *response) {
    const struct pair *last = &response->fields.v[response->fields.n - 1];
    need(response->status == 103 && span_eq(last->name, SPAN("link")));
    return last->value;
}

static void check_without(const struct plan *plan, enum dialect dialect, uint64_t skip,
                          struct arena *arena) {
    uint64_t rest = plan_said(plan, dialect) & ~skip;
    const struct response *response = plan_without(plan, dialect, skip, arena);
    need((response == NULL) == (rest == 0));
    if (response != NULL) {
        need(check_value(value_of(response), dialect, arena) == count(rest));
        need((value_of(response).p == plan_link(plan, dialect).p) ==
             (rest == plan_said(plan, dialect)));
    }
}

static void check(const struct plan *plan, const struct plan_limits *limits, struct arena *arena) {
    for (unsigned d = 0; d < DIALECTS; d++) {
        struct span link = plan_link(plan, d);
        size_t n = count(plan_said(plan, d));
        need((plan_response(plan, d) != NULL) == (n > 0));
        need(link.n <= limits->bytes && n <= limits->links);
        need(check_value(link, d, arena) == n);
        for (size_t i = 0; i < plan->hints_n; i++) {
            struct hint said;
            need((plan_said(plan, d) >> i & 1) == 0 ||
                 dialect_say(d, &plan->hints[i], &said) == HINT_OK);
        }
        check_without(plan, d, 0, arena);
        check_without(plan, d, 0x5555555555555555, arena);
        check_without(plan, d, UINT64_MAX, arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct plan_limits limits = plan_limits_of(&(struct plan_limits){
        .links = n > 0 ? data[0] % 70 : 0, .bytes = n > 1 ? data[1] * 40 : 0});
    struct span lines = span_of(data, n);
    struct arena arena;
    arena_init(&arena, 1 << 24);
    const struct plan *rule = read_plan(&lines, &limits, &arena);
    const struct plan *learned = read_plan(&lines, &limits, &arena);
    const struct plan *both = plan_union(rule, learned, &limits, &arena);
    if (rule != NULL) {
        check(rule, &limits, &arena);
        struct plan *same =
            plan_new(&(struct plan_conf){.limits = limits}, rule->hints, rule->hints_n);
        for (unsigned d = 0; d < DIALECTS; d++) {
            need(span_eq(plan_link(rule, d), plan_link(same, d)));
        }
        need(plan_union(rule, same, &limits, &arena) == rule);
        plan_free(same);
    }
    if (both != NULL) {
        check(both, &limits, &arena);
    }
    arena_fini(&arena);
    return 0;
}
