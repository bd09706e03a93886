// SPDX-License-Identifier: MIT
// Which route a request is for, and whether somebody is logged in: computed when first asked for,
// since most requests need neither.
#ifndef EXCHANGE_IDENTITY_H
#define EXCHANGE_IDENTITY_H

#include "exchange/facts.h"

struct identity {
    const struct facts *facts;
    struct span key; // of the route
    bool has_key, has_audience, is_clean;
    struct audience audience; // if has_audience
};

// Borrows the facts, which have a site before anything is asked.
void identity_init(struct identity *id, const struct facts *facts);
// The key of the request's route; lives in the arena. Empty where nothing is learned.
struct span identity_key(struct identity *id);
// What is seen of this request may be learned under its key: the URL is written as it is meant, and
// nothing in it chooses the response that is not in the key. Behind identity_key only.
bool identity_is_clean(const struct identity *id);
// Who asked; borrows from the request.
const struct audience *identity_audience(struct identity *id);
// The request is of somebody whom the site knows: the session audience.
bool identity_is_session(struct identity *id);

#endif
