// SPDX-License-Identifier: MIT
#include "base/ip.h"

#include <arpa/inet.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct ip ip_of(const uint8_t *bytes, uint8_t n) {
    struct ip ip = {.n = n};
    if (n == 16 && memcmp(bytes, mapped, sizeof mapped) == 0) {
        ip.n = 4;
        bytes += sizeof mapped;
    }
    memcpy(ip.bytes, bytes, ip.n);
    return ip;
}

bool ip_parse(struct ip *out, struct span text) {
    char copy[IP_TEXT_LEN];
    uint8_t bytes[16];
    if (text.n == 0 || text.n >= sizeof copy || memchr(text.p, 0, text.n) != NULL) {
        return false;
    }
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    bool is_v6 = span_index(text, ':') < text.n;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, copy, bytes) != 1) {
        return false;
    }
    *out = ip_of(bytes, is_v6 ? 16 : 4);
    return true;
}

// Nothing, or a colon and a number up to 65535.
static bool parse_port(struct span text, uint16_t *port) {
    uint64_t n;
    *port = 0;
    if (text.n == 0) {
        return true;
    }
    if (text.p[0] != ':' || text.n > 6 || !span_to_u64(span_skip(text, 1), &n) || n > UINT16_MAX) {
        return false;
    }
    *port = (uint16_t)n;
    return true;
}

bool ip_parse_node(struct ip *out, uint16_t *port, struct span text) {
    size_t colon = span_index(text, ':'), end = span_index(text, ']');
    *port = 0;
    if (text.n > 0 && text.p[0] == '[') {
        struct span inside = span_skip(span_first(text, end), 1);
        return end < text.n && span_index(inside, ':') < inside.n && ip_parse(out, inside) &&
               parse_port(span_skip(text, end + 1), port);
    }
    bool has_port =
        colon < text.n && span_index(span_skip(text, colon + 1), ':') + colon + 1 == text.n;
    return has_port
               ? ip_parse(out, span_first(text, colon)) && parse_port(span_skip(text, colon), port)
               : ip_parse(out, text);
}

// ---- printing: each line of an access log has an address, and inet_ntop prints by sprintf
// --------

static char *put_decimal(char *at, uint8_t n) {
    if (n >= 100) {
        *at++ = (char)('0' + n / 100);
    }
    if (n >= 10) {
        *at++ = (char)('0' + n / 10 % 10);
    }
    *at++ = (char)('0' + n % 10);
    return at;
}

static char *put_v4(char *at, const uint8_t bytes[4]) {
    for (int i = 0; i < 4; i++) {
        if (i > 0) {
            *at++ = '.';
        }
        at = put_decimal(at, bytes[i]);
    }
    return at;
}

// Without leading zeros.
static char *put_group(char *at, unsigned group) {
    int shift = group >= 0x1000 ? 12 : group >= 0x100 ? 8 : group >= 0x10 ? 4 : 0;
    for (; shift >= 0; shift -= 4) {
        *at++ = "0123456789abcdef"[group >> shift & 0xf];
    }
    return at;
}

// The first of the longest runs of zero groups, of at least two, becomes "::" (RFC 5952, 4.2).
static int longest_zeros(const unsigned groups[8], int *n) {
    int first = 0;
    *n = 0;
    for (int i = 0; i < 8; i++) {
        int end = i;
        while (end < 8 && groups[end] == 0) {
            end++;
        }
        if (end - i > *n) {
            first = i;
            *n = end - i;
        }
        i = end;
    }
    *n = *n >= 2 ? *n : 0;
    return first;
}

// The last two groups of what begins with 96 zero bits are an IPv4 address (RFC 5952, 5), as
// inet_ntop has it: but not those of :: and ::1.
static char *put_v6(char *at, const uint8_t bytes[16]) {
    unsigned groups[8];
    for (int i = 0; i < 8; i++) {
        groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
    }
    int zeros_n, zeros = longest_zeros(groups, &zeros_n);
    bool has_v4 = zeros_n == 6 && zeros == 0;
    for (int i = 0; i < (has_v4 ? 6 : 8); i++) {
        if (zeros_n > 0 && i == zeros) {
            *at++ = ':';
            *at++ = ':';
            i += zeros_n - 1;
            continue;
        }
        if (i > 0 && (zeros_n == 0 || i != zeros + zeros_n)) {
            *at++ = ':';
        }
        at = put_group(at, groups[i]);
    }
    return has_v4 ? put_v4(at, bytes + 12) : at;
}

size_t ip_print(const struct ip *ip, char *out) {
    char *at = ip->n == 0 ? out : ip->n == 4 ? put_v4(out, ip->bytes) : put_v6(out, ip->bytes);
    *at = 0;
    return (size_t)(at - out);
}

bool ip_eq(const struct ip *a, const struct ip *b) {
    return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

// The bits of byte `at` that a prefix of so many bits covers.
static uint8_t mask_of(unsigned bits, unsigned at) {
    unsigned covered = bits > 8 * at ? bits - 8 * at : 0;
    return covered >= 8 ? 0xff : (uint8_t)(0xff00 >> covered);
}

struct ip ip_prefix(const struct ip *ip, unsigned bits) {
    if (bits >= 8u * ip->n) {
        return *ip;
    }
    struct ip net = {.n = ip->n};
    for (unsigned i = 0; i < ip->n; i++) {
        net.bytes[i] = ip->bytes[i] & mask_of(bits, i);
    }
    return net;
}

bool ip_net_parse(struct ip_net *out, struct span text) {
    size_t slash = span_index(text, '/');
    struct span address = span_first(text, slash);
    if (!ip_parse(&out->ip, address)) {
        return false;
    }
    uint64_t bits = (uint64_t)out->ip.n * 8;
    if (slash < text.n) {
        // The prefix of an IPv4 address that is written as one of IPv6 counts from the front.
        unsigned skipped = out->ip.n == 4 && span_index(address, ':') < address.n ? 96 : 0;
        uint64_t most = bits + skipped;
        bool has_zero = text.n - slash > 2 && text.p[slash + 1] == '0';
        if (has_zero || text.n - slash > 4 || !span_to_u64(span_skip(text, slash + 1), &bits) ||
            bits > most || bits < skipped) {
            return false;
        }
        bits -= skipped;
    }
    out->bits = (uint8_t)bits;
    struct ip prefix = ip_prefix(&out->ip, out->bits);
    return ip_eq(&prefix, &out->ip);
}

bool ip_net_has(const struct ip_net *net, const struct ip *ip) {
    if (ip->n == 0 || ip->n != net->ip.n) {
        return false;
    }
    for (unsigned i = 0; 8 * i < net->bits; i++) {
        if (((ip->bytes[i] ^ net->ip.bytes[i]) & mask_of(net->bits, i)) != 0) {
            return false;
        }
    }
    return true;
}

bool ip_nets_have(const struct ip_net *nets, size_t n, const struct ip *ip) {
    for (size_t i = 0; i < n; i++) {
        if (ip_net_has(&nets[i], ip)) {
            return true;
        }
    }
    return false;
}

bool ip_is_private(const struct ip *ip) {
    static const struct ip_net nets[] = {
        {{4, {127}}, 8},       {{4, {10}}, 8},           {{4, {172, 16}}, 12},
        {{4, {192, 168}}, 16}, {{4, {169, 254}}, 16},    {{4, {100, 64}}, 10},
        {{16, {0xfc}}, 7},     {{16, {0xfe, 0x80}}, 10}, {{16, {[15] = 1}}, 128},
    };
    return ip_nets_have(nets, sizeof nets / sizeof nets[0], ip);
}
