// SPDX-License-Identifier: MIT
// The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): what a front that passes
// on bytes says about its own client before the first of them. Only a front that is trusted may say
// it; whoever else connects speaks at once.
//
//     v1:  "PROXY" SP ("TCP4" / "TCP6") SP source SP destination SP port SP port CRLF
//          "PROXY" SP "UNKNOWN" *(any) CRLF                           at most 107 bytes
//     v2:  | 0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A | version 4, command 4 | family 4, transport 4 |
//          | length 16 | addresses | TLVs: type 8, length 16, value ... |
#ifndef HTTP_PROXY_HEAD_H
#define HTTP_PROXY_HEAD_H

#include "base/ip.h"
#include "base/step.h"

#define PROXY_HEAD_MOST 4096 // bytes; a longer one is refused

struct proxy_head {
    bool is_local; // LOCAL, UNKNOWN or no Internet address: the connection is the front's own
    struct ip source, destination; // of the front's client and where it connected; else n is 0
    uint16_t source_port, destination_port;
    // The front's client spoke TLS: PP2_TYPE_SSL says so, or, where nothing does, it connected to
    // port 443.
    bool is_tls;
    struct span alpn, authority; // PP2_TYPE_ALPN, PP2_TYPE_AUTHORITY (the name that SNI asked for)
    struct span tls_version, tls_cipher, client_name; // sub-TLVs of PP2_TYPE_SSL; else empty
    bool is_client_verified;                          // a client certificate was shown and is good
    size_t len;      // bytes of all of it: the client's own begin behind
    const char *why; // STEP_BAD: static words
};

// Reads a head from the first bytes of a connection; spans of *out borrow from them. STEP_ITEM;
// STEP_MORE: more bytes are needed, PROXY_HEAD_MOST at most; STEP_BAD: it is malformed, or these
// are bytes of something else (proxy_head_may_begin tells).
enum step proxy_head_read(struct proxy_head *out, struct span bytes);
// The bytes are, or may become, the beginning of a head. No HTTP method, TLS record or preface of
// HTTP/2 begins so.
bool proxy_head_may_begin(struct span bytes);

#endif
