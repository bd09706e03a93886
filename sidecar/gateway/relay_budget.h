// SPDX-License-Identifier: MIT
// What a request holds for its client, counted in the budget of the client's network
// (gateway/budget.h): itself, its memory, and the disk that its bodies wait on.
#ifndef GATEWAY_RELAY_BUDGET_H
#define GATEWAY_RELAY_BUDGET_H

#include "gateway/relay.h"

// The request is there: it counts.
void relay_budget_begin(struct relay *r);
void relay_budget_end(struct relay *r);
// It may be answered, if only by an error of a bound that is reached. False: there are too many of
// those answers already; the stream has been reset.
bool relay_budget_admits(struct relay *r);
// Counts what it holds by now.
void relay_budget_see(struct relay *r);
// When the answer is complete and only waits for the client: frees what it was made from.
void relay_budget_trim(struct relay *r);

// Bytes of memory that a body may wait in: `most`, or little when the budget is spent.
size_t relay_budget_memory(const struct relay *r, size_t most);
// Bytes of disk that the spool may have: `most`, or what the budget leaves.
uint64_t relay_budget_disk(const struct relay *r, const struct spool *spool, uint64_t most);
// The error for n bytes more that the budget does not leave.
int relay_budget_disk_error(const struct relay *r, uint64_t n);

#endif
