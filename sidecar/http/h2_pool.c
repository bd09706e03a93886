// SPDX-License-Identifier: MIT
#include "http/h2_pool.h"

#include "http/h2_stream.h"

#include <stdlib.h>

#define STREAMS_KEPT 256        // idle streams: the requests of a busy turn of the loop
#define QUEUES_KEPT (1u << 20)  // bytes of memory in their body queues
#define QUEUE_LIMIT (64u << 20) // bytes of a response body that is put without regard to room
#define BLOCKS_KEPT 8           // idle output blocks: usually one is in use at a time

static void *must(void *p) {
    if (p == NULL) {
        abort();
    }
    return p;
}

void h2_pool_init(struct h2_pool *pool) {
    *pool = (struct h2_pool){0};
}

void h2_pool_trim(struct h2_pool *pool) {
    for (struct h2_stream *s; (s = pool->streams) != NULL;) {
        pool->streams = s->next;
        arena_fini(&s->base.arena);
        buf_fini(&s->queue);
        free(s);
    }
    for (struct h2_block *b; (b = pool->blocks) != NULL;) {
        pool->blocks = b->next;
        free(b);
    }
    pool->stream_count = pool->block_count = 0;
    pool->kept_bytes = 0;
}

void h2_pool_fini(struct h2_pool *pool) {
    h2_pool_trim(pool);
    h2_library_free(pool);
}

static struct h2_stream *take_stream(struct h2_pool *pool, size_t request_memory) {
    struct h2_stream *s = pool->streams;
    if (s == NULL) {
        s = must(calloc(1, sizeof *s));
        arena_init(&s->base.arena, request_memory);
        buf_init(&s->queue, QUEUE_LIMIT);
        return s;
    }
    pool->streams = s->next;
    pool->stream_count--;
    pool->kept_bytes -= s->queue.cap;
    s->base.arena.budget = request_memory;
    return s;
}

struct h2_stream *h2_pool_take(struct h2 *h, int32_t id) {
    struct h2_stream *s = take_stream(h->conf->pool, h->conf->request_memory);
    struct arena arena = s->base.arena;
    struct buf queue = s->queue;
    *s = (struct h2_stream){.base = {.arena = arena, .id = (uint32_t)id}, .queue = queue};
    s->body_left = BODY_UNKNOWN;
    s->base.request.protocol = PROTOCOL_HTTP2;
    s->base.request.is_secure = h->conf->is_secure;
    list_init(&s->node);
    list_init(&s->ready);
    list_put(&h->streams, &s->node);
    return s;
}

void h2_pool_put(struct h2 *h, struct h2_stream *s) {
    struct h2_pool *pool = h->conf->pool;
    list_drop(&s->node);
    list_drop(&s->ready);
    if (pool->stream_count == STREAMS_KEPT) {
        arena_fini(&s->base.arena);
        buf_fini(&s->queue);
        free(s);
        return;
    }
    arena_reset(&s->base.arena);
    buf_take(&s->queue, buf_len(&s->queue));
    if (pool->kept_bytes + s->queue.cap > QUEUES_KEPT) {
        buf_release(&s->queue);
    }
    pool->kept_bytes += s->queue.cap;
    pool->stream_count++;
    // The last used is the next used: its memory is still in the cache.
    s->next = pool->streams;
    pool->streams = s;
}

struct h2_block *h2_pool_take_block(struct h2_pool *pool) {
    struct h2_block *b = pool->blocks;
    if (b == NULL) {
        return must(malloc(sizeof *b));
    }
    pool->blocks = b->next;
    pool->block_count--;
    return b;
}

void h2_pool_put_block(struct h2_pool *pool, struct h2_block *b) {
    if (pool->block_count == BLOCKS_KEPT) {
        free(b);
        return;
    }
    b->next = pool->blocks;
    pool->blocks = b;
    pool->block_count++;
}
