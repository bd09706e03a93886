// SPDX-License-Identifier: MIT
// The tables of the SQLite store and how they came to be: one step a version. A new file goes
// through all steps, an old one through those it lacks, so that both end up the same to the letter;
// a file whose tables differ from that was not made by us.
#ifndef STORE_SQLITE_SCHEMA_H
#define STORE_SQLITE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>

#define SQLITE_SCHEMA_VERSION 4
#define SQLITE_SCHEMA_ID 0x4f555452 // "OUTR", the application_id

// Brings tables of `version` (0: none) to SQLITE_SCHEMA_VERSION, in the caller's transaction. An
// SQLite result code.
int sqlite_schema_raise(sqlite3 *db, int version);
// Whether the tables are ours, with nothing added to them. An SQLite result code.
int sqlite_schema_compare(sqlite3 *db, bool *is_same);

#endif
