// SPDX-License-Identifier: MIT
#include "exchange/identity.h"

#include "learner/route_key.h"

void identity_init(struct identity *id, const struct facts *facts) {
    *id = (struct identity){.facts = facts};
}

const struct audience *identity_audience(struct identity *id) {
    const struct facts *f = id->facts;
    if (!id->has_audience) {
        id->has_audience = true;
        // A certificate says for certain who asks, and stays when cookies are made anew.
        id->audience = f->certificate.n > 0
                           ? (struct audience){AUDIENCE_SESSION, .credential = f->certificate}
                           : audience_of(&f->site->audience, &f->request->fields);
    }
    return &id->audience;
}

bool identity_is_session(struct identity *id) {
    return identity_audience(id)->kind == AUDIENCE_SESSION;
}

static size_t count_slashes(struct span s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        n += s.p[i] == '/';
    }
    return n;
}

// The path was written as it is meant. Behind "//", "/../" or "%2F" links that are relative to the
// page lead elsewhere than behind the path that the route's key has.
static bool is_plain(const struct request *request) {
    if (request->path.p == request->target.p) {
        return true; // nothing had to be rewritten
    }
    struct span path = span_first(request->target, span_index(request->target, '?'));
    return count_slashes(path) == count_slashes(request->path);
}

static void make_key(struct identity *id) {
    const struct facts *f = id->facts;
    uint8_t bytes[ROUTE_KEY_MAX];
    struct route_parts parts = {.site = f->site->name,
                                .path = f->request->path,
                                .query = f->request->query,
                                .is_session = identity_is_session(id),
                                .query_keys = f->site->route_query.v,
                                .query_keys_n = f->site->route_query.n};
    struct span key = route_key(bytes, &parts, &id->is_clean);
    id->is_clean = id->is_clean && is_plain(f->request);
    if (key.p != NULL) {
        id->key = arena_copy(f->arena, key);
    }
}

struct span identity_key(struct identity *id) {
    const struct facts *f = id->facts;
    if (!id->has_key) {
        id->has_key = true;
        if (f->is_named && f->is_get && f->site->policy.learn != 0 &&
            facts_mode(f) != HINT_MODE_OFF) {
            make_key(id);
        }
    }
    return id->key;
}

bool identity_is_clean(const struct identity *id) {
    return id->is_clean;
}
