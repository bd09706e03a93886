// SPDX-License-Identifier: MIT
#include "gateway/spool.h"

#include "base/error.h"

#define SPOOL_PIECE (64u << 10)  // most bytes read back from the file at a time
#define SPOOL_MEMORY (16u << 10) // least bytes of memory, which a piece must fit into

void spool_bound(struct spool *s, size_t memory_most, uint64_t file_most) {
    s->memory.limit = memory_most > SPOOL_MEMORY ? memory_most : SPOOL_MEMORY;
    s->file_most = file_most;
}

void spool_init(struct spool *s, const struct spool_disk *disk, size_t memory_most,
                uint64_t file_most) {
    *s = (struct spool){.disk = disk, .file = -1};
    buf_init(&s->memory, 0);
    spool_bound(s, memory_most, file_most);
}

void spool_fini(struct spool *s) {
    buf_fini(&s->memory);
    if (s->file >= 0) {
        s->disk->ops->close(s->disk->self, s->file);
    }
    s->file = -1;
    s->file_from = s->file_to = 0;
}

uint64_t spool_len(const struct spool *s) {
    return buf_len(&s->memory) + (s->file_to - s->file_from);
}

static int put_file(struct spool *s, struct span bytes) {
    const struct spool_disk *disk = s->disk;
    // What has been taken keeps its disk until the file is empty, so it counts.
    if (s->file_to + bytes.n > s->file_most) {
        return ERR_SPOOL_FULL;
    }
    if (s->file < 0) {
        s->file = disk->ops->open(disk->self);
    }
    if (s->file < 0 || disk->ops->write(disk->self, s->file, bytes, s->file_to) < bytes.n) {
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
    size_t most = s->memory.limit < SPOOL_PIECE ? s->memory.limit : SPOOL_PIECE;
    size_t want = left < most ? (size_t)left : most;
    uint8_t *at = buf_reserve(&s->memory, want);
    size_t n = s->disk->ops->read(s->disk->self, s->file, at, want, s->file_from);
    if (n == 0) {
        return ERR_SPOOL_DISK;
    }
    buf_wrote(&s->memory, n);
    s->file_from += n;
    if (s->file_from == s->file_to) {
        s->file_from = s->file_to = 0;
        if (!s->disk->ops->clear(s->disk->self, s->file)) {
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
