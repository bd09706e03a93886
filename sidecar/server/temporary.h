// SPDX-License-Identifier: MIT
// Temporary files without names for bodies that wait (gateway/spool.h): the kernel removes them
// when the program ends, however it ends.
#ifndef SERVER_TEMPORARY_H
#define SERVER_TEMPORARY_H

#include "gateway/ports.h"

struct temporary {
    const char *folder; // borrowed
};

// The files of that folder, as spools use them. Borrows t.
struct spool_disk temporary_disk(struct temporary *t);

#endif
