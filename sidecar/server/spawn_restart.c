// SPDX-License-Identifier: MIT
#include "server/spawn_restart.h"

#define HOPELESS 4        // failures in a row: the pause is then most of a second
#define HOPELESS_CLEAN 10 // the same where the last was an exit with status 0: it may have served

uint64_t spawn_restart_pause(struct spawn_restart *r, uint64_t lived_ms, bool is_clean) {
    r->was_clean = is_clean;
    if (lived_ms >= (is_clean ? SPAWN_RESTART_CLEAN_LIFE_MS : SPAWN_RESTART_STEADY_LIFE_MS)) {
        r->failures = 0;
    }
    if (is_clean && lived_ms >= SPAWN_RESTART_CLEAN_LIFE_MS) {
        return 0;
    }
    uint64_t pause = SPAWN_RESTART_LEAST_MS;
    uint64_t most = is_clean ? SPAWN_RESTART_CLEAN_MOST_MS : SPAWN_RESTART_MOST_MS;
    for (unsigned i = 0; i < r->failures && pause < most; i++) {
        pause *= 2;
    }
    r->failures += r->failures < HOPELESS_CLEAN; // more need not be told apart
    return pause < most ? pause : most;
}

bool spawn_restart_is_hopeless(const struct spawn_restart *r) {
    return r->failures >= (r->was_clean ? HOPELESS_CLEAN : HOPELESS);
}
