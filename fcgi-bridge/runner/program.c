// SPDX-License-Identifier: MIT
#include "runner/program.h"

#include "base/span.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(struct program *p, int status, const char *why) {
    p->why = why;
    return status;
}

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && access(path, X_OK) == 0;
}

int program_check(struct options *o) {
    struct stat st;
    for (size_t i = 0; i < o->root.n; i++) {
        if (strlen(o->root.v[i]) >= PATH_MAX || !is_folder(o->root.v[i])) {
            snprintf(o->why, sizeof o->why, "--root %s: not a directory that can be read",
                     o->root.v[i]);
            return -1;
        }
    }
    if (o->chdir[0] && !is_folder(o->chdir)) {
        snprintf(o->why, sizeof o->why, "--chdir %s: not a directory that can be used", o->chdir);
        return -1;
    }
    for (size_t i = 0; i < o->interpreter.n; i++) {
        const char *file = strchr(o->interpreter.v[i], '=') + 1;
        if (stat(file, &st) < 0 || !S_ISREG(st.st_mode) || access(file, X_OK) < 0) {
            snprintf(o->why, sizeof o->why, "--interpreter %s: %s cannot be run",
                     o->interpreter.v[i], file);
            return -1;
        }
    }
    return 0;
}

// How many bytes of the path are the root's, without a "/" at its end; 0 when the path is not below
// it. The root counts as it was given, and resolved.
static size_t root_len(const char *path, const char *given, char *resolved) {
    if (realpath(given, resolved) == NULL) {
        return 0;
    }
    const char *names[] = {given, resolved};
    for (size_t i = 0; i < 2; i++) {
        struct span root = span_str(names[i]);
        while (span_has_suffix(root, SPAN("/"))) {
            root.n--;
        }
        if (span_has_prefix(span_str(path), root) && path[root.n] == '/') {
            return root.n > 0 ? root.n : strlen(path) > 1;
        }
    }
    return 0;
}

struct place {
    char root[PATH_MAX]; // resolved
    size_t len;          // of the root, in the path
};

// The first root that the path is below.
static bool find_root(struct place *place, const char *path, const struct options *o) {
    for (size_t i = 0; i < o->root.n; i++) {
        place->len = root_len(path, o->root.v[i], place->root);
        if (place->len > 0) {
            return true;
        }
    }
    return false;
}

// Apache: SCRIPT_FILENAME = "proxy:" scheme "://" host path
static const char *skip_proxy(const char *file) {
    if (strncmp(file, "proxy:", 6) != 0) {
        return file;
    }
    const char *host = strstr(file, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    return path ? path : file;
}

// The path that the request names. False when it is too long or not there.
static bool name_path(char *path, const struct options *o, char **params) {
    const char *file = FCGX_GetParam("SCRIPT_FILENAME", params);
    const char *name = FCGX_GetParam("SCRIPT_NAME", params);
    const char *root = FCGX_GetParam("DOCUMENT_ROOT", params);
    struct place place;
    if (file && file[0]) {
        return snprintf(path, PATH_MAX, "%s", skip_proxy(file)) < PATH_MAX;
    }
    if (!name || name[0] != '/') {
        return false;
    }
    if (root && root[0] == '/' && snprintf(path, PATH_MAX, "%s%s", root, name) < PATH_MAX &&
        find_root(&place, path, o)) {
        return true;
    }
    struct span first = span_str(o->root.v[0]);
    while (span_has_suffix(first, SPAN("/"))) {
        first.n--;
    }
    return snprintf(path, PATH_MAX, "%.*s%s", SPAN_ARG(first), name) < PATH_MAX;
}

static bool has_dot_dot(const char *path) {
    struct span rest = span_str(path), part;
    while (span_cut(&rest, '/', &part)) {
        if (span_eq(part, SPAN(".."))) {
            return true;
        }
    }
    return false;
}

static const char *find_interpreter(const struct options *o, const char *path) {
    const char *name = strrchr(path, '/') + 1;
    for (size_t i = 0; i < o->interpreter.n; i++) {
        const char *row = o->interpreter.v[i];
        struct span suffix = span_of(row, strcspn(row, "="));
        if (strlen(name) > suffix.n && span_has_suffix(span_str(name), suffix)) {
            return row + suffix.n + 1;
        }
    }
    return NULL;
}

// Walks up from p->path to a file; what is behind it is p->info. An empty name when there is none.
static int walk_up(struct program *p, size_t least, struct stat *st) {
    char whole[PATH_MAX];
    memcpy(whole, p->path, sizeof whole);
    while (stat(p->path, st) < 0) {
        char *slash = strrchr(p->path, '/');
        if (errno == EACCES) {
            return refuse(p, 403, "the path may not be searched");
        }
        if ((errno != ENOTDIR && errno != ENOENT && errno != ENAMETOOLONG) ||
            (size_t)(slash - p->path) <= least) {
            return refuse(p, 404, "no such program");
        }
        *slash = 0;
    }
    strcpy(p->info, whole + strlen(p->path));
    if (!S_ISREG(st->st_mode)) {
        return p->info[0] ? refuse(p, 404, "no such program")
                          : refuse(p, 403, "not a regular file");
    }
    return 0;
}

static bool is_listed(const struct options *o, const char *name) {
    bool is_found = o->program.n == 0;
    for (size_t i = 0; i < o->program.n && !is_found; i++) {
        is_found = fnmatch(o->program.v[i], name, FNM_PATHNAME) == 0;
    }
    return is_found;
}

int program_find(struct program *p, const struct options *o, char **params) {
    struct place place;
    struct stat st;
    char resolved[PATH_MAX];
    p->interpreter = NULL;
    p->info[0] = 0;
    if (!name_path(p->path, o, params)) {
        return refuse(p, 404, "the request names no program");
    }
    if (has_dot_dot(p->path) || !find_root(&place, p->path, o)) {
        return refuse(p, 403, "the path is not below a root");
    }
    int status = walk_up(p, place.len, &st);
    if (status != 0) {
        return status;
    }
    char ignored[PATH_MAX];
    if (realpath(p->path, resolved) == NULL || root_len(resolved, place.root, ignored) == 0) {
        return refuse(p, 403, "a symbolic link leaves the root");
    }
    if (!is_listed(o, p->path + place.len + (p->path[place.len] == '/'))) {
        return refuse(p, 403, "no --program allows it");
    }
    p->interpreter = find_interpreter(o, p->path);
    if (access(p->path, p->interpreter ? R_OK : X_OK) < 0) {
        return refuse(p, 403, p->interpreter ? "the file may not be read" : "not executable");
    }
    return 0;
}
