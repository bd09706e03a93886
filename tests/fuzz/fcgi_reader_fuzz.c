// SPDX-License-Identifier: MIT
// The record reader against a reader of whole buffers that is too simple to be wrong, and against
// itself with the input cut elsewhere. The first byte of the input says where.
#include "fcgi/reader.h"
#include "support/split.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct subject {
    struct reader reader;
    bool is_bad;
};

static void begin(void *self) {
    struct subject *s = self;
    s->is_bad = false;
    reader_init(&s->reader);
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct subject *s = self;
    struct reader_event e;
    enum step step;
    if (s->is_bad) {
        return;
    }
    reader_feed(&s->reader, bytes);
    while ((step = reader_next(&s->reader, &e)) == STEP_ITEM) {
        if (e.kind == READER_PIECE) {
            split_data(t, "piece", e.piece);
        } else {
            split_line(t, "%s %d %d %d\n", e.kind == READER_OPEN ? "open" : "close", e.type, e.id,
                       e.content_len);
        }
    }
    s->is_bad = step == STEP_BAD;
}

static void end(void *self, struct buf *t) {
    struct subject *s = self;
    split_line(t, "%s\n", s->is_bad ? "bad" : reader_is_between(&s->reader) ? "between" : "inside");
}

// The same transcript from the whole buffer.
static void expect(struct span s, struct buf *t) {
    while (s.n >= 8 && s.p[0] == 1) {
        size_t content = (size_t)s.p[4] * 256 + s.p[5], padding = s.p[6];
        int type = s.p[1], id = s.p[2] * 256 + s.p[3];
        split_line(t, "open %d %d %zu\n", type, id, content);
        s = span_skip(s, 8);
        split_data(t, "piece", span_first(s, content));
        if (s.n < content + padding) {
            split_line(t, "inside\n");
            return;
        }
        s = span_skip(s, content + padding);
        split_line(t, "close %d %d %zu\n", type, id, content);
    }
    split_line(t, "%s\n", s.n >= 8 ? "bad" : s.n > 0 ? "inside" : "between");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct subject subject;
    struct split split = {begin, piece, end, &subject};
    struct buf got, want;
    if (n == 0) {
        return 0;
    }
    struct span input = span_of(data + 1, n - 1);
    if (!split_same(&split, input, data[0])) {
        abort();
    }
    buf_init(&got, 1 << 24);
    buf_init(&want, 1 << 24);
    begin(&subject);
    piece(&subject, input, &got);
    end(&subject, &got);
    expect(input, &want);
    if (!span_eq(buf_span(&got), buf_span(&want))) {
        abort();
    }
    buf_fini(&got);
    buf_fini(&want);
    return 0;
}
