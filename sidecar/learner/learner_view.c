// SPDX-License-Identifier: MIT
#include "learner/learner_inside.h"

static const struct {
    const char *label, *sentence;
} verdicts[LEARNER_VERDICTS] = {
#define VERDICT(constant, label, sentence) [LEARNER_##constant] = {label, sentence},
#include "learner/learner_verdict.def"
#undef VERDICT
};

const char *learner_verdict_label(enum learner_verdict verdict) {
    return verdicts[verdict].label;
}

const char *learner_verdict_sentence(enum learner_verdict verdict) {
    return verdicts[verdict].sentence;
}

// The view is no part of what the learner knows, so that a learner that is only read has one too.
static struct learner *mutable(const struct learner *l) {
    return (struct learner *)(uintptr_t)l;
}

static struct learner_outcome outcome_of(const struct outcome *o) {
    return (struct learner_outcome){o->n, o->mean_us, outcome_variance(o)};
}

static const struct learner_route *show(const struct learner *l, const struct node *node) {
    struct learner *m = mutable(l);
    if (node == NULL) {
        return NULL;
    }
    m->viewed = node;
    m->is_shown = false;
    m->view = (struct learner_route){
        .key = node_key(node),
        .is_pattern = node->is_pattern,
        .plan = node->group != NULL && node->group->key.n > 0 ? node->group->plan : NULL,
        .seen = node->seen,
        .first_seen_ms = (uint64_t)node->first_s * 1000,
        .last_seen_ms = (uint64_t)node->last_s * 1000,
        .think_us = node->think_us,
        .voters = node->ballot.n,
        .is_observed = node->is_observed,
    };
    if (node->outcomes != NULL) {
        m->view.hinted = outcome_of(&node->outcomes->hinted);
        m->view.held = outcome_of(&node->outcomes->held);
    }
    return &l->view;
}

// The one at `at` or the next one before it, in its list and then on probation, that may be shown.
static const struct learner_route *show_from(const struct learner *l, struct list *at) {
    for (;; at = at->prev) {
        at = at == &l->main ? l->probation.prev : at;
        if (at == &l->probation) {
            return NULL;
        }
        const struct node *node = LIST_ITEM(at, struct node, age);
        if (!node->is_secret) {
            return show(l, node);
        }
    }
}

const struct learner_route *learner_first(const struct learner *l) {
    return show_from(l, l->main.prev);
}

const struct learner_route *learner_after(const struct learner *l, const struct learner_route *r) {
    const struct node *node = r == &l->view ? l->viewed : NULL;
    return node != NULL ? show_from(l, node->age.prev) : NULL;
}

const struct learner_route *learner_find(const struct learner *l, struct span key) {
    return show(l, learner_node(l, key));
}

bool learner_hint_at(const struct learner *l, const struct learner_route *r, size_t i,
                     struct learner_hint *out) {
    struct learner *m = mutable(l);
    if (r != &l->view || l->viewed == NULL) {
        return false;
    }
    if (!l->is_shown) {
        // Without a time it asks for nothing and changes nothing.
        learner_judge(m, (struct node *)(uintptr_t)l->viewed, 0, &m->shown);
        m->is_shown = true;
    }
    if (i >= l->shown.n) {
        return false;
    }
    const struct judged *d = &l->shown.v[i];
    *out = (struct learner_hint){.hint = &d->asset->hint,
                                 .sources = d->sources,
                                 .need = d->need,
                                 .need_low = d->low,
                                 .worth_ms = d->worth_ms,
                                 .waste_bytes = d->waste_bytes,
                                 .voters = d->voters,
                                 .verdict = d->verdict,
                                 .reuse = (enum reuse_reason)d->asset->file->reuse};
    return true;
}
