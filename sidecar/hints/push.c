// SPDX-License-Identifier: MIT
#include "hints/push.h"

void push_init(struct push *push) {
    push->n = 0;
}

static void put_path(struct push *push, struct span path) {
    for (size_t i = 0; i < push->n; i++) {
        if (span_eq(push->paths[i], path)) {
            return;
        }
    }
    if (push->n < PUSH_MAX) {
        push->paths[push->n++] = path;
    }
}

// A browser may not need the link's type to push it, so `as` does not matter here.
static bool wants_push(const struct link *link) {
    return link_has_rel(link, SPAN("preload")) && !link_has(link, LINK_NOPUSH) &&
           !link_has(link, LINK_ANCHOR);
}

static void put_value(struct push *push, struct span value, const struct target_page *page,
                      struct arena *arena) {
    struct link_reader reader;
    struct link link;
    struct target target;
    link_init(&reader, value, arena);
    while (push->n < PUSH_MAX && link_next(&reader, &link) == STEP_ITEM) {
        if (wants_push(&link) && target_resolve(&target, page, link.target, arena) == HINT_OK &&
            target.is_same_origin && !span_eq(target.path, page->path)) {
            put_path(push, target.path);
        }
    }
}

void push_put_links(struct push *push, const struct pairs *fields, const struct target_page *page,
                    struct arena *arena) {
    for (size_t i = 0; i < fields->n && push->n < PUSH_MAX; i++) {
        if (span_eq_nocase(fields->v[i].name, SPAN("link"))) {
            put_value(push, fields->v[i].value, page, arena);
        }
    }
}

void push_put_plan(struct push *push, const struct plan *plan) {
    for (size_t i = 0; plan != NULL && i < plan->pushes_n; i++) {
        put_path(push, plan->pushes[i]);
    }
}
