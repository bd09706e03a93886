// SPDX-License-Identifier: MIT
#include "runner/environment.h"

#include "base/span.h"

#include <stdlib.h>

#define OURS 4 // variables that are set here

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

static int put_ours(struct environment *e, const struct program *p) {
    const char *path = getenv("PATH");
    if (asprintf(&e->path, "PATH=%s", path && path[0] ? path : "/usr/local/bin:/usr/bin:/bin") <
        0) {
        e->path = NULL;
        return -1;
    }
    if (asprintf(&e->script, "SCRIPT_FILENAME=%s", p->path) < 0) {
        e->script = NULL;
        return -1;
    }
    return 0;
}

static int fill(struct environment *e, const struct options *o, char **params) {
    static char gateway[] = "GATEWAY_INTERFACE=CGI/1.1";
    // php-cgi answers nothing without it; the request's own counts more.
    static char redirect[] = "REDIRECT_STATUS=200";
    size_t count = 0, n = 0;
    while (params[count]) {
        count++;
    }
    struct entry *entries = malloc((count + OURS) * sizeof *entries);
    e->v = malloc((count + OURS + 1) * sizeof *e->v);
    if (entries == NULL || e->v == NULL) {
        free(entries);
        return -1;
    }
    entries[n++].text = e->path;
    entries[n++].text = e->script;
    entries[n++].text = gateway;
    for (size_t i = 0; i < count; i++) {
        if (strchr(params[i], '=') && is_passed(o, name_of(params[i]))) {
            entries[n++].text = params[i];
        }
    }
    entries[n++].text = redirect;
    for (size_t i = 0; i < n; i++) {
        entries[i].order = i;
    }
    put_each_once(e, entries, n);
    free(entries);
    return 0;
}

int environment_init(struct environment *e, const struct options *o, const struct program *p,
                     char **params) {
    memset(e, 0, sizeof *e);
    if (put_ours(e, p) < 0 || fill(e, o, params) < 0) {
        environment_fini(e);
        return -1;
    }
    return 0;
}

void environment_fini(struct environment *e) {
    free(e->path);
    free(e->script);
    free(e->v);
    memset(e, 0, sizeof *e);
}
