// SPDX-License-Identifier: MIT
#include "exchange/router.h"

#include "base/error.h"

#define PATH_MOST 4095 // bytes of a file name that the kernel takes (PATH_MAX without its zero)

struct router_name {
    struct span name; // p is NULL: free
    const struct site *site;
};

// FNV-1a. Names are the operator's, so nobody can choose them to collide.
static uint32_t hash(struct span name) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.n; i++) {
        h = (h ^ name.p[i]) * 16777619u;
    }
    return h;
}

static struct router_name *find_name(const struct router *r, struct span name) {
    uint32_t at = hash(name) & r->mask;
    while (r->names[at].name.p != NULL && !span_eq(r->names[at].name, name)) {
        at = (at + 1) & r->mask;
    }
    return &r->names[at];
}

static void put_name(struct router *r, struct span name, const struct site *site) {
    struct router_name *slot = find_name(r, name);
    if (slot->name.p == NULL && name.p != NULL) {
        *slot = (struct router_name){name, site};
    }
}

int router_init(struct router *r, struct arena *a, const struct site *sites, size_t n) {
    size_t names = 0;
    for (size_t i = 0; i < n; i++) {
        names += 1 + sites[i].aliases.n;
    }
    uint32_t cap = 8;
    while (cap < names * 2) {
        cap *= 2;
    }
    *r = (struct router){.sites = sites, .sites_n = n, .mask = cap - 1};
    r->names = arena_alloc(a, cap * sizeof *r->names);
    if (r->names == NULL) {
        return ERR_ARENA_LIMIT;
    }
    memset(r->names, 0, cap * sizeof *r->names);
    for (size_t i = 0; i < n; i++) {
        put_name(r, sites[i].name, &sites[i]);
        for (size_t k = 0; k < sites[i].aliases.n; k++) {
            put_name(r, sites[i].aliases.v[k], &sites[i]);
        }
    }
    return 0;
}

// authority = host [ ":" port ]                               (RFC 3986, 3.2)
// host      = IP-literal / IPv4address / reg-name, IP-literal in brackets
struct span router_host(struct span authority) {
    size_t n = authority.n;
    if (n > 0 && authority.p[0] == '[') {
        size_t close = span_index(authority, ']');
        return span_first(authority, close < n ? close + 1 : n);
    }
    n = span_index(authority, ':');
    return span_first(authority, n > 1 && authority.p[n - 1] == '.' ? n - 1 : n);
}

const struct site *router_site(const struct router *r, struct span authority, bool *is_named) {
    struct span host = router_host(authority);
    const struct router_name *slot = host.n > 0 ? find_name(r, host) : NULL;
    *is_named = slot != NULL && slot->name.p != NULL;
    return *is_named ? slot->site : &r->sites[0];
}

// What follows the last star ends every path that matches: "*.bak" is decided by its last bytes.
static bool has_tail(struct span pattern, struct span path) {
    size_t n = 0;
    while (n < pattern.n && pattern.p[pattern.n - 1 - n] != '*') {
        n++;
    }
    return n == pattern.n || span_has_suffix(path, span_skip(pattern, pattern.n - n));
}

bool router_match(struct span pattern, struct span path) {
    size_t p = 0, s = 0, star = SIZE_MAX, from = 0;
    if (!has_tail(pattern, path)) {
        return false;
    }
    while (s < path.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            from = s;
        } else if (p < pattern.n && pattern.p[p] == path.p[s]) {
            p++;
            s++;
        } else if (star != SIZE_MAX) {
            // The last star takes one byte more; earlier ones need not be tried again.
            p = star + 1;
            s = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*') {
        p++;
    }
    return p == pattern.n;
}

static const struct route_rule *find_rule(const struct site *site, struct span path) {
    for (size_t i = 0; i < site->rules_n; i++) {
        if (router_match(site->rules[i].pattern, path)) {
            return &site->rules[i];
        }
    }
    return NULL;
}

// The path has been normalised; this says so once more, because a ".." that came through would
// open the disk. Names that begin with a dot are nobody's business, but for /.well-known/
// (RFC 8615).
static int check_path(const struct site *site, struct span path) {
    if (path.n == 0 || path.p[0] != '/' || memchr(path.p, 0, path.n) != NULL) {
        return ERR_REQUEST_PATH;
    }
    bool has_dot_name = false;
    for (size_t i = 0; i + 1 < path.n; i++) {
        if (path.p[i] != '/') {
            continue;
        }
        struct span rest = span_skip(path, i + 1);
        struct span name = span_first(rest, span_index(rest, '/'));
        if (name.n == 0 || span_eq(name, SPAN(".")) || span_eq(name, SPAN(".."))) {
            return ERR_REQUEST_PATH;
        }
        has_dot_name |= name.p[0] == '.' && (i > 0 || !span_eq(name, SPAN(".well-known")));
    }
    if (has_dot_name) {
        return ERR_FORBIDDEN;
    }
    for (size_t i = 0; i < site->denied.n; i++) {
        if (router_match(site->denied.v[i], path)) {
            return ERR_FORBIDDEN;
        }
    }
    return 0;
}

static bool has_suffix_nocase(struct span s, struct span suffix) {
    return s.n > suffix.n && span_eq_nocase(span_skip(s, s.n - suffix.n), suffix);
}

static bool is_script(const struct site *site, struct span path) {
    for (size_t i = 0; i < site->suffixes.n; i++) {
        if (has_suffix_nocase(path, site->suffixes.v[i])) {
            return true;
        }
    }
    return false;
}

// Where PATH_INFO would begin: at the first slash behind a script's suffix; path.n if nowhere.
static size_t find_split(const struct site *site, struct span path) {
    for (size_t i = 1; i < path.n; i++) {
        if (path.p[i] == '/' && is_script(site, span_first(path, i))) {
            return i;
        }
    }
    return path.n;
}

// A route being decided: `file` is root and path in one piece of memory, with room for an index
// file's name and the zero.
struct search {
    const struct router_query *q;
    struct span path;
    uint8_t *file;
    struct route *out;
};

// Ends the route with an error.
static void set_error(struct route *out, int error) {
    out->kind = ROUTE_ERROR;
    out->error = error;
}

// Looks for root + path[0, n).
static enum file_kind find(const struct search *s, size_t n) {
    size_t len = s->q->site->root.n + n;
    if (len > PATH_MOST) {
        return FILE_NONE;
    }
    uint8_t was = s->file[len];
    s->file[len] = 0;
    enum file_kind kind =
        s->q->files->find(s->q->files->self, span_of(s->file, len), &s->out->info);
    s->file[len] = was;
    return kind;
}

static void set_file(const struct search *s, size_t n) {
    size_t root = s->q->site->root.n;
    s->file[root + n] = 0;
    s->out->file = span_of(s->file, root + n);
    s->out->script_name = span_of(s->file + root, n);
}

static void set_script(const struct search *s, size_t n) {
    if (s->q->site->pool == SITE_NO_POOL) {
        set_error(s->out, ERR_FORBIDDEN); // its source must not be shown
        return;
    }
    s->out->kind = ROUTE_SCRIPT;
    set_file(s, n);
}

// Ends the route with the regular file root + path[0, n).
static void set_found(const struct search *s, size_t n) {
    struct span method = s->q->request->method;
    if (is_script(s->q->site, span_of(s->file + s->q->site->root.n, n))) {
        set_script(s, n);
    } else if (!span_eq(method, SPAN("GET")) && !span_eq(method, SPAN("HEAD"))) {
        set_error(s->out, ERR_REQUEST_METHOD);
    } else {
        s->out->kind = ROUTE_FILE;
        set_file(s, n);
    }
}

// The first index file of the directory path[0, n), n behind its slash: how long its path is, or 0.
static size_t find_index(const struct search *s, size_t n) {
    const struct site *site = s->q->site;
    for (size_t i = 0; i < site->index.n; i++) {
        struct span name = site->index.v[i];
        memcpy(s->file + site->root.n + n, name.p, name.n);
        if (find(s, n + name.n) == FILE_REGULAR) {
            return n + name.n;
        }
    }
    return 0;
}

// pchar and "/" of RFC 3986, 3.3 stay, everything else is %XX.
static bool is_plain(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr("-._~!$&'()*+,;=:@/", c) != NULL);
}

// To the same path with a slash behind it. The path is encoded anew rather than repeated as the
// client wrote it: "//evil.example" would be another host.
static void set_redirect(const struct search *s) {
    struct span query = s->q->request->query;
    uint8_t *p = arena_alloc(s->q->arena, s->path.n * 3 + query.n + 2), *to = p;
    if (p == NULL) {
        set_error(s->out, ERR_ARENA_LIMIT);
        return;
    }
    for (size_t i = 0; i < s->path.n; i++) {
        uint8_t c = s->path.p[i];
        if (is_plain(c)) {
            *to++ = c;
        } else {
            *to++ = '%';
            *to++ = (uint8_t) "0123456789ABCDEF"[c >> 4];
            *to++ = (uint8_t) "0123456789ABCDEF"[c & 15];
        }
    }
    *to++ = '/';
    if (query.p != NULL) {
        *to++ = '?';
        memcpy(to, query.p, query.n);
        to += query.n;
    }
    s->out->kind = ROUTE_REDIRECT;
    s->out->location = span_of(p, (size_t)(to - p));
}

// The front controller, or nothing.
static void set_front(const struct search *s) {
    const struct site *site = s->q->site;
    if (site->front.n == 0 || site->pool == SITE_NO_POOL) {
        set_error(s->out, ERR_NOT_FOUND);
        return;
    }
    if (site->must_check &&
        s->q->files->find(s->q->files->self, site->front_file, &s->out->info) != FILE_REGULAR) {
        set_error(s->out, ERR_NOT_FOUND);
        return;
    }
    s->out->kind = ROUTE_SCRIPT;
    s->out->file = site->front_file;
    s->out->script_name = site->front;
}

// A script that the application server has and we cannot see. A directory with a dot in its name
// may be a file over there ("/up/photo.jpg/x.php" must not run photo.jpg), so such a path is none.
static bool set_unseen(const struct search *s, size_t split) {
    struct span script = span_first(s->path, split);
    if (s->q->site->must_check || !is_script(s->q->site, script)) {
        return false;
    }
    size_t name = script.n;
    while (script.p[name - 1] != '/') {
        name--;
    }
    if (span_index(span_first(script, name), '.') < name) {
        return false;
    }
    set_script(s, split);
    s->out->path_info = span_skip(s->path, split);
    return true;
}

// A path with a slash at its end. Most are pretty links that are no directory at all: then one look
// tells, and not one for each index file.
static void route_directory(const struct search *s, size_t split) {
    size_t n = s->path.n;
    bool is_there = n == 1 || find(s, n - 1) == FILE_DIRECTORY;
    size_t found = is_there ? find_index(s, n) : 0;
    if (found > 0) {
        set_found(s, found);
    } else if (!set_unseen(s, split)) {
        set_front(s);
    }
}

static void route_name(const struct search *s, size_t split) {
    size_t n = s->path.n;
    enum file_kind kind = find(s, n);
    if (kind == FILE_REGULAR) {
        set_found(s, n);
    } else if (kind == FILE_DENIED) {
        set_error(s->out, ERR_FORBIDDEN);
    } else if (kind == FILE_DIRECTORY) {
        s->file[s->q->site->root.n + n] = '/';
        if (find_index(s, n + 1) > 0) {
            set_redirect(s);
        } else {
            set_front(s);
        }
    } else if (set_unseen(s, split)) {
        return;
    } else if (s->q->site->must_check && is_script(s->q->site, s->path)) {
        set_error(s->out, ERR_NOT_FOUND); // a missing script costs no worker
    } else {
        set_front(s);
    }
}

void router_route(const struct router_query *q, struct route *out) {
    const struct site *site = q->site;
    struct search s = {.q = q, .path = q->request->path, .out = out};
    *out = (struct route){0};
    int error = check_path(site, s.path);
    if (error != 0) {
        set_error(out, error);
        return;
    }
    out->rule = find_rule(site, s.path);
    size_t split = find_split(site, s.path);
    s.file = arena_alloc(q->arena, site->root.n + s.path.n + site->index_len + 2);
    if (s.file == NULL) {
        set_error(out, ERR_ARENA_LIMIT);
        return;
    }
    if (site->root.n > 0) {
        memcpy(s.file, site->root.p, site->root.n);
    }
    memcpy(s.file + site->root.n, s.path.p, s.path.n);
    if (split < s.path.n && site->root.n > 0 && find(&s, split) == FILE_REGULAR) {
        set_script(&s, split);
        out->path_info = span_skip(s.path, split);
    } else if (site->root.n == 0) {
        if (!set_unseen(&s, split)) {
            set_front(&s);
        }
    } else if (s.path.p[s.path.n - 1] == '/') {
        route_directory(&s, split);
    } else {
        route_name(&s, split);
    }
}
