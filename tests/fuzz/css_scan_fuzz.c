// SPDX-License-Identifier: MIT
// A stylesheet of any bytes: the same items wherever it is cut (the first byte of the input says
// where, the second where the bound is), URLs that a Link can carry, and an import behind it that
// is found whenever nothing is open and no rule came before.
#include "scan/css_scan.h"
#include "support/split.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct subject {
    struct css_scan scan;
    size_t most;
};

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

static void begin(void *self) {
    struct subject *s = self;
    css_scan_init(&s->scan, s->most);
}

static void check_item(const struct css_item *item) {
    require(item->url.n > 0 && item->url.n <= CSS_SCAN_URL_MAX);
    for (size_t i = 0; i < item->url.n; i++) {
        uint8_t c = item->url.p[i];
        require(c > ' ' && c < 0x7f && c != '<' && c != '>' && c != '"');
    }
}

static void pull(struct subject *s, struct buf *t) {
    struct css_item item;
    while (css_scan_next(&s->scan, &item) == STEP_ITEM) {
        check_item(&item);
        split_line(t, "%d %d%d %.*s %.*s\n", item.kind, item.is_latin, item.is_conditional,
                   SPAN_ARG(item.url), SPAN_ARG(item.type));
    }
    require(s->scan.in.n == 0 || css_scan_is_done(&s->scan));
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct subject *s = self;
    css_scan_feed(&s->scan, bytes);
    pull(s, t);
}

static void end(void *self, struct buf *t) {
    struct subject *s = self;
    css_scan_end(&s->scan);
    pull(s, t);
    require(css_scan_is_done(&s->scan));
}

// Around the input in a comment, which it does not end, the imports are what they were.
static void check_comment(struct span css) {
    struct subject s = {.most = SIZE_MAX};
    struct buf t;
    if (span_find(css, SPAN("*/")) < css.n || (css.n > 0 && css.p[0] == '/')) {
        return;
    }
    buf_init(&t, 1 << 24);
    begin(&s);
    piece(&s, SPAN("@import 'a';/*"), &t);
    piece(&s, css, &t);
    piece(&s, SPAN("*/@import url(b);"), &t);
    end(&s, &t);
    require(span_eq(buf_span(&t), SPAN("0 00 a \n0 00 b \n")));
    buf_fini(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct subject subject = {.most = 0};
    struct split split = {begin, piece, end, &subject};
    if (n < 2) {
        return 0;
    }
    struct span input = span_of(data + 2, n - 2);
    subject.most = data[1] ? 4u * data[1] : CSS_SCAN_MOST;
    require(split_same(&split, input, data[0]));
    check_comment(input);
    return 0;
}
