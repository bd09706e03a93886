// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/chunked.h"
#include "support/split.h"

struct decoder {
    struct chunked c;
    bool is_over, is_bad;
};

static void begin(void *self) {
    struct decoder *d = self;
    chunked_init(&d->c);
    d->is_over = d->is_bad = false;
}

static void piece(void *self, struct span in, struct buf *t) {
    struct decoder *d = self;
    struct span data;
    enum step step = STEP_MORE;
    while (!d->is_over && (step = chunked_next(&d->c, &in, &data)) == STEP_ITEM && data.n > 0) {
        split_data(t, "data", data);
    }
    if (!d->is_over && step != STEP_MORE) {
        d->is_over = true;
        d->is_bad = step == STEP_BAD;
        split_line(t, step == STEP_BAD ? "bad\n" : "end\n");
    }
    if (d->is_over && !d->is_bad) {
        split_data(t, "behind", in);
    }
}

static void end(void *self, struct buf *t) {
    struct decoder *d = self;
    split_line(t, "%s\n", d->is_over ? "over" : "open");
}

static void bodies_are_decoded_under_every_cut(void **state) {
    (void)state;
    static const struct {
        const char *name, *input, *expected;
    } rows[] = {
        {"two chunks", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "data:abcde\nend\nover\n"},
        {"what follows is left alone", "1\r\na\r\n0\r\n\r\nGET /",
         "data:a\nend\nbehind:GET /\nover\n"},
        {"hexadecimal of both cases", "aA\r\n", "open\n"},
        {"leading zeros", "0000000000000001\r\na\r\n000\r\n\r\n", "data:a\nend\nover\n"},
        {"seventeen digits", "00000000000000001\r\na\r\n0\r\n\r\n", "bad\nover\n"},
        {"CR LF in the data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "data:\r\\n\r\\n\nend\nover\n"},
        {"no data at all", "0\r\n\r\n", "end\nover\n"},
        {"an extension with a tab", "1;\ta=b\r\nx\r\n0\r\n\r\n", "data:x\nend\nover\n"},
        {"trailers are dropped", "0\r\nA: b\r\nC:\r\n\r\n", "end\nover\n"},
        {"a trailer without name", "0\r\n: b\r\n\r\n", "bad\nover\n"},
        {"a trailer without colon", "0\r\nab\r\n\r\n", "bad\nover\n"},
        {"a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", "bad\nover\n"},
        {"a trailer with a control character", "0\r\nA: \x01\r\n\r\n", "bad\nover\n"},
        {"a long trailer name that begins like a bad one",
         "0\r\ncontent-length-of-nothing-at-all: 1\r\n\r\n", "end\nover\n"},
        {"data too long", "1\r\nab\r\n0\r\n\r\n", "data:a\nbad\nover\n"},
        {"no end", "1\r\na\r\n0\r\n", "data:a\nopen\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decoder d;
        struct split split = {begin, piece, end, &d};
        struct buf t;
        split_check(&split, span_str(rows[i].input), &t);
        if (!span_eq(buf_span(&t), span_str(rows[i].expected))) {
            fail_msg("%s:\n%.*s", rows[i].name, SPAN_ARG(buf_span(&t)));
        }
        buf_fini(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_decoded_under_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
