// SPDX-License-Identifier: MIT
#include "server/files_root.h"

#include "server/files_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRESH_MS 1000 // how long an open root is believed
#define TRIES 3       // of a look that a rename got in the way of

struct files_root {
    struct span path;
    int fd;
    uint64_t opened_ms;
    enum site_symlinks symlinks;
    struct stat is;
    char *real;     // its real path, zero-terminated; NULL: not known
    size_t above_n; // bytes of it that are the folder which holds it; 0: that is somebody else's
};

static bool is_spent(int error) {
    return error == EMFILE || error == ENFILE;
}

static void take_reserve(struct files_roots *roots) {
    if (roots->reserve < 0) {
        roots->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

static bool give_reserve(struct files_roots *roots) {
    if (roots->reserve < 0) {
        return false;
    }
    close(roots->reserve);
    roots->reserve = -1;
    return true;
}

// The root that holds the path, and what follows it. Roots are few; the longest match counts.
static struct files_root *find(const struct files_roots *roots, struct span path,
                               const char **rest) {
    struct files_root *best = NULL;
    for (size_t i = 0; i < roots->n; i++) {
        struct files_root *r = &roots->v[i];
        bool is_longer = best == NULL || r->path.n > best->path.n;
        if (is_longer && span_has_prefix(path, r->path) && path.p[r->path.n] == '/') {
            best = r;
        }
    }
    if (best != NULL) {
        const char *p = (const char *)path.p + best->path.n;
        while (*p == '/') {
            p++;
        }
        *rest = *p != 0 ? p : ".";
    }
    return best;
}

static struct span name_of(int fd, char *text) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, text, PATH_MAX);
    return n > 0 && n < PATH_MAX ? span_of(text, (size_t)n) : span_of(NULL, 0);
}

// What is to be known of a root that was opened.
static void describe(struct files_roots *roots, struct files_root *root) {
    struct stat was = root->is, above;
    char text[PATH_MAX];
    struct span name = name_of(root->fd, text);
    free(root->real);
    root->real = name.n > 0 ? strndup(text, name.n) : NULL;
    root->above_n = 0;
    if (fstat(root->fd, &root->is) != 0) {
        root->is = (struct stat){.st_ino = 0};
    }
    if (was.st_ino != root->is.st_ino || was.st_dev != root->is.st_dev) {
        roots->changes++;
    }
    bool is_owners = fstatat(root->fd, "..", &above, 0) == 0 && above.st_uid == root->is.st_uid;
    for (size_t i = name.n; root->real != NULL && is_owners && i > 0 && root->above_n == 0; i--) {
        root->above_n = name.p[i - 1] == '/' ? i - 1 : 0;
    }
}

// A root is opened anew when it has not been for a second: another folder may have taken its name,
// or it may not have been there at the start. The old one stays where there is no descriptor for a
// new one.
static void renew(struct files_roots *roots, struct files_root *root) {
    uint64_t now_ms = loop_now_ms(roots->loop);
    if (root->opened_ms != 0 && now_ms - root->opened_ms < FRESH_MS) {
        return;
    }
    int fd = open((const char *)root->path.p, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && is_spent(errno)) {
        return;
    }
    if (root->fd >= 0) {
        close(root->fd);
    }
    root->fd = fd;
    root->opened_ms = now_ms;
    if (fd >= 0) {
        describe(roots, root);
    }
}

// The strictest rule of the sites whose root holds this one.
static enum site_symlinks symlinks_of(const struct site *sites, size_t n, struct span root) {
    enum site_symlinks strictest = SITE_SYMLINKS_FOLLOW;
    for (size_t i = 0; i < n; i++) {
        struct span other = sites[i].root;
        bool holds = other.n > 0 && span_has_prefix(root, other) &&
                     (root.n == other.n || root.p[other.n] == '/');
        strictest = holds && sites[i].symlinks < strictest ? sites[i].symlinks : strictest;
    }
    return strictest;
}

void files_roots_init(struct files_roots *roots, struct loop *loop, const struct site *sites,
                      size_t n) {
    *roots = (struct files_roots){.loop = loop, .v = calloc(n, sizeof *roots->v), .reserve = -1};
    if (roots->v == NULL) {
        abort();
    }
    take_reserve(roots);
    for (size_t i = 0; i < n; i++) {
        if (sites[i].root.n > 0) {
            struct files_root *root = &roots->v[roots->n++];
            *root = (struct files_root){
                .path = sites[i].root, .fd = -1, .symlinks = symlinks_of(sites, n, sites[i].root)};
            renew(roots, root);
        }
    }
}

void files_roots_fini(struct files_roots *roots) {
    for (size_t i = 0; i < roots->n; i++) {
        if (roots->v[i].fd >= 0) {
            close(roots->v[i].fd);
        }
        free(roots->v[i].real);
    }
    give_reserve(roots);
    free(roots->v);
    roots->v = NULL;
    roots->n = 0;
}

// A rename anywhere makes the kernel unsure about a ".." in a link: it says EAGAIN.
static int open_below(const struct files_root *root, const char *rest, struct open_how *how) {
    int fd = -1;
    for (int i = 0; i < TRIES && fd < 0; i++) {
        fd = (int)syscall(SYS_openat2, root->fd, rest, how, sizeof *how);
        if (fd < 0 && errno != EAGAIN && errno != EINTR) {
            break;
        }
    }
    return fd;
}

// The same where a link leads out of the root.
static int open_outside(const struct files_root *root, const char *rest, struct open_how *how) {
    struct files_walk_from from = {
        .root = root->fd, .owner = root->is.st_uid, .above = span_of(root->real, root->above_n)};
    switch (root->symlinks) {
    case SITE_SYMLINKS_FOLLOW:
        how->resolve = RESOLVE_NO_MAGICLINKS;
        return open_below(root, rest, how);
    case SITE_SYMLINKS_OWNER:
        return files_walk_open(&from, rest, (int)how->flags);
    case SITE_SYMLINKS_BENEATH:
        break;
    }
    errno = EXDEV;
    return -1;
}

int files_roots_open(struct files_roots *roots, struct span path, int flags, bool follows) {
    const char *rest = NULL;
    struct files_root *root = find(roots, path, &rest);
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS |
                                      (follows ? 0 : RESOLVE_NO_SYMLINKS)};
    if (root == NULL) {
        errno = EXDEV;
        return -1;
    }
    take_reserve(roots);
    renew(roots, root);
    int fd = open_below(root, rest, &how);
    if (fd < 0 && is_spent(errno) && give_reserve(roots)) {
        fd = open_below(root, rest, &how);
    }
    return fd < 0 && errno == EXDEV && follows ? open_outside(root, rest, &how) : fd;
}

// Bytes of the deepest folder that holds both, as part of their names.
static size_t shared_len(struct span a, struct span b) {
    size_t i = 0, n = 0;
    for (; i < a.n && i < b.n && a.p[i] == b.p[i]; i++) {
        n = a.p[i] == '/' ? i : n;
    }
    bool is_whole = i == a.n && i < b.n && b.p[i] == '/';
    return is_whole ? i : n;
}

struct span files_roots_real(const struct files_roots *roots, struct span path, int fd,
                             char *text) {
    const char *rest = NULL;
    char above[PATH_MAX];
    const struct files_root *root = find(roots, path, &rest);
    struct span base = root != NULL ? name_of(root->fd, above) : span_of(NULL, 0);
    struct span real = base.p != NULL ? name_of(fd, text) : base;
    if (real.p == NULL || span_eq(real, base)) {
        return span_of(NULL, 0);
    }
    return span_skip(real, shared_len(base, real));
}

struct span files_roots_root(const struct files_roots *roots, struct span path) {
    for (size_t i = 0; i < roots->n; i++) {
        if (span_eq(roots->v[i].path, path) && roots->v[i].fd >= 0) {
            return span_str(roots->v[i].real);
        }
    }
    return span_of(NULL, 0);
}
