// SPDX-License-Identifier: MIT
#include "server/spool.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SPOOL_PIECE (64u << 10) // bytes read back from the file at a time

void spool_bound(struct spool *s, size_t memory_most, uint64_t file_most) {
    // A piece read back from the file must always fit.
    s->memory.limit = memory_most > SPOOL_PIECE ? memory_most : SPOOL_PIECE;
    s->file_most = file_most;
}

void spool_init(struct spool *s, const char *folder, size_t memory_most, uint64_t file_most) {
    *s = (struct spool){.folder = folder, .fd = -1};
    buf_init(&s->memory, 0);
    spool_bound(s, memory_most, file_most);
}

void spool_fini(struct spool *s) {
    buf_fini(&s->memory);
    if (s->fd >= 0) {
        close(s->fd);
    }
    s->fd = -1;
    s->file_from = s->file_to = 0;
}

uint64_t spool_len(const struct spool *s) {
    return buf_len(&s->memory) + (s->file_to - s->file_from);
}

static int open_file(const char *folder) {
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) {
        return fd;
    }
    // A file system that knows no files without a name.
    char path[4096];
    if (snprintf(path, sizeof path, "%s/outrider-XXXXXX", folder) >= (int)sizeof path) {
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        unlink(path);
    }
    return fd;
}

static int put_file(struct spool *s, struct span bytes) {
    size_t done = 0;
    // What has been taken keeps its disk until the file is empty, so it counts.
    if (s->file_to + bytes.n > s->file_most) {
        return ERR_SPOOL_FULL;
    }
    if (s->fd < 0) {
        s->fd = open_file(s->folder);
    }
    while (s->fd >= 0 && done < bytes.n) {
        ssize_t n = pwrite(s->fd, bytes.p + done, bytes.n - done, (off_t)(s->file_to + done));
        if (n <= 0) {
            break;
        }
        done += (size_t)n;
    }
    if (done < bytes.n) {
        return ERR_SPOOL_DISK; // file_to has not moved: what was written of it is not there
    }
    s->file_to += bytes.n;
    return 0;
}

int spool_put(struct spool *s, struct span bytes) {
    if (s->file_to > s->file_from || bytes.n > buf_room(&s->memory)) {
        return put_file(s, bytes);
    }
    return buf_put(&s->memory, bytes);
}

// Memory is empty: the file's oldest bytes move into it, and an empty file gives its disk back.
static int read_back(struct spool *s) {
    uint64_t left = s->file_to - s->file_from;
    size_t want = left < SPOOL_PIECE ? (size_t)left : SPOOL_PIECE;
    uint8_t *at = buf_reserve(&s->memory, want);
    ssize_t n = pread(s->fd, at, want, (off_t)s->file_from);
    if (n <= 0) {
        return ERR_SPOOL_DISK;
    }
    buf_wrote(&s->memory, (size_t)n);
    s->file_from += (uint64_t)n;
    if (s->file_from == s->file_to) {
        s->file_from = s->file_to = 0;
        if (ftruncate(s->fd, 0) != 0) {
            return ERR_SPOOL_DISK;
        }
    }
    return 0;
}

int spool_peek(struct spool *s, struct span *bytes) {
    int err = buf_len(&s->memory) == 0 && s->file_to > s->file_from ? read_back(s) : 0;
    *bytes = buf_span(&s->memory);
    return err;
}

void spool_take(struct spool *s, size_t n) {
    buf_take(&s->memory, n);
}
