// SPDX-License-Identifier: MIT
#include "cli/links.h"

#include "server/files_root.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define FILES_MOST 100000 // looked at of one root
#define TOLD_MOST 5       // links of one root
#define FOLDERS_OPEN 32

// What nftw's callback works on: it gets nothing of its own.
static struct search {
    const char *file;
    const struct site *site;
    struct files_roots roots;
    size_t prefix_n; // bytes of a path that are the root
    unsigned seen, refused;
} search;

static void tell(const char *path) {
    char to[PATH_MAX];
    ssize_t n = readlink(path, to, sizeof to);
    if (++search.refused <= TOLD_MOST) {
        printf("%s: warning: site \"%.*s\": the link %s leads to %.*s and is not followed: see "
               "symlinks\n",
               search.file, SPAN_ARG(search.site->name), path + search.prefix_n, n > 0 ? (int)n : 0,
               to);
    }
}

static int look(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st, (void)at;
    if (kind == FTW_SL) {
        int fd = files_roots_open(&search.roots, span_str(path), O_PATH, true);
        if (fd >= 0) {
            close(fd);
        } else if (errno == EXDEV || errno == ELOOP) {
            tell(path);
        }
    }
    return ++search.seen >= FILES_MOST;
}

void links_tell(const char *file, const struct site *site) {
    struct loop loop;
    char root[PATH_MAX];
    // The dot stands behind the root itself, which may be a link.
    int n = snprintf(root, sizeof root, "%.*s/.", SPAN_ARG(site->root));
    if (site->root.n == 0 || n >= (int)sizeof root || loop_init(&loop) != 0) {
        return;
    }
    search = (struct search){.file = file, .site = site, .prefix_n = (size_t)n};
    files_roots_init(&search.roots, &loop, site, 1);
    nftw(root, look, FOLDERS_OPEN, FTW_PHYS);
    if (search.refused > TOLD_MOST) {
        printf("%s: warning: site \"%.*s\": %u more links are not followed\n", file,
               SPAN_ARG(site->name), search.refused - TOLD_MOST);
    }
    if (search.seen >= FILES_MOST) {
        printf("%s: site \"%.*s\": only %u files were looked at for links that are not followed\n",
               file, SPAN_ARG(site->name), search.seen);
    }
    files_roots_fini(&search.roots);
    loop_fini(&loop);
}
