// SPDX-License-Identifier: MIT
// What has been learned as JSON that another outrider can go on from. Each route stands on a line
// of its own; 64-bit values that are no counts are hexadecimal texts.
//
//     {"outrider":"export","version":1,"routes":[
//     {"site":...,"route":...,"audience":...,"seen":...,"assets":[...],"votes":[...]},
//     ...],"truncated":false}
//
// Voters are keyed hashes whose key stays where it is: who voted there counts here as somebody
// else.
#ifndef ADMIN_EXPORT_JSON_H
#define ADMIN_EXPORT_JSON_H

#include "base/buf.h"
#include "learner/learner_record.h"

#define EXPORT_VERSION 1

// Writes the records that the query of `target` asks for: those seen since "since" (Unix time in
// ms), at most "limit" (1000) of them, those behind "after". 0, ERR_BUF_LIMIT, or ERR_NOT_FOUND
// when that one is not known any more.
int export_json_write(const struct learner *learner, struct span target, struct buf *out);

struct import {
    struct learner *learner;
    uint64_t now_ms;                                                        // Unix time
    const struct hint_policy *(*find_policy)(void *self, struct span site); // may be NULL
    void *policy_self;
    uint64_t taken, refused; // routes; refused: not valid, of an unknown site, or no room
};

// Gives every valid record of an export to the learner. 0, or ERR_SYNTAX with a sentence in *why
// when it is no export of a known version.
int export_json_read(struct import *import, struct span json, const char **why);

#endif
