// SPDX-License-Identifier: MIT
// Networks of addresses, as they are written in configurations (RFC 4632, 3.1; RFC 4291, 2.3):
//
//     network = IPv4 [ "/" 0-32 ] / IPv6 [ "/" 0-128 ]
//
// An address of IPv4 that is written as one of IPv6 (::ffff:192.0.2.1) is one of IPv4.
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include "base/span.h"

struct network {
    uint8_t n;    // 4 or 16
    uint8_t bits; // of the prefix
    uint8_t bytes[16];
};

// 0; ERR_SYNTAX with static words in *why.
int network_parse(struct span text, struct network *out, const char **why);
// The bytes of an address (4 or 16, in network order; or none) without what writes IPv4 as IPv6.
struct span network_plain(struct span address);
// The address is in the network. An address without bytes is in none.
bool network_has(const struct network *network, struct span address);

#endif
