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

size_t ip_print(const struct ip *ip, char *out) {
    out[0] = 0;
    if (ip->n == 0 ||
        inet_ntop(ip->n == 16 ? AF_INET6 : AF_INET, ip->bytes, out, IP_TEXT_LEN) == NULL) {
        return 0;
    }
    return strlen(out);
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

bool ip_is_private(const struct ip *ip) {
    static const struct ip_net nets[] = {
        {{4, {127}}, 8},       {{4, {10}}, 8},           {{4, {172, 16}}, 12},
        {{4, {192, 168}}, 16}, {{4, {169, 254}}, 16},    {{4, {100, 64}}, 10},
        {{16, {0xfc}}, 7},     {{16, {0xfe, 0x80}}, 10}, {{16, {[15] = 1}}, 128},
    };
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        if (ip_net_has(&nets[i], ip)) {
            return true;
        }
    }
    return false;
}
