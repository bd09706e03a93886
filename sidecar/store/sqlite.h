// SPDX-License-Identifier: MIT
// The store in one SQLite file, which an operator can open with sqlite3 while we run. A write-ahead
// log: a killed process loses what was not committed and never the file. The file is taken for
// hostile: its schema is compared with ours, its triggers and views do not run, each value is
// checked.
//
//     a file of ours                       used; an older version is brought up to date
//     no file, or an empty one             made, readable by its owner only
//     not a database, damaged, truncated   set aside as "<path>.damaged-<time>"; a new one is made
//     another program's database           left alone; nothing is kept
//     of a newer version                   left alone; nothing is kept
//     others may write to it, read-only,   left alone; nothing is kept
//     no right to it, a link
//     another process has it               left alone; ERR_STORE_IN_USE
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/store.h"

struct store_conf {
    const char *path;          // absolute or relative, zero-terminated
    uint64_t now_ms;           // Unix time
    unsigned wait_ms;          // for another process to leave it
    struct siphash_key secret; // of a new store
    const struct hint_policy *(*find_policy)(void *self, struct span site); // as in learner_conf
    void *policy_self;
};

// The version of SQLite that runs.
const char *sqlite_library(void);
// Opens or makes the file. 0 with *out, and a sentence in why (STORE_WHY_LEN bytes) if a file was
// set aside, else an empty one; or ERR_STORE or ERR_STORE_IN_USE with the reason in why. Owns:
// store_close.
int sqlite_open(struct store **out, const struct store_conf *conf, char *why);

#endif
