// SPDX-License-Identifier: MIT
#include "store/sqlite_write.h"

static const char *const statement_texts[SQLITE_WRITE_STATEMENTS] = {
    [SQLITE_WRITE_FIND_ROUTE] =
        "SELECT id FROM routes WHERE site = ? AND audience = ? AND route = ?",
    [SQLITE_WRITE_PUT_ROUTE] =
        "INSERT INTO routes (site, audience, route, seen, first_seen_ms, last_seen_ms, think_us,"
        " hinted_n, hinted_mean_us, hinted_variance, held_n, held_mean_us, held_variance,"
        " plan, csp, referrer, origin, is_policy_new)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
        " ON CONFLICT (site, audience, route) DO UPDATE SET seen = ?4, first_seen_ms = ?5,"
        " last_seen_ms = ?6, think_us = ?7, hinted_n = ?8, hinted_mean_us = ?9,"
        " hinted_variance = ?10, held_n = ?11, held_mean_us = ?12, held_variance = ?13,"
        " plan = ?14, csp = ?15, referrer = ?16, origin = ?17, is_policy_new = ?18"
        " RETURNING id",
    [SQLITE_WRITE_FIND_ASSET] =
        "SELECT id, state, reuse, lifetime_s, bytes, born, newer, imports, is_abandoned FROM assets"
        " WHERE site = ? AND link = ? AND push = ?",
    [SQLITE_WRITE_ADD_ASSET] = "INSERT INTO assets (site, link, push, state, reuse, lifetime_s, "
                               "bytes, born, newer, imports,"
                               " is_abandoned)"
                               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQLITE_WRITE_SET_ASSET] =
        "UPDATE assets SET state = ?2, reuse = ?3, lifetime_s = ?4, bytes = ?5, born = ?6,"
        " newer = ?7, imports = ?8, is_abandoned = ?9"
        " WHERE id = ?1",
    [SQLITE_WRITE_PUT_HINT] =
        "INSERT INTO hints (route, place, asset, sources, is_behind, is_conditional, rank,"
        " is_firm) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        " ON CONFLICT (route, place) DO UPDATE SET asset = ?3, sources = ?4, is_behind = ?5,"
        " is_conditional = ?6, rank = ?7, is_firm = ?8",
    [SQLITE_WRITE_CUT_HINTS] = "DELETE FROM hints WHERE route = ? AND place >= ?",
    [SQLITE_WRITE_PUT_VOTE] =
        "INSERT INTO votes (route, place, who, child, at_ms, is_private, has_html, has_fetched,"
        " html, fetched, testable, has_failed)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        " ON CONFLICT (route, place) DO UPDATE SET who = ?3, child = ?4, at_ms = ?5,"
        " is_private = ?6, has_html = ?7, has_fetched = ?8, html = ?9, fetched = ?10,"
        " testable = ?11, has_failed = ?12",
    [SQLITE_WRITE_CUT_VOTES] = "DELETE FROM votes WHERE route = ? AND place >= ?",
    [SQLITE_WRITE_DROP_ROUTE] = "DELETE FROM routes WHERE id = ?",
};

// ---- statements ---------------------------------------------------------------------------------

static void bind_number(sqlite3_stmt *q, int at, uint64_t value) {
    sqlite3_bind_int64(q, at, (sqlite3_int64)value);
}

static void bind_numbers(sqlite3_stmt *q, const uint64_t *values, size_t n) {
    for (size_t i = 0; i < n; i++) {
        bind_number(q, (int)i + 1, values[i]);
    }
}

// The bytes must live until the statement has run.
static void bind_text(sqlite3_stmt *q, int at, struct span s) {
    sqlite3_bind_text(q, at, s.n > 0 ? (const char *)s.p : "", (int)s.n, SQLITE_STATIC);
}

// Runs a bound statement to its end and gives the first column of its row, 0 if it has none.
static int run(struct sqlite_write *w, enum sqlite_write_statement which, sqlite3_int64 *id) {
    sqlite3_stmt *q = w->statements[which];
    int rc = sqlite3_step(q);
    if (id != NULL) {
        *id = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
    }
    while (rc == SQLITE_ROW) {
        rc = sqlite3_step(q);
    }
    sqlite3_reset(q);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int sqlite_write_init(struct sqlite_write *w, sqlite3 *db) {
    *w = (struct sqlite_write){.db = db};
    int rc = SQLITE_OK;
    for (int i = 0; i < SQLITE_WRITE_STATEMENTS && rc == SQLITE_OK; i++) {
        rc = sqlite3_prepare_v3(db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                &w->statements[i], NULL);
    }
    return rc;
}

void sqlite_write_fini(struct sqlite_write *w) {
    for (int i = 0; i < SQLITE_WRITE_STATEMENTS; i++) {
        sqlite3_finalize(w->statements[i]);
        w->statements[i] = NULL;
    }
}

// ---- records ------------------------------------------------------------------------------------

static void bind_asset(sqlite3_stmt *q, int at, const struct record_asset *a) {
    sqlite3_bind_text(q, at, record_state_label(a->state), -1, SQLITE_STATIC);
    sqlite3_bind_text(q, at + 1, reuse_row(a->reuse)->label, -1, SQLITE_STATIC);
    bind_number(q, at + 2, a->lifetime_s);
    bind_number(q, at + 3, a->bytes);
    bind_number(q, at + 4, a->born);
    bind_text(q, at + 5, a->newer);
    bind_text(q, at + 6, a->imports);
    bind_number(q, at + 7, a->is_abandoned);
}

static bool has_text(sqlite3_stmt *row, int column, struct span text) {
    const uint8_t *p = sqlite3_column_text(row, column);
    return p != NULL && span_eq(span_of(p, (size_t)sqlite3_column_bytes(row, column)), text);
}

// Finds the asset of a site, or 0; *is_same: as it is known there.
static int find_asset(struct sqlite_write *w, const struct record_asset *a, sqlite3_int64 *id,
                      bool *is_same) {
    sqlite3_stmt *q = w->statements[SQLITE_WRITE_FIND_ASSET];
    int rc = sqlite3_step(q);
    *id = 0;
    if (rc == SQLITE_ROW) {
        const char *state = (const char *)sqlite3_column_text(q, 1);
        const char *reuse = (const char *)sqlite3_column_text(q, 2);
        *id = sqlite3_column_int64(q, 0);
        *is_same =
            state != NULL && reuse != NULL && strcmp(state, record_state_label(a->state)) == 0 &&
            strcmp(reuse, reuse_row(a->reuse)->label) == 0 &&
            sqlite3_column_int64(q, 3) == a->lifetime_s &&
            sqlite3_column_int64(q, 4) == (sqlite3_int64)a->bytes &&
            sqlite3_column_int64(q, 5) == (sqlite3_int64)a->born && has_text(q, 6, a->newer) &&
            has_text(q, 7, a->imports) && sqlite3_column_int64(q, 8) == a->is_abandoned;
        rc = SQLITE_DONE;
    }
    sqlite3_reset(q);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int put_asset(struct sqlite_write *w, struct span site, const struct record_asset *a,
                     sqlite3_int64 *id) {
    uint8_t link[RECORD_LINK_MAX];
    size_t n = hint_format(&a->hint, link, sizeof link);
    bool is_same = false;
    *id = 0;
    if (n == 0) {
        return 0; // what may not be sent is not kept
    }
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *q = w->statements[i == 0 ? SQLITE_WRITE_FIND_ASSET : SQLITE_WRITE_ADD_ASSET];
        bind_text(q, 1, site);
        bind_text(q, 2, span_of(link, n));
        bind_number(q, 3, record_push_of(&a->hint));
    }
    int rc = find_asset(w, a, id, &is_same);
    if (rc != SQLITE_OK || is_same) {
        return rc;
    }
    if (*id != 0) {
        bind_number(w->statements[SQLITE_WRITE_SET_ASSET], 1, (uint64_t)*id);
        bind_asset(w->statements[SQLITE_WRITE_SET_ASSET], 2, a);
        return run(w, SQLITE_WRITE_SET_ASSET, NULL);
    }
    bind_asset(w->statements[SQLITE_WRITE_ADD_ASSET], 4, a);
    rc = run(w, SQLITE_WRITE_ADD_ASSET, NULL);
    *id = sqlite3_last_insert_rowid(w->db);
    return rc;
}

static void bind_route(sqlite3_stmt *q, const struct learner_record *r) {
    bind_number(q, 4, r->seen);
    bind_number(q, 5, r->first_seen_ms);
    bind_number(q, 6, r->last_seen_ms);
    bind_number(q, 7, r->think_us);
    bind_number(q, 8, r->hinted.n);
    sqlite3_bind_double(q, 9, r->hinted.mean_us);
    sqlite3_bind_double(q, 10, r->hinted.variance);
    bind_number(q, 11, r->held.n);
    sqlite3_bind_double(q, 12, r->held.mean_us);
    sqlite3_bind_double(q, 13, r->held.variance);
    bind_number(q, 14, r->plan);
    bind_text(q, 15, r->csp);
    bind_text(q, 16, r->referrer);
    bind_text(q, 17, r->origin);
    bind_number(q, 18, r->is_policy_new);
}

static void bind_name(struct sqlite_write *w, sqlite3_stmt *q, struct span key) {
    size_t n = route_key_print(key, w->route, sizeof w->route);
    bind_text(q, 1, route_key_site(key));
    bind_text(q, 2, route_key_is_session(key) ? SPAN("session") : SPAN("public"));
    bind_text(q, 3, span_of(w->route, n));
}

static int put_hints(struct sqlite_write *w, sqlite3_int64 route, const struct learner_record *r) {
    sqlite3_stmt *q = w->statements[SQLITE_WRITE_PUT_HINT];
    struct span site = route_key_site(r->key);
    int rc = SQLITE_OK;
    for (size_t i = 0; i < r->assets_n && rc == SQLITE_OK; i++) {
        sqlite3_int64 asset;
        rc = put_asset(w, site, &r->assets[i], &asset);
        if (rc == SQLITE_OK) {
            const struct record_asset *a = &r->assets[i];
            const uint64_t values[] = {
                (uint64_t)route,   i,       (uint64_t)asset, a->sources, a->is_behind,
                a->is_conditional, a->rank, a->is_firm};
            bind_numbers(q, values, sizeof values / sizeof values[0]);
            rc = run(w, SQLITE_WRITE_PUT_HINT, NULL);
        }
    }
    return rc;
}

static int put_votes(struct sqlite_write *w, sqlite3_int64 route, const struct learner_record *r) {
    sqlite3_stmt *q = w->statements[SQLITE_WRITE_PUT_VOTE];
    int rc = SQLITE_OK;
    for (size_t i = 0; i < r->votes_n && rc == SQLITE_OK; i++) {
        const struct record_vote *v = &r->votes[i];
        const uint64_t values[] = {(uint64_t)route, i,
                                   v->who,          v->child,
                                   v->at_ms,        v->is_private,
                                   v->has_html,     v->has_fetched,
                                   v->html,         v->fetched,
                                   v->testable,     v->has_failed};
        bind_numbers(q, values, sizeof values / sizeof values[0]);
        rc = run(w, SQLITE_WRITE_PUT_VOTE, NULL);
    }
    return rc;
}

// Cuts what the route has at `place` and behind it.
static int cut(struct sqlite_write *w, enum sqlite_write_statement which, sqlite3_int64 route,
               size_t place) {
    bind_number(w->statements[which], 1, (uint64_t)route);
    bind_number(w->statements[which], 2, place);
    return run(w, which, NULL);
}

int sqlite_write_drop(struct sqlite_write *w, struct span key) {
    sqlite3_int64 route;
    bind_name(w, w->statements[SQLITE_WRITE_FIND_ROUTE], key);
    int rc = run(w, SQLITE_WRITE_FIND_ROUTE, &route);
    if (rc != SQLITE_OK || route == 0) {
        return rc;
    }
    rc = cut(w, SQLITE_WRITE_CUT_HINTS, route, 0);
    if (rc == SQLITE_OK) {
        rc = cut(w, SQLITE_WRITE_CUT_VOTES, route, 0);
    }
    if (rc == SQLITE_OK) {
        bind_number(w->statements[SQLITE_WRITE_DROP_ROUTE], 1, (uint64_t)route);
        rc = run(w, SQLITE_WRITE_DROP_ROUTE, NULL);
    }
    return rc;
}

// Beyond what is read again.
static bool is_oversized(const struct learner_record *r) {
    bool is = r->csp.n > RECORD_POLICY_MAX || r->referrer.n > RECORD_POLICY_MAX ||
              r->origin.n > RECORD_POLICY_MAX;
    for (size_t i = 0; i < r->assets_n; i++) {
        is = is || r->assets[i].imports.n > RECORD_IMPORTS_MAX;
    }
    return is;
}

int sqlite_write_put(struct sqlite_write *w, const struct learner_record *r) {
    if (is_oversized(r)) {
        return SQLITE_TOOBIG;
    }
    sqlite3_int64 route;
    bind_name(w, w->statements[SQLITE_WRITE_PUT_ROUTE], r->key);
    bind_route(w->statements[SQLITE_WRITE_PUT_ROUTE], r);
    int rc = run(w, SQLITE_WRITE_PUT_ROUTE, &route);
    if (rc == SQLITE_OK) {
        rc = put_hints(w, route, r);
    }
    if (rc == SQLITE_OK) {
        rc = put_votes(w, route, r);
    }
    if (rc == SQLITE_OK) {
        rc = cut(w, SQLITE_WRITE_CUT_HINTS, route, r->assets_n);
    }
    if (rc == SQLITE_OK) {
        rc = cut(w, SQLITE_WRITE_CUT_VOTES, route, r->votes_n);
    }
    return rc;
}
