// SPDX-License-Identifier: MIT
#include "fcgi/pool_address.h"

#include "base/error.h"

static bool is_alnum(uint8_t c) {
    uint8_t lower = span_lower_byte(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

static bool is_name(struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (!is_alnum(c) && c != '.' && c != '-' && c != '_') {
            return false;
        }
    }
    return s.n > 0;
}

// Only the characters: whether it is an address is found out where it is used.
static bool is_ipv6(struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        uint8_t lower = span_lower_byte(s.p[i]);
        bool is_hex = is_alnum(lower) && lower <= 'f';
        if (!is_hex && lower != ':' && lower != '.') {
            return false;
        }
    }
    return span_index(s, ':') < s.n;
}

static const char *parse_unix(struct span path, struct pool_server_conf *out) {
    if (!span_has_prefix(path, SPAN("/"))) {
        return "the path of a unix socket must begin with a slash";
    }
    if (path.n > POOL_PATH_MAX) {
        return "the path of a unix socket has at most 107 bytes";
    }
    if (span_index(path, 0) < path.n) {
        return "zero byte in the path of a unix socket";
    }
    out->is_unix = true;
    out->path = path;
    return NULL;
}

// Takes the host off the front of *rest, and the colon behind it.
static const char *parse_host(struct span *rest, struct pool_server_conf *out) {
    bool is_bracketed = span_has_prefix(*rest, SPAN("["));
    struct span s = span_skip(*rest, is_bracketed);
    size_t at = span_index(s, is_bracketed ? ']' : ':');
    out->host = span_first(s, at);
    if (is_bracketed ? at == s.n || !is_ipv6(out->host) : !is_name(out->host)) {
        return is_bracketed ? "malformed IPv6 address" : "malformed host name";
    }
    s = span_skip(s, at + is_bracketed);
    if (!span_has_prefix(s, SPAN(":"))) {
        return "a port must follow the host, as in 127.0.0.1:9000";
    }
    *rest = span_skip(s, 1);
    return NULL;
}

static const char *parse(struct span text, struct pool_server_conf *out) {
    uint64_t port;
    if (span_has_prefix(text, SPAN("unix:"))) {
        return parse_unix(span_skip(text, 5), out);
    }
    if (span_has_prefix(text, SPAN("tcp:"))) {
        text = span_skip(text, 4);
    }
    const char *why = parse_host(&text, out);
    if (why != NULL) {
        return why;
    }
    if (!span_to_u64(text, &port) || port < 1 || port > 65535) {
        return "the port is not a number from 1 to 65535";
    }
    out->port = (uint16_t)port;
    return NULL;
}

// Takes one word that is an option off the end of *text. False when the last word is none.
static bool take_option(struct span *text, struct pool_server_conf *out, const char **why) {
    size_t at = text->n;
    while (at > 0 && text->p[at - 1] != ' ') {
        at--;
    }
    struct span word = span_skip(*text, at);
    if (at == 0 || (!span_eq(word, SPAN("backup")) && !span_has_prefix(word, SPAN("weight=")))) {
        return false;
    }
    *text = span_trim(span_first(*text, at));
    uint64_t weight = 1;
    out->is_backup = out->is_backup || word.p[0] == 'b';
    if (word.p[0] == 'w') {
        bool is_number = span_to_u64(span_skip(word, 7), &weight);
        out->weight = (unsigned)weight;
        if (!is_number || weight < 1 || weight > POOL_WEIGHT_MAX) {
            *why = "the weight is not a number from 1 to 1000";
        }
    }
    return true;
}

int pool_address_parse(struct span text, struct pool_server_conf *out, const char **why) {
    *out = (struct pool_server_conf){.weight = 1};
    *why = NULL;
    while (take_option(&text, out, why)) {
    }
    out->address = text;
    if (*why != NULL) {
        return ERR_SYNTAX;
    }
    if (text.n == 0) {
        *why = "the address is empty";
        return ERR_SYNTAX;
    }
    *why = parse(text, out);
    return *why == NULL ? 0 : ERR_SYNTAX;
}
