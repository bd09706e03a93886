// SPDX-License-Identifier: MIT
// What the files of teaching share:
//
//     teaching.c        signs of requests, visits, the way of a response
//     teaching_page.c   what a response says of its route
//     teaching_asset.c  what an asset answers
//     study.c           responses that are being learned from
#ifndef EXCHANGE_TEACHING_INSIDE_H
#define EXCHANGE_TEACHING_INSIDE_H

#include "exchange/teaching.h"

// The client's network, as evidence and shares have it.
uint64_t teaching_network(const struct exchange *x);
// The running second, for shares.
uint32_t teaching_second(const struct exchange *x);
// The time, for evidence.
uint64_t teaching_unix_ms(const struct exchange *x);
// Whose the response is, as evidence has it.
struct recipient teaching_recipient(struct exchange *x, const struct response *response);
// Gives COMMAND_LEARN.
void teaching_tell(struct exchange *x, struct span evidence);
// The final head of what may be a page.
void teaching_page(struct exchange *x, const struct response *response);
// The final head of what may be an asset.
void teaching_asset(struct exchange *x, const struct response *response);
// What was fetched is an asset of the kind that it was fetched as. A 304 says nothing of its kind:
// then it has to be known as one.
bool teaching_is_asset(const struct exchange *x, const struct response *response);

#endif
