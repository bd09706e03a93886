// SPDX-License-Identifier: MIT
#include "http/encoder.h"

#include "http/coding_memory.h"

#include <assert.h>
#include <brotli/encode.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define WINDOW_BITS 17  // of br and zstd: 128 KB
#define GZIP_BITS 31    // the window of 32 KB, with the wrapper of gzip
#define GZIP_MEMORY 8   // zlib's default: 128 KB of hash and 128 KB of window
#define LEAST_OUTPUT 16 // zlib repeats the mark of a flush where fewer than 6 bytes are left

enum wanted { WANTED_NOTHING, WANTED_FLUSH, WANTED_END };

struct encoder {
    enum coding_kind kind;
    int level;
    struct coding_memory memory; // not of zstd
    union {
        z_stream gzip;
        BrotliEncoderState *brotli;
        ZSTD_CCtx *zstd;
    };
    struct span in;
    enum wanted wanted;
    bool is_behind; // bytes were taken since the last flush
    bool is_over;   // it has ended, or is broken
};

struct span encoder_name(enum coding_kind kind) {
    static const struct span names[CODING_UNKNOWN] = {
        [CODING_GZIP] = SPAN_INIT("gzip"),
        [CODING_BROTLI] = SPAN_INIT("br"),
        [CODING_ZSTD] = SPAN_INIT("zstd"),
    };
    return kind < CODING_UNKNOWN ? names[kind] : span_of(NULL, 0);
}

// ---- the libraries ------------------------------------------------------------------------------

static bool open_gzip(struct encoder *e) {
    e->gzip = (z_stream){
        .zalloc = coding_memory_take_items, .zfree = coding_memory_give_back, .opaque = &e->memory};
    return deflateInit2(&e->gzip, e->level, Z_DEFLATED, GZIP_BITS, GZIP_MEMORY,
                        Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool open_brotli(struct encoder *e) {
    e->brotli =
        BrotliEncoderCreateInstance(coding_memory_take, coding_memory_give_back, &e->memory);
    return e->brotli != NULL &&
           BrotliEncoderSetParameter(e->brotli, BROTLI_PARAM_QUALITY, (uint32_t)e->level) &&
           BrotliEncoderSetParameter(e->brotli, BROTLI_PARAM_LGWIN, WINDOW_BITS);
}

static bool open_zstd(struct encoder *e) {
    e->zstd = ZSTD_createCCtx();
    return e->zstd != NULL &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_compressionLevel, e->level)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_windowLog, WINDOW_BITS));
}

// Each takes from e->in, writes to out and counts in *n. False when it cannot go on; *is_idle:
// everything that is wanted is out.
static bool run_gzip(struct encoder *e, struct span out, size_t *n, bool *is_idle) {
    static const int flushes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    z_stream *z = &e->gzip;
    size_t most = e->in.n < UINT_MAX ? e->in.n : UINT_MAX;
    // The library reads through a pointer that is not const where it is old.
    z->next_in = (Bytef *)(uintptr_t)e->in.p;
    z->avail_in = (unsigned)most;
    z->next_out = (Bytef *)(uintptr_t)out.p;
    z->avail_out = (unsigned)out.n;
    int rv = deflate(z, flushes[most == e->in.n ? e->wanted : WANTED_NOTHING]);
    *n = out.n - z->avail_out;
    e->in = span_skip(e->in, most - z->avail_in);
    *is_idle = rv == Z_STREAM_END || (z->avail_out > 0 && e->wanted != WANTED_END);
    return rv == Z_OK || rv == Z_STREAM_END || rv == Z_BUF_ERROR;
}

static bool run_brotli(struct encoder *e, struct span out, size_t *n, bool *is_idle) {
    static const BrotliEncoderOperation operations[] = {
        BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH, BROTLI_OPERATION_FINISH};
    size_t in_left = e->in.n, out_left = out.n;
    const uint8_t *next_in = e->in.p;
    uint8_t *next_out = (uint8_t *)(uintptr_t)out.p;
    bool is_good = BrotliEncoderCompressStream(e->brotli, operations[e->wanted], &in_left, &next_in,
                                               &out_left, &next_out, NULL);
    *n = out.n - out_left;
    e->in = span_skip(e->in, e->in.n - in_left);
    *is_idle = in_left == 0 && !BrotliEncoderHasMoreOutput(e->brotli) &&
               (e->wanted != WANTED_END || BrotliEncoderIsFinished(e->brotli));
    return is_good;
}

static bool run_zstd(struct encoder *e, struct span out, size_t *n, bool *is_idle) {
    static const ZSTD_EndDirective directives[] = {ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end};
    ZSTD_inBuffer in = {e->in.p, e->in.n, 0};
    ZSTD_outBuffer to = {(void *)(uintptr_t)out.p, out.n, 0};
    size_t left = ZSTD_compressStream2(e->zstd, &to, &in, directives[e->wanted]);
    *n = to.pos;
    e->in = span_skip(e->in, in.pos);
    *is_idle = e->in.n == 0 && (e->wanted == WANTED_NOTHING ? to.pos < to.size : left == 0);
    return !ZSTD_isError(left);
}

static const struct library {
    bool (*open)(struct encoder *);
    bool (*run)(struct encoder *, struct span out, size_t *n, bool *is_idle);
} libraries[CODING_UNKNOWN] = {
    [CODING_GZIP] = {open_gzip, run_gzip},
    [CODING_BROTLI] = {open_brotli, run_brotli},
    [CODING_ZSTD] = {open_zstd, run_zstd},
};

static void close_library(struct encoder *e) {
    if (e->kind == CODING_GZIP) {
        deflateEnd(&e->gzip);
    } else if (e->kind == CODING_BROTLI) {
        BrotliEncoderDestroyInstance(e->brotli);
    } else {
        ZSTD_freeCCtx(e->zstd);
    }
}

// ---- the engine ---------------------------------------------------------------------------------

struct encoder *encoder_new(enum coding_kind kind, int level) {
    struct encoder *e = encoder_name(kind).n > 0 ? malloc(sizeof *e) : NULL;
    if (e == NULL) {
        return NULL;
    }
    *e = (struct encoder){.kind = kind, .level = level, .memory = {0, ENCODER_MEMORY_MOST}};
    if (!libraries[kind].open(e)) {
        encoder_free(e);
        return NULL;
    }
    return e;
}

void encoder_free(struct encoder *e) {
    if (e != NULL) {
        close_library(e);
        free(e);
    }
}

bool encoder_reset(struct encoder *e) {
    e->in = span_of(NULL, 0);
    e->wanted = WANTED_NOTHING;
    e->is_behind = e->is_over = false;
    return e->kind == CODING_GZIP ? deflateReset(&e->gzip) == Z_OK
           : e->kind == CODING_ZSTD
               ? !ZSTD_isError(ZSTD_CCtx_reset(e->zstd, ZSTD_reset_session_only))
               : false;
}

enum coding_kind encoder_kind(const struct encoder *e) {
    return e->kind;
}

int encoder_level(const struct encoder *e) {
    return e->level;
}

size_t encoder_memory(const struct encoder *e) {
    return sizeof *e + (e->kind == CODING_ZSTD ? ZSTD_sizeof_CCtx(e->zstd) : e->memory.used);
}

void encoder_feed(struct encoder *e, struct span bytes) {
    assert(e->in.n == 0 && e->wanted != WANTED_END);
    e->in = bytes;
    e->is_behind |= bytes.n > 0;
}

void encoder_flush(struct encoder *e) {
    if (e->is_behind && e->wanted == WANTED_NOTHING) {
        e->wanted = WANTED_FLUSH;
    }
}

void encoder_end(struct encoder *e) {
    e->wanted = WANTED_END;
}

enum step encoder_next(struct encoder *e, uint8_t *buffer, size_t cap, struct span *out) {
    size_t n = 0;
    bool is_idle = false;
    assert(cap >= LEAST_OUTPUT);
    cap = cap < UINT_MAX ? cap : UINT_MAX;
    while (n == 0 && !is_idle) {
        if (e->is_over || (e->in.n == 0 && e->wanted == WANTED_NOTHING)) {
            return STEP_MORE;
        }
        if (!libraries[e->kind].run(e, span_of(buffer, cap), &n, &is_idle)) {
            e->is_over = true;
            return STEP_BAD;
        }
    }
    if (is_idle) {
        e->is_over = e->wanted == WANTED_END;
        e->is_behind = e->is_behind && e->wanted == WANTED_NOTHING;
        e->wanted = WANTED_NOTHING;
    }
    *out = span_of(buffer, n);
    return n > 0 ? STEP_ITEM : STEP_MORE;
}
