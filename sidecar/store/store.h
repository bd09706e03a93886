// SPDX-License-Identifier: MIT
// Where learned records are kept: what any kind of store can do, as functions that work on it. The
// learner's thread calls them; nothing here is called on the path of a request. Each call is short:
// the caller bounds how many records it puts between begin and commit.
//
//     while (store_next(s, &record) == STEP_ITEM) learner_restore(...)
//     store_begin(s), store_put(s, &record) ..., store_commit(s)
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/siphash.h"
#include "base/step.h"
#include "learner/learner_record.h"

#define STORE_WHY_LEN 512

struct store;

// What became of the files while we run.
enum store_place {
    STORE_IN_PLACE,
    STORE_REMOVED,  // some or all of them: open it anew, and put all there is
    STORE_REPLACED, // others stand there, which are not ours
};

struct store_calls {
    enum step (*next)(struct store *s, struct learner_record *out);
    int (*begin)(struct store *s);
    int (*put)(struct store *s, const struct learner_record *record);
    int (*commit)(struct store *s);
    void (*cancel)(struct store *s);
    bool (*wants_tidy)(struct store *s);
    int (*tidy)(struct store *s);
    enum store_place (*place)(struct store *s);
    void (*close)(struct store *s);
};

struct store_stats {
    uint64_t loaded;  // records given by next
    uint64_t refused; // rows that were not valid, in whole or in part
    uint64_t written, dropped;
    uint64_t oversized; // records that were not put for their size
};

// Embedded in what implements it.
struct store {
    const struct store_calls *calls;
    struct siphash_key secret; // what voters are hashed with: made with the store, kept in it,
                               // since who voted before a restart must be the same one after it
    struct store_stats stats;
    bool is_damaged;         // it cannot be used any more: close it
    char why[STORE_WHY_LEN]; // of the last failure
};

// The next of all records that are kept, from the first one after opening. STEP_MORE at the end,
// STEP_BAD when the store cannot be read on (why). *out borrows until the next call. What is not
// valid is skipped and counted.
static inline enum step store_next(struct store *s, struct learner_record *out) {
    return s->calls->next(s, out);
}
// Begins to write. 0, or ERR_STORE (why): try again later, unless is_damaged.
static inline int store_begin(struct store *s) {
    return s->calls->begin(s);
}
// Replaces or, where is_gone, drops a record. 0, or ERR_STORE (why): cancel. A record with a value
// that is too large is not kept, and what was kept of it is dropped: 0, and counted as oversized.
static inline int store_put(struct store *s, const struct learner_record *record) {
    return s->calls->put(s, record);
}
// From here on a crash of the process loses nothing of what was put. 0, or ERR_STORE (why), and
// nothing of it is kept.
static inline int store_commit(struct store *s) {
    return s->calls->commit(s);
}
static inline void store_cancel(struct store *s) {
    s->calls->cancel(s);
}
// Whether tidy has something to do.
static inline bool store_wants_tidy(struct store *s) {
    return s->calls->wants_tidy(s);
}
// Moves what was committed to its place, which waits for the disk. May run on another thread, once
// at a time, beside all calls but close. 0, or ERR_STORE: nothing is lost, try again later.
static inline int store_tidy(struct store *s) {
    return s->calls->tidy(s);
}
// Looks after its files. Not while another thread commits or tidies.
static inline enum store_place store_place(struct store *s) {
    return s->calls->place(s);
}
// Frees it. s may be NULL. What is not IN_PLACE leaves nothing behind that could be taken for a
// part of other files.
static inline void store_close(struct store *s) {
    if (s != NULL) {
        s->calls->close(s);
    }
}

#endif
