// SPDX-License-Identifier: MIT
#include "hints/target.h"

#include "base/error.h"
#include "http/uri.h"

static struct span join(struct arena *arena, struct span a, struct span b, struct span c) {
    uint8_t *p = arena_alloc(arena, a.n + b.n + c.n);
    if (p == NULL) {
        return span_of(NULL, 0);
    }
    memcpy(p, a.p, a.n);
    memcpy(p + a.n, b.p, b.n);
    memcpy(p + a.n + b.n, c.p, c.n);
    return span_of(p, a.n + b.n + c.n);
}

static enum hint_reason reason_of(int error) {
    switch (error) {
    case ERR_ARENA_LIMIT:
        return HINT_MEMORY;
    case ERR_SYNTAX:
        return HINT_TARGET_SYNTAX;
    default: // well formed, but of another scheme
        return HINT_TARGET_SCHEME;
    }
}

static enum hint_reason fill(struct target *out, const struct uri *base, const struct uri *uri,
                             struct arena *arena) {
    if (uri->path.n > TARGET_MAX) {
        return HINT_TARGET_LONG;
    }
    bool same_scheme = span_eq(uri->scheme, base->scheme);
    if (!same_scheme && span_eq(base->scheme, SPAN("https"))) {
        return HINT_TARGET_DOWNGRADE;
    }
    out->is_same_origin = same_scheme && span_eq(uri->authority, base->authority);
    out->path = uri->path;
    out->origin = span_of(NULL, 0);
    out->url = uri->path;
    if (out->is_same_origin) {
        return HINT_OK; // uri_resolve gives no path that begins with "//", which would be a host
    }
    out->origin = join(arena, uri->scheme, SPAN("://"), uri->authority);
    out->url = out->origin.p ? join(arena, out->origin, SPAN(""), uri->path) : out->origin;
    return out->url.p != NULL ? HINT_OK : HINT_MEMORY;
}

enum hint_reason target_resolve(struct target *out, const struct target_page *page,
                                struct span reference, struct arena *arena) {
    struct uri base = {.scheme = page->scheme,
                       .authority = uri_authority_without_default(page->scheme, page->authority),
                       .path = page->path};
    struct uri uri;
    if (reference.n > TARGET_MAX) {
        return HINT_TARGET_LONG;
    }
    int error = uri_resolve(arena, &base, reference, &uri);
    return error == 0 ? fill(out, &base, &uri, arena) : reason_of(error);
}
