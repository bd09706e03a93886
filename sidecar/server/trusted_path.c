// SPDX-License-Identifier: MIT
#include "server/trusted_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MOST 40 // that one path may lead through, as in the kernel

struct walk {
    int dir; // where it has arrived
    uid_t owner;
    unsigned links;
    char rest[PATH_MAX]; // of the path, from there
};

static bool is_trusted(const struct walk *w, const struct stat *st) {
    return st->st_uid == 0 || st->st_uid == w->owner;
}

static int refuse(int err) {
    errno = err;
    return -1;
}

// Takes the place of the folder before.
static int enter(struct walk *w, int from, const char *name) {
    int dir = openat(from, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int err = errno;
    if (w->dir >= 0) {
        close(w->dir);
    }
    w->dir = dir;
    return dir >= 0 ? 0 : refuse(err);
}

// Whether only those we trust decide what a name in this folder is.
static int check(const struct walk *w, bool is_last) {
    struct stat st;
    if (fstat(w->dir, &st) != 0) {
        return -1;
    }
    bool is_shared = (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    bool is_kept = (st.st_mode & S_ISVTX) != 0 && !is_last;
    return is_trusted(w, &st) && (!is_shared || is_kept) ? 0 : refuse(EPERM);
}

// The link's own path goes before what is left of ours.
static int follow(struct walk *w, const char *name, const char *rest) {
    char target[PATH_MAX], whole[PATH_MAX];
    ssize_t n = readlinkat(w->dir, name, target, sizeof target - 1);
    if (n < 0 || ++w->links > LINKS_MOST) {
        return n < 0 ? -1 : refuse(ELOOP);
    }
    target[n] = 0;
    if (snprintf(whole, sizeof whole, "%s/%s", target, rest) >= (int)sizeof whole) {
        return refuse(ENAMETOOLONG);
    }
    memcpy(w->rest, whole, sizeof whole);
    return target[0] == '/' ? enter(w, AT_FDCWD, "/") : 0;
}

// Cuts the first name off the rest; "" at its end. False when it is too long for a name.
static bool cut(struct walk *w, char name[NAME_MAX + 1]) {
    const char *at = w->rest + strspn(w->rest, "/");
    size_t n = strcspn(at, "/");
    if (n > NAME_MAX) {
        return false;
    }
    memcpy(name, at, n);
    name[n] = 0;
    at += n;
    at += strspn(at, "/");
    memmove(w->rest, at, strlen(at) + 1);
    return true;
}

// One step: into a folder, or back to where a link leads. The descriptor at the end, or -1; 0 when
// the way goes on.
static int step(struct walk *w, const char *name, int flags, mode_t mode) {
    bool is_last = w->rest[0] == 0;
    struct stat st;
    if (check(w, is_last) != 0) {
        return -1;
    }
    if (fstatat(w->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        bool is_made = is_last && errno == ENOENT && (flags & O_CREAT) != 0;
        return is_made ? openat(w->dir, name, flags | O_NOFOLLOW, mode) : -1;
    }
    bool is_link = S_ISLNK(st.st_mode);
    if (is_last && !is_link) {
        return openat(w->dir, name, flags | O_NOFOLLOW, mode);
    }
    if (!is_trusted(w, &st)) {
        return refuse(EPERM);
    }
    return is_link ? follow(w, name, w->rest) : enter(w, w->dir, name);
}

static int walk(struct walk *w, int flags, mode_t mode) {
    char name[NAME_MAX + 1];
    int fd = 0;
    while (fd == 0) {
        if (!cut(w, name)) {
            return refuse(ENAMETOOLONG);
        }
        fd = name[0] != 0 ? step(w, name, flags, mode) : refuse(EISDIR);
    }
    return fd;
}

int trusted_path_open(const char *path, int flags, mode_t mode, uid_t owner) {
    struct walk w = {.dir = -1, .owner = owner};
    int n = snprintf(w.rest, sizeof w.rest, "%s", path);
    if (path[0] != '/' || n >= (int)sizeof w.rest) {
        return refuse(path[0] != '/' ? EPERM : ENAMETOOLONG);
    }
    int fd = enter(&w, AT_FDCWD, "/") == 0 ? walk(&w, flags, mode) : -1;
    int err = errno;
    if (w.dir >= 0) {
        close(w.dir);
    }
    errno = err;
    return fd;
}
