// SPDX-License-Identifier: MIT
#include "http/h2_stream.h"

#include <stdalign.h>
#include <stdlib.h>

// A session of nghttp2 keeps a frame buffer of 16 KiB for life, of which an idle connection has
// touched a few hundred bytes. Cut from slabs along pages, only the touched pages of it are real
// memory: 4 KiB instead of 16 a connection.
#define PAGE ((size_t)4096)
#define LARGE ((size_t)12288) // bytes from which an allocation is cut from a slab
#define PIECE (5 * PAGE)      // bytes of such a piece
#define PIECES ((size_t)64)   // in a slab
#define TAG (sizeof(void *))  // where in the piece the user's bytes begin

_Static_assert(alignof(max_align_t) == 2 * TAG, "malloc never gives an odd multiple of TAG");

struct piece {
    struct piece *next;
};

struct slab {
    struct slab *next;
    uint8_t *bytes;
};

struct h2_library {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    nghttp2_mem memory;
    struct slab *slabs;
    struct piece *idle;
};

static void *must(void *p) {
    if (p == NULL) {
        abort();
    }
    return p;
}

static void slab_add(struct h2_library *l) {
    struct slab *slab = must(malloc(sizeof *slab));
    slab->bytes = must(aligned_alloc(PAGE, PIECES * PIECE));
    slab->next = l->slabs;
    l->slabs = slab;
    // From the end, so that the first piece is used first.
    for (size_t i = PIECES; i-- > 0;) {
        struct piece *piece = (struct piece *)(void *)(slab->bytes + i * PIECE);
        piece->next = l->idle;
        l->idle = piece;
    }
}

// Pieces are told from malloc's memory by their address: an odd multiple of the size of a pointer.
static bool is_piece(const void *p) {
    return (uintptr_t)p % alignof(max_align_t) == TAG;
}

static void *memory_malloc(size_t n, void *self) {
    struct h2_library *l = self;
    if (n < LARGE || n > PIECE - TAG) {
        return must(malloc(n ? n : 1));
    }
    if (l->idle == NULL) {
        slab_add(l);
    }
    struct piece *piece = l->idle;
    l->idle = piece->next;
    return (uint8_t *)piece + TAG;
}

static void memory_free(void *p, void *self) {
    struct h2_library *l = self;
    if (p == NULL || !is_piece(p)) {
        free(p);
        return;
    }
    struct piece *piece = (struct piece *)(void *)((uint8_t *)p - TAG);
    piece->next = l->idle;
    l->idle = piece;
}

static void *memory_calloc(size_t n, size_t size, void *self) {
    (void)self; // never a frame buffer
    return must(calloc(n ? n : 1, size ? size : 1));
}

static void *memory_realloc(void *p, size_t n, void *self) {
    if (p == NULL || !is_piece(p)) {
        return must(realloc(p, n ? n : 1));
    }
    void *q = memory_malloc(n, self);
    memcpy(q, p, n < PIECE - TAG ? n : PIECE - TAG);
    memory_free(p, self);
    return q;
}

static struct h2_library *library_new(void) {
    struct h2_library *l = must(calloc(1, sizeof *l));
    l->memory = (nghttp2_mem){l, memory_malloc, memory_free, memory_calloc, memory_realloc};
    if (nghttp2_session_callbacks_new(&l->callbacks) != 0 || nghttp2_option_new(&l->option) != 0) {
        abort();
    }
    h2_input_callbacks(l->callbacks);
    h2_output_callbacks(l->callbacks);
    // Windows open when the caller has passed the bytes on (front_consumed).
    nghttp2_option_set_no_auto_window_update(l->option, 1);
    // The library's default of 8 counts reads of a frame header, not frames: a CONTINUATION that
    // comes byte by byte would be refused. Header blocks are bounded by bytes in h2_head.c.
    nghttp2_option_set_max_continuations(l->option, 64);
    // The library counts 12 bytes for the block besides.
    nghttp2_option_set_max_send_header_block_length(l->option, H2_HEAD_LEN + H2_HEAD_FIELD_OWN);
    // h2_abuse.c counts resets, with the caller's clock; the library would with the machine's.
    nghttp2_option_set_stream_reset_rate_limit(l->option, 1u << 30, 1u << 30);
    // RFC 9218: without fallback to the tree of RFC 7540, which browsers send along.
    nghttp2_option_set_builtin_recv_extension_type(l->option, NGHTTP2_PRIORITY_UPDATE);
    for (unsigned type = NGHTTP2_CONTINUATION + 1; type <= UINT8_MAX; type++) {
        if (type != NGHTTP2_PRIORITY_UPDATE) { // or the library would leave it to us
            nghttp2_option_set_user_recv_extension_type(l->option, (uint8_t)type);
        }
    }
    return l;
}

int h2_library_session(struct h2 *h) {
    struct h2_pool *pool = h->conf->pool;
    if (pool->library == NULL) {
        pool->library = library_new();
    }
    struct h2_library *l = pool->library;
    int rv = nghttp2_session_server_new3(&h->session, l->callbacks, h, l->option, &l->memory);
    return rv == 0 ? 0 : ERR_H2;
}

void h2_library_free(struct h2_pool *pool) {
    struct h2_library *l = pool->library;
    if (l == NULL) {
        return;
    }
    pool->library = NULL;
    nghttp2_session_callbacks_del(l->callbacks);
    nghttp2_option_del(l->option);
    for (struct slab *slab; (slab = l->slabs) != NULL;) {
        l->slabs = slab->next;
        free(slab->bytes);
        free(slab);
    }
    free(l);
}
