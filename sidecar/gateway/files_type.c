// SPDX-License-Identifier: MIT
#include "gateway/files_type.h"

#include "base/error.h"

static int put(struct span *type, struct span charset, struct arena *arena) {
    struct span between = SPAN("; charset=");
    size_t n = type->n + between.n + charset.n;
    uint8_t *text = arena_alloc(arena, n);
    if (text == NULL) {
        return ERR_ARENA_LIMIT;
    }
    memcpy(text, type->p, type->n);
    memcpy(text + type->n, between.p, between.n);
    memcpy(text + type->n + between.n, charset.p, charset.n);
    *type = span_of(text, n);
    return 0;
}

int files_type_put(struct file_response *r, const struct site *site, struct arena *arena) {
    struct pairs *fields = &r->head.fields;
    int err = 0;
    for (size_t i = 0; site->charset.n > 0 && i < fields->n && err == 0; i++) {
        struct pair *f = &fields->v[i];
        if (span_eq_nocase(f->name, SPAN("content-type")) &&
            span_has_prefix(f->value, SPAN("text/"))) {
            err = put(&f->value, site->charset, arena);
        }
    }
    return err;
}
