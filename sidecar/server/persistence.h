// SPDX-License-Identifier: MIT
// Persistence: keeps what was learned across restarts. It loads the store into the learner before
// the workers start. After each flush interval it writes what has changed: the learner's thread
// puts a bounded batch into the store, which touches memory only; then a libuv thread commits it,
// because that may wait for the disk. Meanwhile the learner goes on and nobody else uses the store.
// If the store cannot be used, the log says so and serving goes on; only a file that another
// process has ends the start. Files that are removed meanwhile are written anew. kill -9 loses at
// most what was learned since the last flush.
//
//     timer ─► begin, put ... ─► [ commit, tidy ] ─► committed ─► timer
//
//     persistence_open(&k, config, &conf);    // after the loss of rights, before publisher_init:
//     the
//                                         // store brings the secret that voters are hashed with
//     persistence_start(&k, loop, learner);   // after publisher_init; then publisher_drain
//     publishes persistence_close(&k);                  // after the last publisher_drain, before
//     publisher_close
#ifndef SERVER_PERSISTENCE_H
#define SERVER_PERSISTENCE_H

#include "base/buf.h"
#include "config/config.h"
#include "learner/learner_record.h"
#include "server/loop.h"
#include "store/sqlite.h"

#define PERSISTENCE_BATCH 256 // records of one transaction

struct persistence {
    struct store *store; // NULL: nothing is kept
    struct learner *learner;
    uint64_t flush_ms;
    size_t routes_most; // that the learner may have
    uv_timer_t timer;
    uv_work_t commit;
    uv_sem_t committed; // posted by the other thread
    int err;            // of the commit
    size_t done;        // bytes of keys that it writes
    bool is_all;        // and nothing else has changed
    bool is_committing, is_closing, is_started;
    bool has_failed; // the last flush; told once
    struct buf keys; // of the batch under way, each with its length before it: what could
                     // not be written is taken again
    struct learner_record record;
    struct span path;       // for messages
    struct store_conf conf; // to open it anew
    bool is_refusal_told;   // of a record
};

// Opens the store of the configuration, if it has one. conf->secret becomes the store's. Logs what
// is wrong. 0, or ERR_STORE_IN_USE: another process has it, and two would undo each other's work.
int persistence_open(struct persistence *k, const struct config *config, struct learner_conf *conf);
// Gives all that is kept to the learner, and writes what changes from then on.
void persistence_start(struct persistence *k, struct loop *loop, struct learner *learner);
// Writes the rest, however long the disk takes, and closes; the loop must run once more.
// Idempotent.
void persistence_close(struct persistence *k);
// Writes the rest and lets go of the store, for another process; and takes it again, with all that
// was learned meanwhile.
void keeping_pause(struct persistence *k);
void keeping_resume(struct persistence *k);
// Since the process began: times that it could not be written or was removed, and records that it
// did not take. Of any thread.
uint64_t persistence_failures(void);
uint64_t persistence_refused(void);

#endif
