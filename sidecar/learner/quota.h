// SPDX-License-Identifier: MIT
// How much of a worker's learning the networks of its clients may use. The total is bounded, and
// quotas divide it, so that no network can keep the responses of others from being learned from:
// a network that has used little in this second is served before one that has used much, and none
// holds more than a part of what is lent. Networks are known by their keyed hashes, in tables of a
// fixed size. Two networks that share a place count as one; in the next second they have other
// places.
#ifndef LEARNER_QUOTA_H
#define LEARNER_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#define QUOTA_NETWORKS 1024 // places; a power of two

// How often something happened in the second in which it happened last.
struct quota_rate {
    uint32_t second, n;
};

// What is granted a second.
struct quota {
    uint32_t own;  // grants that a network has for itself, in a second
    uint32_t most; // of all networks together; half of them also to those that had their own
    struct quota_rate all, networks[QUOTA_NETWORKS];
};

// What is lent.
struct quota_loans {
    uint32_t most; // that one network holds at once
    uint16_t networks[QUOTA_NETWORKS];
};

// Whether fewer than `most` happened in this second.
bool quota_has_room(const struct quota_rate *rate, uint32_t second, uint32_t most);
// One more in this second.
void quota_count(struct quota_rate *rate, uint32_t second);

void quota_init(struct quota *s, uint32_t own, uint32_t most);
// The network has not used up its own grants of this second.
bool quota_is_modest(const struct quota *s, uint64_t network, uint32_t second);
// Grants the network one. False: it has had enough in this second.
bool quota_take(struct quota *s, uint64_t network, uint32_t second);

void quota_loans_init(struct quota_loans *l, uint32_t most);
// Lends the network one. False: it holds as many as it may.
bool quota_borrow(struct quota_loans *l, uint64_t network);
// The network gives one back.
void quota_return(struct quota_loans *l, uint64_t network);

#endif
