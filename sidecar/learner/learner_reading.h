// SPDX-License-Identifier: MIT
// What the evidence of one response says, as assets of the learner's table: links, fonts, imports,
// and the policies of the page. The assets are kept until learner_reading_fini.
#ifndef LEARNER_LEARNER_READING_H
#define LEARNER_LEARNER_READING_H

#include "hints/target.h"
#include "http/uri.h"
#include "learner/learner_inside.h"

struct reading {
    struct learner *l;
    const struct evidence *e;
    const struct hint_policy *policy;
    struct target_page page;
    struct uri base; // against which links in the HTML resolve
    struct asset *assets[SLOTS_MAX];
    struct slot kinds[SLOTS_MAX]; // but for their numbers
    struct asset_file *files[SLOTS_MAX];
    size_t own[SLOTS_MAX]; // learner_own_part of each
    size_t n;
    struct span csp, referrer;
    bool has_base;
    uint64_t now_ms;
};

// Reads the evidence of a page with status 200. Borrows all that it is given.
void learner_reading_page(struct reading *reading, struct learner *l, const struct evidence *e,
                          uint64_t now_ms);
// Reads that of a stylesheet: what it imports, and the fonts that it declares.
void learner_reading_sheet(struct reading *reading, struct learner *l, const struct evidence *e,
                           uint64_t now_ms);
// Lets go of the assets.
void learner_reading_fini(struct reading *reading);

// Its URL says that it is a secret or for one use: it is not learned.
bool learner_is_secret(const struct hint *hint);

#endif
