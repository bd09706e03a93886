// SPDX-License-Identifier: MIT
// What a worker does in order to learn is bounded. This shares it out among the networks of its
// clients, so that none of them can keep the others from teaching: who has had little in this
// second goes before who has had much, and nobody holds more than a part of what is lent. Networks
// are known by their keyed hashes, in tables of one size; two that meet in a place count as one,
// and meet elsewhere in the next second.
#ifndef LEARNER_SHARE_H
#define LEARNER_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#define SHARE_NETWORKS 1024 // places; a power of two

// How often in the second in which it was last.
struct share_rate {
    uint32_t second, n;
};

// Of what is granted by the second.
struct share {
    uint32_t own;  // grants that a network has for itself, in a second
    uint32_t most; // of all networks together; half of them also to those that had their own
    struct share_rate all, networks[SHARE_NETWORKS];
};

// Of what is lent.
struct share_loans {
    uint32_t most; // that one network holds at once
    uint16_t networks[SHARE_NETWORKS];
};

// What is left of the rate's `most` in this second: false when nothing is.
bool share_has_room(const struct share_rate *rate, uint32_t second, uint32_t most);
// One more in this second.
void share_count(struct share_rate *rate, uint32_t second);

void share_init(struct share *s, uint32_t own, uint32_t most);
// The network has not had its own of this second.
bool share_is_modest(const struct share *s, uint64_t network, uint32_t second);
// Grants it one. False: it is to stand back.
bool share_take(struct share *s, uint64_t network, uint32_t second);

void share_loans_init(struct share_loans *l, uint32_t most);
// Lends it one. False: it holds enough.
bool share_borrow(struct share_loans *l, uint64_t network);
// It gives one back that was lent.
void share_return(struct share_loans *l, uint64_t network);

#endif
