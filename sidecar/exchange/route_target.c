// SPDX-License-Identifier: MIT
#include "exchange/route_target.h"

#define LOCATION_MOST (16u << 10) // bytes; more is an error as if there were no memory

// ---- reading ------------------------------------------------------------------------------------

// What stands before the host; 0 bytes: it is a path.
static size_t scheme_of(struct span text) {
    static const struct span schemes[] = {SPAN_INIT("https://"), SPAN_INIT("http://"),
                                          SPAN_INIT("{scheme}://")};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (span_has_prefix(text, schemes[i])) {
            return schemes[i].n;
        }
    }
    return 0;
}

// Whether what follows the scheme names a host that no client chooses.
static bool is_safe_host(struct span rest) {
    struct span slash = SPAN("{path}");
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' &&
           !span_has_prefix(span_skip(rest, n), slash)) {
        n++;
    }
    struct span host = span_first(rest, n);
    bool is_plain = host.n > 0 && span_index(host, '{') == host.n &&
                    span_index(host, '@') == host.n && span_index(host, '\\') == host.n;
    return is_plain || span_eq(host, SPAN("{host}"));
}

static const char *why_no_target(struct span text, bool is_inside) {
    size_t scheme = scheme_of(text);
    for (size_t i = 0; i < text.n && !is_inside; i++) {
        if (text.p[i] <= 0x20 || text.p[i] >= 0x7f || strchr("#\"<>\\^`|", text.p[i]) != NULL) {
            return "it must be written as in a URL, with %XX for other characters";
        }
    }
    if (scheme > 0 && is_inside) {
        return "it is a path of this site; redirect = \"https://...\" leads elsewhere";
    }
    if (scheme > 0) {
        return is_safe_host(span_skip(text, scheme))
                   ? NULL
                   : "behind the scheme stands a host or {host}, and then a slash";
    }
    bool is_path = text.n > 0 && (text.p[0] == '/' || text.p[0] == '{');
    return is_path ? NULL : "it begins with / or with https://";
}

bool route_target_parse(struct route_target *t, struct span text, bool is_inside, struct arena *a,
                        const char **why) {
    size_t n = span_index(text, '?');
    *t = (struct route_target){.has_query = n<text.n, .is_url = scheme_of(text)> 0};
    *why = why_no_target(text, is_inside);
    struct span query = t->has_query ? span_skip(text, n + 1) : SPAN("{query}");
    return *why == NULL && template_parse(&t->path, span_first(text, n), a, why) &&
           template_parse(&t->query, query, a, why);
}

// ---- writing ------------------------------------------------------------------------------------

// An "&" at the end stands before a {query} that there is not.
static struct span query_of(const struct route_target *t, const struct template_values *values,
                            struct arena *a) {
    if (!t->has_query && values->variables[TEMPLATE_QUERY].p == NULL) {
        return span_of(NULL, 0);
    }
    struct span query = template_expand(&t->query, values, TEMPLATE_IN_QUERY, a);
    bool is_open = values->variables[TEMPLATE_QUERY].n == 0 && span_has_suffix(query, SPAN("&"));
    return span_first(query, is_open ? query.n - 1 : query.n);
}

struct span route_target_location(const struct route_target *t,
                                  const struct template_values *values, struct arena *a) {
    struct span path = template_expand(&t->path, values, TEMPLATE_IN_PATH, a);
    struct span query = query_of(t, values, a);
    while (!t->is_url && path.n > 0 && path.p[0] == '/') {
        path = span_skip(path, 1); // "//host" would be another one
    }
    bool wants_query = query.n > 0 || (!t->has_query && query.p != NULL);
    uint8_t *p = arena_alloc(a, path.n + query.n + 2), *to = p;
    if (p == NULL || path.p == NULL || path.n + query.n > LOCATION_MOST) {
        return span_of(NULL, 0);
    }
    if (!t->is_url) {
        *to++ = '/';
    }
    memcpy(to, path.p, path.n);
    to += path.n;
    if (wants_query) {
        *to++ = '?';
    }
    if (query.n > 0) {
        memcpy(to, query.p, query.n);
        to += query.n;
    }
    return span_of(p, (size_t)(to - p));
}

bool route_target_inside(const struct route_target *t, const struct template_values *values,
                         struct arena *a, struct span *path, struct span *query) {
    struct span text = template_expand(&t->path, values, TEMPLATE_IN_NAME, a);
    uint8_t *p = arena_alloc(a, text.n + 1), *to = p;
    *query = query_of(t, values, a);
    if (p == NULL || text.p == NULL) {
        return false;
    }
    *to++ = '/';
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '/' || to[-1] != '/') {
            *to++ = text.p[i];
        }
    }
    *path = span_of(p, (size_t)(to - p));
    return true;
}
