// SPDX-License-Identifier: MIT
#include "store/sqlite_load.h"

#include "learner/record_text.h"
#include "learner/route_key.h"

#include <stdlib.h>

#define SITE_MOST 256                  // bytes of a site's name
#define TEXTS_MOST ((size_t)128 << 20) // bytes of all assets
#define BYTES_MOST (UINT64_C(1) << 50) // of an asset
#define TIME_MOST (UINT64_C(1) << 50)  // ms
#define EVERY_SOURCE 15                // bits of enum learner_source

struct sqlite_load_asset {
    sqlite3_int64 id;
    struct span site;
    bool is_valid, is_used;
    struct record_asset asset;
};

// ---- columns ------------------------------------------------------------------------------------

// A number in [0, most].
static bool number(sqlite3_stmt *row, int column, uint64_t most, uint64_t *out) {
    sqlite3_int64 value = sqlite3_column_int64(row, column);
    *out = (uint64_t)value;
    return sqlite3_column_type(row, column) == SQLITE_INTEGER && value >= 0 && *out <= most;
}

static bool flag(sqlite3_stmt *row, int column, bool *out) {
    uint64_t value;
    bool is_good = number(row, column, 1, &value);
    *out = value == 1;
    return is_good;
}

// Any 64 bits.
static bool bits(sqlite3_stmt *row, int column, uint64_t *out) {
    *out = (uint64_t)sqlite3_column_int64(row, column);
    return sqlite3_column_type(row, column) == SQLITE_INTEGER;
}

static bool real(sqlite3_stmt *row, int column, double *out) {
    int type = sqlite3_column_type(row, column);
    *out = sqlite3_column_double(row, column);
    return type == SQLITE_FLOAT || type == SQLITE_INTEGER;
}

// Borrowed until the row is left.
static bool text(sqlite3_stmt *row, int column, size_t most, struct span *out) {
    if (sqlite3_column_type(row, column) != SQLITE_TEXT) {
        return false;
    }
    const uint8_t *p = sqlite3_column_text(row, column);
    *out = span_of(p, p != NULL ? (size_t)sqlite3_column_bytes(row, column) : 0);
    return out->n > 0 && out->n <= most;
}

// The same of one that may be empty; it is as well where it is too long or no text.
static struct span optional(sqlite3_stmt *row, int column, size_t most) {
    struct span out;
    return text(row, column, most, &out) ? out : span_of(NULL, 0);
}

// ---- walks --------------------------------------------------------------------------------------

static bool step(struct sqlite_load *l, struct sqlite_walk *walk) {
    int rc = sqlite3_step(walk->rows);
    walk->has_row = rc == SQLITE_ROW;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        l->rc = rc;
        return false;
    }
    return true;
}

static bool start(struct sqlite_load *l, struct sqlite_walk *walk, const char *sql) {
    l->rc = sqlite3_prepare_v2(l->db, sql, -1, &walk->rows, NULL);
    return l->rc == SQLITE_OK && step(l, walk);
}

static void end(struct sqlite_walk *walk) {
    sqlite3_finalize(walk->rows);
    *walk = (struct sqlite_walk){.rows = NULL};
}

// ---- assets -------------------------------------------------------------------------------------

static bool read_asset(struct sqlite_load *l, struct sqlite_load_asset *a, sqlite3_stmt *row) {
    struct span site, link, state, reuse;
    uint64_t push, lifetime;
    if (!text(row, 1, SITE_MOST, &site) || !text(row, 2, RECORD_LINK_MAX, &link) ||
        !number(row, 3, RECORD_PUSH_ONLY, &push) || !text(row, 4, 32, &state) ||
        !text(row, 5, 32, &reuse) || !number(row, 6, UINT32_MAX, &lifetime) ||
        !number(row, 7, BYTES_MOST, &a->asset.bytes) ||
        !record_state_read(state, &a->asset.state) || !record_reuse_read(reuse, &a->asset.reuse)) {
        return false;
    }
    a->asset.lifetime_s = (uint32_t)lifetime;
    if (!number(row, 8, TIME_MOST, &a->asset.born) || !flag(row, 11, &a->asset.is_abandoned)) {
        return false;
    }
    a->asset.newer = arena_copy(&l->texts, optional(row, 9, RECORD_LINK_MAX));
    a->asset.imports = arena_copy(&l->texts, optional(row, 10, RECORD_IMPORTS_MAX));
    a->site = arena_copy(&l->texts, site);
    link = arena_copy(&l->texts, link);
    struct record_hint_context context = {.site = a->site, .arena = &l->texts};
    if (l->conf->find_policy != NULL) {
        context.policy = l->conf->find_policy(l->conf->policy_self, site);
    }
    return a->site.p != NULL && link.p != NULL &&
           record_hint_read(&a->asset.hint, link, (enum record_push)push, &context);
}

static bool read_assets(struct sqlite_load *l) {
    struct sqlite_walk walk = {.rows = NULL};
    size_t cap = 0;
    bool is_read =
        start(l, &walk,
              "SELECT id, site, link, push, state, reuse, lifetime_s, bytes, born, newer,"
              " imports, is_abandoned"
              " FROM assets ORDER BY id");
    while (is_read && walk.has_row && l->assets_n < SQLITE_LOAD_ASSETS_MOST) {
        if (l->assets_n == cap) {
            cap = cap > 0 ? 2 * cap : 256;
            l->assets = realloc(l->assets, cap * sizeof *l->assets);
            if (l->assets == NULL) {
                abort();
            }
        }
        struct sqlite_load_asset *a = &l->assets[l->assets_n++];
        *a = (struct sqlite_load_asset){.id = sqlite3_column_int64(walk.rows, 0)};
        a->is_valid = read_asset(l, a, walk.rows);
        l->refused += !a->is_valid;
        is_read = step(l, &walk);
    }
    end(&walk);
    return is_read;
}

static struct sqlite_load_asset *find_asset(const struct sqlite_load *l, sqlite3_int64 id) {
    size_t from = 0, to = l->assets_n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (l->assets[middle].id < id) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < l->assets_n && l->assets[from].id == id ? &l->assets[from] : NULL;
}

// ---- records ------------------------------------------------------------------------------------

// hints: 0 route, 1 place, 2 asset, 3 sources, 4 is_behind, 5 is_conditional, 6 rank,
// 7 is_firm
static void take_hint(struct sqlite_load *l, struct learner_record *out, uint64_t *mask) {
    sqlite3_stmt *row = l->hints.rows;
    uint64_t place, sources, rank;
    bool is_behind, is_conditional, is_firm;
    struct sqlite_load_asset *a = find_asset(l, sqlite3_column_int64(row, 2));
    if (!number(row, 1, RECORD_ASSETS_MAX - 1, &place) || !number(row, 3, EVERY_SOURCE, &sources) ||
        !flag(row, 4, &is_behind) || !flag(row, 5, &is_conditional) ||
        !number(row, 6, HINT_SET_MAX, &rank) || !flag(row, 7, &is_firm) || a == NULL ||
        !a->is_valid || !span_eq(a->site, route_key_site(out->key))) {
        l->refused++;
        return;
    }
    a->is_used = true;
    out->assets[place] = a->asset;
    out->assets[place].sources = (unsigned)sources;
    out->assets[place].is_behind = is_behind;
    out->assets[place].is_conditional = is_conditional;
    out->assets[place].is_firm = is_firm;
    out->assets[place].rank = (unsigned)rank;
    *mask |= UINT64_C(1) << place;
}

// votes: 0 route, 1 who, 2 child, 3 at_ms, 4 is_private, 5 has_html, 6 has_fetched, 7 html,
// 8 fetched, 9 testable, 10 has_failed
static void take_vote(struct sqlite_load *l, struct learner_record *out) {
    sqlite3_stmt *row = l->votes.rows;
    struct record_vote vote;
    bool is_good = bits(row, 1, &vote.who) && bits(row, 2, &vote.child) &&
                   number(row, 3, TIME_MOST, &vote.at_ms) && flag(row, 4, &vote.is_private) &&
                   flag(row, 5, &vote.has_html) && flag(row, 6, &vote.has_fetched) &&
                   bits(row, 7, &vote.html) && bits(row, 8, &vote.fetched) &&
                   bits(row, 9, &vote.testable) && flag(row, 10, &vote.has_failed);
    if (is_good && out->votes_n < RECORD_VOTES_MAX) {
        out->votes[out->votes_n++] = vote;
    } else {
        l->refused++;
    }
}

// Goes on to the rows of this route. What belongs to no route is passed over.
static bool seek(struct sqlite_load *l, struct sqlite_walk *walk, sqlite3_int64 route) {
    bool is_read = true;
    while (is_read && walk->has_row && sqlite3_column_int64(walk->rows, 0) < route) {
        l->refused++;
        is_read = step(l, walk);
    }
    return is_read;
}

static bool is_at(const struct sqlite_walk *walk, sqlite3_int64 route) {
    return walk->has_row && sqlite3_column_int64(walk->rows, 0) == route;
}

// routes: 0 id, 1 site, 2 audience, 3 route, 4 seen, 5 first_seen_ms, 6 last_seen_ms, 7 think_us,
// 8 hinted_n, 9 and 10 its mean and variance, 11 held_n, 12 and 13, 14 plan, 15 csp, 16 referrer,
// 17 origin, 18 is_policy_new
static bool read_route(struct sqlite_load *l, struct learner_record *out) {
    sqlite3_stmt *row = l->routes.rows;
    struct span site, audience, route;
    uint64_t think = 0, plan = 0;
    arena_reset(&l->key);
    uint8_t *key = arena_alloc(&l->key, ROUTE_KEY_MAX);
    *out = (struct learner_record){.is_gone = false};
    if (key == NULL || !text(row, 1, SITE_MOST, &site) || !text(row, 2, 16, &audience) ||
        !text(row, 3, RECORD_ROUTE_MAX, &route) ||
        (!span_eq(audience, SPAN("public")) && !span_eq(audience, SPAN("session")))) {
        return false;
    }
    out->key = route_key_read(key, site, span_eq(audience, SPAN("session")), route);
    bool is_good =
        out->key.p != NULL && number(row, 4, INT64_MAX, &out->seen) &&
        number(row, 5, TIME_MOST, &out->first_seen_ms) &&
        number(row, 6, TIME_MOST, &out->last_seen_ms) && number(row, 7, UINT32_MAX, &think) &&
        number(row, 8, INT64_MAX, &out->hinted.n) && real(row, 9, &out->hinted.mean_us) &&
        real(row, 10, &out->hinted.variance) && number(row, 11, INT64_MAX, &out->held.n) &&
        real(row, 12, &out->held.mean_us) && real(row, 13, &out->held.variance) &&
        number(row, 14, RECORD_PLANS - 1, &plan) && flag(row, 18, &out->is_policy_new);
    out->think_us = (uint32_t)think;
    out->plan = (enum record_plan)plan;
    out->csp = arena_copy(&l->key, optional(row, 15, RECORD_POLICY_MAX));
    out->referrer = arena_copy(&l->key, optional(row, 16, RECORD_POLICY_MAX));
    out->origin = arena_copy(&l->key, optional(row, 17, RECORD_POLICY_MAX));
    return is_good;
}

// The record of the route on whose row the walk stands. False: rc. *is_good: it is one.
static bool read_record(struct sqlite_load *l, struct learner_record *out, bool *is_good) {
    sqlite3_int64 id = sqlite3_column_int64(l->routes.rows, 0);
    uint64_t mask = 0;
    *is_good = read_route(l, out);
    bool is_read = seek(l, &l->hints, id) && seek(l, &l->votes, id);
    while (is_read && *is_good && is_at(&l->hints, id)) {
        take_hint(l, out, &mask);
        is_read = step(l, &l->hints);
    }
    while (is_read && *is_good && is_at(&l->votes, id)) {
        take_vote(l, out);
        is_read = step(l, &l->votes);
    }
    record_compact(out, mask);
    *is_good = *is_good && record_check(out, l->conf->now_ms);
    return is_read && step(l, &l->routes);
}

bool sqlite_load_init(struct sqlite_load *l, sqlite3 *db, const struct store_conf *conf) {
    *l = (struct sqlite_load){.db = db, .conf = conf};
    arena_init(&l->texts, TEXTS_MOST);
    arena_init(&l->key, 2 * (ROUTE_KEY_MAX + 3 * RECORD_POLICY_MAX));
    return read_assets(l) &&
           start(l, &l->routes,
                 "SELECT id, site, audience, route, seen, first_seen_ms, last_seen_ms, think_us,"
                 " hinted_n, hinted_mean_us, hinted_variance, held_n, held_mean_us, held_variance,"
                 " plan, csp, referrer, origin, is_policy_new FROM routes ORDER BY id") &&
           start(l, &l->hints,
                 "SELECT route, place, asset, sources, is_behind, is_conditional, rank, is_firm"
                 " FROM hints ORDER BY route, place") &&
           start(l, &l->votes,
                 "SELECT route, who, child, at_ms, is_private, has_html, has_fetched, html,"
                 " fetched, testable, has_failed FROM votes ORDER BY route, place");
}

enum step sqlite_load_next(struct sqlite_load *l, struct learner_record *out) {
    while (l->routes.has_row) {
        bool is_good;
        if (!read_record(l, out, &is_good)) {
            return STEP_BAD;
        }
        if (is_good) {
            return STEP_ITEM;
        }
        l->refused++;
    }
    return STEP_MORE;
}

bool sqlite_load_sweep(struct sqlite_load *l) {
    sqlite3_stmt *drop = NULL;
    end(&l->routes);
    end(&l->hints);
    end(&l->votes);
    l->rc = sqlite3_exec(l->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (l->rc == SQLITE_OK) {
        l->rc = sqlite3_prepare_v2(l->db, "DELETE FROM assets WHERE id = ?", -1, &drop, NULL);
    }
    for (size_t i = 0; i < l->assets_n && l->rc == SQLITE_OK; i++) {
        if (!l->assets[i].is_used) {
            sqlite3_bind_int64(drop, 1, l->assets[i].id);
            sqlite3_step(drop);
            l->rc = sqlite3_reset(drop);
        }
    }
    sqlite3_finalize(drop);
    bool is_done =
        l->rc == SQLITE_OK && sqlite3_exec(l->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    if (!is_done) {
        sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return is_done;
}

void sqlite_load_fini(struct sqlite_load *l) {
    end(&l->routes);
    end(&l->hints);
    end(&l->votes);
    free(l->assets);
    l->assets = NULL;
    l->assets_n = 0;
    arena_fini(&l->texts);
    arena_fini(&l->key);
}
