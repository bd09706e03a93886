// SPDX-License-Identifier: MIT
#include "hints/lineage.h"

#include <stddef.h>
#include <stdlib.h>

struct lineage_cookie {
    uint64_t cookie, user; // user 0: the place is free
};

void lineage_init(struct lineage *l) {
    // Zeroed by the kernel: what is never used costs nothing.
    *l = (struct lineage){calloc(LINEAGE_PLACES, sizeof *l->cookies), 0};
    if (l->cookies == NULL) {
        abort();
    }
}

void lineage_fini(struct lineage *l) {
    free(l->cookies);
    l->cookies = NULL;
}

static struct lineage_cookie *ways_of(const struct lineage *l, uint64_t cookie) {
    return &l->cookies[cookie % (LINEAGE_PLACES / LINEAGE_WAYS) * LINEAGE_WAYS];
}

uint64_t lineage_find(const struct lineage *l, uint64_t cookie) {
    const struct lineage_cookie *ways = ways_of(l, cookie);
    for (unsigned i = 0; i < LINEAGE_WAYS; i++) {
        if (ways[i].user != 0 && ways[i].cookie == cookie) {
            return ways[i].user;
        }
    }
    return 0;
}

void lineage_put(struct lineage *l, uint64_t cookie, uint64_t user) {
    if (lineage_find(l, cookie) == 0) {
        ways_of(l, cookie)[l->turn++ % LINEAGE_WAYS] = (struct lineage_cookie){cookie, user};
    }
}
