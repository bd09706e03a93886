// SPDX-License-Identifier: MIT
#include "exchange/site_answers.h"

static bool is_among(const struct ip_net *nets, size_t n, const struct ip *client) {
    for (size_t i = 0; i < n; i++) {
        if (ip_net_has(&nets[i], client)) {
            return true;
        }
    }
    return false;
}

bool site_answers_admits(const struct site_answers *a, const struct ip *client) {
    return !is_among(a->denied, a->denied_n, client) &&
           (a->allowed_n == 0 || is_among(a->allowed, a->allowed_n, client));
}

static int change(const struct field_change *c, struct arena *arena, struct pairs *fields) {
    struct pairs changed = {.n = 0};
    bool is_there = pairs_find(fields, c->name) != NULL;
    bool is_kept = c->kind == FIELD_ADD || !is_there;
    int err = 0;
    if (is_there && (c->kind == FIELD_DEFAULT)) {
        return 0;
    }
    for (size_t i = 0; i < fields->n && err == 0; i++) {
        if (is_kept || !span_eq_nocase(fields->v[i].name, c->name)) {
            err = pairs_put(&changed, arena, fields->v[i].name, fields->v[i].value);
        }
    }
    if (err == 0 && c->kind != FIELD_REMOVE) {
        err = pairs_put(&changed, arena, c->name, c->value);
    }
    *fields = err == 0 ? changed : *fields;
    return err;
}

int site_answers_change(const struct site_answers *a, int status, struct arena *arena,
                        struct pairs *fields) {
    int err = 0;
    for (size_t i = 0; i < a->changes_n && err == 0 && !(a->spares_errors && status >= 400); i++) {
        const struct field_change *c = &a->changes[i];
        bool is_none = c->kind == FIELD_REMOVE && pairs_find(fields, c->name) == NULL;
        err = is_none ? 0 : change(c, arena, fields);
    }
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
