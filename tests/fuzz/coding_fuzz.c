// SPDX-License-Identifier: MIT
// The first byte says the coding and whether the rest is packed first, the second how much may come
// out, the third how the input is cut. What was packed comes out as it was, up to the bound; other
// bytes never do harm, and give the same wherever they are cut. What the program packs itself
// (http/encoder.h) is cut and flushed in the same way.
#include "base/buf.h"
#include "http/coding.h"
#include "http/encoder.h"

#include <stdlib.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

// Unpacks `in` in pieces of `cut` bytes. The step at its end.
static enum step unpack(enum coding_kind kind, struct span in, size_t most, size_t cut,
                        struct buf *out) {
    struct coding c;
    struct span piece;
    uint8_t buffer[97];
    enum step step = STEP_MORE;
    coding_init(&c, kind, most);
    while (in.n > 0 && step == STEP_MORE) {
        coding_feed(&c, span_first(in, cut));
        in = span_skip(in, cut);
        while ((step = coding_next(&c, buffer, sizeof buffer, &piece)) == STEP_ITEM) {
            require(piece.n > 0 && buf_put(out, piece) == 0);
        }
        require(c.memory.used <= CODING_MEMORY_MOST && buf_len(out) <= most);
        require(step == STEP_MORE || coding_is_done(&c));
    }
    coding_fini(&c);
    coding_fini(&c);
    require(c.memory.used == 0);
    return step;
}

// What has come so far of a body that goes on.
static void check_begun(enum coding_kind kind, struct span packed, struct span plain) {
    struct buf out;
    buf_init(&out, 1 << 24);
    require(unpack(kind, packed, plain.n + 1, packed.n, &out) == STEP_MORE);
    require(span_eq(buf_span(&out), plain));
    buf_fini(&out);
}

static void pack_zlib(struct span in, int bits, struct buf *out) {
    z_stream z = {.next_in = Z_NULL};
    require(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    size_t most = deflateBound(&z, in.n);
    z.next_in = (Bytef *)(uintptr_t)in.p;
    z.avail_in = (unsigned)in.n;
    z.next_out = buf_reserve(out, most);
    z.avail_out = (unsigned)most;
    require(deflate(&z, Z_FINISH) == Z_STREAM_END);
    buf_wrote(out, most - z.avail_out);
    deflateEnd(&z);
}

static void pull(struct encoder *e, struct buf *out) {
    uint8_t buffer[61];
    struct span piece;
    enum step step;
    while ((step = encoder_next(e, buffer, sizeof buffer, &piece)) == STEP_ITEM) {
        require(piece.n > 0 && buf_put(out, piece) == 0);
    }
    require(step == STEP_MORE);
}

// In pieces of `cut` bytes, of which some are flushed: then all that was fed can be read.
static void pack_engine(enum coding_kind kind, struct span in, size_t cut, struct buf *out) {
    struct encoder *e = encoder_new(kind, (int)(cut % 5) + 1);
    struct span rest = in;
    require(e != NULL);
    for (size_t n = 0; rest.n > 0; n++) {
        encoder_feed(e, span_first(rest, cut));
        rest = span_skip(rest, cut);
        pull(e, out);
        if (cut >> (n % 6) & 1) {
            encoder_flush(e);
            pull(e, out);
            check_begun(kind, buf_span(out), span_first(in, in.n - rest.n));
        }
    }
    encoder_end(e);
    pull(e, out);
    encoder_free(e);
}

static void pack(enum coding_kind kind, bool is_raw, struct span in, size_t cut, struct buf *out) {
    if (kind == CODING_IDENTITY) {
        require(buf_put(out, in) == 0);
    } else if (kind == CODING_DEFLATE) {
        pack_zlib(in, is_raw ? -15 : 15, out);
    } else {
        pack_engine(kind, in, cut, out);
    }
}

static void check_round_trip(enum coding_kind kind, struct span packed, struct span plain,
                             size_t most, size_t cut) {
    struct buf out;
    buf_init(&out, 1 << 24);
    require(unpack(kind, packed, most, cut, &out) == STEP_MORE);
    require(span_eq(buf_span(&out), span_first(plain, most)));
    buf_fini(&out);
}

static void check_any(enum coding_kind kind, struct span bytes, size_t most, size_t cut) {
    struct buf whole, cuts;
    buf_init(&whole, 1 << 24);
    buf_init(&cuts, 1 << 24);
    bool is_bad = unpack(kind, bytes, most, bytes.n, &whole) == STEP_BAD;
    require(is_bad == (unpack(kind, bytes, most, cut, &cuts) == STEP_BAD) ||
            buf_len(&whole) == most || buf_len(&cuts) == most);
    // How much a decoder says before it meets an error may depend on the cut, but not what.
    require(is_bad || span_eq(buf_span(&whole), buf_span(&cuts)) || buf_len(&cuts) == most);
    size_t least = buf_len(&whole) < buf_len(&cuts) ? buf_len(&whole) : buf_len(&cuts);
    require(span_eq(span_first(buf_span(&whole), least), span_first(buf_span(&cuts), least)));
    buf_fini(&whole);
    buf_fini(&cuts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n < 3) {
        return 0;
    }
    enum coding_kind kind = (enum coding_kind)((data[0] & 0x3f) % CODING_UNKNOWN);
    struct span rest = span_of(data + 3, n - 3), plain = rest;
    size_t most = data[1] ? 16u * data[1] : 1 << 16, cut = data[2] % 64 + 1u;
    struct buf packed;
    buf_init(&packed, 1 << 24);
    if (data[0] & 0x80) {
        pack(kind, data[0] & 0x40, plain, cut, &packed);
        check_round_trip(kind, buf_span(&packed), plain, most, cut);
    } else {
        check_any(kind, rest, most, cut);
    }
    buf_fini(&packed);
    return 0;
}
