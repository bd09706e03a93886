// SPDX-License-Identifier: MIT
#include "exchange/steering.h"

#include "exchange/sendfile.h"

static void drop_ours(struct pairs *fields, struct arena *a) {
    struct pairs rest = {.n = 0};
    for (size_t i = 0; i < fields->n; i++) {
        if (!sendfile_is_for_us(fields->v[i].name)) {
            pairs_put(&rest, a, fields->v[i].name, fields->v[i].value);
        }
    }
    *fields = rest;
}

bool steering_obey(struct response *response, struct arena *a, bool may_name, bool *is_buffered) {
    const struct pairs *fields = &response->fields;
    bool has_ours = false;
    for (size_t i = 0; i < fields->n; i++) {
        const struct pair *f = &fields->v[i];
        if (span_eq_nocase(f->name, SPAN("x-accel-buffering"))) {
            *is_buffered = span_eq_nocase(f->value, SPAN("yes"));
        }
        has_ours = has_ours || sendfile_is_for_us(f->name);
    }
    if (may_name && sendfile_is_named(response)) {
        return true;
    }
    if (has_ours) {
        drop_ours(&response->fields, a);
    }
    return false;
}
