// SPDX-License-Identifier: MIT
#include "server/stamp.h"

#include "server/opener.h"

#include <errno.h>
#include <unistd.h>

struct stamp stamp_of(const struct stat *file) {
    return (struct stamp){.device = file->st_dev,
                          .inode = file->st_ino,
                          .len = file->st_size,
                          .written = file->st_mtim};
}

struct stamp stamp_of_path(const char *path) {
    struct stat file;
    if (stat(path, &file) == 0) {
        return stamp_of(&file);
    }
    int fd = errno == EACCES ? opener_read(path) : -1;
    bool is_there = fd >= 0 && fstat(fd, &file) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return is_there ? stamp_of(&file) : (struct stamp){.len = 0};
}

bool stamp_is_same(const struct stamp *a, const struct stamp *b) {
    return a->inode == b->inode && a->device == b->device && a->len == b->len &&
           a->written.tv_sec == b->written.tv_sec && a->written.tv_nsec == b->written.tv_nsec;
}
