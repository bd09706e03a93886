// SPDX-License-Identifier: MIT
// A body that waits for its slow reader: bytes are put at the end and taken from the front, the
// first of them kept in memory, the rest in a temporary file without a name, which the kernel
// removes when the program ends however it ends. So a slow client costs disk, not PHP workers.
//
//     taken ◄── [ memory: the oldest bytes ] ◄── [ file ] ◄── put
#ifndef GATEWAY_SPOOL_H
#define GATEWAY_SPOOL_H

#include "base/buf.h"
#include "gateway/ports.h"

struct spool {
    const struct spool_disk *disk;
    struct buf memory;
    int file;                    // its number, or -1
    uint64_t file_from, file_to; // the bytes of it that wait
    uint64_t file_most;          // most bytes the file may have on disk
};

// disk is borrowed. memory_most, file_most: bytes. Allocates and opens nothing.
void spool_init(struct spool *s, const struct spool_disk *disk, size_t memory_most,
                uint64_t file_most);
// Other bounds from now on; what waits stays.
void spool_bound(struct spool *s, size_t memory_most, uint64_t file_most);
// Idempotent.
void spool_fini(struct spool *s);
// Bytes that wait.
uint64_t spool_len(const struct spool *s);
// Copies all of `bytes` to the end. 0; ERR_SPOOL_FULL with nothing put when memory and file are
// full; ERR_SPOOL_DISK when the file can not be made or written, with nothing put either.
int spool_put(struct spool *s, struct span bytes);
// The next bytes, as many as are at hand; empty when none wait. Borrowed until the next call on s.
// ERR_SPOOL_DISK when the file can not be read.
int spool_peek(struct spool *s, struct span *bytes);
// n bytes of what spool_peek gave are done with.
void spool_take(struct spool *s, size_t n);

#endif
