// SPDX-License-Identifier: MIT
// The access logs of one worker: makes an entry of each request that is over, and has it written.
#ifndef SERVER_ACCESS_ENTRIES_H
#define SERVER_ACCESS_ENTRIES_H

#include "exchange/access_log.h"
#include "gateway/relay.h"
#include "server/access_output.h"
#include "server/call.h"

#define ENTRY_TEXT_LEN 40 // bytes of a time as text

struct access_entries {
    struct access_output *const *outputs; // as in config->access_logs; the caller's
    uint32_t draw;                        // the last random number
    int64_t second;                       // that the texts say
    char iso[ENTRY_TEXT_LEN], clf[ENTRY_TEXT_LEN];
};

// The relay's request is over. call: the last one of it.
void access_entries_put(struct access_entries *a, struct relay *r, const struct call *call,
                        const struct access_log *log);

#endif
