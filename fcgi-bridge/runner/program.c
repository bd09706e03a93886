// SPDX-License-Identifier: MIT
#include "runner/program.h"

#include "base/span.h"

#include <errno.h>
#include <fcgiapp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(struct program *p, int status, const char *why) {
    p->why = why;
    return status;
}

static void trim_slash(char *path) {
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/') {
        path[--n] = 0;
    }
}

static bool is_below(const char *path, const char *root) {
    size_t n = strlen(root);
    return strncmp(path, root, n) == 0 && path[n] == '/';
}

int program_root_open(struct program_root *root, struct options *o) {
    struct stat st;
    if (strlen(o->root) >= sizeof root->given || realpath(o->root, root->path) == NULL ||
        stat(root->path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        snprintf(o->why, sizeof o->why, "--root %s: not a directory that can be read", o->root);
        return -1;
    }
    memcpy(root->given, o->root, strlen(o->root) + 1);
    trim_slash(root->given);
    trim_slash(root->path);
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

// The path that the request names. -1 when it is too long or not there.
static int name_path(char *path, const struct program_root *root, char **params) {
    const char *file = FCGX_GetParam("SCRIPT_FILENAME", params);
    const char *name = FCGX_GetParam("SCRIPT_NAME", params);
    int n = -1;
    if (file && file[0]) {
        n = snprintf(path, PATH_MAX, "%s", file);
    } else if (name && name[0] == '/') {
        n = snprintf(path, PATH_MAX, "%s%s", root->path, name);
    }
    return n < 0 || n >= PATH_MAX ? -1 : 0;
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

int program_find(struct program *p, const struct program_root *root, const struct options *o,
                 char **params) {
    char asked[PATH_MAX];
    struct stat st;
    p->interpreter = NULL;
    if (name_path(asked, root, params) < 0) {
        return refuse(p, 404, "the request names no program");
    }
    if (has_dot_dot(asked) || (!is_below(asked, root->given) && !is_below(asked, root->path))) {
        return refuse(p, 403, "the path is not below the root");
    }
    if (realpath(asked, p->path) == NULL) {
        return errno == EACCES ? refuse(p, 403, "the path may not be searched")
                               : refuse(p, 404, "no such program");
    }
    if (!is_below(p->path, root->path)) {
        return refuse(p, 403, "a symbolic link leaves the root");
    }
    if (stat(p->path, &st) < 0) {
        return refuse(p, 404, "no such program");
    }
    if (!S_ISREG(st.st_mode)) {
        return refuse(p, 403, "not a regular file");
    }
    p->interpreter = find_interpreter(o, p->path);
    if (access(p->path, p->interpreter ? R_OK : X_OK) < 0) {
        return refuse(p, 403, p->interpreter ? "the file may not be read" : "not executable");
    }
    return 0;
}
