// SPDX-License-Identifier: MIT
#include "exchange/router.h"

#include "base/error.h"
#include "base/fnv.h"
#include "exchange/router_rule.h"
#include "http/uri.h"

struct router_name {
    struct span name; // p is NULL: free
    const struct site *site;
};

static struct router_name *find_name(const struct router *r, struct span name) {
    uint32_t at = fnv_put(FNV_START, name) & r->mask; // the names are the operator's
    while (r->names[at].name.p != NULL && !span_eq(r->names[at].name, name)) {
        at = (at + 1) & r->mask;
    }
    return &r->names[at];
}

static void put_name(struct router *r, struct span name, const struct site *site) {
    struct router_name *slot = find_name(r, name);
    if (slot->name.p == NULL && name.p != NULL) {
        *slot = (struct router_name){name, site};
    }
}

int router_init(struct router *r, struct arena *a, const struct site *sites, size_t n) {
    size_t names = 0;
    for (size_t i = 0; i < n; i++) {
        names += 1 + sites[i].aliases.n;
    }
    uint32_t cap = 8;
    while (cap < names * 2) {
        cap *= 2;
    }
    *r = (struct router){.sites = sites, .sites_n = n, .mask = cap - 1};
    r->names = arena_alloc(a, cap * sizeof *r->names);
    if (r->names == NULL) {
        return ERR_ARENA_LIMIT;
    }
    memset(r->names, 0, cap * sizeof *r->names);
    for (size_t i = 0; i < n; i++) {
        put_name(r, sites[i].name, &sites[i]);
        for (size_t k = 0; k < sites[i].aliases.n; k++) {
            put_name(r, sites[i].aliases.v[k], &sites[i]);
        }
    }
    return 0;
}

const struct site *router_site(const struct router *r, struct span authority, bool *is_named) {
    struct span host = uri_host(authority);
    const struct router_name *slot = host.n > 0 ? find_name(r, host) : NULL;
    *is_named = slot != NULL && slot->name.p != NULL;
    return *is_named ? slot->site : &r->sites[0];
}

// PHP is told where its script really is: behind a root that is a link its caches would else take
// the next release for this one.
static void set_root(struct router_search *s) {
    const struct router_files *files = s->q->files;
    struct route *out = s->out;
    struct span written = s->q->site->root, real = s->q->site->pool_root;
    if (real.n == 0 && written.n > 0 && files->root != NULL) {
        real = files->root(files->self, written);
    }
    out->root = written;
    if (real.n == 0 || span_eq(real, written)) {
        return;
    }
    struct span name = out->script_name;
    uint8_t *p = arena_alloc(s->q->arena, real.n + name.n + 1);
    if (p == NULL) {
        router_search_fail(s, ERR_ARENA_LIMIT, "");
        return;
    }
    memcpy(p, real.p, real.n);
    memcpy(p + real.n, name.p, name.n);
    p[real.n + name.n] = 0;
    out->file = span_of(p, real.n + name.n);
    out->root = span_of(p, real.n);
}

// One path: the request's, or where a rule has sent it. True when a rule sends it on.
static bool pass(struct router_search *s) {
    const struct site *site = s->q->site;
    bool is_missing = false;
    const char *why = "deny or internal has the path, or it is none";
    int error = access_check(site, s->at.path, s->at.by, &s->at.hidden);
    if (error == 0) {
        why = "an expression takes too long for it";
        error = router_rule_find(s);
    }
    if (error == 0) {
        why = "the client's network is not let in";
        error = router_rule_admit(s);
    }
    if (error != 0) {
        router_search_fail(s, error, why);
        return false;
    }
    if (!router_search_set(s, s->at.path)) {
        router_search_fail(s, ERR_ARENA_LIMIT, "");
        return false;
    }
    if (s->out->rule != NULL && router_rule_steers(s)) {
        return router_rule_steer(s);
    }
    if (router_search_find(s, &is_missing)) {
        return false;
    }
    if (is_missing && !router_rule_takes_missing(s)) {
        router_search_fail(
            s, ERR_NOT_FOUND,
            "there is no such script (missing-scripts)"); // a missing script costs no worker
    } else {
        router_search_front(s);
    }
    return false;
}

// The site is being worked on, for all but some.
static bool is_closed(struct router_search *s) {
    const struct site_maintenance *m = &s->q->site->maintenance;
    struct file_info info;
    const struct site_answers open = {.allowed = m->allowed, .allowed_n = m->allowed_n};
    if (m->file.n == 0 || s->q->from == NULL ||
        (m->allowed_n > 0 && site_answers_admits(&open, s->q->from))) {
        return false;
    }
    return s->q->files->find(s->q->files->self, m->file, &info) == FILE_REGULAR;
}

// What was found under another name than that asked for may be closed to the client.
static void check_network(struct router_search *s) {
    struct route *out = s->out;
    int error = 0;
    if (out->kind == ROUTE_SCRIPT || out->kind == ROUTE_FILE) {
        error = router_rule_admit_found(s, out->script_name);
    }
    if (error != 0) {
        *out = (struct route){.rule = out->rule};
        router_search_fail(s, error, "the client's network is not let in to what was found");
    }
}

static void keep_sent(struct router_search *s) {
    size_t n = s->sent_n * sizeof *s->sent;
    s->out->sent = n > 0 ? arena_alloc(s->q->arena, n) : NULL;
    s->out->sent_n = s->out->sent != NULL ? s->sent_n : 0;
    if (s->out->sent != NULL) {
        memcpy(s->out->sent, s->sent, n);
    }
}

void router_route(const struct router_query *q, struct route *out) {
    struct router_search s;
    s.q = q;
    s.at.by = q->by;
    s.at.path = q->request->path;
    s.query = q->request->query;
    s.out = out;
    s.is_blind = s.is_given = false;
    s.sent_n = 0;
    *out = (struct route){0};
    if (is_closed(&s)) {
        router_search_fail(&s, ERR_MAINTENANCE, "the file of maintenance is there");
    } else {
        while (pass(&s)) {
        }
        check_network(&s);
    }
    keep_sent(&s);
    out->query = s.query;
    // What is there may be what could not be looked at: no answer is better than a wrong one.
    if (s.is_blind) {
        *out = (struct route){.rule = out->rule};
        router_search_fail(&s, ERR_FILES_BUSY, "the disk could not be looked at");
    }
    if (out->kind == ROUTE_SCRIPT) {
        set_root(&s);
        out->is_front = out->is_front || s.is_given;
    }
}
