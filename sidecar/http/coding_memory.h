// SPDX-License-Identifier: MIT
// Memory for the libraries that pack and unpack bodies: counted and bounded, so that no stream
// decides how much of it is used.
#ifndef HTTP_CODING_MEMORY_H
#define HTTP_CODING_MEMORY_H

#include <stddef.h>

struct coding_memory {
    size_t used, most; // bytes
};

// n bytes; NULL beyond `most`, or without memory. self: a struct coding_memory, which may not move
// while something of it is in use.
void *coding_memory_take(void *self, size_t n);
// The same as zlib asks for it.
void *coding_memory_take_items(void *self, unsigned items, unsigned size);
// p may be NULL.
void coding_memory_give_back(void *self, void *p);

#endif
