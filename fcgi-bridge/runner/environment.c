// SPDX-License-Identifier: MIT
#include "runner/environment.h"

#include "base/span.h"

#include <stdlib.h>

#define OURS 6 // variables that are set here, besides the operator's

// A "*" at the end stands for any rest.
static const char *const listed[] = {
    // RFC 3875, 4.1
    "AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "PATH_INFO", "PATH_TRANSLATED", "QUERY_STRING",
    "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_IDENT", "REMOTE_USER", "REQUEST_METHOD", "SCRIPT_NAME",
    "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SOFTWARE", "HTTP_*",
    // conventional
    "DOCUMENT_ROOT", "DOCUMENT_URI", "HTTPS", "REMOTE_PORT", "REQUEST_SCHEME", "REQUEST_URI",
    "REQUEST_ID", "SERVER_ADDR", "REDIRECT_*", "SSL_*", "H2_*", "H2PUSH", "HTTP2"};

static bool is_named(struct span name, const char *pattern) {
    struct span want = span_str(pattern);
    if (span_has_suffix(want, SPAN("*"))) {
        return span_has_prefix(name, span_first(want, want.n - 1));
    }
    return span_eq(name, want);
}

static bool is_name(struct span name) {
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        if (c != '_' && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9')) {
            return false;
        }
    }
    return name.n > 0;
}

static bool is_passed(const struct options *o, struct span name) {
    if (!is_name(name) || span_eq(name, SPAN("HTTP_PROXY"))) {
        return false;
    }
    for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++) {
        if (is_named(name, listed[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < o->pass.n; i++) {
        if (is_named(name, o->pass.v[i])) {
            return true;
        }
    }
    return false;
}

struct entry {
    char *text;
    size_t order;
};

static struct span name_of(const char *text) {
    return span_of(text, strcspn(text, "="));
}

static int compare_names(const char *a, const char *b) {
    struct span x = name_of(a), y = name_of(b);
    int order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
    return order ? order : (x.n > y.n) - (x.n < y.n);
}

static int compare(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    int order = compare_names(x->text, y->text);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

// Sorted by name, then by coming; the first of each name goes into e->v.
static void put_each_once(struct environment *e, struct entry *entries, size_t n) {
    size_t kept = 0;
    qsort(entries, n, sizeof *entries, compare);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || compare_names(entries[i - 1].text, entries[i].text) != 0) {
            e->v[kept++] = entries[i].text;
        }
    }
    e->v[kept] = NULL;
}

struct filling {
    struct entry *v;
    size_t n;
};

static void add(struct filling *f, char *text) {
    f->v[f->n] = (struct entry){text, f->n};
    f->n++;
}

// Adds "NAME=value" of at most `n` bytes of value. False without memory.
static bool add_ours(struct environment *e, struct filling *f, const char *name, const char *value,
                     size_t n) {
    char *text;
    if (e->n_own == ENVIRONMENT_OWN || asprintf(&text, "%s=%.*s", name, (int)n, value) < 0) {
        return false;
    }
    e->own[e->n_own++] = text;
    add(f, text);
    return true;
}

static bool add_operators(struct environment *e, struct filling *f, const struct options *o) {
    for (size_t i = 0; i < o->env.n; i++) {
        add(f, (char *)(uintptr_t)o->env.v[i]);
    }
    for (size_t i = 0; i < o->inherit.n; i++) {
        const char *value = getenv(o->inherit.v[i]);
        if (value && !add_ours(e, f, o->inherit.v[i], value, strlen(value))) {
            return false;
        }
    }
    return true;
}

// What stood behind the program's name is PATH_INFO, and no part of SCRIPT_NAME.
static bool add_info(struct environment *e, struct filling *f, const struct program *p,
                     char **params) {
    struct span info = span_str(p->info), name = {0};
    for (char **at = params; *at; at++) {
        if (span_has_prefix(span_str(*at), SPAN("SCRIPT_NAME="))) {
            name = span_skip(span_str(*at), strlen("SCRIPT_NAME="));
        }
    }
    if (info.n == 0) {
        return true;
    }
    if (span_has_suffix(name, info) &&
        !add_ours(e, f, "SCRIPT_NAME", (const char *)name.p, name.n - info.n)) {
        return false;
    }
    return add_ours(e, f, "PATH_INFO", p->info, info.n);
}

static bool fill(struct environment *e, struct filling *f, const struct options *o,
                 const struct program *p, char **params) {
    static char gateway[] = "GATEWAY_INTERFACE=CGI/1.1";
    // php-cgi answers nothing without it; the request's own counts more.
    static char redirect[] = "REDIRECT_STATUS=200";
    const char *path = getenv("PATH");
    path = path && path[0] ? path : "/usr/local/bin:/usr/bin:/bin";
    if (!add_operators(e, f, o) || !add_ours(e, f, "PATH", path, strlen(path)) ||
        !add_ours(e, f, "SCRIPT_FILENAME", p->path, strlen(p->path)) ||
        !add_info(e, f, p, params)) {
        return false;
    }
    add(f, gateway);
    for (; *params; params++) {
        if (strchr(*params, '=') && is_passed(o, name_of(*params))) {
            add(f, *params);
        }
    }
    add(f, redirect);
    return true;
}

int environment_init(struct environment *e, const struct options *o, const struct program *p,
                     char **params) {
    size_t most = OURS + o->env.n + o->inherit.n;
    memset(e, 0, sizeof *e);
    for (char **at = params; *at; at++) {
        most++;
    }
    struct filling f = {malloc(most * sizeof *f.v), 0};
    e->v = malloc((most + 1) * sizeof *e->v);
    bool is_filled = f.v && e->v && fill(e, &f, o, p, params);
    if (is_filled) {
        put_each_once(e, f.v, f.n);
    } else {
        environment_fini(e);
    }
    free(f.v);
    return is_filled ? 0 : -1;
}

void environment_fini(struct environment *e) {
    for (size_t i = 0; i < e->n_own; i++) {
        free(e->own[i]);
    }
    free(e->v);
    memset(e, 0, sizeof *e);
}
