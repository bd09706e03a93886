// SPDX-License-Identifier: MIT
// When a program that ended is started again. At once after it has done its work: php-cgi ends
// itself after so many requests. Otherwise later and later, so that a program that cannot run costs
// next to nothing. The caller's clock.
#ifndef SERVER_SPAWN_RESTART_H
#define SERVER_SPAWN_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#define SPAWN_RESTART_LEAST_MS 100         // the first pause; each is twice the one before
#define SPAWN_RESTART_MOST_MS 10000        // the longest pause
#define SPAWN_RESTART_CLEAN_MOST_MS 1000   // the longest one after an exit with status 0
#define SPAWN_RESTART_CLEAN_LIFE_MS 1000   // such an exit after that long is no failure at all
#define SPAWN_RESTART_STEADY_LIFE_MS 10000 // who lived that long did run: failures are forgotten

// One process of a program. Zeroed at first.
struct spawn_restart {
    unsigned failures; // in a row
    bool was_clean;    // the last one
};

// The process ended after lived_ms; clean: by an exit with status 0. Gives the pause until it is
// to be started again, in milliseconds.
uint64_t spawn_restart_pause(struct spawn_restart *r, uint64_t lived_ms, bool is_clean);
// It fails again and again: whoever waits for it waits in vain.
bool spawn_restart_is_hopeless(const struct spawn_restart *r);

#endif
