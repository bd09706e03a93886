// SPDX-License-Identifier: MIT
#include "exchange/router_search.h"

#include "base/error.h"
#include "http/uri.h"

#define PATH_MOST 4095 // bytes of a file name that the kernel takes (PATH_MAX without its zero)

// Where PATH_INFO would begin: at the first slash behind a script's suffix; path.n if nowhere.
static size_t find_split(const struct site *site, struct span path) {
    for (size_t i = 1; i < path.n; i++) {
        if (path.p[i] == '/' && access_is_script(site, span_first(path, i))) {
            return i;
        }
    }
    return path.n;
}

static const char why_denied[] =
    "what was found is denied by deny, deny-files, dot-files or deny-scripts, or no pool runs it";
static const char why_closed[] =
    "it is there, but not to be read: permissions, or a link that symlinks does not follow";

void router_search_fail(struct router_search *s, int error, const char *why) {
    s->out->kind = ROUTE_ERROR;
    s->out->error = error;
    s->out->why = why;
}

static enum file_kind look(struct router_search *s, struct span file) {
    const struct router_files *files = s->q->files;
    s->out->info = (struct file_info){0};
    enum file_kind kind = files->find(files->self, file, &s->out->info);
    s->is_blind = s->is_blind || kind == FILE_UNKNOWN;
    return kind;
}

// Looks for root + path[0, n).
static enum file_kind find(struct router_search *s, size_t n) {
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

static void set_file(struct router_search *s, size_t n) {
    size_t root = s->q->site->root.n;
    s->file[root + n] = 0;
    s->out->file = span_of(s->file, root + n);
    s->out->script_name = span_of(s->file + root, n);
}

// Of the path itself, which has been checked as what its name says: a script or not.
static bool is_asked(const struct router_search *s, struct span name) {
    return name.p == s->file + s->q->site->root.n && name.n == s->at.path.n;
}

// Whether what was looked at last may be the answer: by its name, and by that of the file itself
// where symbolic links lead to it. A link is no way to show a script's source.
static int check_found(struct router_search *s, struct span name, bool runs) {
    const struct site *site = s->q->site;
    struct span real = s->out->info.real;
    s->out->info.real = span_of(NULL, 0);
    int error = is_asked(s, name) ? access_check_file(site, name, runs, s->at.hidden)
                                  : access_check_found(site, name, runs, s->at.by);
    if (error != 0 || real.p == NULL) {
        return error;
    }
    return !runs && access_is_script(site, real) ? ERR_FORBIDDEN
                                                 : access_check_found(site, real, runs, s->at.by);
}

// Ends the route with the script root + path[0, n); what follows it is PATH_INFO.
static void set_script(struct router_search *s, size_t n, struct span path_info) {
    int error = check_found(s, span_of(s->file + s->q->site->root.n, n), true);
    if (s->q->site->pool == SITE_NO_POOL) {
        error = ERR_FORBIDDEN; // its source must not be shown
    }
    if (error != 0) {
        router_search_fail(s, error, why_denied);
        return;
    }
    s->out->kind = ROUTE_SCRIPT;
    s->out->why = path_info.n > 0 ? "the path goes on behind a script" : "the script is there";
    s->out->path_info = path_info;
    set_file(s, n);
}

// Ends the route with the regular file root + path[0, n).
static void set_found(struct router_search *s, size_t n) {
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
        router_search_fail(s, error,
                           error == ERR_REQUEST_METHOD ? "a file is only read" : why_denied);
        return;
    }
    s->out->kind = ROUTE_FILE;
    s->out->why = "the file is there";
    set_file(s, n);
}

// The first index file of the directory path[0, n), n behind its slash: how long its path is, or 0.
static size_t find_index(struct router_search *s, size_t n) {
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
static void set_redirect(struct router_search *s) {
    struct span query = s->query;
    struct span path = uri_path_encode(s->q->arena, s->at.path);
    uint8_t *p = arena_alloc(s->q->arena, path.n + query.n + 2), *to = p;
    if (path.p == NULL || p == NULL) {
        router_search_fail(s, ERR_ARENA_LIMIT, "");
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
    s->out->why = "it is a folder with an index file";
    s->out->location = span_of(p, (size_t)(to - p));
}

static const struct site_front *front_of(const struct router_search *s) {
    const struct route_rule *rule = s->out->rule;
    return rule != NULL && rule->front.path.n > 0 ? &rule->front : &s->q->site->front;
}

void router_search_front(struct router_search *s) {
    const struct site *site = s->q->site;
    const struct site_front *front = front_of(s);
    if (front->path.n == 0 || site->pool == SITE_NO_POOL) {
        router_search_fail(s, ERR_NOT_FOUND, "nothing is there, and there is no front controller");
        return;
    }
    s->out->info.real = span_of(NULL, 0);
    bool is_there = !site->must_check || look(s, front->file) == FILE_REGULAR;
    bool is_open = front->is_open && s->out->info.real.p == NULL;
    int error = is_there ? 0 : ERR_NOT_FOUND;
    if (is_there && !is_open) {
        error = check_found(s, front->path, true);
    }
    if (error != 0) {
        router_search_fail(s, error, is_there ? why_denied : "the front controller is not there");
        return;
    }
    s->out->kind = ROUTE_SCRIPT;
    s->out->why = "nothing is there: it is the front controller's";
    s->out->file = front->file;
    s->out->script_name = front->path;
    s->out->is_front = true;
}

// A script that the application server has and we cannot see. A directory with a dot in its name
// may be a file over there ("/up/photo.jpg/x.php" must not run photo.jpg), so such a path is none.
static bool set_unseen(struct router_search *s, size_t split) {
    struct span script = span_first(s->at.path, split);
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
    set_script(s, split, span_skip(s->at.path, split));
    return true;
}

// A path with a slash at its end. Most are pretty links that are no directory at all: then one look
// tells, and not one for each index file.
static bool find_folder(struct router_search *s, size_t split) {
    size_t n = s->at.path.n;
    bool is_there = n == 1 || find(s, n - 1) == FILE_DIRECTORY;
    size_t found = is_there ? find_index(s, n) : 0;
    if (found > 0) {
        set_found(s, found);
        return true;
    }
    return set_unseen(s, split);
}

static bool find_name(struct router_search *s, size_t split, bool *is_missing) {
    size_t n = s->at.path.n;
    switch (find(s, n)) {
    case FILE_REGULAR:
        set_found(s, n);
        return true;
    case FILE_DENIED:
        router_search_fail(s, ERR_FORBIDDEN, why_closed);
        return true;
    case FILE_DIRECTORY:
        s->file[s->q->site->root.n + n] = '/';
        if (find_index(s, n + 1) > 0) {
            set_redirect(s);
            return true;
        }
        return false;
    case FILE_NONE:
    case FILE_UNKNOWN:
        break;
    }
    if (set_unseen(s, split)) {
        return true;
    }
    *is_missing = s->q->site->must_check && access_is_script(s->q->site, s->at.path);
    return false;
}

// Whether a name that begins with a dot is on the disk: what else has one is the application's.
static bool is_hidden(struct router_search *s) {
    return s->at.hidden > 0 && s->q->site->root.n > 0 && find(s, s->at.hidden) != FILE_NONE;
}

bool router_search_set(struct router_search *s, struct span path) {
    const struct site *site = s->q->site;
    s->at.path = path;
    s->file = arena_alloc(s->q->arena, site->root.n + path.n + site->index_len + 2);
    if (s->file == NULL) {
        return false;
    }
    if (site->root.n > 0) {
        memcpy(s->file, site->root.p, site->root.n);
    }
    memcpy(s->file + site->root.n, path.p, path.n);
    return true;
}

bool router_search_find(struct router_search *s, bool *is_missing) {
    const struct site *site = s->q->site;
    *is_missing = false;
    if (is_hidden(s)) {
        router_search_fail(s, ERR_FORBIDDEN, "a name that begins with a dot is on the disk");
        return true;
    }
    size_t split = find_split(site, s->at.path);
    bool has_info = split < s->at.path.n && site->root.n > 0;
    enum file_kind script = has_info ? find(s, split) : FILE_NONE;
    if (script == FILE_REGULAR) {
        set_script(s, split, span_skip(s->at.path, split));
        return true;
    }
    if (script == FILE_DENIED) {
        router_search_fail(s, ERR_FORBIDDEN, why_closed);
        return true;
    }
    if (site->root.n == 0) {
        return set_unseen(s, split);
    }
    return s->at.path.p[s->at.path.n - 1] == '/' ? find_folder(s, split)
                                                 : find_name(s, split, is_missing);
}
