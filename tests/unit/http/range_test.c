// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/range.h"

static void one_range_is_read_and_all_else_is_the_whole(void **state) {
    (void)state;
    static const struct {
        const char *name, *value;
        uint64_t size;
        enum range_kind kind;
        uint64_t first, len;
    } rows[] = {
        {"the first bytes", "bytes=0-4", 10, RANGE_PART, 0, 5},
        {"to the end", "bytes=4-", 10, RANGE_PART, 4, 6},
        {"the last bytes", "bytes=-3", 10, RANGE_PART, 7, 3},
        {"more last bytes than there are", "bytes=-30", 10, RANGE_PART, 0, 10},
        {"an end behind the end", "bytes=8-99", 10, RANGE_PART, 8, 2},
        {"one byte", "BYTES=9-9", 10, RANGE_PART, 9, 1},
        {"the largest number", "bytes=0-18446744073709551615", 10, RANGE_PART, 0, 10},
        {"a beginning behind the end", "bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"no last bytes", "bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"of nothing", "bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0},
        {"last bytes of nothing", "bytes=-5", 0, RANGE_UNSATISFIABLE, 0, 0},
        {"several ranges", "bytes=0-1,4-5", 10, RANGE_WHOLE, 0, 0},
        {"backwards", "bytes=5-4", 10, RANGE_WHOLE, 0, 0},
        {"another unit", "lines=0-4", 10, RANGE_WHOLE, 0, 0},
        {"a sign", "bytes=+1-4", 10, RANGE_WHOLE, 0, 0},
        {"too large a number", "bytes=0-18446744073709551616", 10, RANGE_WHOLE, 0, 0},
        {"only a dash", "bytes=-", 10, RANGE_WHOLE, 0, 0},
        {"no dash", "bytes=5", 10, RANGE_WHOLE, 0, 0},
        {"two dashes", "bytes=1-2-3", 10, RANGE_WHOLE, 0, 0},
        {"nothing", "", 10, RANGE_WHOLE, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct range range = {0, 0};
        enum range_kind kind = range_parse(span_str(rows[i].value), rows[i].size, &range);
        bool is_same =
            kind == rows[i].kind &&
            (kind != RANGE_PART || (range.first == rows[i].first && range.len == rows[i].len));
        if (!is_same) {
            fail_msg("%s: kind %d", rows[i].name, kind);
        }
    }
}

static void a_content_range_says_first_last_and_size(void **state) {
    (void)state;
    char out[RANGE_TEXT_MAX];
    struct range range = {2, 3};
    assert_true(span_eq(range_format(&range, 10, out), SPAN("bytes 2-4/10")));
    assert_true(span_eq(range_format(NULL, 10, out), SPAN("bytes */10")));
    range = (struct range){UINT64_MAX - 2, 2};
    assert_true(span_eq(range_format(&range, UINT64_MAX, out),
                        SPAN("bytes 18446744073709551613-18446744073709551614/"
                             "18446744073709551615")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range_is_read_and_all_else_is_the_whole),
        cmocka_unit_test(a_content_range_says_first_last_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
