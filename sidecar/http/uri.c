// SPDX-License-Identifier: MIT
#include "http/uri.h"

#include "base/error.h"
#include "base/hex.h"
#include "http/field.h"

#include <arpa/inet.h>
#include <stdio.h>

#define LABEL_MAX 63 // characters of a name between dots (RFC 1035, 2.3.4)

static int fail(int error, const char **why, const char *text) {
    *why = text;
    return error;
}

// ---- paths --------------------------------------------------------------------------------------

// Bytes that a request target may not have as they are. What else RFC 3986 wants encoded (bytes
// above 0x7f, "|", "\\", ...) old links and programs do send raw, and it means one thing only.
static bool is_bad_raw(uint8_t c) {
    return c <= ' ' || c == 0x7f || c == '#';
}

// The byte of the %-escape at the front of s. Negative, with *why, when it is none, or a NUL: a
// file's name would end there.
static int decode_escape(struct span s, const char **why) {
    int c = hex_escape_read(s);
    if (c < 0) {
        return fail(-1, why, "bad percent-encoding in the path");
    }
    return c > 0 ? c : fail(-1, why, "encoded NUL in the path");
}

// A path being written: p[0, n), of which p[segment, n) is the segment that is not complete.
struct path {
    uint8_t *p;
    size_t n, segment;
};

// Ends the segment: a "/" follows unless it is the last. False for ".." in the root.
static bool end_segment(struct path *path, bool is_last) {
    struct span segment = span_of(path->p + path->segment, path->n - path->segment);
    if (span_eq(segment, SPAN(".."))) {
        if (path->segment == 1) {
            return false;
        }
        path->n = path->segment - 1;
        while (path->p[path->n - 1] != '/') {
            path->n--;
        }
    } else if (span_eq(segment, SPAN("."))) {
        path->n = path->segment;
    } else if (segment.n > 0 && !is_last) {
        path->p[path->n++] = '/';
    }
    path->segment = path->n;
    return true;
}

static int rewrite(struct path *path, struct span raw, const char **why) {
    for (size_t i = 1; i < raw.n; i++) {
        int c = raw.p[i];
        if (c == '%') {
            c = decode_escape(span_skip(raw, i), why);
            if (c < 0) {
                return ERR_REQUEST_PATH;
            }
            i += 2;
        }
        if (c != '/') {
            path->p[path->n++] = (uint8_t)c;
        } else if (!end_segment(path, false)) {
            return fail(ERR_REQUEST_PATH, why, "the path leaves the root");
        }
    }
    return end_segment(path, true) ? 0 : fail(ERR_REQUEST_PATH, why, "the path leaves the root");
}

// Where the query begins, or s.n; sets *is_plain when the path before it is clean as it stands.
static size_t scan_path(struct span s, bool *is_plain, const char **why) {
    size_t i = 0;
    for (; i < s.n && s.p[i] != '?'; i++) {
        uint8_t c = s.p[i], before = i > 0 ? s.p[i - 1] : 0;
        if (c > '/' && c != 0x7f) {
            continue; // nearly all
        }
        if (is_bad_raw(c)) {
            *why = "character in the path that must be encoded";
        }
        *is_plain &= c != '%' && !(before == '/' && (c == '/' || c == '.'));
    }
    return i;
}

int uri_path_normalise(struct arena *a, struct span target, struct span *path, struct span *query,
                       const char **why) {
    bool is_plain = true;
    const char *bad = NULL;
    if (target.n == 0 || target.p[0] != '/') {
        return fail(ERR_REQUEST_PATH, why, "the path does not begin with a slash");
    }
    struct span raw = span_first(target, scan_path(target, &is_plain, &bad));
    struct span rest = span_skip(target, raw.n);
    *query = rest.n > 0 ? span_skip(rest, 1) : (struct span){NULL, 0};
    for (size_t i = 0; i < query->n; i++) {
        if (is_bad_raw(query->p[i])) {
            bad = "character in the query that must be encoded";
        }
    }
    if (bad != NULL) {
        return fail(ERR_REQUEST_PATH, why, bad);
    }
    *path = raw;
    if (is_plain) {
        return 0;
    }
    struct path out = {.p = arena_alloc(a, raw.n + 1), .n = 1, .segment = 1};
    if (out.p == NULL) {
        return fail(ERR_ARENA_LIMIT, why, "no memory left for the path");
    }
    out.p[0] = '/';
    int rv = rewrite(&out, raw, why);
    out.p[out.n] = 0;
    *path = span_of(out.p, out.n);
    return rv;
}

static bool is_among(uint8_t c, const char *set) {
    return c != 0 && strchr(set, c) != NULL;
}

// pchar = unreserved / pct-encoded / sub-delims / ":" / "@" (RFC 3986, 3.3), and "/"
static bool is_path_char(uint8_t c) {
    return c > ' ' && c < 0x7f && !is_among(c, "\"#%<>?[\\]^`{|}");
}

struct span uri_path_encode(struct arena *a, struct span path) {
    size_t odd = 0;
    for (size_t i = 0; i < path.n; i++) {
        odd += !is_path_char(path.p[i]);
    }
    uint8_t *p = arena_alloc(a, path.n + 2 * odd + 1), *at = p;
    if (p == NULL) {
        return (struct span){NULL, 0};
    }
    for (size_t i = 0; i < path.n; i++) {
        if (is_path_char(path.p[i])) {
            *at++ = path.p[i];
        } else {
            at = hex_escape_put(at, path.p[i]);
        }
    }
    *at = 0;
    return span_of(p, (size_t)(at - p));
}

// ---- authorities --------------------------------------------------------------------------------

static inline bool is_name_char(uint8_t c) {
    uint8_t letter = c | 0x20;
    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// reg-name as the DNS has it: labels of 1 to 63 characters between single dots
static bool is_host_name(struct span host) {
    size_t label = 0;
    if (host.n > URI_HOST_MAX) {
        return false;
    }
    for (size_t i = 0; i < host.n; i++) {
        bool is_dot = host.p[i] == '.';
        if (is_dot ? label == 0 : ++label > LABEL_MAX || !is_name_char(host.p[i])) {
            return false;
        }
        label = is_dot ? 0 : label;
    }
    return label > 0;
}

// IP-literal = "[" IPv6address "]"; there is no other that anybody uses
static bool is_ip_literal(struct span host) {
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (host.n < 4 || host.n - 2 >= sizeof text || host.p[host.n - 1] != ']') {
        return false;
    }
    memcpy(text, host.p + 1, host.n - 2);
    text[host.n - 2] = 0;
    return memchr(text, 0, host.n - 2) == NULL && inet_pton(AF_INET6, text, &address) == 1;
}

static bool parse_port(struct span s, uint16_t *port) {
    uint64_t value;
    if (s.n > 5 || !span_to_u64(s, &value) || value == 0 || value > 65535) {
        return false;
    }
    *port = (uint16_t)value;
    return true;
}

// The length of the host at the front of `authority`.
static size_t host_len(struct span authority) {
    if (authority.n > 0 && authority.p[0] == '[') {
        size_t end = span_index(authority, ']');
        return end < authority.n ? end + 1 : end;
    }
    return span_index(authority, ':');
}

uint16_t uri_default_port(struct span scheme) {
    return span_eq_nocase(scheme, SPAN("https")) ? URI_HTTPS_PORT : URI_HTTP_PORT;
}

bool uri_is_host(struct span host) {
    return host.n > 0 && host.p[0] == '[' ? is_ip_literal(host) : is_host_name(host);
}

void uri_authority_cut(struct span authority, struct span *host, struct span *port) {
    *host = span_first(authority, host_len(authority));
    *port = span_skip(authority, host->n + 1);
}

// The root of the DNS, which a name may end with, is no part of it here.
static struct span without_root(struct span host) {
    bool has_root = host.n > 1 && host.p[0] != '[' && host.p[host.n - 1] == '.';
    return span_first(host, host.n - has_root);
}

struct span uri_host(struct span authority) {
    return without_root(span_first(authority, host_len(authority)));
}

uint16_t uri_port(struct span scheme, struct span authority) {
    struct span host, text;
    uint16_t port;
    uri_authority_cut(authority, &host, &text);
    return parse_port(text, &port) ? port : uri_default_port(scheme);
}

struct span uri_authority_without_default(struct span scheme, struct span authority) {
    struct span host, port;
    uri_authority_cut(authority, &host, &port);
    return uri_port(scheme, authority) == uri_default_port(scheme) ? host : authority;
}

struct span uri_https(struct arena *a, struct span host, uint16_t port, struct span target) {
    char suffix[8] = "";
    size_t cap = sizeof "https://:65535" + host.n + target.n;
    char *text = arena_alloc(a, cap);
    if (text == NULL) {
        return span_of(NULL, 0);
    }
    if (port != URI_HTTPS_PORT) {
        snprintf(suffix, sizeof suffix, ":%u", port);
    }
    int n = snprintf(text, cap, "https://%.*s%s%.*s", SPAN_ARG(host), suffix, SPAN_ARG(target));
    return span_of(text, (size_t)n);
}

// authority = host [ ":" port ] (RFC 9110, 7.2; no userinfo: 4.2.4)
int uri_authority_parse(struct arena *a, struct span authority, struct uri_authority *out,
                        const char **why) {
    struct span host = span_first(authority, host_len(authority));
    struct span port = span_skip(authority, host.n);
    out->port = 0;
    if (port.n == 1 && port.p[0] == ':') {
        port.n = 0; // port = *DIGIT (RFC 3986, 3.2.3)
    }
    if (port.n > 0 && (port.p[0] != ':' || !parse_port(span_skip(port, 1), &out->port))) {
        return fail(ERR_REQUEST_HOST, why, "bad port in the host");
    }
    host = without_root(host);
    if (!uri_is_host(host)) {
        return fail(ERR_REQUEST_HOST, why, "bad host name");
    }
    uint8_t *p = arena_alloc(a, host.n + port.n + 1);
    if (p == NULL) {
        return fail(ERR_ARENA_LIMIT, why, "no memory left for the host");
    }
    out->host = field_lower(host, p);
    memcpy(p + host.n, port.p, port.n);
    p[host.n + port.n] = 0;
    out->text = span_of(p, host.n + port.n);
    return 0;
}
