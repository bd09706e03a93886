// SPDX-License-Identifier: MIT
#include "exchange/cgi_env.h"

#include "base/error.h"
#include "base/fnv.h"
#include "base/tchar.h"
#include "exchange/client.h"
#include "http/uri.h"

#include <assert.h>

#define FIXED_MOST 32 // variables that are not HTTP_*

// Fields of which no HTTP_* is made. The first two have names of their own; "host" is the
// request's authority; "proxy" would be HTTP_PROXY, which programs take for their environment
// (CVE-2016-5385); the others speak to us about this connection (RFC 9110, 7.6.1).
static const struct span never[] = {
    SPAN_INIT("content-type"), SPAN_INIT("content-length"),    SPAN_INIT("host"),
    SPAN_INIT("proxy"),        SPAN_INIT("connection"),        SPAN_INIT("keep-alive"),
    SPAN_INIT("te"),           SPAN_INIT("trailer"),           SPAN_INIT("upgrade"),
    SPAN_INIT("expect"),       SPAN_INIT("transfer-encoding"), SPAN_INIT("proxy-connection"),
};

// Being built: HTTP_* names are written into one piece of the arena.
struct writer {
    const struct cgi_env *env;
    struct arena *arena;
    struct pairs *params;
    uint8_t *names;  // where the next name goes
    size_t first;    // index of the first HTTP_*
    uint64_t filter; // a bit for each hash of an HTTP_* name so far
    int error;
};

// There is room for all: cgi_env_build has seen to it.
static inline void put(struct writer *w, struct span name, struct span value) {
    struct pairs *params = w->params;
    assert(params->n < params->cap);
    struct pair *pair = &params->v[params->n++];
    pair->name = name;
    pair->value = value;
}

static struct span put_number(struct writer *w, uint64_t value) {
    uint8_t digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    struct span text = arena_copy(w->arena, span_of(digits + at, sizeof digits - at));
    if (text.p == NULL) {
        w->error = ERR_ARENA_LIMIT;
    }
    return text;
}

static bool is_among(struct span name, const struct span *v, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (span_eq_nocase(name, v[i])) {
            return true;
        }
    }
    return false;
}

static bool is_dropped(const struct cgi_env *env, struct span name) {
    if (is_among(name, never, sizeof never / sizeof never[0])) {
        return true;
    }
    enum forwarded_field field = forwarded_field_find(name);
    if (field == FORWARDED_FIELDS) {
        return span_eq_nocase(span_first(name, 12), SPAN("x-forwarded-"));
    }
    return !env->is_front || !forwarded_field_may_pass(field);
}

static uint8_t *append(uint8_t *to, struct span s) {
    if (s.n > 0) {
        memcpy(to, s.p, s.n);
    }
    return to + s.n;
}

// Writes HTTP_NAME for a field's name. False when the name has a byte that may not be in one.
static bool write_name(struct span name, uint8_t *to, uint32_t *hash) {
    uint32_t h = FNV_START;
    append(to, SPAN("HTTP_"));
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = span_lower_byte(name.p[i]);
        if (c >= 'a' && c <= 'z') {
            c = (uint8_t)(c - 0x20);
        } else if (c == '-') {
            c = '_';
        } else if (c < '0' || c > '9') {
            return false;
        }
        to[5 + i] = c;
        h = fnv_byte(h, c);
    }
    *hash = h ^ h >> 16;
    return name.n > 0;
}

static bool has_name(const struct writer *w, struct span name, uint32_t hash) {
    if ((w->filter >> (hash & 63) & 1) == 0) {
        return false;
    }
    for (size_t i = w->first; i < w->params->n; i++) {
        if (span_eq(w->params->v[i].name, name)) {
            return true;
        }
    }
    return false;
}

// The length of a field's value and of all that repeat it further on, joined.
static size_t joined_len(const struct pair *field, const struct pair *end, size_t comma) {
    size_t len = field->value.n;
    for (const struct pair *f = field + 1; f < end; f++) {
        if (span_eq_nocase(f->name, field->name) && tchar_is_text(f->value)) {
            len += comma + f->value.n;
        }
    }
    return len;
}

// The values of a field that is repeated become one, in one piece: made longer step by step, a
// client's many small fields would take memory by their square.
static struct span join(struct writer *w, const struct pair *field, const struct pair *end) {
    struct span comma = span_eq_nocase(field->name, SPAN("cookie")) ? SPAN("; ") : SPAN(", ");
    size_t len = joined_len(field, end, comma.n);
    if (len == field->value.n) {
        return field->value;
    }
    uint8_t *p = arena_alloc(w->arena, len);
    if (p == NULL) {
        w->error = ERR_ARENA_LIMIT;
        return field->value;
    }
    uint8_t *at = append(p, field->value);
    for (const struct pair *f = field + 1; f < end; f++) {
        if (span_eq_nocase(f->name, field->name) && tchar_is_text(f->value)) {
            at = append(append(at, comma), f->value);
        }
    }
    return span_of(p, len);
}

static void put_field(struct writer *w, const struct pair *field, const struct pair *end) {
    uint32_t hash;
    // Fronts check it too; a CTL in a variable would be a line of its own in somebody's log.
    if (!tchar_is_text(field->value) || !write_name(field->name, w->names, &hash)) {
        return;
    }
    struct span name = span_of(w->names, 5 + field->name.n);
    if (has_name(w, name, hash)) {
        return; // joined with the first of its name
    }
    put(w, name, join(w, field, end));
    w->filter |= (uint64_t)1 << (hash & 63);
    w->names += name.n;
}

// Bytes that the names of HTTP_* take.
static size_t names_len(const struct pairs *fields) {
    size_t len = 0;
    for (size_t i = 0; i < fields->n; i++) {
        len += 5 + fields->v[i].name.n;
    }
    return len;
}

static void put_fields(struct writer *w) {
    static const struct pairs none;
    const struct pairs *fields = &w->env->request->fields;
    const struct pairs *said = w->env->peer->said != NULL ? w->env->peer->said : &none;
    size_t len = names_len(fields) + names_len(said);
    w->names = arena_alloc(w->arena, len ? len : 1);
    if (w->names == NULL) {
        w->error = ERR_ARENA_LIMIT;
    }
    if (w->env->request->authority.n > 0) {
        put(w, SPAN("HTTP_HOST"), w->env->request->authority);
    }
    w->first = w->params->n;
    for (size_t i = 0; i < fields->n && w->error == 0; i++) {
        if (!is_dropped(w->env, fields->v[i].name)) {
            put_field(w, &fields->v[i], fields->v + fields->n);
        }
    }
    for (size_t i = 0; i < said->n && w->error == 0; i++) {
        put_field(w, &said->v[i], said->v + said->n);
    }
}

static void put_body(struct writer *w) {
    const struct request *request = w->env->request;
    const struct span *type = pairs_find(&request->fields, SPAN("content-type"));
    if (type != NULL && tchar_is_text(*type)) {
        put(w, SPAN("CONTENT_TYPE"), *type);
    }
    // An empty body's "0" is told as well: programs ask whether there is a length at all.
    bool has_body = w->env->has_body || request->body_len > 0 ||
                    pairs_find(&request->fields, SPAN("content-length")) != NULL;
    if (has_body && request->body_len != BODY_UNKNOWN) {
        put(w, SPAN("CONTENT_LENGTH"), put_number(w, request->body_len));
    }
}

static struct span protocol_text(enum protocol protocol) {
    switch (protocol) {
    case PROTOCOL_HTTP10:
        return SPAN("HTTP/1.0");
    case PROTOCOL_HTTP11:
        return SPAN("HTTP/1.1");
    case PROTOCOL_HTTP2:
        break;
    }
    return SPAN("HTTP/2.0");
}

static void put_request(struct writer *w) {
    const struct request *request = w->env->request;
    const struct route *route = w->env->route;
    put(w, SPAN("SCRIPT_FILENAME"), route->file);
    put(w, SPAN("SCRIPT_NAME"), route->script_name);
    if (route->path_info.n > 0) {
        put(w, SPAN("PATH_INFO"), route->path_info);
    }
    put(w, SPAN("REQUEST_METHOD"), request->method);
    put(w, SPAN("REQUEST_URI"), request->target);
    put(w, SPAN("DOCUMENT_URI"), route->script_name);
    put(w, SPAN("QUERY_STRING"), route->query.p != NULL ? route->query : SPAN(""));
    put(w, SPAN("DOCUMENT_ROOT"), route->root.n > 0 ? route->root : SPAN(""));
    put(w, SPAN("SERVER_PROTOCOL"), protocol_text(request->protocol));
}

static void put_connection(struct writer *w) {
    const struct cgi_env *env = w->env;
    bool is_secure = env->request->is_secure;
    put(w, SPAN("REQUEST_SCHEME"), is_secure ? SPAN("https") : SPAN("http"));
    if (is_secure) {
        put(w, SPAN("HTTPS"), SPAN("on"));
    }
    put(w, SPAN("GATEWAY_INTERFACE"), SPAN("CGI/1.1"));
    put(w, SPAN("SERVER_SOFTWARE"), SPAN("outrider"));
    put(w, SPAN("REMOTE_ADDR"), env->peer->remote_addr);
    put(w, SPAN("REMOTE_PORT"), env->peer->remote_port);
    put(w, SPAN("SERVER_ADDR"), env->peer->server_addr);
    put(w, SPAN("SERVER_PORT"), env->peer->server_port);
    put(w, SPAN("SERVER_NAME"),
        env->is_named ? uri_host(env->request->authority) : env->site->name);
    // php-cgi refuses to run without it where it was built to be run by a web server only.
    put(w, SPAN("REDIRECT_STATUS"), put_number(w, (uint64_t)env->status));
}

// Settings of PHP, of which each line is one: they add up.
static bool is_of_lines(struct span name) {
    return span_eq(name, SPAN("PHP_VALUE")) || span_eq(name, SPAN("PHP_ADMIN_VALUE"));
}

static struct span join_lines(struct writer *w, struct span first, struct span second) {
    uint8_t *p = arena_alloc(w->arena, first.n + 1 + second.n);
    if (p == NULL) {
        w->error = ERR_ARENA_LIMIT;
        return first;
    }
    append(append(append(p, first), SPAN("\n")), second);
    return span_of(p, first.n + 1 + second.n);
}

// In the words of Apache's mod_ssl, which those of nginx's guides are, too; only where the site
// asks for certificates, and this connection was asked by it.
static void put_certificate(struct writer *w) {
    const struct tls_client *shown = w->env->peer->shown;
    if (w->env->site->client.mode == TLS_CLIENT_OFF) {
        return;
    }
    bool is_good =
        shown != NULL && shown->asked == &w->env->site->client && shown->verdict == TLS_CLIENT_GOOD;
    put(w, SPAN("SSL_CLIENT_VERIFY"), is_good ? SPAN("SUCCESS") : SPAN("NONE"));
    if (!is_good) {
        return;
    }
    put(w, SPAN("SSL_CLIENT_S_DN"), shown->subject);
    put(w, SPAN("SSL_CLIENT_I_DN"), shown->issuer);
    put(w, SPAN("SSL_CLIENT_S_DN_CN"), shown->name);
    put(w, SPAN("SSL_CLIENT_M_SERIAL"), shown->serial);
    put(w, SPAN("SSL_CLIENT_FINGERPRINT"), shown->fingerprint);
    put(w, SPAN("SSL_CLIENT_V_START"), shown->from);
    put(w, SPAN("SSL_CLIENT_V_END"), shown->until);
}

// The operator's own take the place of one of that name, or are added.
static void put_params(struct writer *w, struct span_list own) {
    for (size_t i = 0; i < own.n && w->error == 0; i++) {
        size_t at = span_index(own.v[i], '=');
        struct span name = span_first(own.v[i], at), value = span_skip(own.v[i], at + 1);
        size_t k = 0;
        while (k < w->params->n && !span_eq(w->params->v[k].name, name)) {
            k++;
        }
        if (k < w->params->n) {
            struct span *was = &w->params->v[k].value;
            *was = is_of_lines(name) ? join_lines(w, *was, value) : value;
        } else {
            put(w, name, value);
        }
    }
}

// The most variables that there may be.
static size_t most_of(const struct cgi_env *env) {
    size_t said = env->peer->said != NULL ? env->peer->said->n : 0;
    size_t own = env->site->params.n + (env->route->rule != NULL ? env->route->rule->params.n : 0);
    return FIXED_MOST + own + env->request->fields.n + said;
}

int cgi_env_build(const struct cgi_env *env, struct arena *a, struct pairs *params) {
    struct writer w = {.env = env, .arena = a, .params = params};
    size_t cap = most_of(env);
    *params = (struct pairs){.v = arena_alloc(a, cap * sizeof *params->v), .cap = cap};
    if (params->v == NULL) {
        return ERR_ARENA_LIMIT;
    }
    put_request(&w);
    put_connection(&w);
    put_certificate(&w);
    put_body(&w);
    put_params(&w, env->site->params);
    if (env->route->rule != NULL) {
        put_params(&w, env->route->rule->params);
    }
    put_fields(&w);
    return w.error;
}
