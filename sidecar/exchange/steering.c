// SPDX-License-Identifier: MIT
#include "exchange/steering.h"

#include "base/error.h"
#include "exchange/sendfile.h"

bool steering_obey(const struct response *response, bool may_name, bool *is_buffered) {
    const struct pairs *fields = &response->fields;
    bool has_any = false;
    for (size_t i = 0; i < fields->n; i++) {
        has_any |= sendfile_is_for_us(fields->v[i].name);
        if (span_eq_nocase(fields->v[i].name, SPAN("x-accel-buffering"))) {
            *is_buffered = span_eq_nocase(fields->v[i].value, SPAN("yes"));
        }
    }
    return has_any && may_name && sendfile_is_named(response);
}

int steering_drop(struct response *response, struct arena *a) {
    const struct pairs *fields = &response->fields;
    struct pairs rest = {.n = 0};
    size_t kept = 0;
    for (size_t i = 0; i < fields->n; i++) {
        kept += !sendfile_is_for_us(fields->v[i].name);
    }
    if (kept == fields->n) {
        return 0;
    }
    for (size_t i = 0; i < fields->n; i++) {
        const struct pair *f = &fields->v[i];
        if (!sendfile_is_for_us(f->name) && pairs_put(&rest, a, f->name, f->value) != 0) {
            return ERR_ARENA_LIMIT;
        }
    }
    response->fields = rest;
    return 0;
}
