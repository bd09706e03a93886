// SPDX-License-Identifier: MIT
#include "admin/routes_json.h"

#include "admin/cursor.h"
#include "admin/json.h"
#include "admin/query.h"
#include "base/error.h"

#include <math.h>

#define NORMAL_95 1.96 // standard deviations that hold 95 % of a normal distribution

static const struct query_range limits = {1, 10000, 1000};

struct filter {
    struct span site, route, audience; // p NULL: any
};

// JSON has no others.
static double finite_of(double value) {
    return isfinite(value) ? value : 0;
}

static json_t *json_of_learner_hint(const struct learner_hint *h) {
    json_t *json = json_pack(
        "{s:o, s:o, s:f, s:f, s:f, s:f, s:i, s:s, s:s}", //
        "link", json_of_hint(h->hint), "sources", json_of_sources(h->sources), "need",
        finite_of(h->need), "need_low", finite_of(h->need_low), "worth_ms", finite_of(h->worth_ms),
        "waste_bytes", finite_of(h->waste_bytes), "voters", (int)h->voters, "verdict",
        learner_verdict_label(h->verdict), "reason", learner_verdict_sentence(h->verdict));
    if (json != NULL && h->verdict == LEARNER_NOT_REUSABLE) {
        const struct reuse_row *row = reuse_row(h->reuse);
        json_object_set_new(json, "reuse", json_string(row->label));
        json_object_set_new(json, "reason", json_string(row->sentence));
        if (row->field[0] != 0) {
            json_object_set_new(json, "field", json_string(row->field));
        }
    }
    return json;
}

// The half of the interval that holds the mean with 95 %, once there are two.
static json_t *json_of_outcome(const struct learner_outcome *o) {
    json_t *json = json_pack("{s:I}", "n", (json_int_t)o->n);
    if (json != NULL && o->n > 0) {
        json_object_set_new(json, "mean_us", json_real(finite_of(o->mean_us)));
    }
    if (json != NULL && o->n > 1) {
        double half = NORMAL_95 * sqrt(o->variance / (double)o->n);
        json_object_set_new(json, "interval_us", json_real(finite_of(half)));
    }
    return json;
}

static const char *state_of(const struct learner_route *r) {
    return r->is_observed ? "observed" : plan_has_link(r->plan) ? "hinting" : "learning";
}

static json_t *json_of_route(const struct learner *learner, const struct learner_route *r) {
    json_t *json = json_object(), *links = json_array(), *hints = json_array();
    struct learner_hint hint;
    for (size_t i = 0; learner_hint_at(learner, r, i, &hint); i++) {
        json_array_append_new(hints, json_of_learner_hint(&hint));
        if (hint.verdict == LEARNER_HINTED) {
            json_array_append_new(links, json_of_hint(hint.hint));
        }
    }
    json_put_key(json, r->key);
    json_object_set_new(json, "state", json_string(state_of(r)));
    json_object_set_new(json, "seen", json_integer((json_int_t)r->seen));
    json_object_set_new(json, "first_seen", json_integer((json_int_t)r->first_seen_ms));
    json_object_set_new(json, "last_seen", json_integer((json_int_t)r->last_seen_ms));
    json_object_set_new(json, "think_us", json_integer(r->think_us));
    json_object_set_new(json, "voters", json_integer(r->voters));
    json_object_set_new(json, "links", links);
    json_object_set_new(json, "hints", hints);
    json_object_set_new(json, "outcome",
                        json_pack("{s:o, s:o}", "hinted", json_of_outcome(&r->hinted), "held",
                                  json_of_outcome(&r->held)));
    return json;
}

static bool is_wanted(const struct filter *f, struct span key) {
    char route[RECORD_ROUTE_MAX];
    if (f->site.p != NULL && !span_eq(route_key_site(key), f->site)) {
        return false;
    }
    bool is_session = route_key_is_session(key);
    if (f->audience.p != NULL && is_session != span_eq(f->audience, SPAN("session"))) {
        return false;
    }
    return f->route.p == NULL ||
           span_eq(span_of(route, route_key_print(key, route, sizeof route)), f->route);
}

static int write_all(const struct learner *learner, struct span target, const struct filter *f,
                     struct buf *out) {
    uint64_t limit = query_number(target, SPAN("limit"), &limits), n = 0, seen = 0;
    const struct learner_route *r;
    struct cursor last;
    if (!cursor_start(learner, target, &r)) {
        return ERR_NOT_FOUND;
    }
    int err = buf_put(out, SPAN("{\"routes\":["));
    for (; r != NULL && err == 0 && n < limit && seen < CURSOR_ROUTES_MOST &&
           buf_len(out) < CURSOR_BYTES_MOST;
         r = learner_after(learner, r), seen++) {
        cursor_keep(&last, r);
        if (is_wanted(f, r->key)) {
            err = n++ > 0 ? buf_put(out, SPAN(",")) : 0;
            err = err == 0 ? json_write(json_of_route(learner, r), out) : err;
        }
    }
    return err == 0 ? cursor_end(r != NULL ? &last : NULL, out) : err;
}

int routes_json_write(const struct learner *learner, struct span target, struct buf *out) {
    struct arena arena;
    struct filter f = {.site = {NULL, 0}};
    arena_init(&arena, 4 * RECORD_ROUTE_MAX);
    query_find(target, SPAN("site"), &arena, &f.site);
    query_find(target, SPAN("route"), &arena, &f.route);
    query_find(target, SPAN("audience"), &arena, &f.audience);
    int err = write_all(learner, target, &f, out);
    arena_fini(&arena);
    return err;
}
