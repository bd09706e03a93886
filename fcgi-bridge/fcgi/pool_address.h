// SPDX-License-Identifier: MIT
// Where a FastCGI server listens, as an operator writes it. Names are not resolved here.
//
//     server  = address *( SP ( "weight=" 1*DIGIT / "backup" ) )
//     address = "unix:" absolute-path / [ "tcp:" ] host ":" port
//     host    = "[" IPv6address "]" / 1*( ALPHA / DIGIT / "." / "-" / "_" )
#ifndef FCGI_POOL_ADDRESS_H
#define FCGI_POOL_ADDRESS_H

#include "base/span.h"

#define POOL_WEIGHT_MAX 1000
#define POOL_PATH_MAX 107 // bytes of a unix socket's path (sun_path less its terminating zero)

struct pool_server_conf {
    struct span address; // as written
    bool is_unix;
    struct span path; // of the unix socket
    struct span host; // name or IP address, an IPv6 address without brackets
    uint16_t port;
    unsigned weight; // its share of the load; 1 to POOL_WEIGHT_MAX
    bool is_backup;  // asked only while none of the others can be
};

// The spans of *out borrow from text. 0, or ERR_SYNTAX with static words in *why.
int pool_address_parse(struct span text, struct pool_server_conf *out, const char **why);

#endif
