// SPDX-License-Identifier: MIT
// To whom a response was given: the best evidence there is of its user. A session's credential that
// stays the same tells him. Of one that changes the line of cookies does that the worker set
// itself; where that is not known nothing does. Who has no credentials, or a cookie of which
// nothing is known, is told by his program and his languages, which is enough to see that one is
// not many.
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
