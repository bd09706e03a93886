// SPDX-License-Identifier: MIT
#include "server/stamp.h"

struct stamp stamp_of(const struct stat *file) {
    return (struct stamp){.device = file->st_dev,
                          .inode = file->st_ino,
                          .len = file->st_size,
                          .written = file->st_mtim};
}

struct stamp stamp_of_path(const char *path) {
    struct stat file;
    return stat(path, &file) == 0 ? stamp_of(&file) : (struct stamp){.len = 0};
}

bool stamp_is_same(const struct stamp *a, const struct stamp *b) {
    return a->inode == b->inode && a->device == b->device && a->len == b->len &&
           a->written.tv_sec == b->written.tv_sec && a->written.tv_nsec == b->written.tv_nsec;
}
