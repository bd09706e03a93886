// SPDX-License-Identifier: MIT
// Forgets all routes of a site, or of all sites, a page at a time: an answer looks at no more
// routes than one turn of the learner's loop may, and says where the next begins.
#ifndef ADMIN_CLEAR_H
#define ADMIN_CLEAR_H

#include "admin/cursor.h"

struct clear {
    struct learner *learner;
    struct span site;    // empty: all
    uint64_t forgotten;  // how many routes were
    bool is_cut;         // there are more
    struct cursor after; // then: the last that was looked at and kept; empty: none was
};

// Goes on behind the route that "after" in the query of `target` names, or begins with the first.
// 0, or ERR_NOT_FOUND when that route is not known any more.
int clear_some(struct clear *c, struct span target);

#endif
