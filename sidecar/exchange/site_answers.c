// SPDX-License-Identifier: MIT
#include "exchange/site_answers.h"

bool site_answers_admits(const struct site_answers *a, const struct ip *client) {
    return !ip_nets_have(a->denied, a->denied_n, client) &&
           (a->allowed_n == 0 || ip_nets_have(a->allowed, a->allowed_n, client));
}

static void take_out(struct pairs *fields, struct span name) {
    size_t n = 0;
    for (size_t i = 0; i < fields->n; i++) {
        if (!span_eq_nocase(fields->v[i].name, name)) {
            fields->v[n++] = fields->v[i];
        }
    }
    fields->n = n;
}

static int change(const struct field_change *c, struct arena *arena, struct pairs *fields) {
    if (c->kind == FIELD_DEFAULT && pairs_find(fields, c->name) != NULL) {
        return 0;
    }
    if (c->kind != FIELD_ADD) {
        take_out(fields, c->name);
    }
    return c->kind == FIELD_REMOVE ? 0 : pairs_put(fields, arena, c->name, c->value);
}

int site_answers_change(const struct site_answers *a, int status, struct arena *arena,
                        struct pairs *fields) {
    struct pairs changed = {.n = 0};
    int err = 0;
    if (a->changes_n == 0 || (a->spares_errors && status >= 400)) {
        return 0;
    }
    // A copy: the fields may be somebody else's.
    for (size_t i = 0; i < fields->n && err == 0; i++) {
        err = pairs_put(&changed, arena, fields->v[i].name, fields->v[i].value);
    }
    for (size_t i = 0; i < a->changes_n && err == 0; i++) {
        err = change(&a->changes[i], arena, &changed);
    }
    *fields = err == 0 ? changed : *fields;
    return err;
}

struct span site_answers_page(const struct site_answers *a, int status) {
    for (size_t i = 0; i < a->pages_n; i++) {
        if (a->pages[i].status == status) {
            return a->pages[i].path;
        }
    }
    return span_of(NULL, 0);
}
