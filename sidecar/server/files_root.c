// SPDX-License-Identifier: MIT
#include "server/files_root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRESH_MS 1000 // how long an open root is believed
#define TRIES 3       // of a look that a rename got in the way of

struct files_root {
    struct span path;
    int fd;
    uint64_t opened_ms;
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

// A root is opened anew when it has not been for a second: another folder may have taken its name,
// or it may not have been there at the start. The old one stays where there is no descriptor for a
// new one.
static void renew(const struct files_roots *roots, struct files_root *root) {
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
            *root = (struct files_root){.path = sites[i].root, .fd = -1};
            renew(roots, root);
        }
    }
}

void files_roots_fini(struct files_roots *roots) {
    for (size_t i = 0; i < roots->n; i++) {
        if (roots->v[i].fd >= 0) {
            close(roots->v[i].fd);
        }
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
    return fd;
}

static struct span name_of(int fd, char *text) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, text, PATH_MAX);
    return n > 0 && n < PATH_MAX ? span_of(text, (size_t)n) : span_of(NULL, 0);
}

struct span files_roots_real(const struct files_roots *roots, struct span path, int fd,
                             char *text) {
    const char *rest = NULL;
    char above[PATH_MAX];
    const struct files_root *root = find(roots, path, &rest);
    struct span base = root != NULL ? name_of(root->fd, above) : span_of(NULL, 0);
    struct span real = base.p != NULL ? name_of(fd, text) : base;
    // The root of a container's file system is "/": what is below it begins with the slash itself.
    size_t n = base.n == 1 ? 0 : base.n;
    if (real.p == NULL || real.n <= n || !span_has_prefix(real, span_first(base, n)) ||
        real.p[n] != '/') {
        return span_of(NULL, 0);
    }
    return span_skip(real, n);
}
