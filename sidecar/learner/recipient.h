// SPDX-License-Identifier: MIT
// To whom a response was given, as far as that can be known. A user with a session is recognised by
// its credential if that stays the same. If it changes, by the chain of cookies that this worker
// saw being set; where that is not known the user is not recognised. A client without credentials,
// or with a cookie of which nothing is known, is recognised by its program and its languages, which
// is enough to see that one client is not many.
#ifndef LEARNER_RECIPIENT_H
#define LEARNER_RECIPIENT_H

#include "base/message.h"
#include "hints/audience.h"
#include "hints/lineage.h"

#define RECIPIENT_NAMED UINT64_C(1) // a bit of `user`: he is told by credentials

struct recipient {
    uint64_t who, user; // as in the evidence
    uint8_t flags;      // likewise: SESSION, PRIVATE, NAMED, INSIDE
};

// What is looked at. Borrowed during the calls.
struct recipient_sight {
    const struct siphash_key *secret;
    struct lineage *lineage; // of the worker
    const struct audience *audience;
    const struct pairs *asked; // fields of the request
    const struct response *response;
    uint64_t network; // audience_network
    bool is_inside;   // audience_is_inside
};

struct recipient recipient_of(const struct recipient_sight *sight);
// Remembers to whom the cookies of the response were given; to be called for each response.
void recipient_note(const struct recipient_sight *sight);

#endif
