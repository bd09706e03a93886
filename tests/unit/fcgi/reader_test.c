// SPDX-License-Identifier: MIT
#include "fcgi/reader.h"
#include "support/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *name;
    struct span input;
    const char *events;
};

static const struct row rows[] = {
    {"a record with content and padding", SPAN_INIT("\1\6\0\1\0\3\5\0abcPPPPP"),
     "open 6 id 1 len 3\npiece:abc\nclose 6\n"},
    {"an empty record has no piece", SPAN_INIT("\1\6\0\1\0\0\0\0"), "open 6 id 1 len 0\nclose 6\n"},
    {"an empty record may have padding", SPAN_INIT("\1\6\0\1\0\0\3\0PPP\1\7\0\1\0\0\0\0"),
     "open 6 id 1 len 0\nclose 6\nopen 7 id 1 len 0\nclose 7\n"},
    {"a record without padding is followed by the next",
     SPAN_INIT("\1\6\0\1\0\1\0\0a\1\7\0\1\0\1\0\0b"),
     "open 6 id 1 len 1\npiece:a\nclose 6\nopen 7 id 1 len 1\npiece:b\nclose 7\n"},
    {"ids and lengths have two bytes", SPAN_INIT("\1\3\xab\xcd\1\2\0\0x"),
     "open 3 id 43981 len 258\npiece:x\ninside\n"},
    {"the reserved byte may be anything", SPAN_INIT("\1\6\0\1\0\0\0\xff"),
     "open 6 id 1 len 0\nclose 6\n"},
    {"the largest record with the most padding is not the sum in 16 bits",
     SPAN_INIT("\1\6\0\1\xff\xff\xff\0abc"), "open 6 id 1 len 65535\npiece:abc\ninside\n"},
    {"an unknown type is the owner's to judge", SPAN_INIT("\1\xfe\0\0\0\1\0\0a"),
     "open 254 id 0 len 1\npiece:a\nclose 254\n"},
    {"another version is refused for ever",
     SPAN_INIT("\1\6\0\1\0\1\0\0a\2\6\0\1\0\1\0\0b\1\6\0\1\0\1\0\0c"),
     "open 6 id 1 len 1\npiece:a\nclose 6\nbad\n"},
    {"HTTP is not FastCGI", SPAN_INIT("HTTP/1.1 200 OK\r\n"), "bad\n"},
    {"half a header is no record", SPAN_INIT("\1\6\0\1"), "inside\n"},
    {"nothing is nothing", SPAN_INIT(""), ""},
};

struct subject {
    struct reader reader;
    bool is_bad;
};

static void begin(void *self) {
    struct subject *s = self;
    s->is_bad = false;
    reader_init(&s->reader);
}

static void tell(struct buf *t, const struct reader_event *e) {
    switch (e->kind) {
    case READER_OPEN:
        split_line(t, "open %d id %d len %d\n", e->type, e->id, e->content_len);
        break;
    case READER_PIECE:
        split_data(t, "piece", e->piece);
        break;
    case READER_CLOSE:
        split_line(t, "close %d\n", e->type);
        break;
    }
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct subject *s = self;
    struct reader_event e;
    enum step step;
    if (s->is_bad) {
        assert_int_equal(reader_next(&s->reader, &e), STEP_BAD);
        return;
    }
    reader_feed(&s->reader, bytes);
    while ((step = reader_next(&s->reader, &e)) == STEP_ITEM) {
        tell(t, &e);
    }
    if (step == STEP_BAD) {
        s->is_bad = true;
        split_line(t, "bad\n");
    }
}

static void end(void *self, struct buf *t) {
    struct subject *s = self;
    if (!s->is_bad && !reader_is_between(&s->reader)) {
        split_line(t, "inside\n");
    }
}

static void records_are_the_same_wherever_they_are_cut(void **state) {
    (void)state;
    struct subject subject;
    struct split split = {begin, piece, end, &subject};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf t;
        split_check(&split, rows[i].input, &t);
        if (!span_eq(buf_span(&t), span_str(rows[i].events))) {
            print_error("%s:\n%.*s", rows[i].name, SPAN_ARG(buf_span(&t)));
            fail();
        }
        buf_fini(&t);
    }
}

static void content_is_lent_and_not_copied(void **state) {
    (void)state;
    struct reader r;
    struct reader_event e;
    struct span wire = SPAN("\1\6\0\1\0\3\0\0abc");
    reader_init(&r);
    reader_feed(&r, wire);
    assert_int_equal(reader_next(&r, &e), STEP_ITEM);
    assert_false(reader_is_between(&r));
    assert_int_equal(reader_next(&r, &e), STEP_ITEM);
    assert_int_equal(e.kind, READER_PIECE);
    assert_ptr_equal(e.piece.p, wire.p + 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_the_same_wherever_they_are_cut),
        cmocka_unit_test(content_is_lent_and_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
