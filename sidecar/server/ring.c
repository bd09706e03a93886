// SPDX-License-Identifier: MIT
#include "server/ring.h"

#include <assert.h>
#include <stdlib.h>

#define RING_WRAP UINT32_MAX
#define RING_LENGTH 4u // bytes of the length before each record

void ring_init(struct ring *r, uint32_t cap) {
    assert(cap >= 64 && (cap & (cap - 1)) == 0);
    r->bytes = malloc(cap);
    if (r->bytes == NULL) {
        abort();
    }
    r->cap = cap;
    atomic_init(&r->put, 0);
    atomic_init(&r->taken, 0);
}

void ring_fini(struct ring *r) {
    free(r->bytes);
    r->bytes = NULL;
}

static void write_length(uint8_t *at, uint32_t n) {
    memcpy(at, &n, RING_LENGTH); // both sides are this program: host order
}

static uint32_t read_length(const uint8_t *at) {
    uint32_t n;
    memcpy(&n, at, RING_LENGTH);
    return n;
}

// Bytes that a record of n takes in the ring: positions stay multiples of 4.
static uint32_t footprint(uint32_t n) {
    return RING_LENGTH + ((n + 3u) & ~3u);
}

bool ring_put(struct ring *r, struct span record) {
    uint32_t put = atomic_load_explicit(&r->put, memory_order_relaxed);
    uint32_t taken = atomic_load_explicit(&r->taken, memory_order_acquire);
    if (record.n > r->cap / 2 - RING_LENGTH) {
        return false;
    }
    uint32_t need = footprint((uint32_t)record.n);
    uint32_t at = put & (r->cap - 1);
    uint32_t skip = r->cap - at < need ? r->cap - at : 0;
    if (need + skip > r->cap - (put - taken)) {
        return false;
    }
    if (skip > 0) {
        write_length(r->bytes + at, RING_WRAP);
        at = 0;
    }
    write_length(r->bytes + at, (uint32_t)record.n);
    memcpy(r->bytes + at + RING_LENGTH, record.p, record.n);
    atomic_store_explicit(&r->put, put + skip + need, memory_order_release);
    return true;
}

bool ring_peek(struct ring *r, struct span *record) {
    uint32_t taken = atomic_load_explicit(&r->taken, memory_order_relaxed);
    uint32_t put = atomic_load_explicit(&r->put, memory_order_acquire);
    if (taken == put) {
        return false;
    }
    uint32_t at = taken & (r->cap - 1);
    if (read_length(r->bytes + at) == RING_WRAP) {
        // A record always follows the mark: the putter publishes both at once.
        taken += r->cap - at;
        atomic_store_explicit(&r->taken, taken, memory_order_release);
        at = 0;
    }
    *record = span_of(r->bytes + at + RING_LENGTH, read_length(r->bytes + at));
    return true;
}

void ring_taken(struct ring *r) {
    uint32_t taken = atomic_load_explicit(&r->taken, memory_order_relaxed);
    uint32_t n = read_length(r->bytes + (taken & (r->cap - 1)));
    atomic_store_explicit(&r->taken, taken + footprint(n), memory_order_release);
}
