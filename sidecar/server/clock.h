// SPDX-License-Identifier: MIT
// The clock on the wall: what is learned is dated by it, since it outlives the program.
#ifndef SERVER_CLOCK_H
#define SERVER_CLOCK_H

#include <stdint.h>
#include <time.h>

// Milliseconds since 1970.
static inline uint64_t clock_unix_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
