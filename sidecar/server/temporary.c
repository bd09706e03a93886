// SPDX-License-Identifier: MIT
#include "server/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int on_open(void *self) {
    const struct temporary *t = self;
    int fd = open(t->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) {
        return fd;
    }
    // A file system that knows no files without a name.
    char path[4096];
    if (snprintf(path, sizeof path, "%s/outrider-XXXXXX", t->folder) >= (int)sizeof path) {
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        unlink(path);
    }
    return fd;
}

static size_t on_write(void *self, int file, struct span bytes, uint64_t at) {
    size_t done = 0;
    (void)self;
    while (done < bytes.n) {
        ssize_t n = pwrite(file, bytes.p + done, bytes.n - done, (off_t)(at + done));
        if (n <= 0) {
            break;
        }
        done += (size_t)n;
    }
    return done;
}

static size_t on_read(void *self, int file, uint8_t *to, size_t n, uint64_t at) {
    (void)self;
    ssize_t got = pread(file, to, n, (off_t)at);
    return got > 0 ? (size_t)got : 0;
}

static bool on_clear(void *self, int file) {
    (void)self;
    return ftruncate(file, 0) == 0;
}

static void on_close(void *self, int file) {
    (void)self;
    close(file);
}

static const struct spool_ops ops = {
    .open = on_open, .write = on_write, .read = on_read, .clear = on_clear, .close = on_close};

struct spool_disk temporary_disk(struct temporary *t) {
    return (struct spool_disk){.ops = &ops, .self = t};
}
