// SPDX-License-Identifier: MIT
#include "http/proxy_head.h"

#include "http/uri.h"

#define V1_MOST 107 // bytes of a line with its CRLF
#define V2_FIXED 16 // bytes before the addresses
#define V2_PROXY 0x21
#define V2_LOCAL 0x20

// Types of TLVs (2.2 of the specification).
#define TLV_ALPN 0x01
#define TLV_AUTHORITY 0x02
#define TLV_CRC32C 0x03
#define TLV_SSL 0x20
#define SSL_VERSION 0x21
#define SSL_CN 0x22
#define SSL_CIPHER 0x23
#define SSL_CLIENT 0x01      // bit: TLS was spoken
#define SSL_CLIENT_CERT 0x06 // bits: a certificate was shown on this connection or in this session

static const struct span v1_sign = SPAN_INIT("PROXY ");
static const struct span v2_sign = SPAN_INIT("\r\n\r\n\0\r\nQUIT\n");

static enum step bad(struct proxy_head *out, const char *why) {
    out->why = why;
    return STEP_BAD;
}

static bool is_prefix(struct span bytes, struct span sign) {
    return span_eq(span_first(bytes, sign.n), span_first(sign, bytes.n));
}

bool proxy_head_may_begin(struct span bytes) {
    return is_prefix(bytes, v1_sign) || is_prefix(bytes, v2_sign);
}

// ---- version 1 ----------------------------------------------------------------------------------

// The part before the next blank, which must be there.
static bool take_word(struct span *rest, struct span *word) {
    size_t blank = span_index(*rest, ' ');
    *word = span_first(*rest, blank);
    bool is_there = blank < rest->n;
    *rest = span_skip(*rest, blank + 1);
    return is_there && word->n > 0;
}

// "0" to "65535", without leading zeros.
static bool parse_port(struct span text, uint16_t *port) {
    uint64_t n;
    if (text.n > 5 || (text.n > 1 && text.p[0] == '0') || !span_to_u64(text, &n) ||
        n > UINT16_MAX) {
        return false;
    }
    *port = (uint16_t)n;
    return true;
}

static bool parse_address(struct span text, bool is_v6, struct ip *ip) {
    return (span_index(text, ':') < text.n) == is_v6 && ip_parse(ip, text);
}

static enum step read_line(struct proxy_head *out, struct span line) {
    struct span family, source, destination, port;
    struct span rest = span_skip(line, v1_sign.n);
    if (span_has_prefix(rest, SPAN("UNKNOWN"))) {
        out->is_local = true;
        return STEP_ITEM;
    }
    bool is_whole = take_word(&rest, &family) && take_word(&rest, &source) &&
                    take_word(&rest, &destination) && take_word(&rest, &port);
    bool is_v6 = span_eq(family, SPAN("TCP6"));
    if (!is_whole || (!is_v6 && !span_eq(family, SPAN("TCP4")))) {
        return bad(out, "the PROXY line has no known family and four parts");
    }
    if (!parse_address(source, is_v6, &out->source) ||
        !parse_address(destination, is_v6, &out->destination)) {
        return bad(out, "the PROXY line has a bad address");
    }
    if (!parse_port(port, &out->source_port) || !parse_port(rest, &out->destination_port)) {
        return bad(out, "the PROXY line has a bad port");
    }
    out->is_tls = out->destination_port == URI_HTTPS_PORT;
    return STEP_ITEM;
}

static enum step read_v1(struct proxy_head *out, struct span bytes) {
    struct span line = span_first(bytes, V1_MOST);
    size_t end = span_index(line, '\r');
    if (end == line.n || end + 1 == line.n) {
        return line.n < V1_MOST ? STEP_MORE : bad(out, "the PROXY line does not end");
    }
    if (line.p[end + 1] != '\n') {
        return bad(out, "the PROXY line does not end with CRLF");
    }
    out->len = end + 2;
    return read_line(out, span_first(line, end));
}

// ---- version 2 ----------------------------------------------------------------------------------

static unsigned number16(const uint8_t *p) {
    return (unsigned)p[0] << 8 | p[1];
}

static uint32_t number32(const uint8_t *p) {
    return (uint32_t)number16(p) << 16 | number16(p + 2);
}

// CRC-32C (RFC 3720, B.4), bit by bit: a head is short and there is one a connection.
static uint32_t crc_of(uint32_t crc, const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
        }
    }
    return crc;
}

// The sum was made over the whole head with zeros in its own place.
static bool is_sum_good(struct span head, struct span sum) {
    static const uint8_t zeros[4];
    size_t at = (size_t)(sum.p - head.p);
    uint32_t crc = crc_of(UINT32_MAX, head.p, at);
    crc = crc_of(crc, zeros, sizeof zeros);
    crc = crc_of(crc, sum.p + sum.n, head.n - at - sum.n);
    return ~crc == number32(sum.p);
}

static bool take_tlv(struct span *rest, unsigned *type, struct span *value) {
    if (rest->n < 3 || number16(rest->p + 1) > rest->n - 3) {
        return false;
    }
    *type = rest->p[0];
    *value = span_of(rest->p + 3, number16(rest->p + 1));
    *rest = span_skip(*rest, 3 + value->n);
    return true;
}

// | client 8 | verify 32 | sub-TLVs |
static bool read_ssl(struct proxy_head *out, struct span value) {
    unsigned type;
    struct span part, rest = span_skip(value, 5);
    if (value.n < 5) {
        return false;
    }
    out->is_tls = (value.p[0] & SSL_CLIENT) != 0;
    out->is_client_verified = (value.p[0] & SSL_CLIENT_CERT) != 0 && number32(value.p + 1) == 0;
    while (rest.n > 0) {
        if (!take_tlv(&rest, &type, &part)) {
            return false;
        }
        struct span *to = type == SSL_VERSION  ? &out->tls_version
                          : type == SSL_CIPHER ? &out->tls_cipher
                          : type == SSL_CN     ? &out->client_name
                                               : NULL;
        if (to != NULL) {
            *to = part;
        }
    }
    return true;
}

static enum step read_tlvs(struct proxy_head *out, struct span head, struct span rest) {
    unsigned type;
    struct span value;
    while (rest.n > 0) {
        if (!take_tlv(&rest, &type, &value)) {
            return bad(out, "the PROXY header has a field that does not fit into it");
        }
        if (type == TLV_CRC32C && (value.n != 4 || !is_sum_good(head, value))) {
            return bad(out, "the PROXY header's checksum is wrong");
        }
        if (type == TLV_SSL && !read_ssl(out, value)) {
            return bad(out, "the PROXY header's TLS field is malformed");
        }
        if (type == TLV_ALPN) {
            out->alpn = value;
        } else if (type == TLV_AUTHORITY) {
            out->authority = value;
        }
    }
    return STEP_ITEM;
}

// Bytes of an address of the family in the upper half; 0: one without.
static unsigned address_len(uint8_t family) {
    return family >> 4 == 1 ? 4 : family >> 4 == 2 ? 16 : 0;
}

// Whatever is no TCP over IP is taken as the front's own, as the specification asks; the length of
// addresses of unix sockets is known, so that their TLVs are found.
static enum step read_addresses(struct proxy_head *out, struct span head) {
    struct span body = span_skip(head, V2_FIXED);
    uint8_t family = head.p[13];
    unsigned n = address_len(family);
    unsigned len = n > 0 ? 2 * n + 4 : family >> 4 == 3 ? 216 : 0;
    if (family >> 4 > 3 || (family & 15) > 2) {
        return bad(out, "the PROXY header has an unknown family");
    }
    if (body.n < len) {
        return bad(out, "the PROXY header is too short for its addresses");
    }
    if (n == 0 || (family & 15) != 1) {
        out->is_local = true;
    } else {
        out->source = ip_of(body.p, (uint8_t)n);
        out->destination = ip_of(body.p + n, (uint8_t)n);
        out->source_port = (uint16_t)number16(body.p + 2 * n);
        out->destination_port = (uint16_t)number16(body.p + 2 * n + 2);
        out->is_tls = out->destination_port == URI_HTTPS_PORT; // until a TLV says it
    }
    return read_tlvs(out, head, span_skip(body, len));
}

static enum step read_v2(struct proxy_head *out, struct span bytes) {
    if (bytes.n < V2_FIXED) {
        return STEP_MORE;
    }
    out->len = V2_FIXED + number16(bytes.p + 14);
    if (out->len > PROXY_HEAD_MOST) {
        return bad(out, "the PROXY header is too long");
    }
    if (bytes.p[12] != V2_PROXY && bytes.p[12] != V2_LOCAL) {
        return bad(out, "the PROXY header has an unknown version or command");
    }
    if (bytes.n < out->len) {
        return STEP_MORE;
    }
    if (bytes.p[12] == V2_LOCAL) {
        out->is_local = true;
        return STEP_ITEM;
    }
    return read_addresses(out, span_first(bytes, out->len));
}

enum step proxy_head_read(struct proxy_head *out, struct span bytes) {
    *out = (struct proxy_head){.len = 0};
    if (!proxy_head_may_begin(bytes)) {
        return bad(out, "there is no PROXY header");
    }
    if (bytes.n < v1_sign.n) {
        return STEP_MORE;
    }
    return bytes.p[0] == 'P' ? read_v1(out, bytes) : read_v2(out, bytes);
}
