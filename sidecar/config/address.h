// SPDX-License-Identifier: MIT
// Addresses to listen on, as the operator writes them:
//
//     listen  = [ "https://" / "http://" ] [ host ] ":" port / "unix:" absolute-path
//     host    = IPv4 / "[" IPv6 "]" / name / "*"        ; none and "*" are all addresses, IPv4
#ifndef CONFIG_ADDRESS_H
#define CONFIG_ADDRESS_H

#include "base/arena.h"

struct address {
    struct span host; // zero-terminated, without brackets; empty for a unix socket
    struct span path; // of a unix socket, zero-terminated; else empty
    uint16_t port;    // 0: any that is free
    bool is_loopback; // only this machine can connect
    bool has_scheme, is_https;
};

// Reads text. 0; ERR_SYNTAX with static words in *why; ERR_ARENA_LIMIT likewise.
int address_parse(struct span text, struct arena *a, struct address *out, const char **why);

#endif
