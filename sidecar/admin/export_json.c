// SPDX-License-Identifier: MIT
#include "admin/export_json.h"

#include "admin/cursor.h"
#include "admin/json.h"
#include "admin/query.h"
#include "base/error.h"

#include <stdlib.h>

#define HEAD "{\"outrider\":\"export\",\"version\":1,\"routes\":[\n"
#define TEXTS_MOST 1048576 // bytes of one record's texts
#define BYTES_MOST (UINT64_C(1) << 50)
#define TIME_MOST (UINT64_C(1) << 50) // ms

static const struct query_range limits = {1, 10000, 1000};
static const struct query_range times = {0, TIME_MOST, 0};

// ---- writing ------------------------------------------------------------------------------------

static json_t *json_of_outcome(const struct learner_outcome *o) {
    return json_pack("{s:I, s:f, s:f}", "n", (json_int_t)o->n, "mean_us", o->mean_us, "variance",
                     o->variance);
}

// Members that are only there where they say something.
static void put_flag(json_t *json, const char *name, bool value) {
    if (value) {
        json_object_set_new(json, name, json_true());
    }
}

static void put_number(json_t *json, const char *name, uint64_t value) {
    if (value > 0) {
        json_object_set_new(json, name, json_integer((json_int_t)value));
    }
}

static void put_text(json_t *json, const char *name, struct span text) {
    if (text.n > 0) {
        json_object_set_new(json, name, json_of_text(text));
    }
}

static json_t *json_of_asset(const struct record_asset *a) {
    json_t *json =
        json_pack("{s:o, s:i, s:o, s:s, s:s, s:I, s:I}", "link", json_of_hint(&a->hint), "push",
                  (int)record_push_of(&a->hint), "sources", json_of_sources(a->sources), "state",
                  record_state_label(a->state), "reuse", reuse_row(a->reuse)->label, "lifetime_s",
                  (json_int_t)a->lifetime_s, "bytes", (json_int_t)a->bytes);
    put_flag(json, "behind", a->is_behind);
    put_flag(json, "conditional", a->is_conditional);
    put_flag(json, "firm", a->is_firm);
    put_text(json, "newer", a->newer);
    put_text(json, "imports", a->imports);
    put_number(json, "rank", a->rank);
    put_number(json, "born", a->born);
    put_flag(json, "abandoned", a->is_abandoned);
    return json;
}

static json_t *json_of_vote(const struct record_vote *v) {
    json_t *json = json_pack(
        "{s:o, s:o, s:I, s:b, s:b, s:b, s:o, s:o, s:o}", "who", json_of_hex(v->who), "child",
        json_of_hex(v->child), "at", (json_int_t)v->at_ms, "private", v->is_private, "has_html",
        v->has_html, "has_fetched", v->has_fetched, "html", json_of_hex(v->html), "fetched",
        json_of_hex(v->fetched), "testable", json_of_hex(v->testable));
    put_flag(json, "has_failed", v->has_failed);
    return json;
}

static json_t *json_of_record(const struct learner_record *r) {
    json_t *json = json_object(), *assets = json_array(), *votes = json_array();
    json_put_key(json, r->key);
    json_object_set_new(json, "seen", json_integer((json_int_t)r->seen));
    json_object_set_new(json, "first_seen", json_integer((json_int_t)r->first_seen_ms));
    json_object_set_new(json, "last_seen", json_integer((json_int_t)r->last_seen_ms));
    json_object_set_new(json, "think_us", json_integer(r->think_us));
    json_object_set_new(json, "hinted", json_of_outcome(&r->hinted));
    json_object_set_new(json, "held", json_of_outcome(&r->held));
    json_object_set_new(json, "plan", json_integer(r->plan));
    put_text(json, "csp", r->csp);
    put_text(json, "referrer", r->referrer);
    put_text(json, "origin", r->origin);
    put_flag(json, "policy_new", r->is_policy_new);
    for (size_t i = 0; i < r->assets_n; i++) {
        json_array_append_new(assets, json_of_asset(&r->assets[i]));
    }
    for (size_t i = 0; i < r->votes_n; i++) {
        json_array_append_new(votes, json_of_vote(&r->votes[i]));
    }
    json_object_set_new(json, "assets", assets);
    json_object_set_new(json, "votes", votes);
    return json;
}

static struct learner_record *record_new(void) {
    struct learner_record *record = calloc(1, sizeof *record);
    if (record == NULL) {
        abort();
    }
    return record;
}

int export_json_write(const struct learner *learner, struct span target, struct buf *out) {
    uint64_t limit = query_number(target, SPAN("limit"), &limits), n = 0, seen = 0;
    uint64_t since_ms = query_number(target, SPAN("since"), &times);
    const struct learner_route *r;
    struct cursor last;
    if (!cursor_start(learner, target, &r)) {
        return ERR_NOT_FOUND;
    }
    struct learner_record *record = record_new();
    int err = buf_put(out, SPAN(HEAD));
    for (; r != NULL && err == 0 && n < limit && seen < CURSOR_ROUTES_MOST &&
           buf_len(out) < CURSOR_BYTES_MOST;
         r = learner_after(learner, r), seen++) {
        cursor_keep(&last, r);
        if (r->last_seen_ms >= since_ms && learner_record_of(learner, r, record)) {
            err = n++ > 0 ? buf_put(out, SPAN(",\n")) : 0;
            err = err == 0 ? json_write(json_of_record(record), out) : err;
        }
    }
    free(record);
    return err == 0 ? cursor_end(r != NULL ? &last : NULL, out) : err;
}

// ---- reading ------------------------------------------------------------------------------------

static bool read_outcome(const json_t *json, struct learner_outcome *o) {
    const json_t *mean = json_object_get(json, "mean_us");
    const json_t *variance = json_object_get(json, "variance");
    o->mean_us = json_number_value(mean);
    o->variance = json_number_value(variance);
    return json_to_number(json_object_get(json, "n"), INT64_MAX, &o->n) && json_is_number(mean) &&
           json_is_number(variance);
}

// Of a member that may be missing.
static struct span read_text(const json_t *json, const char *name, size_t most) {
    struct span text = json_text(json_object_get(json, name));
    return text.n <= most ? text : span_of(NULL, 0);
}

static uint64_t read_optional(const json_t *json, const char *name, uint64_t most) {
    uint64_t value;
    return json_to_number(json_object_get(json, name), most, &value) ? value : 0;
}

static bool read_asset(const json_t *json, const struct record_hint_context *context,
                       struct record_asset *a) {
    uint64_t push, lifetime;
    bool is_good = json_to_number(json_object_get(json, "push"), RECORD_PUSH_ONLY, &push) &&
                   json_to_sources(json_object_get(json, "sources"), &a->sources) &&
                   record_state_read(json_text(json_object_get(json, "state")), &a->state) &&
                   record_reuse_read(json_text(json_object_get(json, "reuse")), &a->reuse) &&
                   json_to_number(json_object_get(json, "lifetime_s"), UINT32_MAX, &lifetime) &&
                   json_to_number(json_object_get(json, "bytes"), BYTES_MOST, &a->bytes) &&
                   record_hint_read(&a->hint, json_text(json_object_get(json, "link")),
                                    (enum record_push)push, context);
    a->lifetime_s = is_good ? (uint32_t)lifetime : 0;
    a->is_behind = json_is_true(json_object_get(json, "behind"));
    a->is_conditional = json_is_true(json_object_get(json, "conditional"));
    a->is_firm = json_is_true(json_object_get(json, "firm"));
    a->rank = (unsigned)read_optional(json, "rank", HINT_SET_MAX);
    a->newer = read_text(json, "newer", RECORD_LINK_MAX);
    a->imports = read_text(json, "imports", RECORD_IMPORTS_MAX);
    a->is_abandoned = json_is_true(json_object_get(json, "abandoned"));
    a->born = read_optional(json, "born", TIME_MOST);
    return is_good;
}

static bool read_vote(const json_t *json, struct record_vote *v) {
    v->is_private = json_is_true(json_object_get(json, "private"));
    v->has_html = json_is_true(json_object_get(json, "has_html"));
    v->has_fetched = json_is_true(json_object_get(json, "has_fetched"));
    v->has_failed = json_is_true(json_object_get(json, "has_failed"));
    return json_to_hex(json_object_get(json, "who"), &v->who) &&
           json_to_hex(json_object_get(json, "child"), &v->child) &&
           json_to_number(json_object_get(json, "at"), TIME_MOST, &v->at_ms) &&
           json_to_hex(json_object_get(json, "html"), &v->html) &&
           json_to_hex(json_object_get(json, "fetched"), &v->fetched) &&
           json_to_hex(json_object_get(json, "testable"), &v->testable);
}

static bool read_numbers(const json_t *json, struct learner_record *r) {
    uint64_t think;
    bool is_good =
        json_to_number(json_object_get(json, "seen"), INT64_MAX, &r->seen) &&
        json_to_number(json_object_get(json, "first_seen"), TIME_MOST, &r->first_seen_ms) &&
        json_to_number(json_object_get(json, "last_seen"), TIME_MOST, &r->last_seen_ms) &&
        json_to_number(json_object_get(json, "think_us"), UINT32_MAX, &think) &&
        read_outcome(json_object_get(json, "hinted"), &r->hinted) &&
        read_outcome(json_object_get(json, "held"), &r->held);
    r->think_us = is_good ? (uint32_t)think : 0;
    r->plan = (enum record_plan)read_optional(json, "plan", RECORD_PLANS - 1);
    r->csp = read_text(json, "csp", RECORD_POLICY_MAX);
    r->referrer = read_text(json, "referrer", RECORD_POLICY_MAX);
    r->origin = read_text(json, "origin", RECORD_POLICY_MAX);
    r->is_policy_new = json_is_true(json_object_get(json, "policy_new"));
    return is_good;
}

// Assets and votes that are not valid are left out; the bits of the votes move along.
static void read_lists(const json_t *json, const struct record_hint_context *context,
                       struct learner_record *r) {
    const json_t *assets = json_object_get(json, "assets"), *votes = json_object_get(json, "votes");
    uint64_t mask = 0;
    for (size_t i = 0; i < json_array_size(assets) && i < RECORD_ASSETS_MAX; i++) {
        bool is_good = read_asset(json_array_get(assets, i), context, &r->assets[i]);
        mask |= (uint64_t)is_good << i;
    }
    for (size_t i = 0; i < json_array_size(votes) && r->votes_n < RECORD_VOTES_MAX; i++) {
        r->votes_n += read_vote(json_array_get(votes, i), &r->votes[r->votes_n]);
    }
    record_compact(r, mask);
}

static bool read_record(const struct import *import, const json_t *json, struct learner_record *r,
                        struct arena *arena) {
    uint8_t key[ROUTE_KEY_MAX];
    memset(r, 0, sizeof *r);
    r->key = json_to_key(json, key);
    if (r->key.p == NULL || !read_numbers(json, r)) {
        return false;
    }
    struct record_hint_context context = {.site = route_key_site(r->key), .arena = arena};
    if (import->find_policy != NULL) {
        context.policy = import->find_policy(import->policy_self, context.site);
        if (context.policy == NULL) {
            return false; // no site of that name here
        }
    }
    read_lists(json, &context, r);
    return record_check(r, import->now_ms) && learner_restore(import->learner, r, import->now_ms);
}

static const char *check_head(const json_t *json) {
    const json_t *version = json_object_get(json, "version");
    if (!span_eq(json_text(json_object_get(json, "outrider")), SPAN("export"))) {
        return "it is not an export of outrider";
    }
    if (!json_is_integer(version) || json_integer_value(version) != EXPORT_VERSION) {
        return "it is of another version";
    }
    return json_is_array(json_object_get(json, "routes")) ? NULL : "it has no routes";
}

int export_json_read(struct import *import, struct span text, const char **why) {
    json_error_t error;
    json_t *json = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    *why = json != NULL ? check_head(json) : "it is not JSON";
    if (*why != NULL) {
        json_decref(json);
        return ERR_SYNTAX;
    }
    struct learner_record *record = record_new();
    struct arena arena;
    const json_t *routes = json_object_get(json, "routes");
    arena_init(&arena, TEXTS_MOST);
    for (size_t i = 0; i < json_array_size(routes); i++) {
        bool is_taken = read_record(import, json_array_get(routes, i), record, &arena);
        import->taken += is_taken;
        import->refused += !is_taken;
        arena_reset(&arena);
    }
    arena_fini(&arena);
    free(record);
    json_decref(json);
    return 0;
}
