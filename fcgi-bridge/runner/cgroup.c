// SPDX-License-Identifier: MIT
#include "runner/cgroup.h"

#include "runner/cgroup_file.h"
#include "runner/cgroup_path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWN "bridge"
#define LEAF "request-"
#define LEFT_MOST 4096 // leaves in which something of a killed bridge still runs

static const char *const controllers[LIMITS] = {
#define LIMIT(NAME, option, controller, events, count) [LIMIT_##NAME] = controller,
#include "runner/limit.def"
#undef LIMIT
};

__attribute__((format(printf, 3, 4))) static void lack(struct cgroup *c, enum limit limit,
                                                       const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(c->lacks[limit], sizeof c->lacks[limit], format, args);
    va_end(args);
    c->has[limit] = false;
}

// None of the limits that were still hoped for. Gives false.
__attribute__((format(printf, 2, 3))) static bool lack_all(struct cgroup *c, const char *format,
                                                           ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(c->why, sizeof c->why, format, args);
    va_end(args);
    for (enum limit i = 0; i < LIMITS; i++) {
        if (c->has[i]) {
            lack(c, i, "%s", c->why);
        }
    }
    return false;
}

static bool has_any(const struct cgroup *c) {
    bool has = false;
    for (enum limit i = 0; i < LIMITS; i++) {
        has |= c->has[i];
    }
    return has;
}

// ---- the directory ----

static bool is_there(int dir, const char *file) {
    return faccessat(dir, file, F_OK, 0) == 0;
}

// Gives false, with the directory closed: it is not ours to change.
static bool let_go(struct cgroup *c) {
    if (c->dir >= 0) {
        close(c->dir);
    }
    c->dir = -1;
    return false;
}

static bool open_dir(struct cgroup *c, const char *path) {
    snprintf(c->path, sizeof c->path, "%s", path);
    c->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->dir < 0) {
        return lack_all(c, "%s: %s", path, strerror(errno));
    }
    return is_there(c->dir, "cgroup.controllers") ||
           lack_all(c, "%s is no cgroup of version 2", path) || let_go(c);
}

// The cgroup of the whole machine, which has no type, is nobody's to hand over.
static bool open_ours(struct cgroup *c) {
    char path[PATH_MAX];
    if (cgroup_path_find(path, c->conf->proc) < 0) {
        return lack_all(c, "no cgroup of version 2 can be seen");
    }
    return open_dir(c, path) &&
           (is_there(c->dir, "cgroup.type") ||
            lack_all(c, "%s is the whole machine's cgroup", path) || let_go(c));
}

static bool lock(struct cgroup *c) {
    return flock(c->dir, LOCK_EX | LOCK_NB) == 0 ||
           lack_all(c, "another bridge uses %s", c->path) || let_go(c);
}

// Whatever our mask is: we look into it as another user.
static int make_dir(const struct cgroup *c, const char *name) {
    int error = mkdirat(c->dir, name, 0755);
    return error == 0 ? fchmodat(c->dir, name, 0755, 0) : error;
}

// A process may not be beside cgroups that have a controller. And a process may be started in
// another cgroup by who may write to the directory above both.
static bool step_in(struct cgroup *c) {
    if (make_dir(c, OWN) < 0 && errno != EEXIST) {
        return lack_all(c, "cannot make a cgroup in %s: %s", c->path, strerror(errno));
    }
    int error = cgroup_file_put(c->dir, OWN "/cgroup.procs", "0");
    c->has_moved = error == 0;
    return error == 0 || lack_all(c, "cannot move into %s/" OWN ": %s", c->path, strerror(-error));
}

static void step_out(struct cgroup *c) {
    if (c->has_moved && cgroup_file_put(c->dir, "cgroup.procs", "0") == 0) {
        c->has_moved = false;
    }
    unlinkat(c->dir, OWN, AT_REMOVEDIR);
}

// ---- controllers ----

static int switch_controller(const struct cgroup *c, enum limit limit, char sign) {
    char text[16];
    snprintf(text, sizeof text, "%c%s", sign, controllers[limit]);
    return cgroup_file_put(c->dir, "cgroup.subtree_control", text);
}

static void enable(struct cgroup *c, enum limit limit) {
    const char *name = controllers[limit];
    if (!cgroup_file_has(c->dir, "cgroup.controllers", name)) {
        lack(c, limit, "%s was not given the %s controller", c->path, name);
    } else if (!cgroup_file_has(c->dir, "cgroup.subtree_control", name)) {
        int error = switch_controller(c, limit, '+');
        c->has_enabled[limit] = error == 0;
        if (error == -EBUSY) {
            lack(c, limit, "other processes are in %s", c->path);
        } else if (error < 0) {
            lack(c, limit, "cannot enable the %s controller in %s: %s", name, c->path,
                 strerror(-error));
        }
    }
}

static void disable_all(struct cgroup *c) {
    for (enum limit i = 0; i < LIMITS; i++) {
        if (c->has_enabled[i] && switch_controller(c, i, '-') == 0) {
            c->has_enabled[i] = false;
        }
    }
}

// ---- leaves ----

static const char *leaf_name(char name[32], unsigned number) {
    snprintf(name, 32, LEAF "%u", number);
    return name;
}

static int open_leaf(const struct cgroup *c, unsigned number) {
    char name[32];
    return openat(c->dir, leaf_name(name, number), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool is_used(const struct cgroup *c, unsigned number) {
    uint64_t n = 0;
    int dir = open_leaf(c, number);
    bool is_known = dir >= 0 && cgroup_file_number(dir, "cgroup.events", "populated", &n);
    if (dir >= 0) {
        close(dir);
    }
    return is_known && n > 0;
}

// Removes the leaves that are empty. Whether none is left.
static bool sweep(const struct cgroup *c) {
    int again = openat(c->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = again >= 0 ? fdopendir(again) : NULL;
    const struct dirent *entry;
    bool is_empty = true;
    while (dir && (entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, LEAF, strlen(LEAF)) == 0) {
            is_empty &= unlinkat(c->dir, entry->d_name, AT_REMOVEDIR) == 0;
        }
    }
    if (dir) {
        closedir(dir);
    }
    return is_empty;
}

static void bound(struct cgroup *c, int leaf, enum limit limit) {
    char file[32], text[32];
    if (!c->has[limit]) {
        return;
    }
    snprintf(file, sizeof file, "%s.max", controllers[limit]);
    snprintf(text, sizeof text, "%" PRIu64, c->conf->most[limit]);
    int error = cgroup_file_put(leaf, file, text);
    if (error < 0) {
        lack(c, limit, "cannot write %s in %s: %s", file, c->path, strerror(-error));
    }
}

// Who starts a process in a leaf must be able to write to its list of processes and to that of the
// directory above; the limits stay root's.
static bool give(const struct cgroup *c, int dir, const char *file) {
    return c->conf->user == geteuid() || fchownat(dir, file, c->conf->user, c->conf->group, 0) == 0;
}

static bool make_leaf(struct cgroup *c, unsigned number) {
    int dir = open_leaf(c, number);
    if (dir < 0) {
        return lack_all(c, "cannot open a cgroup in %s: %s", c->path, strerror(errno));
    }
    for (enum limit i = 0; i < LIMITS; i++) {
        bound(c, dir, i);
    }
    if (c->has[LIMIT_MEMORY]) {
        // All of a request ends, not just its largest process. Swap would be no less than memory.
        cgroup_file_put(dir, "memory.oom.group", "1");
        cgroup_file_put(dir, "memory.swap.max", "0");
    }
    give(c, dir, "cgroup.kill"); // where there is one
    bool is_given =
        give(c, dir, "cgroup.procs") ||
        lack_all(c, "cannot give a cgroup in %s to the user: %s", c->path, strerror(errno));
    close(dir);
    return is_given && has_any(c);
}

static bool make_leaves(struct cgroup *c) {
    char name[32];
    unsigned number = 0;
    while (c->n < c->conf->leaves) {
        bool is_made = make_dir(c, leaf_name(name, number)) == 0;
        if (!is_made && (errno != EEXIST || number >= c->conf->leaves + LEFT_MOST)) {
            return lack_all(c, "cannot make a cgroup in %s: %s", c->path, strerror(errno));
        }
        if (is_made || !is_used(c, number)) {
            c->numbers[c->n++] = number;
            if (!make_leaf(c, number)) {
                return false;
            }
        }
        number++;
    }
    return give(c, c->dir, "cgroup.procs") ||
           lack_all(c, "cannot give %s to the user: %s", c->path, strerror(errno));
}

// ---- all of it ----

static void leave(struct cgroup *c) {
    // Something that still runs in a leaf keeps its limits.
    if (c->dir >= 0 && sweep(c)) {
        disable_all(c);
        step_out(c);
    }
    let_go(c);
}

static void prepare(struct cgroup *c) {
    if (!lock(c) || !step_in(c)) {
        return;
    }
    for (enum limit i = 0; i < LIMITS; i++) {
        if (c->has[i]) {
            enable(c, i);
        }
    }
    c->numbers = calloc(c->conf->leaves, sizeof *c->numbers);
    if (c->numbers == NULL) {
        lack_all(c, "%s", strerror(ENOMEM));
    } else if (has_any(c)) {
        sweep(c);
        make_leaves(c);
    }
}

int cgroup_open(struct cgroup *c, const struct cgroup_conf *conf) {
    bool is_named = strcmp(conf->dir, "auto") != 0;
    *c = (struct cgroup){.conf = conf, .dir = -1};
    for (enum limit i = 0; i < LIMITS; i++) {
        c->has[i] = conf->most[i] > 0;
    }
    if (!has_any(c)) {
        return 0;
    }
    if (strcmp(conf->dir, "none") == 0) {
        lack_all(c, "--cgroup none");
        return 0;
    }
    if (is_named ? open_dir(c, conf->dir) : open_ours(c)) {
        prepare(c);
    } else if (is_named) {
        return -1;
    }
    if (!has_any(c)) {
        leave(c);
    }
    return 0;
}

static int start_nothing(const struct leaf *leaf) {
    pid_t pid = leaf_clone(leaf);
    int error = pid < 0 ? -errno : 0;
    if (pid == 0) {
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return error;
}

void cgroup_prove(struct cgroup *c) {
    struct leaf leaf;
    uint64_t n;
    cgroup_leaf(c, 0, &leaf);
    int error = leaf.dir < 0 ? 0 : start_nothing(&leaf);
    if (error < 0) {
        lack_all(c, "cannot start a process in %s/" LEAF "%u: %s", c->path, c->numbers[0],
                 strerror(-error));
    }
    for (enum limit i = 0; i < LIMITS; i++) {
        if (c->has[i] && !leaf_count(&leaf, i, &n)) {
            lack(c, i, "the %s controller does not count in %s", controllers[i], c->path);
        }
    }
    leaf_close(&leaf);
    if (!has_any(c)) {
        leave(c);
    }
}

void cgroup_close(struct cgroup *c) {
    leave(c);
    free(c->numbers);
    c->numbers = NULL;
    c->n = 0;
}

void cgroup_leaf(const struct cgroup *c, size_t i, struct leaf *leaf) {
    *leaf = (struct leaf){.dir = -1};
    if (c->dir < 0 || i >= c->n || (leaf->dir = open_leaf(c, c->numbers[i])) < 0) {
        return;
    }
    memcpy(leaf->has, c->has, sizeof leaf->has);
}
