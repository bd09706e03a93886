// SPDX-License-Identifier: MIT
// Reads the records of the SQLite store from its first to its last row. Three walks go side by
// side, over the routes, their hints and their votes, all in the order of the routes' ids; the
// assets are read first and judged once each, since many routes share them. Each value is checked:
// a row that is not valid is counted and left out.
#ifndef STORE_SQLITE_LOAD_H
#define STORE_SQLITE_LOAD_H

#include "store/sqlite.h"

#include <sqlite3.h>

#define SQLITE_LOAD_ASSETS_MOST 262144 // more are not looked at

// A statement that stands on a row, or behind the last.
struct sqlite_walk {
    sqlite3_stmt *rows;
    bool has_row;
};

struct sqlite_load {
    sqlite3 *db;
    const struct store_conf *conf;
    struct sqlite_load_asset *assets; // by id
    size_t assets_n;
    struct arena texts; // of the assets
    struct arena key;   // of the record given
    struct sqlite_walk routes, hints, votes;
    uint64_t refused; // rows
    int rc;           // of what failed
};

// Borrows conf until fini. False when the tables cannot be read: rc.
bool sqlite_load_init(struct sqlite_load *l, sqlite3 *db, const struct store_conf *conf);
// The next record, borrowed until the next call. STEP_BAD: rc.
enum step sqlite_load_next(struct sqlite_load *l, struct learner_record *out);
// At the end: drops the assets that no route has any more. False: rc.
bool sqlite_load_sweep(struct sqlite_load *l);
// Idempotent.
void sqlite_load_fini(struct sqlite_load *l);

#endif
