// SPDX-License-Identifier: MIT
// Opens the SQLite file of the store, which may be missing, damaged, hostile or somebody else's,
// and sees that it is ours before anything is read from it.
#ifndef STORE_SQLITE_FILE_H
#define STORE_SQLITE_FILE_H

#include "base/siphash.h"
#include "store/store.h"
#include "store/store_lock.h"

#include <sqlite3.h>
#include <sys/types.h>

#define SQLITE_FILE_PATH_MAX 4096

// What is wrong with a file.
enum sqlite_file_state {
    SQLITE_FILE_GOOD,
    SQLITE_FILE_UNUSABLE, // leave it alone
    SQLITE_FILE_DAMAGED,  // set it aside
    SQLITE_FILE_IN_USE,   // by another process
};

#define SQLITE_FILE_PARTS 3 // the database, its write-ahead log and its index

// Which file stands behind a name; zeros: none.
struct sqlite_file_id {
    dev_t dev;
    ino_t ino;
};

struct sqlite_file {
    sqlite3 *db;
    char path[SQLITE_FILE_PATH_MAX]; // without symbolic links in its folder
    const char *why;                 // of what was not good: a sentence, or SQLite's words
    char words[256];
    struct store_lock lock;
    struct sqlite_file_id parts[SQLITE_FILE_PARTS]; // as opened
};

// Fills f->path; makes the file, readable by its owner only, if it is not there, and takes its
// lock, for which it waits. GOOD, UNUSABLE or IN_USE.
enum sqlite_file_state sqlite_file_find(struct sqlite_file *f, const char *path, unsigned wait_ms);
// Opens what was found and brings it up to date; a new one keeps `secret`. Unless GOOD, f->db is
// NULL and the file as it was.
enum sqlite_file_state sqlite_file_open(struct sqlite_file *f, const struct siphash_key *secret);
// What became of the files since they were opened.
enum store_place sqlite_file_place(const struct sqlite_file *f);
// Renames it and what belongs to it to "<path>.damaged-<time>", written to `to`
// (SQLITE_FILE_PATH_MAX bytes). 0, or -1 with f->why.
int sqlite_file_set_aside(struct sqlite_file *f, uint64_t now_ms, char *to);
// A further connection to the same file, with the same rules; NULL if that fails.
sqlite3 *sqlite_file_connect(const char *path, int *rc);
// Closes; the write-ahead log is put into the file if it `is_good`, else left as it is, but removed
// where the file is not ours any more: it must not be taken for another's. The lock stays.
// Idempotent.
void sqlite_file_close(struct sqlite_file *f, bool is_good);
// Lets others have it. Idempotent.
void sqlite_file_leave(struct sqlite_file *f);

#endif
