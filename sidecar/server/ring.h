// SPDX-License-Identifier: MIT
// A bounded queue of byte records between two threads: one puts, one takes, neither waits. A record
// that does not fit is dropped and counted, never blocked on. Each worker has one towards the
// learner.
//
//     | length (4 bytes) | record, padded to 4 | ...   a length of RING_WRAP says: go on at 0
#ifndef SERVER_RING_H
#define SERVER_RING_H

#include "base/span.h"

#include <stdatomic.h>

struct ring {
    uint8_t *bytes;
    uint32_t cap;                      // a power of two
    _Alignas(64) _Atomic uint32_t put; // running positions; the taker's and the putter's own lines
    _Alignas(64) _Atomic uint32_t taken;
};

// cap: bytes, a power of two, at least 64.
void ring_init(struct ring *r, uint32_t cap);
void ring_fini(struct ring *r);
// Called by the putting thread only. False when there is no room.
bool ring_put(struct ring *r, struct span record);
// Called by the taking thread only: the oldest record, borrowed until ring_taken.
bool ring_peek(struct ring *r, struct span *record);
void ring_taken(struct ring *r);

#endif
