// SPDX-License-Identifier: MIT
// What the files of observation share:
//
//     observation.c        signs of requests, visits, the way of a response
//     observation_page.c   what a response says of its route
//     observation_asset.c  what an asset answers
//     capture.c            evidence that is being written about a response
#ifndef EXCHANGE_OBSERVATION_INSIDE_H
#define EXCHANGE_OBSERVATION_INSIDE_H

#include "exchange/observation.h"

// The client's network, as evidence and quotas have it.
uint64_t observation_network(const struct observation *o);
// Whose the response is, as evidence has it.
struct recipient observation_recipient(struct observation *o, const struct response *response);
// The final head of what may be a page.
struct span observation_page(struct observation *o, const struct response *response);
// The final head of what may be an asset.
struct span observation_asset(struct observation *o, const struct response *response);
// What was fetched is an asset of the kind that it was fetched as. A 304 says nothing of its kind:
// then it has to be known as one.
bool observation_is_asset(const struct observation *o, const struct response *response);
// The asset that the request is for, as published.
struct offer_asset observation_known(const struct observation *o);

#endif
