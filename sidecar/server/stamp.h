// SPDX-License-Identifier: MIT
// Whether a file is another one than before, or has been written since: looked at now and then, so
// that what renews a file need not tell us.
#ifndef SERVER_STAMP_H
#define SERVER_STAMP_H

#include <stdbool.h>
#include <sys/stat.h>

// Of a file that is not there, or may not be seen, all is zero.
struct stamp {
    dev_t device;
    ino_t inode;
    off_t len;
    struct timespec written;
};

struct stamp stamp_of(const struct stat *file);
// Of the file of that name, also where only root may see it (server/opener.h). Follows links.
struct stamp stamp_of_path(const char *path);
bool stamp_is_same(const struct stamp *a, const struct stamp *b);

#endif
