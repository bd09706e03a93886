// SPDX-License-Identifier: MIT
#include "config/address.h"

#include "base/error.h"

#include <arpa/inet.h>

#define HOST_MOST 253      // bytes of a name (RFC 1035, 2.3.4)
#define UNIX_PATH_MOST 107 // bytes of sockaddr_un.sun_path without its zero

static bool take_prefix(struct span *text, struct span prefix) {
    if (!span_has_prefix(*text, prefix)) {
        return false;
    }
    *text = span_skip(*text, prefix.n);
    return true;
}

static int fail(const char **why, const char *words) {
    *why = words;
    return ERR_SYNTAX;
}

static int copy(struct span text, struct arena *a, struct span *out, const char **why) {
    *out = arena_copy(a, text);
    *why = "too much text";
    return out->p != NULL ? 0 : ERR_ARENA_LIMIT;
}

static int parse_unix(struct span path, struct arena *a, struct address *out, const char **why) {
    if (path.n < 2 || path.p[0] != '/') {
        return fail(why, "unix: must be followed by an absolute path");
    }
    if (path.n > UNIX_PATH_MOST) {
        return fail(why, "the path of a unix socket has at most 107 bytes");
    }
    out->is_loopback = true;
    return copy(path, a, &out->path, why);
}

static bool is_name(struct span host) {
    for (size_t i = 0; i < host.n; i++) {
        uint8_t c = span_lower_byte(host.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.') {
            return false;
        }
    }
    return host.n > 0 && host.n <= HOST_MOST && host.p[0] != '-' && host.p[0] != '.';
}

// Also says whether only this machine can reach it. An address of digits and dots that is not
// IPv4 is no name either.
static bool check_host(struct address *out, bool is_v6) {
    struct in6_addr v6;
    struct in_addr v4;
    const char *host = (const char *)out->host.p;
    if (is_v6) {
        bool is_good = inet_pton(AF_INET6, host, &v6) == 1;
        out->is_loopback = is_good && IN6_IS_ADDR_LOOPBACK(&v6);
        return is_good;
    }
    if (inet_pton(AF_INET, host, &v4) == 1) {
        out->is_loopback = ntohl(v4.s_addr) >> 24 == 127;
        return true;
    }
    out->is_loopback = span_eq_nocase(out->host, SPAN("localhost"));
    uint8_t last = out->host.n > 0 ? out->host.p[out->host.n - 1] : 0;
    return is_name(out->host) && !(last >= '0' && last <= '9');
}

static int parse_port(struct span text, uint16_t *port, const char **why) {
    uint64_t n;
    if (text.n > 5 || !span_to_u64(text, &n) || n > UINT16_MAX) {
        return fail(why, "the port must be a number up to 65535");
    }
    *port = (uint16_t)n;
    return 0;
}

int address_parse(struct span text, struct arena *a, struct address *out, const char **why) {
    *out = (struct address){0};
    out->is_https = take_prefix(&text, SPAN("https://"));
    out->has_scheme = out->is_https || take_prefix(&text, SPAN("http://"));
    if (out->has_scheme && span_has_suffix(text, SPAN("/"))) {
        text.n--;
    }
    if (take_prefix(&text, SPAN("unix:"))) {
        return parse_unix(text, a, out, why);
    }
    bool is_v6 = text.n > 0 && text.p[0] == '[';
    size_t host_n = is_v6 ? span_index(text, ']') : span_index(text, ':');
    struct span host = span_first(text, host_n), port = span_skip(text, host_n);
    if (is_v6) {
        host = span_skip(host, 1);
        port = span_skip(port, 1);
    }
    if (!take_prefix(&port, SPAN(":"))) {
        return fail(why, "it must be host:port, [IPv6 address]:port or unix:/path");
    }
    if (!is_v6 && (host.n == 0 || span_eq(host, SPAN("*")))) {
        host = SPAN("0.0.0.0");
    }
    int error = copy(host, a, &out->host, why);
    if (error != 0) {
        return error;
    }
    if (!check_host(out, is_v6)) {
        return fail(why, "the host is neither an IP address nor a name");
    }
    return parse_port(port, &out->port, why);
}
