// SPDX-License-Identifier: MIT
// Reference resolution. Nearly every reference in a page is an absolute path or a URL that needs no
// work: those are cut out of the text. Only paths with dot segments and relative paths go through
// uriparser, which allocates a node a segment; it does so in an arena that lives as long as the
// call.
#include "http/uri.h"

#include "base/error.h"
#include "base/hex.h"

#include <uriparser/Uri.h>

#define SCRATCH_BYTES (512u << 10) // for uriparser: of paths with very many segments

static const struct span nowhere = SPAN_INIT("http://h"); // the origin uriparser is told of

// ---- uriparser in an arena ----------------------------------------------------------------------

static void *scratch_malloc(UriMemoryManager *manager, size_t n) {
    return arena_alloc(manager->userData, n);
}

static void scratch_free(UriMemoryManager *manager, void *p) {
    (void)manager;
    (void)p;
}

// `path` behind the origin that stands for any.
static struct span with_origin(struct arena *a, struct span path) {
    uint8_t *p = arena_alloc(a, nowhere.n + path.n + 1);
    if (p == NULL) {
        return (struct span){NULL, 0};
    }
    memcpy(p, nowhere.p, nowhere.n);
    if (path.n > 0) {
        memcpy(p + nowhere.n, path.p, path.n);
    }
    return span_of(p, nowhere.n + path.n);
}

static int parse(UriUriA *uri, struct span s, UriMemoryManager *memory) {
    const char *bad, *text = (const char *)s.p;
    return uriParseSingleUriExMmA(uri, text, text + s.n, &bad, memory);
}

// The error of a failed uriparser call.
static int error_of(int code) {
    return code == URI_ERROR_MALLOC ? ERR_ARENA_LIMIT : ERR_SYNTAX;
}

static int merge_in(struct arena *scratch, struct span base, struct span path, struct arena *a,
                    struct span *out) {
    UriMemoryManager backend = {
        .malloc = scratch_malloc, .free = scratch_free, .userData = scratch};
    UriMemoryManager memory;
    UriUriA from, relative, to;
    int len, code = uriCompleteMemoryManager(&memory, &backend);
    struct span whole = with_origin(scratch, base);
    if (whole.p == NULL) {
        return ERR_ARENA_LIMIT;
    }
    if (code != URI_SUCCESS || (code = parse(&from, whole, &memory)) != URI_SUCCESS ||
        (code = parse(&relative, path, &memory)) != URI_SUCCESS ||
        (code = uriAddBaseUriExMmA(&to, &relative, &from, URI_RESOLVE_STRICTLY, &memory)) !=
            URI_SUCCESS ||
        (code = uriToStringCharsRequiredA(&to, &len)) != URI_SUCCESS) {
        return error_of(code);
    }
    char *text = arena_alloc(a, (size_t)len + 1);
    if (text == NULL) {
        return ERR_ARENA_LIMIT;
    }
    code = uriToStringA(text, &to, len + 1, NULL);
    *out = span_skip(span_of(text, (size_t)len), nowhere.n);
    return code == URI_SUCCESS ? 0 : error_of(code);
}

// Merges a path into a base path and removes dot segments (RFC 3986, 5.2.3 and 5.2.4).
static int merge(struct span base, struct span path, struct arena *a, struct span *out) {
    struct arena scratch;
    arena_init(&scratch, SCRATCH_BYTES);
    int rv = merge_in(&scratch, base, path, a, out);
    arena_fini(&scratch);
    return rv;
}

// ---- bytes --------------------------------------------------------------------------------------

static bool is_among(uint8_t c, const char *set) {
    return c != 0 && strchr(set, c) != NULL;
}

// What a browser does with a byte of a URL: lets it stand, encodes it, or something that not all of
// them do alike. https://url.spec.whatwg.org, path and special-query percent-encode sets.
enum treatment { STAND, ENCODE, REFUSE };

static enum treatment path_byte(uint8_t c) {
    if (c >= 0x80 || is_among(c, " \"<>`{}")) {
        return ENCODE;
    }
    return c < ' ' || c == 0x7f || is_among(c, "[\\]^|") ? REFUSE : STAND;
}

static enum treatment query_byte(uint8_t c) {
    if (c >= 0x80 || is_among(c, " \"'<>")) {
        return ENCODE;
    }
    return c < ' ' || c == 0x7f ? REFUSE : STAND;
}

// A "%" in a path that is no escape, or hides a dot.
static bool is_bad_escape(struct span s) {
    int c = hex_escape_read(s);
    return c < 0 || c == '.';
}

// How many bytes of s do not stand as they are.
static size_t count_odd(struct span s, enum treatment (*byte)(uint8_t)) {
    size_t odd = 0;
    for (size_t i = 0; i < s.n; i++) {
        odd += byte(s.p[i]) != STAND;
    }
    return odd;
}

static bool has_refused(struct span s, enum treatment (*byte)(uint8_t)) {
    for (size_t i = 0; i < s.n; i++) {
        if (byte(s.p[i]) == REFUSE) {
            return true;
        }
    }
    return false;
}

static bool has_bad_escape(struct span path) {
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == '%' && is_bad_escape(span_skip(path, i))) {
            return true;
        }
    }
    return false;
}

static uint8_t *encode(uint8_t *at, struct span s, enum treatment (*byte)(uint8_t)) {
    for (size_t i = 0; i < s.n; i++) {
        if (byte(s.p[i]) == STAND) {
            *at++ = s.p[i];
        } else {
            at = hex_escape_put(at, s.p[i]);
        }
    }
    return at;
}

// ---- resolution ---------------------------------------------------------------------------------

// A reference in its parts. p of a part is NULL when it is not there.
struct reference {
    struct span scheme, authority, path, query;
    bool is_odd; // path or query have bytes to encode
};

// scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), then ":"
static size_t scheme_len(struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = span_lower_byte(s.p[i]);
        bool is_alpha = c >= 'a' && c <= 'z';
        if (c == ':') {
            return i;
        }
        if (!is_alpha && (i == 0 || !((c >= '0' && c <= '9') || is_among(c, "+-.")))) {
            return 0;
        }
    }
    return 0;
}

// URI-reference = [ scheme ":" ] [ "//" authority ] path [ "?" query ] [ "#" fragment ]
static void split(struct span s, struct reference *r) {
    *r = (struct reference){.is_odd = false};
    s = span_first(s, span_index(s, '#'));
    size_t n = scheme_len(s);
    if (n > 0) {
        r->scheme = span_first(s, n);
        s = span_skip(s, n + 1);
    }
    if (span_has_prefix(s, SPAN("//"))) {
        struct span rest = span_skip(s, 2);
        size_t end = span_index(span_first(rest, span_index(rest, '?')), '/');
        r->authority = span_first(rest, end);
        s = span_skip(rest, end);
    }
    size_t path = span_index(s, '?');
    r->path = span_first(s, path);
    if (path < s.n) {
        r->query = span_skip(s, path + 1);
    }
}

static int check(struct reference *r) {
    if (has_refused(r->path, path_byte) || has_refused(r->query, query_byte) ||
        has_bad_escape(r->path) || span_has_prefix(r->path, SPAN("//"))) {
        return ERR_SYNTAX; // the last names a host wherever it stands alone
    }
    r->is_odd = count_odd(r->path, path_byte) + count_odd(r->query, query_byte) > 0;
    return 0;
}

static int set_origin(struct arena *a, const struct uri *base, const struct reference *r,
                      struct uri *out) {
    struct uri_authority authority;
    const char *why;
    out->scheme = base->scheme;
    out->authority = base->authority;
    if (r->scheme.p != NULL) {
        bool is_https = span_eq_nocase(r->scheme, SPAN("https"));
        if (!is_https && !span_eq_nocase(r->scheme, SPAN("http"))) {
            return ERR_URI_SCHEME;
        }
        out->scheme = is_https ? SPAN("https") : SPAN("http");
    }
    if (r->authority.p == NULL) {
        return r->scheme.p != NULL ? ERR_SYNTAX : 0; // "http:path" is read in two ways
    }
    int rv = uri_authority_parse(a, r->authority, &authority, &why);
    if (rv != 0) {
        return rv == ERR_ARENA_LIMIT ? rv : ERR_SYNTAX;
    }
    bool is_usual = authority.port == uri_default_port(out->scheme);
    out->authority = is_usual ? authority.host : authority.text;
    return 0;
}

// Writes path and query, encoded, as one text; *path is the first part of it.
static int join(struct arena *a, const struct reference *r, struct span *path, struct span *whole) {
    size_t odd = count_odd(r->path, path_byte) + count_odd(r->query, query_byte);
    size_t n = r->path.n + 1 + r->query.n + 2 * odd;
    uint8_t *p = arena_alloc(a, n), *at = p;
    if (p == NULL) {
        return ERR_ARENA_LIMIT;
    }
    at = encode(at, r->path, path_byte);
    *path = span_of(p, (size_t)(at - p));
    if (r->query.p != NULL) {
        *at++ = '?';
        at = encode(at, r->query, query_byte);
    }
    *whole = span_of(p, (size_t)(at - p));
    return 0;
}

static bool has_dots(struct span path) {
    return span_find(path, SPAN("/.")) < path.n;
}

// The path and query of a reference that has a path or a query of its own.
static int set_path(struct arena *a, struct span base, struct reference *r, struct span *out) {
    struct span path, whole, merged;
    bool is_absolute = r->path.n > 0 && r->path.p[0] == '/';
    if (is_absolute && !r->is_odd && !has_dots(r->path)) {
        // Path and query stand side by side in the reference.
        *out = span_of(r->path.p, r->path.n + (r->query.p != NULL ? 1 + r->query.n : 0));
        return 0;
    }
    if (r->path.n == 0) {
        r->path = base; // which has been through here
    } else if (!is_absolute || has_dots(r->path)) {
        int rv = join(a, &(struct reference){.path = r->path}, &path, &whole);
        rv = rv == 0 ? merge(base, path, a, &merged) : rv;
        if (rv != 0) {
            return rv;
        }
        r->path = merged;
    }
    int rv = join(a, r, &path, &whole);
    *out = whole;
    return rv;
}

int uri_resolve(struct arena *a, const struct uri *base, struct span reference, struct uri *out) {
    struct reference r;
    reference = span_trim(reference);
    if (reference.n > URI_REFERENCE_MAX) {
        return ERR_SYNTAX;
    }
    split(reference, &r);
    int rv = set_origin(a, base, &r, out);
    if (rv == 0) {
        rv = check(&r);
    }
    if (rv != 0) {
        return rv;
    }
    if (r.authority.p == NULL && r.path.n == 0 && r.query.p == NULL) {
        out->path = base->path;
        return 0;
    }
    struct span base_path = span_first(base->path, span_index(base->path, '?'));
    rv = set_path(a, r.authority.p != NULL ? SPAN("/") : base_path, &r, &out->path);
    if (rv != 0) {
        return rv;
    }
    // uriparser puts "/." before a path that would begin with "//".
    bool is_hostlike =
        span_has_prefix(out->path, SPAN("//")) || span_has_prefix(out->path, SPAN("/.//"));
    return is_hostlike ? ERR_SYNTAX : 0;
}
