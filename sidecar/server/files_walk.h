// SPDX-License-Identifier: MIT
// The way to a file through symbolic links that lead out of a root, step by step, so that it is
// known of each link who owns it. What was looked at is held by its descriptor: no link is judged
// and then turned. A link is followed if it belongs to the superuser; if who owns it owns what it
// leads to as well (Apache's SymLinksIfOwnerMatch); or if who owns it owns the root, too, and it
// leads to a place below the folder that holds the root and is the same owner's: the rest of an
// application lies there, some of it written by PHP. Who can only write below the root cannot have
// others' files sent by a link.
#ifndef SERVER_FILES_WALK_H
#define SERVER_FILES_WALK_H

#include "base/span.h"

#include <sys/types.h>

struct files_walk_from {
    int root;          // its descriptor
    uid_t owner;       // who owns it
    struct span above; // the real name of the folder that holds it, if that has the same owner
};

// Opens `path`, relative to the root and zero-terminated, with the flags of open(2). A descriptor,
// or -1 with errno: EXDEV for a link that is not followed, ELOOP for too many.
int files_walk_open(const struct files_walk_from *from, const char *path, int flags);

#endif
