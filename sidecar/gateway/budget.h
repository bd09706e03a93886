// SPDX-License-Identifier: MIT
// What clients make the server hold, by the network they come from and in all: so one network can
// not take everything from the others, and all together can not take more than there is. Here it is
// counted, by all workers at once; who is of which network is the caller's business
// (server/networks.h).
#ifndef GATEWAY_BUDGET_H
#define GATEWAY_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum budget_kind {
#define BUDGET(id, error_each, error_all, meaning) BUDGET_##id,
#include "gateway/budget.def"
#undef BUDGET
    BUDGET_KINDS,
};

struct budget {
    uint64_t each[BUDGET_KINDS], all[BUDGET_KINDS]; // the bounds; 0: none
    _Atomic uint64_t used[BUDGET_KINDS];            // of all together, where that has a bound
    _Atomic uint64_t peak;                          // most memory since budget_fell
};

// What one network holds. All zero at first, but for the budget.
struct budget_share {
    struct budget *budget;
    bool is_excepted; // counts towards the bounds of all, and has none of its own
    _Atomic uint64_t used[BUDGET_KINDS];
};

// In all of these share may be NULL: nobody is counted.

// Takes n of a kind. 0; or with nothing taken the ERR_ of the bound that it would pass.
int budget_take(struct budget_share *share, enum budget_kind kind, uint64_t n);
// Takes n whatever the bounds are: what is there already.
void budget_add(struct budget_share *share, enum budget_kind kind, uint64_t n);
void budget_put(struct budget_share *share, enum budget_kind kind, uint64_t n);
// The same two for the network alone, where others see to what all together hold.
void budget_add_each(struct budget_share *share, enum budget_kind kind, uint64_t n);
void budget_put_each(struct budget_share *share, enum budget_kind kind, uint64_t n);
// 0, or the ERR_ of a bound of which `times` as much is reached.
int budget_check(const struct budget_share *share, enum budget_kind kind, unsigned times);
// How much more there may be of a kind.
uint64_t budget_room(const struct budget_share *share, enum budget_kind kind);
// The memory held has fallen by at least n bytes since its peak, which begins anew: what was freed
// may be worth giving back to the kernel.
bool budget_fell(struct budget *b, uint64_t n);

#endif
