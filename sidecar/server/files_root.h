// SPDX-License-Identifier: MIT
// The roots of the sites as open directories, and the only way to a file below one: neither ".."
// nor a symbolic link leads out, whatever changes between a look and the opening, but for links
// that the site's `symlinks` follows. A root is looked up again every second: where it is a link,
// another release may have taken its place. A descriptor is kept in reserve, so that a process that
// has spent all of its own can still look at files and read small ones.
#ifndef SERVER_FILES_ROOT_H
#define SERVER_FILES_ROOT_H

#include "exchange/site.h"
#include "server/loop.h"

struct files_root;

struct files_roots {
    struct loop *loop;
    struct files_root *v;
    size_t n;
    unsigned changes; // how often another folder took the place of a root
    int reserve;      // a descriptor that is given up when there are no others, or -1
};

// Opens the roots of the sites. Borrows them.
void files_roots_init(struct files_roots *roots, struct loop *loop, const struct site *sites,
                      size_t n);
void files_roots_fini(struct files_roots *roots);
// Opens `path`, which begins with a root and is zero-terminated, with the flags of open(2). With
// `follows`, symbolic links are followed as the root's sites have it; without, a link in the name
// is ELOOP. A descriptor, or -1 with errno; EXDEV: a link that is not followed; EBADF: the root is
// not there.
int files_roots_open(struct files_roots *roots, struct span path, int flags, bool follows);
// Where `fd`, opened as `path`, really is: its path below the root, or for what lies outside below
// the deepest folder that holds both; in `text` of PATH_MAX bytes. p is NULL when that cannot be
// told (no /proc, or moved away meanwhile).
struct span files_roots_real(const struct files_roots *roots, struct span path, int fd, char *text);
// The real path of the root that `path` begins with, as it was looked up last; p is NULL when it is
// not there. Borrowed until the next call.
struct span files_roots_root(const struct files_roots *roots, struct span path);

#endif
