// SPDX-License-Identifier: MIT
#include "store/store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MS 20

static bool name_file(char *out, const char *path) {
    errno = ENAMETOOLONG;
    return snprintf(out, PATH_MAX, "%s.lock", path) < PATH_MAX;
}

bool store_lock_is_there(const struct store_lock *l, const char *path) {
    char name[PATH_MAX];
    struct stat mine, there;
    return l->fd >= 0 && name_file(name, path) && fstat(l->fd, &mine) == 0 &&
           lstat(name, &there) == 0 && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

static enum store_lock_state try_once(struct store_lock *l, const char *path, const char *name) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    l->fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (l->fd < 0) {
        return STORE_LOCK_FAILED;
    }
    if (fcntl(l->fd, F_OFD_SETLK, &whole) == 0) {
        // Removed by somebody between open and lock: it would lock nobody out.
        return store_lock_is_there(l, path) ? STORE_LOCK_TAKEN : STORE_LOCK_HELD;
    }
    return errno == EAGAIN || errno == EACCES ? STORE_LOCK_HELD : STORE_LOCK_FAILED;
}

enum store_lock_state store_lock_take(struct store_lock *l, const char *path, unsigned wait_ms) {
    static const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    char name[PATH_MAX];
    l->fd = -1;
    if (!name_file(name, path)) {
        return STORE_LOCK_FAILED;
    }
    for (unsigned waited = 0;; waited += PAUSE_MS) {
        enum store_lock_state state = try_once(l, path, name);
        if (state == STORE_LOCK_TAKEN) {
            return state;
        }
        int why = errno;
        store_lock_drop(l);
        errno = why;
        if (state == STORE_LOCK_FAILED || waited >= wait_ms) {
            return state;
        }
        nanosleep(&pause, NULL);
    }
}

void store_lock_drop(struct store_lock *l) {
    if (l->fd >= 0) {
        close(l->fd);
        l->fd = -1;
    }
}
