// SPDX-License-Identifier: MIT
// A body of any bytes: the first byte says what it is, its coding and whether it is packed with
// that, the second where it is cut. The evidence can always be read, and is the same wherever the
// body is cut and whether it is compressed or not.
#include "base/buf.h"
#include "exchange/body_reader.h"
#include "http/coding.h"
#include "learner/evidence.h"
#include "support/split.h"

#include <stdlib.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct subject {
    struct body_reader_pool pool;
    struct body_reader_conf conf;
    struct body_reader *reader;
    struct evidence_writer writer;
    uint8_t bytes[EVIDENCE_MAX];
};

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

static void begin(void *self) {
    struct subject *s = self;
    struct evidence e = {.kind = s->conf.kind == BODY_READER_PAGE ? EVIDENCE_PAGE : EVIDENCE_SHEET,
                         .status = 200};
    require(evidence_begin(&s->writer, &e, s->bytes, sizeof s->bytes));
    s->conf.writer = &s->writer;
    s->reader = body_reader_new(&s->pool, &s->conf);
    require(s->reader != NULL && s->pool.given == 1);
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct subject *s = self;
    (void)t;
    body_reader_feed(s->reader, bytes);
}

static void end(void *self, struct buf *t) {
    struct subject *s = self;
    struct evidence e;
    struct evidence_item item;
    body_reader_end(s->reader);
    bool is_bad = body_reader_is_bad(s->reader);
    require(body_reader_is_done(s->reader));
    body_reader_free(s->reader);
    require(s->pool.given == 0 && s->pool.kept == 1 && s->pool.refused == 0);
    require(evidence_decode(&e, span_of(s->bytes, evidence_end(&s->writer))));
    require(e.items_n <= BODY_READER_ITEMS_MAX);
    // What a decoder gives before it meets an error may depend on the cut.
    while (!is_bad && evidence_next(&e.items, &item)) {
        require(item.text.n > 0);
        split_line(t, "%d %d %.*s\n", item.kind, item.flags, SPAN_ARG(item.text));
    }
    split_line(t, "%d\n", is_bad);
}

static void pack(struct span in, int bits, struct buf *out) {
    z_stream z = {.next_in = Z_NULL};
    require(deflateInit2(&z, 1, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    size_t most = deflateBound(&z, in.n);
    z.next_in = (Bytef *)(uintptr_t)in.p;
    z.avail_in = (unsigned)in.n;
    z.next_out = buf_reserve(out, most);
    z.avail_out = (unsigned)most;
    require(deflate(&z, Z_FINISH) == Z_STREAM_END);
    buf_wrote(out, most - z.avail_out);
    deflateEnd(&z);
}

static void teach(struct subject *s, struct span body, const char *coding, struct buf *out) {
    buf_init(out, 1 << 24);
    s->conf.content_encoding = span_str(coding);
    begin(s);
    piece(s, body, out);
    end(s, out);
}

// Packed with gzip or deflate it teaches what it teaches as it is.
static void check_packed(struct subject *s, struct span body, bool is_gzip) {
    struct buf packed, plain, other;
    buf_init(&packed, 1 << 24);
    pack(body, is_gzip ? 31 : 15, &packed);
    teach(s, body, "", &plain);
    teach(s, buf_span(&packed), is_gzip ? "gzip" : "deflate", &other);
    require(span_eq(buf_span(&plain), buf_span(&other)));
    buf_fini(&packed);
    buf_fini(&plain);
    buf_fini(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const char *const codings[] = {"", "gzip", "deflate", "br"};
    static struct subject subject;
    struct split split = {begin, piece, end, &subject};
    if (n < 2) {
        return 0;
    }
    struct span body = span_of(data + 2, n - 2);
    body_reader_pool_init(&subject.pool, 1, &coding_unpack);
    subject.conf.kind = data[0] & 1 ? BODY_READER_SHEET : BODY_READER_PAGE;
    subject.conf.content_encoding = span_str(codings[data[0] >> 1 & 3]);
    require(split_same(&split, body, data[1]));
    check_packed(&subject, body, data[0] & 8);
    body_reader_pool_fini(&subject.pool);
    return 0;
}
