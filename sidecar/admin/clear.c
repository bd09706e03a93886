// SPDX-License-Identifier: MIT
#include "admin/clear.h"

#include "base/error.h"

static bool is_wanted(const struct clear *c, struct span key) {
    return c->site.n == 0 || span_eq(route_key_site(key), c->site);
}

int clear_some(struct clear *c, struct span target) {
    const struct learner_route *r;
    c->forgotten = 0;
    cursor_read(&c->after, target);
    if (!cursor_start(c->learner, target, &r)) {
        return ERR_NOT_FOUND;
    }
    for (unsigned n = 0; r != NULL && n < CURSOR_ROUTES_MOST; n++) {
        // The learner lends one route at a time, and forgetting ends the loan.
        struct cursor this, next = {.n = 0};
        cursor_keep(&this, r);
        r = learner_after(c->learner, r);
        if (r != NULL) {
            cursor_keep(&next, r);
        }
        if (is_wanted(c, span_of(this.key, this.n))) {
            c->forgotten += learner_forget(c->learner, span_of(this.key, this.n));
            r = next.n > 0 ? learner_find(c->learner, span_of(next.key, next.n)) : NULL;
        } else {
            c->after = this;
        }
    }
    c->is_cut = r != NULL;
    return 0;
}
