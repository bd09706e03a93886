// SPDX-License-Identifier: MIT
// The keys under which a route is looked up, the closest first: itself, the first of the operator's
// patterns that matches, the pattern of its query, its folders from the inside out, the site:
//
//     /2024/05/x/      /2024/05/x/, /2024/05/*, /2024/*, /*
//     /shop/?p=7       /shop/?p=7, /shop/?p=*, /*
//
// A session's chain has the public key behind each of its own kind: itself and public itself, its
// patterns, the public patterns. Without allocation; what is in the middle of a deep path is left
// out.
#ifndef LEARNER_ROUTE_CHAIN_H
#define LEARNER_ROUTE_CHAIN_H

#include "learner/route_key.h"

#define ROUTE_CHAIN_MAX 8 // keys of one audience

struct route_chain {
    struct span key;         // borrowed
    struct span path, query; // of it
    size_t head_n;           // bytes of it before the path
    struct span operators;   // the operator's pattern that it matches; empty: none
    size_t cut;              // how much of the path the folder tried last has
    unsigned stage;          // of the walk: enum route_chain_stage
    unsigned folders;        // given of this audience
    bool is_public;          // the audience of the patterns
    uint8_t bytes[ROUTE_KEY_MAX];
};

// Starts the walk from the key of a page. patterns: those of the operator for this site, as paths
// with "*" for any run of bytes ("/product/*"). Borrows all of it.
void route_chain_init(struct route_chain *chain, struct span key, const struct span *patterns,
                      size_t patterns_n);
// The next key, borrowed until the next call. False at the end.
bool route_chain_next(struct route_chain *chain, struct span *key);

#endif
