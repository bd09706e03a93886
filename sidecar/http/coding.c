// SPDX-License-Identifier: MIT
#include "http/coding.h"

#include <brotli/decode.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define ZSTD_WINDOW_BITS 19 // 512 KB, of which the library takes as much again

// ---- the libraries ------------------------------------------------------------------------------

// CMF and FLG of the zlib wrapper (RFC 1950, 2.2): method 8, and a multiple of 31 together.
static bool is_zlib(const uint8_t first[2]) {
    return (first[0] & 15) == 8 && (first[0] << 8 | first[1]) % 31 == 0;
}

static bool open_zlib(struct coding *c) {
    int gzip = MAX_WBITS + 16, wrapped = MAX_WBITS, raw = -MAX_WBITS;
    int bits = c->kind == CODING_GZIP ? gzip : is_zlib(c->first) ? wrapped : raw;
    z_stream *z = coding_memory_take(&c->memory, sizeof *z);
    if (z == NULL) {
        return false;
    }
    *z = (z_stream){
        .zalloc = coding_memory_take_items, .zfree = coding_memory_give_back, .opaque = &c->memory};
    if (inflateInit2(z, bits) != Z_OK) {
        coding_memory_give_back(&c->memory, z);
        return false;
    }
    c->state = z;
    return true;
}

// A frame that names a larger window is refused.
static bool open_zstd(struct coding *c) {
    c->state = ZSTD_createDCtx();
    return c->state != NULL &&
           !ZSTD_isError(ZSTD_DCtx_setParameter(c->state, ZSTD_d_windowLogMax, ZSTD_WINDOW_BITS));
}

static bool open_decoder(struct coding *c) {
    if (c->kind == CODING_BROTLI) {
        c->state =
            BrotliDecoderCreateInstance(coding_memory_take, coding_memory_give_back, &c->memory);
        return c->state != NULL;
    }
    return c->kind == CODING_ZSTD ? open_zstd(c) : open_zlib(c);
}

// Each takes from *in, writes to out and counts in *n; STEP_MORE when it came no further.
static enum step run_zlib(struct coding *c, struct span *in, struct span out, size_t *n) {
    z_stream *z = c->state;
    size_t most = in->n < UINT_MAX ? in->n : UINT_MAX;
    // The library reads through a pointer that is not const where it is old.
    z->next_in = (Bytef *)(uintptr_t)in->p;
    z->avail_in = (unsigned)most;
    z->next_out = (Bytef *)(uintptr_t)out.p;
    z->avail_out = (unsigned)out.n;
    int rv = inflate(z, Z_NO_FLUSH);
    *n = out.n - z->avail_out;
    *in = span_skip(*in, most - z->avail_in);
    c->is_done = rv == Z_STREAM_END;
    return rv == Z_OK || rv == Z_BUF_ERROR || rv == Z_STREAM_END ? STEP_MORE : STEP_BAD;
}

static enum step run_brotli(struct coding *c, struct span *in, struct span out, size_t *n) {
    size_t in_left = in->n, out_left = out.n;
    const uint8_t *next_in = in->p;
    uint8_t *next_out = (uint8_t *)(uintptr_t)out.p;
    BrotliDecoderResult rv =
        BrotliDecoderDecompressStream(c->state, &in_left, &next_in, &out_left, &next_out, NULL);
    *n = out.n - out_left;
    *in = span_skip(*in, in->n - in_left);
    c->is_done = rv == BROTLI_DECODER_RESULT_SUCCESS;
    return rv == BROTLI_DECODER_RESULT_ERROR ? STEP_BAD : STEP_MORE;
}

// Of the first frame (RFC 8878, 3.1): bodies have one.
static enum step run_zstd(struct coding *c, struct span *in, struct span out, size_t *n) {
    ZSTD_inBuffer from = {in->p, in->n, 0};
    ZSTD_outBuffer to = {(void *)(uintptr_t)out.p, out.n, 0};
    size_t rv = ZSTD_decompressStream(c->state, &to, &from);
    *n = to.pos;
    *in = span_skip(*in, from.pos);
    c->is_done = rv == 0;
    return ZSTD_isError(rv) ? STEP_BAD : STEP_MORE;
}

// ---- the engine ---------------------------------------------------------------------------------

enum coding_kind coding_kind_of(struct span content_encoding) {
    static const struct {
        struct span name;
        enum coding_kind kind;
    } names[] = {
        {SPAN_INIT(""), CODING_IDENTITY},       {SPAN_INIT("identity"), CODING_IDENTITY},
        {SPAN_INIT("gzip"), CODING_GZIP},       {SPAN_INIT("x-gzip"), CODING_GZIP},
        {SPAN_INIT("deflate"), CODING_DEFLATE}, {SPAN_INIT("br"), CODING_BROTLI},
        {SPAN_INIT("zstd"), CODING_ZSTD},
    };
    struct span value = span_trim(content_encoding);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_eq_nocase(value, names[i].name)) {
            return names[i].kind;
        }
    }
    return CODING_UNKNOWN;
}

void coding_init(struct coding *c, enum coding_kind kind, uint64_t most) {
    *c = (struct coding){.kind = kind,
                         .room = most,
                         .memory = {0, CODING_MEMORY_MOST},
                         .is_bad = kind == CODING_UNKNOWN};
}

void coding_fini(struct coding *c) {
    if (c->state == NULL) {
        return;
    }
    if (c->kind == CODING_BROTLI) {
        BrotliDecoderDestroyInstance(c->state);
    } else if (c->kind == CODING_ZSTD) {
        ZSTD_freeDCtx(c->state);
    } else {
        inflateEnd(c->state);
        coding_memory_give_back(&c->memory, c->state);
    }
    c->state = NULL;
}

void coding_feed(struct coding *c, struct span bytes) {
    c->in = bytes;
}

// Fills c->first. False when more bytes are needed for that.
static bool know_wrapper(struct coding *c) {
    while (c->first_n < sizeof c->first && c->in.n > 0) {
        c->first[c->first_n++] = c->in.p[0];
        c->in = span_skip(c->in, 1);
    }
    return c->first_n == sizeof c->first;
}

// What the decoder is to read now: the bytes of c->first before c->in.
static enum step run(struct coding *c, struct span out, size_t *n) {
    struct span first = span_of(c->first + c->first_read, c->first_n - c->first_read);
    struct span *in = first.n > 0 ? &first : &c->in;
    enum step step = c->kind == CODING_BROTLI ? run_brotli(c, in, out, n)
                     : c->kind == CODING_ZSTD ? run_zstd(c, in, out, n)
                                              : run_zlib(c, in, out, n);
    if (in == &first) {
        c->first_read = (uint8_t)(c->first_n - first.n);
    }
    return step;
}

static bool has_input(const struct coding *c) {
    return c->in.n > 0 || c->first_read < c->first_n;
}

static enum step pass(struct coding *c, struct span *out) {
    *out = span_first(c->in, c->room < c->in.n ? (size_t)c->room : c->in.n);
    c->in = span_skip(c->in, out->n);
    c->room -= out->n;
    return out->n > 0 ? STEP_ITEM : STEP_MORE;
}

static enum step decode(struct coding *c, struct span room, struct span *out) {
    size_t n = 0, left;
    do {
        left = c->in.n + c->first_n - c->first_read;
        c->is_bad = run(c, room, &n) == STEP_BAD;
    } while (n == 0 && !c->is_bad && !c->is_done && has_input(c) &&
             left > c->in.n + c->first_n - c->first_read);
    c->room -= n;
    *out = span_of(room.p, n);
    return n > 0 ? STEP_ITEM : c->is_bad ? STEP_BAD : STEP_MORE;
}

enum step coding_next(struct coding *c, uint8_t *buffer, size_t cap, struct span *out) {
    if (c->is_bad) {
        return STEP_BAD;
    }
    if (coding_is_done(c)) {
        return STEP_MORE;
    }
    if (c->kind == CODING_IDENTITY) {
        return pass(c, out);
    }
    if (c->state == NULL) {
        if (c->in.n == 0 || (c->kind == CODING_DEFLATE && !know_wrapper(c))) {
            return STEP_MORE;
        }
        if (!open_decoder(c)) {
            c->is_bad = true;
            return STEP_BAD;
        }
    }
    cap = cap < UINT_MAX ? cap : UINT_MAX;
    return decode(c, span_of(buffer, c->room < cap ? (size_t)c->room : cap), out);
}

bool coding_is_done(const struct coding *c) {
    return c->is_done || c->is_bad || c->room == 0;
}

// ---- as a struct of functions -------------------------------------------------------------------

static void *unpack_open(struct span content_encoding, uint64_t most) {
    enum coding_kind kind = coding_kind_of(content_encoding);
    struct coding *c = kind == CODING_UNKNOWN ? NULL : malloc(sizeof *c);
    if (c != NULL) {
        coding_init(c, kind, most);
    }
    return c;
}

static void unpack_feed(void *reader, struct span bytes) {
    coding_feed(reader, bytes);
}

static enum step unpack_next(void *reader, uint8_t *buffer, size_t cap, struct span *out) {
    return coding_next(reader, buffer, cap, out);
}

static bool unpack_is_done(const void *reader) {
    return coding_is_done(reader);
}

static void unpack_close(void *reader) {
    coding_fini(reader);
    free(reader);
}

const struct unpack coding_unpack = {
    .open = unpack_open,
    .feed = unpack_feed,
    .next = unpack_next,
    .is_done = unpack_is_done,
    .close = unpack_close,
};
