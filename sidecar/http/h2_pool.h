// SPDX-License-Identifier: MIT
// What the HTTP/2 connections of one thread share: streams and output blocks that wait for their
// next user, scratch memory, the `date` of the second. With it a request costs no malloc of ours in
// steady state, and an idle connection holds neither streams nor output blocks. Not shared between
// threads.
#ifndef HTTP_H2_POOL_H
#define HTTP_H2_POOL_H

#include "base/span.h"

struct h2_block;
struct h2_stream;

struct h2_pool {
    struct h2_stream *streams; // idle ones, linked, the last used first
    struct h2_block *blocks;   // idle output blocks, linked
    unsigned stream_count, block_count;
    size_t kept_bytes; // memory of idle streams' body queues
    char date[32];     // the `date` of second date_at
    int64_t date_at;
    bool has_date;
    void *library; // nghttp2's callbacks and options, made once
};

// Allocates nothing.
void h2_pool_init(struct h2_pool *pool);
// Frees everything; no h2 may be left that uses it. Idempotent.
void h2_pool_fini(struct h2_pool *pool);
// Frees what is idle, for a quiet moment.
void h2_pool_trim(struct h2_pool *pool);

#endif
