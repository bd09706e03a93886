// SPDX-License-Identifier: MIT
#include "store/sqlite_schema.h"

#include <stdio.h>
#include <string.h>

// The comments stay in the file: ".schema" of the sqlite3 shell shows them. Never change a step
// that has been released; add one.
static const char *const steps[SQLITE_SCHEMA_VERSION] = {
    // The tables. Unsigned 64-bit values (who, child, bits) are kept as their signed equals.
    "CREATE TABLE settings ( -- secret: with which voters are hashed\n"
    "  name TEXT PRIMARY KEY, value BLOB NOT NULL\n"
    ") WITHOUT ROWID;"
    "CREATE TABLE routes ( -- pages, and patterns of pages: those with a * in their route\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  site TEXT NOT NULL, audience TEXT NOT NULL, -- public or session\n"
    "  route TEXT NOT NULL,\n"
    "  seen INTEGER NOT NULL, first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,\n"
    "  think_us INTEGER NOT NULL,\n"
    "  UNIQUE (site, audience, route)\n"
    ");"
    "CREATE TABLE assets ( -- what hints point at\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  site TEXT NOT NULL, link TEXT NOT NULL,\n"
    "  push INTEGER NOT NULL, -- 0 never, 1 may be, 2 pushed only\n"
    "  state TEXT NOT NULL, -- none, reusable, not_reusable, dead\n"
    "  reuse TEXT NOT NULL, -- why it is not reusable\n"
    "  lifetime_s INTEGER NOT NULL, bytes INTEGER NOT NULL,\n"
    "  UNIQUE (site, link, push)\n"
    ");"
    "CREATE TABLE hints ( -- the assets of a route\n"
    "  route INTEGER NOT NULL, place INTEGER NOT NULL,\n"
    "  asset INTEGER NOT NULL,\n"
    "  sources INTEGER NOT NULL, -- 1 link, 2 html, 4 css, 8 request\n"
    "  PRIMARY KEY (route, place)\n"
    ") WITHOUT ROWID;"
    "CREATE TABLE votes ( -- who needed which of them; html, fetched, testable: bits by place\n"
    "  route INTEGER NOT NULL, place INTEGER NOT NULL,\n"
    "  who INTEGER NOT NULL, child INTEGER NOT NULL, at_ms INTEGER NOT NULL,\n"
    "  is_private INTEGER NOT NULL, has_html INTEGER NOT NULL, has_fetched INTEGER NOT NULL,\n"
    "  html INTEGER NOT NULL, fetched INTEGER NOT NULL, testable INTEGER NOT NULL,\n"
    "  PRIMARY KEY (route, place)\n"
    ") WITHOUT ROWID;",
    // What hints were worth: navigations that got them, and that were held back. And a view for
    // people, which we never read ourselves.
    "ALTER TABLE routes ADD COLUMN hinted_n INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE routes ADD COLUMN hinted_mean_us REAL NOT NULL DEFAULT 0;"
    "ALTER TABLE routes ADD COLUMN hinted_variance REAL NOT NULL DEFAULT 0;"
    "ALTER TABLE routes ADD COLUMN held_n INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE routes ADD COLUMN held_mean_us REAL NOT NULL DEFAULT 0;"
    "ALTER TABLE routes ADD COLUMN held_variance REAL NOT NULL DEFAULT 0;"
    "CREATE VIEW learned AS\n"
    "  SELECT r.site, r.audience, r.route, r.seen,\n"
    "    datetime(r.last_seen_ms / 1000, 'unixepoch') AS last_seen, h.place, a.link, a.state\n"
    "  FROM routes r JOIN hints h ON h.route = r.id JOIN assets a ON a.id = h.asset;",
    // What a restart needs to go on with the same plans, and to know old versions for old.
    "ALTER TABLE routes ADD COLUMN plan INTEGER NOT NULL DEFAULT 0;" // enum record_plan
    "ALTER TABLE routes ADD COLUMN csp TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE routes ADD COLUMN referrer TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE routes ADD COLUMN origin TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE routes ADD COLUMN is_policy_new INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE assets ADD COLUMN born INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE assets ADD COLUMN is_abandoned INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE assets ADD COLUMN newer TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE assets ADD COLUMN imports TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE hints ADD COLUMN is_behind INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hints ADD COLUMN is_conditional INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hints ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE votes ADD COLUMN has_failed INTEGER NOT NULL DEFAULT 0;",
    // What a pattern hints for all, and a few votes that disagree do not remove.
    "ALTER TABLE hints ADD COLUMN is_firm INTEGER NOT NULL DEFAULT 0;",
};

int sqlite_schema_raise(sqlite3 *db, int version) {
    char pragma[120];
    int rc = SQLITE_OK;
    for (int i = version; i < SQLITE_SCHEMA_VERSION && rc == SQLITE_OK; i++) {
        rc = sqlite3_exec(db, steps[i], NULL, NULL, NULL);
    }
    snprintf(pragma, sizeof pragma, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             SQLITE_SCHEMA_ID, SQLITE_SCHEMA_VERSION);
    return rc == SQLITE_OK ? sqlite3_exec(db, pragma, NULL, NULL, NULL) : rc;
}

#define OURS "('settings', 'routes', 'assets', 'hints', 'votes')"

// All that belongs to our tables as one text: tables, indexes, and triggers if somebody added some.
static int describe(sqlite3 *db, sqlite3_stmt **out) {
    int rc = sqlite3_prepare_v2(
        db,
        "SELECT group_concat(type || ' ' || name || ' ' || ifnull(sql, ''), char(10)) FROM"
        " (SELECT type, name, sql FROM sqlite_schema WHERE tbl_name IN " OURS
        " ORDER BY type, name)",
        -1, out, NULL);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = sqlite3_step(*out);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int sqlite_schema_compare(sqlite3 *db, bool *is_same) {
    sqlite3 *pattern = NULL;
    sqlite3_stmt *wanted = NULL, *found = NULL;
    int rc = sqlite3_open(":memory:", &pattern);
    if (rc == SQLITE_OK) {
        rc = sqlite_schema_raise(pattern, 0);
    }
    if (rc == SQLITE_OK) {
        rc = describe(pattern, &wanted);
    }
    if (rc == SQLITE_OK) {
        rc = describe(db, &found);
    }
    if (rc == SQLITE_OK) {
        const char *theirs = (const char *)sqlite3_column_text(found, 0);
        *is_same =
            theirs != NULL && strcmp(theirs, (const char *)sqlite3_column_text(wanted, 0)) == 0;
    }
    sqlite3_finalize(wanted);
    sqlite3_finalize(found);
    sqlite3_close(pattern);
    return rc;
}
