// SPDX-License-Identifier: MIT
// Who may write a store: one process at a time. The lock is a file of its own beside the database,
// "<path>.lock", since SQLite's locks on the database itself are lost with any descriptor of it
// that the process closes. It is one of open file descriptions: it ends with the process however
// that ends, and programs that the process starts do not share it. The file stays behind: if it
// were removed, two processes could each lock one.
#ifndef STORE_STORE_LOCK_H
#define STORE_STORE_LOCK_H

#include <stdbool.h>

enum store_lock_state {
    STORE_LOCK_TAKEN,
    STORE_LOCK_HELD,   // another holds it
    STORE_LOCK_FAILED, // errno
};

struct store_lock {
    int fd; // -1: not taken
};

// Takes the lock of the database at `path`, and waits for at most wait_ms for another that may just
// be ending.
enum store_lock_state store_lock_take(struct store_lock *l, const char *path, unsigned wait_ms);
// Whether the file that is locked still stands there.
bool store_lock_is_there(const struct store_lock *l, const char *path);
// Idempotent.
void store_lock_drop(struct store_lock *l);

#endif
