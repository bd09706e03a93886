// SPDX-License-Identifier: MIT
#include "runner/cgroup_path.h"

#include "base/span.h"

#include <stdio.h>
#include <stdlib.h>

typedef bool take_line(struct span line, void *context);

// Gives the lines of a file until one is taken. Whether one was.
static bool find_line(const char *folder, const char *file, take_line *take, void *context) {
    char path[PATH_MAX], *line = NULL;
    size_t size = 0;
    ssize_t n;
    bool is_taken = false;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *stream = fopen(path, "re");
    while (stream && !is_taken && (n = getline(&line, &size, stream)) > 0) {
        size_t len = (size_t)n - (line[n - 1] == '\n');
        is_taken = take(span_of(line, len), context);
    }
    if (stream) {
        fclose(stream);
    }
    free(line);
    return is_taken;
}

// cgroups(7): "0::" PATH; the path begins with "/.." where it is outside of what the process may
// see.
static bool take_cgroup(struct span line, void *context) {
    char *path = context;
    struct span name = span_skip(line, 3);
    if (!span_has_prefix(line, SPAN("0::/")) || span_has_prefix(name, SPAN("/..")) ||
        name.n >= PATH_MAX) {
        return false;
    }
    snprintf(path, PATH_MAX, "%.*s", SPAN_ARG(name));
    return true;
}

struct mount {
    const char *cgroup;
    char *path;
};

// The mount shows what is below `top`: "/" mostly.
static bool join(const struct mount *m, struct span top, struct span point) {
    struct span rest = span_str(m->cgroup);
    if (!span_eq(top, SPAN("/"))) {
        bool is_below = span_has_prefix(rest, top) && (rest.n == top.n || rest.p[top.n] == '/');
        if (!is_below) {
            return false;
        }
        rest = span_skip(rest, top.n);
    }
    if (span_eq(rest, SPAN("/"))) {
        rest.n = 0;
    }
    return snprintf(m->path, PATH_MAX, "%.*s%.*s", SPAN_ARG(point), SPAN_ARG(rest)) < PATH_MAX;
}

// proc_pid_mountinfo(5): ID PARENT DEVICE TOP POINT OPTIONS *TAG "-" TYPE SOURCE OPTIONS. A space
// within a path is written as \040; such a place is not ours to find.
static bool take_mount(struct span line, void *context) {
    enum { TOP = 3, POINT = 4, OPTIONS = 5 };
    struct span words[OPTIONS + 1] = {0}, word;
    bool is_tags_end = false;
    for (size_t i = 0; span_cut(&line, ' ', &word); i++) {
        if (is_tags_end) {
            return span_eq(word, SPAN("cgroup2")) && join(context, words[TOP], words[POINT]);
        }
        if (i <= OPTIONS) {
            words[i] = word;
        }
        is_tags_end = i > OPTIONS && span_eq(word, SPAN("-"));
    }
    return false;
}

int cgroup_path_find(char path[PATH_MAX], const char *proc) {
    char cgroup[PATH_MAX];
    struct mount mount = {cgroup, path};
    bool is_found = find_line(proc, "cgroup", take_cgroup, cgroup) &&
                    find_line(proc, "mountinfo", take_mount, &mount);
    return is_found ? 0 : -1;
}
