// SPDX-License-Identifier: MIT
#include "http/request.h"

#include "base/error.h"
#include "base/tchar.h"
#include "http/field.h"
#include "http/uri.h"

#define METHOD_MAX 32 // bytes; the longest registered method has 16

// What the fields say that the request is completed with.
struct seen {
    struct span host;
    uint32_t hosts, lengths, cookies;
};

static int fail(int error, const char **why, const char *text) {
    *why = text;
    return error;
}

// RFC 9110, 9.1: case counts, and no method of any registry has a lower-case letter.
static int check_method(struct span method, const char **why) {
    if (!tchar_is_token(method)) {
        return fail(ERR_REQUEST_SYNTAX, why, "the method is no token");
    }
    bool has_lower = false;
    for (size_t i = 0; i < method.n; i++) {
        has_lower |= method.p[i] >= 'a' && method.p[i] <= 'z';
    }
    if (has_lower || method.n > METHOD_MAX || span_eq(method, SPAN("TRACE")) ||
        span_eq(method, SPAN("CONNECT"))) {
        return fail(ERR_REQUEST_METHOD, why, "method not allowed");
    }
    return 0;
}

// RFC 9110, 8.6: digits only, once. The largest value means "unknown" to us and is none either.
static int set_length(struct request *r, struct span value, const char **why) {
    uint64_t len;
    if (!span_to_u64(value, &len) || len > INT64_MAX) {
        return fail(ERR_REQUEST_FRAMING, why, "bad Content-Length");
    }
    r->body_len = len;
    return 0;
}

static int look_at(struct request *r, struct pair field, struct seen *seen, const char **why) {
    switch (field.name.n) {
    case 4:
        if (span_eq_nocase(field.name, SPAN("host"))) {
            seen->host = field.value;
            seen->hosts++;
        }
        return 0;
    case 6:
        seen->cookies += span_eq_nocase(field.name, SPAN("cookie"));
        return 0;
    case 14:
        if (!span_eq_nocase(field.name, SPAN("content-length"))) {
            return 0;
        }
        if (seen->lengths++ > 0) {
            return fail(ERR_REQUEST_FRAMING, why, "two Content-Length fields");
        }
        return set_length(r, field.value, why);
    default:
        return 0;
    }
}

static int check_fields(struct request *r, struct seen *seen, const char **why) {
    for (size_t i = 0; i < r->fields.n; i++) {
        struct pair field = r->fields.v[i];
        if (!field_is_name(field.name)) {
            return fail(ERR_REQUEST_SYNTAX, why, "bad field name");
        }
        if (!field_is_value(field.value)) {
            return fail(ERR_REQUEST_SYNTAX, why, "bad character in a field value");
        }
        int rv = look_at(r, field, seen, why);
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
}

static uint16_t port_of(const struct request *r, const struct uri_authority *authority) {
    return authority->port != 0 ? authority->port : uri_default_port(r->scheme);
}

// RFC 9112, 3.2: one host. In HTTP/1 a target in absolute-form has it, whatever Host says (3.2.2);
// in HTTP/2 both are the same (RFC 9113, 8.3.1).
static int set_authority(struct request *r, struct arena *a, const struct seen *seen,
                         const char **why) {
    struct uri_authority host, authority;
    if (seen->hosts > 1) {
        return fail(ERR_REQUEST_HOST, why, "two Host fields");
    }
    if (seen->hosts == 0 && r->protocol == PROTOCOL_HTTP11) {
        return fail(ERR_REQUEST_HOST, why, "no Host field");
    }
    int rv = seen->hosts == 0 ? 0 : uri_authority_parse(a, seen->host, &host, why);
    if (rv != 0) {
        return rv;
    }
    if (r->authority.n == 0) {
        r->authority = seen->hosts > 0 ? host.text : SPAN("");
        return seen->hosts > 0 || r->protocol == PROTOCOL_HTTP10
                   ? 0
                   : fail(ERR_REQUEST_HOST, why, "no host");
    }
    rv = uri_authority_parse(a, r->authority, &authority, why);
    if (rv != 0) {
        return rv;
    }
    if (seen->hosts > 0 && r->protocol == PROTOCOL_HTTP2 &&
        (!span_eq(host.host, authority.host) || port_of(r, &host) != port_of(r, &authority))) {
        return fail(ERR_REQUEST_HOST, why, "the Host field names another host than the target");
    }
    r->authority = authority.text;
    return 0;
}

static uint8_t *append(uint8_t *at, struct span s) {
    if (s.n > 0) {
        memcpy(at, s.p, s.n);
    }
    return at + s.n;
}

// RFC 9113, 8.2.3: applications know one Cookie field only.
static int join_cookies(struct request *r, struct arena *a, const char **why) {
    struct pairs *fields = &r->fields;
    struct span name = SPAN("cookie");
    size_t len = 0, first = field_find(fields, name, 0), kept = first + 1;
    for (size_t i = first; i < fields->n; i = field_find(fields, name, i + 1)) {
        len += fields->v[i].value.n + 2;
    }
    uint8_t *joined = arena_alloc(a, len);
    if (joined == NULL) {
        return fail(ERR_ARENA_LIMIT, why, "no memory left for the cookies");
    }
    uint8_t *at = joined;
    for (size_t i = first; i < fields->n; i++) {
        struct pair field = fields->v[i];
        if (!span_eq_nocase(field.name, name)) {
            fields->v[kept++] = field;
        } else if (field.value.n > 0) {
            at = append(at > joined ? append(at, SPAN("; ")) : at, field.value);
        }
    }
    fields->v[first].value = span_of(joined, (size_t)(at - joined));
    fields->n = kept;
    return 0;
}

// RFC 9112, 3.2.4: "*" asks about the server as a whole, which here is what answers for "/".
static int set_path(struct request *r, struct arena *a, const char **why) {
    if (span_eq(r->target, SPAN("*")) && span_eq(r->method, SPAN("OPTIONS"))) {
        r->path = SPAN("/");
        r->query = (struct span){NULL, 0};
        return 0;
    }
    return uri_path_normalise(a, r->target, &r->path, &r->query, why);
}

int request_complete(struct request *r, struct arena *a, const char **why) {
    struct seen seen = {.hosts = 0};
    int rv = check_fields(r, &seen, why);
    if (rv == 0 && !span_eq(r->scheme, SPAN("http")) && !span_eq(r->scheme, SPAN("https"))) {
        rv = fail(ERR_REQUEST_SYNTAX, why, "the scheme is neither http nor https");
    }
    if (rv == 0) {
        rv = check_method(r->method, why);
    }
    if (rv == 0) {
        rv = set_authority(r, a, &seen, why);
    }
    if (rv == 0) {
        rv = set_path(r, a, why);
    }
    if (rv == 0 && seen.cookies > 1) {
        rv = join_cookies(r, a, why);
    }
    return rv;
}

int request_expect(const struct request *r, bool *expects_continue, const char **why) {
    const struct pairs *fields = &r->fields;
    struct span name = SPAN("expect"), element;
    *expects_continue = false;
    if (r->protocol == PROTOCOL_HTTP10) {
        return 0;
    }
    for (size_t i = field_find(fields, name, 0); i < fields->n;
         i = field_find(fields, name, i + 1)) {
        for (struct span rest = fields->v[i].value; field_next_element(&rest, &element);) {
            if (!span_eq_nocase(element, SPAN("100-continue"))) {
                return fail(ERR_REQUEST_EXPECT, why, "expectation other than 100-continue");
            }
            *expects_continue = true;
        }
    }
    return 0;
}
