// SPDX-License-Identifier: MIT
#include "hints/plan.h"

#include <stdlib.h>

// The Link value while it is written.
struct draft {
    uint8_t bytes[PLAN_LINK_MAX];
    size_t n;
};

// One that does not fit is left out, so that a shorter one behind it may still fit.
static void draft_put(struct draft *draft, const struct hint *hint) {
    size_t comma = draft->n > 0 ? 2 : 0;
    if (hint->push_only || draft->n + comma >= PLAN_LINK_MAX) {
        return;
    }
    uint8_t *to = draft->bytes + draft->n;
    size_t n = hint_format(hint, to + comma, PLAN_LINK_MAX - draft->n - comma);
    if (n > 0) {
        memcpy(to, ", ", comma);
        draft->n += comma + n;
    }
}

static size_t put_pushes(struct span *to, const struct hint *hints, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n && count < PLAN_PUSH_MAX; i++) {
        if (hints[i].can_push) {
            to[count++] = hints[i].target;
        }
    }
    return count;
}

// Points the ready-made 103 at the Link value.
static void set_link(struct plan *plan, struct span link) {
    plan->link = link;
    plan->field = (struct pair){SPAN("link"), link};
    plan->response = (struct response){.status = 103};
    if (link.n > 0) {
        plan->response.fields = (struct pairs){.v = &plan->field, .n = 1, .cap = 1};
    }
}

static struct span move(uint8_t **to, struct span s) {
    struct span moved = span_of(*to, s.n);
    if (s.n > 0) {
        memcpy(*to, s.p, s.n);
    }
    *to += s.n;
    return moved;
}

static size_t text_len(const struct plan_conf *conf, const struct hint *hints, size_t n) {
    size_t len = conf->key.n;
    for (size_t i = 0; i < n; i++) {
        len += hints[i].target.n + hints[i].type.n + hints[i].integrity.n;
    }
    return len;
}

// plan | hints | pushes | key, texts of the hints, Link value
struct plan *plan_new(const struct plan_conf *conf, const struct hint *hints, size_t n) {
    struct draft draft;
    draft.n = 0;
    n = n < HINT_SET_MAX ? n : HINT_SET_MAX;
    for (size_t i = 0; i < n; i++) {
        draft_put(&draft, &hints[i]);
    }
    size_t size = sizeof(struct plan) + n * sizeof *hints + PLAN_PUSH_MAX * sizeof(struct span) +
                  text_len(conf, hints, n) + draft.n;
    struct plan *plan = malloc(size);
    if (plan == NULL) {
        abort();
    }
    struct hint *copies = (struct hint *)(plan + 1);
    struct span *pushes = (struct span *)(copies + n);
    uint8_t *text = (uint8_t *)(pushes + PLAN_PUSH_MAX);
    *plan = (struct plan){.hash = conf->hash, .version = conf->version, .size = size};
    plan->key = move(&text, conf->key);
    for (size_t i = 0; i < n; i++) {
        copies[i] = hints[i];
        copies[i].target = move(&text, hints[i].target);
        copies[i].type = move(&text, hints[i].type);
        copies[i].integrity = move(&text, hints[i].integrity);
    }
    plan->hints = copies;
    plan->hints_n = n;
    plan->pushes = pushes;
    plan->pushes_n = put_pushes(pushes, copies, n);
    set_link(plan, move(&text, span_of(draft.bytes, draft.n)));
    return plan;
}

void plan_free(struct plan *plan) {
    free(plan);
}

static bool is_among(const struct hint *hint, const struct hint *hints, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (hint_is_same(hint, &hints[i])) {
            return true;
        }
    }
    return false;
}

// v starts with the rule's hints; adds what is new among the learned ones. How many it has then.
static size_t add_new(struct hint *v, size_t n, const struct plan *learned) {
    size_t rule_n = n;
    for (size_t i = 0; i < learned->hints_n && n < HINT_SET_MAX; i++) {
        if (!is_among(&learned->hints[i], v, rule_n)) {
            v[n++] = learned->hints[i];
        }
    }
    return n;
}

// A plan in the arena, of v[0, n): the first `ready` of them stand in the draft already. NULL where
// the arena has no room.
static struct plan *plan_in(struct arena *arena, struct draft *draft, const struct hint_set *set,
                            size_t ready) {
    for (size_t i = ready; i < set->n; i++) {
        draft_put(draft, &set->v[i]);
    }
    struct plan *plan = arena_alloc(arena, sizeof *plan);
    struct span *pushes = arena_alloc(arena, PLAN_PUSH_MAX * sizeof *pushes);
    struct span link = arena_copy(arena, span_of(draft->bytes, draft->n));
    if (plan == NULL || pushes == NULL || link.p == NULL) {
        return NULL;
    }
    *plan = (struct plan){.hints = set->v, .hints_n = set->n, .pushes = pushes};
    plan->pushes_n = put_pushes(pushes, set->v, set->n);
    set_link(plan, link);
    return plan;
}

const struct plan *plan_union(const struct plan *rule, const struct plan *learned,
                              struct arena *arena) {
    if (rule == NULL || rule->hints_n == 0) {
        return learned != NULL ? learned : rule;
    }
    if (learned == NULL || learned->hints_n == 0) {
        return rule;
    }
    struct hint_set set;
    if (hint_set_init(&set, arena, HINT_SET_MAX) != 0) {
        return rule;
    }
    set.n = rule->hints_n;
    memcpy(set.v, rule->hints, set.n * sizeof *set.v);
    set.n = add_new(set.v, set.n, learned);
    if (set.n == rule->hints_n) {
        return rule;
    }
    struct draft draft; // what the rule has ready is continued
    draft.n = rule->link.n;
    memcpy(draft.bytes, rule->link.p, draft.n);
    struct plan *plan = plan_in(arena, &draft, &set, rule->hints_n);
    if (plan == NULL) {
        return rule;
    }
    plan->key = learned->key;
    plan->hash = learned->hash;
    plan->version = learned->version;
    return plan;
}

const struct plan *plan_of_links(const struct pairs *fields, const struct target_page *page,
                                 struct arena *arena) {
    struct hint_context context = {.page = page, .arena = arena};
    struct hint_tally tally = {.broken = 0};
    struct hint_set set;
    if (hint_set_init(&set, arena, HINT_SET_MAX) != 0) {
        return NULL;
    }
    set.by_hand = true;
    for (size_t i = 0; i < fields->n; i++) {
        if (span_eq_nocase(fields->v[i].name, SPAN("link"))) {
            hint_set_read(&set, fields->v[i].value, &context, &tally);
        }
    }
    struct draft draft;
    draft.n = 0;
    return set.n > 0 ? plan_in(arena, &draft, &set, 0) : NULL;
}
