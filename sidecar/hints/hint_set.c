// SPDX-License-Identifier: MIT
#include "hints/hint_set.h"

#include "base/error.h"

int hint_set_init(struct hint_set *set, struct arena *arena, size_t max) {
    *set = (struct hint_set){.max = max < HINT_SET_MAX ? max : HINT_SET_MAX};
    set->v = arena_alloc(arena, set->max * sizeof *set->v);
    if (set->v == NULL) {
        set->max = 0;
        return ERR_ARENA_LIMIT;
    }
    return 0;
}

// Makes one of two hints for the same target: hinted if either may be, pushed only if both may.
static void join(struct hint *there, const struct hint *other) {
    there->can_push = there->can_push && other->can_push;
    there->push_only = there->push_only && other->push_only;
}

static bool join_same(struct hint_set *set, const struct hint *hint) {
    for (size_t i = 0; i < set->n; i++) {
        if (hint_is_same(&set->v[i], hint)) {
            join(&set->v[i], hint);
            return true;
        }
    }
    return false;
}

static enum hint_reason insert(struct hint_set *set, const struct hint *hint, size_t at) {
    if (at >= set->max) {
        return HINT_TOO_MANY;
    }
    bool is_full = set->n == set->max;
    size_t behind = set->n - at - is_full; // the last one falls out of a full set
    memmove(&set->v[at + 1], &set->v[at], behind * sizeof *set->v);
    set->v[at] = *hint;
    set->n += !is_full;
    return is_full ? HINT_TOO_MANY : HINT_OK;
}

enum hint_reason hint_set_put(struct hint_set *set, const struct hint *hint) {
    if (join_same(set, hint)) {
        return HINT_DUPLICATE;
    }
    size_t at = set->n;
    while (!set->by_hand && at > 0 && hint_rank(&set->v[at - 1]) > hint_rank(hint)) {
        at--;
    }
    return insert(set, hint, at);
}

void hint_set_read(struct hint_set *set, struct span value, const struct hint_context *context,
                   struct hint_tally *tally) {
    struct link_reader reader;
    struct link link;
    struct hint hint;
    link_init(&reader, value, context->arena);
    while (link_next(&reader, &link) == STEP_ITEM) {
        enum hint_reason reason = hint_from_link(&hint, &link, context);
        if (hint_is_usable(reason)) {
            enum hint_reason put = hint_set_put(set, &hint);
            reason = put == HINT_OK ? reason : put;
        }
        tally->reasons[reason]++;
    }
    tally->broken += reader.broken;
}
