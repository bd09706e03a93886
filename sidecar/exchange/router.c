// SPDX-License-Identifier: MIT
#include "exchange/router.h"

#include "base/error.h"
#include "base/fnv.h"
#include "base/wildcard.h"
#include "http/uri.h"

#define PATH_MOST 4095 // bytes of a file name that the kernel takes (PATH_MAX without its zero)

struct router_name {
    struct span name; // p is NULL: free
    const struct site *site;
};

static struct router_name *find_name(const struct router *r, struct span name) {
    uint32_t at = fnv_put(FNV_START, name) & r->mask; // the names are the operator's
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

const struct site *router_site(const struct router *r, struct span authority, bool *is_named) {
    struct span host = uri_host(authority);
    const struct router_name *slot = host.n > 0 ? find_name(r, host) : NULL;
    *is_named = slot != NULL && slot->name.p != NULL;
    return *is_named ? slot->site : &r->sites[0];
}

static const struct route_rule *find_rule(const struct site *site, struct span path) {
    for (size_t i = 0; i < site->rules_n; i++) {
        if (wildcard_match(site->rules[i].pattern, path, WILDCARD_CASE)) {
            return &site->rules[i];
        }
    }
    return NULL;
}

// Where PATH_INFO would begin: at the first slash behind a script's suffix; path.n if nowhere.
static size_t find_split(const struct site *site, struct span path) {
    for (size_t i = 1; i < path.n; i++) {
        if (path.p[i] == '/' && access_is_script(site, span_first(path, i))) {
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
    size_t hidden; // of the path, as access_check gave it
    bool is_blind; // something could not be looked at
};

// Ends the route with an error.
static void set_error(struct route *out, int error) {
    out->kind = ROUTE_ERROR;
    out->error = error;
}

static enum file_kind look(struct search *s, struct span file) {
    const struct router_files *files = s->q->files;
    s->out->info = (struct file_info){0};
    enum file_kind kind = files->find(files->self, file, &s->out->info);
    s->is_blind = s->is_blind || kind == FILE_UNKNOWN;
    return kind;
}

// Looks for root + path[0, n).
static enum file_kind find(struct search *s, size_t n) {
    size_t len = s->q->site->root.n + n;
    if (len > PATH_MOST) {
        return FILE_NONE;
    }
    uint8_t was = s->file[len];
    s->file[len] = 0;
    enum file_kind kind = look(s, span_of(s->file, len));
    s->file[len] = was;
    return kind;
}

static void set_file(struct search *s, size_t n) {
    size_t root = s->q->site->root.n;
    s->file[root + n] = 0;
    s->out->file = span_of(s->file, root + n);
    s->out->script_name = span_of(s->file + root, n);
}

// Of the path itself, which has been checked as what its name says: a script or not.
static bool is_asked(const struct search *s, struct span name) {
    return name.p == s->file + s->q->site->root.n && name.n == s->path.n;
}

// Whether what was looked at last may be the answer: by its name, and by that of the file itself
// where symbolic links lead to it. A link is no way to show a script's source.
static int check_found(struct search *s, struct span name, bool runs) {
    const struct site *site = s->q->site;
    struct span real = s->out->info.real;
    s->out->info.real = span_of(NULL, 0);
    int error = is_asked(s, name) ? access_check_file(site, name, runs, s->hidden)
                                  : access_check_found(site, name, runs, s->q->by);
    if (error != 0 || real.p == NULL) {
        return error;
    }
    return !runs && access_is_script(site, real) ? ERR_FORBIDDEN
                                                 : access_check_found(site, real, runs, s->q->by);
}

// Ends the route with the script root + path[0, n); what follows it is PATH_INFO.
static void set_script(struct search *s, size_t n, struct span path_info) {
    int error = check_found(s, span_of(s->file + s->q->site->root.n, n), true);
    if (s->q->site->pool == SITE_NO_POOL) {
        error = ERR_FORBIDDEN; // its source must not be shown
    }
    if (error != 0) {
        set_error(s->out, error);
        return;
    }
    s->out->kind = ROUTE_SCRIPT;
    s->out->path_info = path_info;
    set_file(s, n);
}

// Ends the route with the regular file root + path[0, n).
static void set_found(struct search *s, size_t n) {
    struct span method = s->q->request->method, name = span_of(s->file + s->q->site->root.n, n);
    if (access_is_script(s->q->site, name)) {
        set_script(s, n, SPAN(""));
        return;
    }
    int error = check_found(s, name, false);
    if (error == 0 && !span_eq(method, SPAN("GET")) && !span_eq(method, SPAN("HEAD"))) {
        error = ERR_REQUEST_METHOD;
    }
    if (error != 0) {
        set_error(s->out, error);
        return;
    }
    s->out->kind = ROUTE_FILE;
    set_file(s, n);
}

// The first index file of the directory path[0, n), n behind its slash: how long its path is, or 0.
static size_t find_index(struct search *s, size_t n) {
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

// To the same path with a slash behind it. The path is encoded anew rather than repeated as the
// client wrote it: "//evil.example" would be another host.
static void set_redirect(struct search *s) {
    struct span query = s->q->request->query;
    struct span path = uri_path_encode(s->q->arena, s->path);
    uint8_t *p = arena_alloc(s->q->arena, path.n + query.n + 2), *to = p;
    if (path.p == NULL || p == NULL) {
        set_error(s->out, ERR_ARENA_LIMIT);
        return;
    }
    memcpy(to, path.p, path.n);
    to += path.n;
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
static void set_front(struct search *s) {
    const struct site *site = s->q->site;
    if (site->front.n == 0 || site->pool == SITE_NO_POOL) {
        set_error(s->out, ERR_NOT_FOUND);
        return;
    }
    s->out->info.real = span_of(NULL, 0);
    bool is_there = !site->must_check || look(s, site->front_file) == FILE_REGULAR;
    bool is_open = site->is_front_open && s->out->info.real.p == NULL;
    int error = is_there ? 0 : ERR_NOT_FOUND;
    if (is_there && !is_open) {
        error = check_found(s, site->front, true);
    }
    if (error != 0) {
        set_error(s->out, error);
        return;
    }
    s->out->kind = ROUTE_SCRIPT;
    s->out->file = site->front_file;
    s->out->script_name = site->front;
    s->out->is_front = true;
}

// A script that the application server has and we cannot see. A directory with a dot in its name
// may be a file over there ("/up/photo.jpg/x.php" must not run photo.jpg), so such a path is none.
static bool set_unseen(struct search *s, size_t split) {
    struct span script = span_first(s->path, split);
    if (s->q->site->must_check || !access_is_script(s->q->site, script)) {
        return false;
    }
    size_t name = script.n;
    while (script.p[name - 1] != '/') {
        name--;
    }
    if (span_index(span_first(script, name), '.') < name) {
        return false;
    }
    s->out->info.real = span_of(NULL, 0);
    set_script(s, split, span_skip(s->path, split));
    return true;
}

// A path with a slash at its end. Most are pretty links that are no directory at all: then one look
// tells, and not one for each index file.
static void route_directory(struct search *s, size_t split) {
    size_t n = s->path.n;
    bool is_there = n == 1 || find(s, n - 1) == FILE_DIRECTORY;
    size_t found = is_there ? find_index(s, n) : 0;
    if (found > 0) {
        set_found(s, found);
    } else if (!set_unseen(s, split)) {
        set_front(s);
    }
}

static void route_name(struct search *s, size_t split) {
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
    } else if (s->q->site->must_check && access_is_script(s->q->site, s->path)) {
        set_error(s->out, ERR_NOT_FOUND); // a missing script costs no worker
    } else {
        set_front(s);
    }
}

static void decide(struct search *s) {
    const struct site *site = s->q->site;
    size_t split = find_split(site, s->path);
    bool has_info = split < s->path.n && site->root.n > 0;
    enum file_kind script = has_info ? find(s, split) : FILE_NONE;
    if (script == FILE_REGULAR) {
        set_script(s, split, span_skip(s->path, split));
    } else if (script == FILE_DENIED) {
        set_error(s->out, ERR_FORBIDDEN);
    } else if (site->root.n == 0) {
        if (!set_unseen(s, split)) {
            set_front(s);
        }
    } else if (s->path.p[s->path.n - 1] == '/') {
        route_directory(s, split);
    } else {
        route_name(s, split);
    }
}

// PHP is told where its script really is: behind a root that is a link its caches would else take
// the next release for this one.
static void set_root(struct search *s) {
    const struct router_files *files = s->q->files;
    struct route *out = s->out;
    struct span written = s->q->site->root, real = SPAN("");
    if (written.n > 0 && files->root != NULL) {
        real = files->root(files->self, written);
    }
    out->root = written;
    if (real.n == 0 || span_eq(real, written)) {
        return;
    }
    struct span name = out->script_name;
    uint8_t *p = arena_alloc(s->q->arena, real.n + name.n + 1);
    if (p == NULL) {
        set_error(out, ERR_ARENA_LIMIT);
        return;
    }
    memcpy(p, real.p, real.n);
    memcpy(p + real.n, name.p, name.n);
    p[real.n + name.n] = 0;
    out->file = span_of(p, real.n + name.n);
    out->root = span_of(p, real.n);
}

// Whether a name that begins with a dot is on the disk: what else has one is the application's.
static bool is_hidden(struct search *s) {
    return s->hidden > 0 && s->q->site->root.n > 0 && find(s, s->hidden) != FILE_NONE;
}

void router_route(const struct router_query *q, struct route *out) {
    const struct site *site = q->site;
    struct search s = {.q = q, .path = q->request->path, .out = out};
    *out = (struct route){0};
    int error = access_check(site, s.path, q->by, &s.hidden);
    if (error != 0) {
        set_error(out, error);
        return;
    }
    out->rule = find_rule(site, s.path);
    s.file = arena_alloc(q->arena, site->root.n + s.path.n + site->index_len + 2);
    if (s.file == NULL) {
        set_error(out, ERR_ARENA_LIMIT);
        return;
    }
    if (site->root.n > 0) {
        memcpy(s.file, site->root.p, site->root.n);
    }
    memcpy(s.file + site->root.n, s.path.p, s.path.n);
    if (is_hidden(&s)) {
        set_error(out, ERR_FORBIDDEN);
    } else {
        decide(&s);
    }
    // What is there may be what could not be looked at: no answer is better than a wrong one.
    if (s.is_blind) {
        *out = (struct route){.rule = out->rule};
        set_error(out, ERR_FILES_BUSY);
    }
    if (out->kind == ROUTE_SCRIPT) {
        set_root(&s);
    }
}
