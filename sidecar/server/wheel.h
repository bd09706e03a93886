// SPDX-License-Identifier: MIT
// A timing wheel: many deadlines, most of which are moved again before they come. Putting and
// moving one costs a few memory writes and no system call; the loop keeps a single timer for the
// next slot in which somebody stands.
//
//     now
//      ▼
//     [0][1][2] ... [127]   slots of 10 ms; what is due later stands in the last one and is put
//      │     │              again when that is reached
//
// A deadline that is moved to a later time stays in its slot, and is put again when the slot is
// reached. Nothing comes early, and nothing more than WHEEL_SLOT_MS late. The caller owns the
// clock.
#ifndef SERVER_WHEEL_H
#define SERVER_WHEEL_H

#include "base/list.h"

#include <stdint.h>

#define WHEEL_SLOT_MS 10
#define WHEEL_SLOTS 128

// A member of whoever has a deadline. Init the node with list_init; list_drop takes it off.
struct wheel_entry {
    struct list node;
    uint64_t due_ms;
    uint64_t slot; // the number of its slot, counted from time zero
};

struct wheel {
    struct list slots[WHEEL_SLOTS];
    uint64_t at;   // number of the next slot to look into
    uint64_t next; // no slot before this one has anybody in it
};

void wheel_init(struct wheel *w, uint64_t now_ms);
// Puts an entry, or moves it. UINT64_MAX: it has no deadline, and is taken off.
void wheel_put(struct wheel *w, struct wheel_entry *e, uint64_t due_ms);
// Takes off one whose deadline has come, or NULL when there is none (then the wheel has turned up
// to now_ms).
struct wheel_entry *wheel_next(struct wheel *w, uint64_t now_ms);
// When to call wheel_next again; UINT64_MAX when nobody waits.
uint64_t wheel_due(struct wheel *w);

#endif
