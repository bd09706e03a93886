// SPDX-License-Identifier: MIT
#include "base/network.h"

#include "base/error.h"

#include <arpa/inet.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct span network_plain(struct span address) {
    bool is_mapped = address.n == 16 && memcmp(address.p, mapped, sizeof mapped) == 0;
    return is_mapped ? span_skip(address, sizeof mapped) : address;
}

static int fail(const char **why, const char *text) {
    *why = text;
    return ERR_SYNTAX;
}

int network_parse(struct span text, struct network *out, const char **why) {
    char address[INET6_ADDRSTRLEN];
    size_t slash = span_index(text, '/');
    uint64_t bits;
    if (slash >= sizeof address) {
        return fail(why, "no address of IPv4 or IPv6");
    }
    memcpy(address, text.p, slash);
    address[slash] = 0;
    bool is_v6 = span_index(span_first(text, slash), ':') < slash;
    *out = (struct network){.n = is_v6 ? 16 : 4};
    if (slash == 0 || inet_pton(is_v6 ? AF_INET6 : AF_INET, address, out->bytes) != 1) {
        return fail(why, "no address of IPv4 or IPv6");
    }
    out->bits = (uint8_t)(out->n * 8);
    if (slash < text.n && (!span_to_u64(span_skip(text, slash + 1), &bits) || bits > out->bits)) {
        return fail(why, "the prefix is no number of bits of the address");
    }
    out->bits = slash < text.n ? (uint8_t)bits : out->bits;
    return 0;
}

bool network_has(const struct network *network, struct span address) {
    address = network_plain(address);
    if (address.n != network->n) {
        return false;
    }
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8;
    if (memcmp(address.p, network->bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || ((address.p[whole] ^ network->bytes[whole]) >> (8 - rest)) == 0;
}
