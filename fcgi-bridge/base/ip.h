// SPDX-License-Identifier: MIT
// IP addresses and networks as bytes, and their texts. An IPv6 address that stands for an IPv4 one
// (::ffff:192.0.2.1, RFC 4291, 2.5.5.2) is that IPv4 address everywhere: a dual-stack listener must
// not make two clients of one.
//
//     address = IPv4 / IPv6                        ; RFC 3986, 3.2.2, no zone
//     network = address [ "/" bits ]               ; without bits: that address alone
//     node    = IPv4 [ ":" port ] / "[" IPv6 "]" [ ":" port ] / IPv6
#ifndef BASE_IP_H
#define BASE_IP_H

#include "base/span.h"

#define IP_TEXT_LEN 46 // bytes of an address as text, with its zero

// In network order.
struct ip {
    uint8_t n; // 4, 16, or 0 when there is none: a unix socket
    uint8_t bytes[16];
};

struct ip_net {
    struct ip ip;
    uint8_t bits; // 0 to 8 * ip.n
};

// From bytes in network order, n is 4 or 16.
struct ip ip_of(const uint8_t *bytes, uint8_t n);
// Reads an address without a port. False when text is none.
bool ip_parse(struct ip *out, struct span text);
// Reads an address with or without a port, as X-Forwarded-For and Forwarded write it (RFC 7239, 6).
// *port is 0 when there is none. False when text is none of these.
bool ip_parse_node(struct ip *out, uint16_t *port, struct span text);
// Writes the canonical text (RFC 5952), zero-terminated, into out of IP_TEXT_LEN bytes. Returns its
// length; 0 for no address.
size_t ip_print(const struct ip *ip, char *out);
// The first so many bits, the rest zero: the network that the address is in.
struct ip ip_prefix(const struct ip *ip, unsigned bits);
bool ip_eq(const struct ip *a, const struct ip *b);
// Reads a network. False when text is none, or has bits set behind its prefix ("10.0.0.1/8"): that
// is a mistake more often than a wish.
bool ip_net_parse(struct ip_net *out, struct span text);
bool ip_net_has(const struct ip_net *net, const struct ip *ip);
// One of them has it.
bool ip_nets_have(const struct ip_net *nets, size_t n, const struct ip *ip);
// Loopback, link-local and private addresses (RFC 1918, 3927, 4193, 4291, 6598): no host of the
// public Internet has one.
bool ip_is_private(const struct ip *ip);

#endif
