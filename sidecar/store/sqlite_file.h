// SPDX-License-Identifier: MIT
// Opens the SQLite file of the store, which may be missing, damaged, hostile or somebody else's,
// and sees that it is ours before anything is read from it.
#ifndef STORE_SQLITE_FILE_H
#define STORE_SQLITE_FILE_H

#include "base/siphash.h"

#include <sqlite3.h>

#define SQLITE_FILE_PATH_MAX 4096

// What is wrong with a file.
enum sqlite_file_state {
    SQLITE_FILE_GOOD,
    SQLITE_FILE_UNUSABLE, // leave it alone
    SQLITE_FILE_DAMAGED,  // set it aside
};

struct sqlite_file {
    sqlite3 *db;
    char path[SQLITE_FILE_PATH_MAX]; // without symbolic links in its folder
    const char *why;                 // of what was not good: a sentence, or SQLite's words
    char words[256];
};

// Fills f->path; makes the file, readable by its owner only, if it is not there. GOOD or UNUSABLE.
enum sqlite_file_state sqlite_file_find(struct sqlite_file *f, const char *path);
// Opens what was found and brings it up to date; a new one keeps `secret`. Unless GOOD, f->db is
// NULL and the file as it was.
enum sqlite_file_state sqlite_file_open(struct sqlite_file *f, const struct siphash_key *secret);
// Renames it and what belongs to it to "<path>.damaged-<time>", written to `to`
// (SQLITE_FILE_PATH_MAX bytes). 0, or -1 with f->why.
int sqlite_file_set_aside(struct sqlite_file *f, uint64_t now_ms, char *to);
// A further connection to the same file, with the same rules; NULL if that fails.
sqlite3 *sqlite_file_connect(const char *path, int *rc);
// Closes; the write-ahead log is put into the file if it `is_good`, else left as it is. Idempotent.
void sqlite_file_close(struct sqlite_file *f, bool is_good);

#endif
