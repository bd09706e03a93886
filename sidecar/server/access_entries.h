// SPDX-License-Identifier: MIT
// The access logs of one worker: makes an entry of each request that is over. The lines of a turn
// of the loop are collected, and leave together at its end: to give them to the log's thread costs
// a lock, and often wakes it.
#ifndef SERVER_ACCESS_ENTRIES_H
#define SERVER_ACCESS_ENTRIES_H

#include "exchange/access_log.h"
#include "gateway/relay.h"
#include "server/access_output.h"
#include "server/call.h"

#define ENTRY_TEXT_LEN 40 // bytes of a time as text

struct access_batch; // the lines of one output

struct access_entries {
    struct access_output *const *outputs; // as in config->access_logs, then NULL; the caller's
    struct loop *loop;                    //
    struct access_batch *batches;         // as outputs
    uint32_t draw;                        // the last random number
    int64_t second;                       // that the texts say
    uint64_t second_us;                   // when it began, by the clock of relay_ops
    char iso[ENTRY_TEXT_LEN], clf[ENTRY_TEXT_LEN];
    size_t iso_len, clf_len;
};

// outputs and loop are set.
void access_entries_init(struct access_entries *a);
// Lines that were not written yet are.
void access_entries_fini(struct access_entries *a);
// The relay's request is over. call: the last one of it.
void access_entries_put(struct access_entries *a, struct relay *r, const struct call *call,
                        const struct access_log *log);

#endif
