// SPDX-License-Identifier: MIT
// Writes records into the tables of the SQLite store. Hints and votes are written over by place and
// cut behind the last; an asset is written only where it is not known as it is.
#ifndef STORE_SQLITE_WRITE_H
#define STORE_SQLITE_WRITE_H

#include "learner/record_text.h"

#include <sqlite3.h>

enum sqlite_write_statement {
    SQLITE_WRITE_FIND_ROUTE,
    SQLITE_WRITE_PUT_ROUTE,
    SQLITE_WRITE_FIND_ASSET,
    SQLITE_WRITE_ADD_ASSET,
    SQLITE_WRITE_SET_ASSET,
    SQLITE_WRITE_PUT_HINT,
    SQLITE_WRITE_CUT_HINTS,
    SQLITE_WRITE_PUT_VOTE,
    SQLITE_WRITE_CUT_VOTES,
    SQLITE_WRITE_DROP_ROUTE,
    SQLITE_WRITE_STATEMENTS
};

struct sqlite_write {
    sqlite3 *db;
    sqlite3_stmt *statements[SQLITE_WRITE_STATEMENTS];
    char route[RECORD_ROUTE_MAX];
};

// All of these give an SQLite result code.
int sqlite_write_init(struct sqlite_write *w, sqlite3 *db);
// Writes a record, in the caller's transaction. SQLITE_TOOBIG, and nothing is written, where one
// of its texts is longer than what is read again.
int sqlite_write_put(struct sqlite_write *w, const struct learner_record *r);
// Drops the record of that key, if there is one.
int sqlite_write_drop(struct sqlite_write *w, struct span key);
// Idempotent.
void sqlite_write_fini(struct sqlite_write *w);

#endif
