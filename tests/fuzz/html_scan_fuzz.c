// SPDX-License-Identifier: MIT
// A document of any bytes: the same items wherever it is cut (the first byte of the input says
// where), links that can be written and read again, and nothing told of the same bytes in a comment
// that they do not end.
#include "scan/html_scan.h"
#include "support/split.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

static void begin(void *self) {
    html_scan_init(self);
}

static void check_link(const struct link *link) {
    static uint8_t text[HTML_SCAN_STORE * 4];
    struct arena arena;
    struct link_reader reader;
    struct link again;
    size_t n = link_format(link, text, sizeof text);
    require(link->target.n > 0 && link->others == 0);
    if (n == 0) {
        return; // an integrity or type that no field can carry
    }
    arena_init(&arena, 1 << 16);
    link_init(&reader, span_of(text, n), &arena);
    require(link_next(&reader, &again) == STEP_ITEM && reader.broken == 0);
    require(again.has == link->has && span_eq(again.target, link->target));
    require(link_next(&reader, &again) == STEP_MORE);
    arena_fini(&arena);
}

static void tell(const struct html_item *item, struct buf *t) {
    split_line(t, "%d %d%d%d%d %.*s|", item->kind, item->in_body, item->is_late, item->is_latin,
               item->is_conditional, SPAN_ARG(item->link.target));
    split_data(t, "text", item->text);
    for (unsigned i = 0; i < LINK_ATTRIBUTES; i++) {
        split_data(t, "value", item->link.value[i]);
    }
    split_line(t, "%x\n", item->link.has);
    if (item->kind == HTML_LINK || item->kind == HTML_FONT) {
        check_link(&item->link);
    }
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct html_scan *s = self;
    struct html_item item;
    html_scan_feed(s, bytes);
    while (html_scan_next(s, &item) == STEP_ITEM) {
        tell(&item, t);
    }
    require(s->in.n == 0 || html_scan_is_done(s));
}

static void end(void *self, struct buf *t) {
    (void)self;
    (void)t;
}

static void check_comment(struct span html) {
    static struct html_scan s;
    struct buf t;
    if (span_find(html, SPAN("-->")) < html.n || span_find(html, SPAN("--!>")) < html.n ||
        html.n > HTML_SCAN_MOST / 2) {
        return;
    }
    buf_init(&t, 1 << 24);
    begin(&s);
    piece(&s, SPAN("<!-- "), &t);
    piece(&s, html, &t);
    piece(&s, SPAN(" --><base href=/x>"), &t);
    require(span_find(buf_span(&t), SPAN("text:/x")) < buf_len(&t));
    require(buf_span(&t).p[0] == '0' + HTML_BASE);
    buf_fini(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static struct html_scan s;
    struct split split = {begin, piece, end, &s};
    if (n < 1) {
        return 0;
    }
    require(split_same(&split, span_of(data + 1, n - 1), data[0]));
    check_comment(span_of(data + 1, n - 1));
    return 0;
}
