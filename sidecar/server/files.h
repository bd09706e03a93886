// SPDX-License-Identifier: MIT
// Files under a site's root, as the router asks for them and as responses: with validators,
// conditional requests and one range. What was found is remembered for a second, small contents
// too, so that a page's assets cost no system call. One for each worker.
#ifndef SERVER_FILES_H
#define SERVER_FILES_H

#include "base/message.h"
#include "base/siphash.h"
#include "gateway/ports.h"
#include "server/files_root.h"

struct files {
    struct router_files finder; // to be given to the router
    struct loop *loop;
    struct siphash_key secret;
    struct files_roots roots;
    struct file **table; // by hash of the path
    struct list recent;  // the least recently used first
    unsigned count;
    size_t bytes;   // of contents remembered
    uint8_t *chunk; // where the next piece of a larger file is read to
};

// Opens the roots of the sites.
void files_init(struct files *f, struct loop *loop, const struct site *sites, size_t n);
void files_fini(struct files *f);
// Makes the head for `request` of what the router found at `path`, and holds the file until
// files_close. 0, or ERR_FILE_IO, ERR_FILES_BUSY, ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_PRECONDITION,
// ERR_RANGE, ERR_ARENA_LIMIT.
int files_open(struct files *f, struct file_response *r, struct span path,
               const struct request *request, struct arena *arena);
// The next piece of at most `most` bytes; borrowed until the next call on f. Empty at the end.
// False when the file can not be read or has become shorter.
bool files_next(struct files *f, struct file_response *r, size_t most, struct span *piece);
// Idempotent.
void files_close(struct files *f, struct file_response *r);

// The same three for the gateway, with a struct files as self.
extern const struct file_ops files_ops;

#endif
