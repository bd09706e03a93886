// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/range.h"

static void one_range_is_read_and_what_is_no_range_is_the_whole(void **state) {
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
        {"a list of one", "bytes=, 0-4 ,", 10, RANGE_PART, 0, 5},
        {"the one of two that is there", "bytes=10-,0-4", 10, RANGE_PART, 0, 5},
        {"two that are not there", "bytes=10-,-0", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"two of which one is no range", "bytes=0-1,x", 10, RANGE_WHOLE, 0, 0},
        {"an empty list", "bytes=,,", 10, RANGE_WHOLE, 0, 0},
        {"more bytes than there are", "bytes=0-5,5-9", 10, RANGE_WHOLE, 0, 0},
        {"all of it twice", "bytes=0-,0-", 10, RANGE_WHOLE, 0, 0},
        {"an overflow", "bytes=0-,-18446744073709551615", 10, RANGE_WHOLE, 0, 0},
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
        struct ranges ranges;
        enum range_kind kind = range_parse(span_str(rows[i].value), rows[i].size, &ranges);
        bool is_same =
            kind == rows[i].kind &&
            (kind != RANGE_PART || (ranges.n == 1 && ranges.v[0].first == rows[i].first &&
                                    ranges.v[0].len == rows[i].len));
        if (!is_same) {
            fail_msg("%s: kind %d", rows[i].name, kind);
        }
    }
}

static void several_ranges_stay_in_their_order(void **state) {
    (void)state;
    struct ranges r;
    assert_int_equal(range_parse(SPAN("bytes=6-7, 0-1 ,20-30,-2"), 10, &r), RANGE_PART);
    assert_int_equal(r.n, 3);
    assert_true(r.v[0].first == 6 && r.v[0].len == 2 && r.v[1].first == 0 && r.v[1].len == 2 &&
                r.v[2].first == 8 && r.v[2].len == 2);
    // All bytes of it in two halves are not too many.
    assert_int_equal(range_parse(SPAN("bytes=5-9,0-4"), 10, &r), RANGE_PART);
    assert_int_equal(r.n, 2);
}

// Those that lie behind the end count, too.
static void more_ranges_than_the_bound_are_the_whole(void **state) {
    (void)state;
    char text[8 + 4 * (RANGES_MOST + 1)] = "bytes=0-0";
    struct ranges r;
    for (size_t n = 1; n < RANGES_MOST; n++) {
        strcat(text, n % 2 != 0 ? ",9-9" : ",8-8");
    }
    assert_int_equal(range_parse(span_str(text), 1000, &r), RANGE_PART);
    assert_int_equal(r.n, RANGES_MOST);
    strcat(text, ",1-1");
    assert_int_equal(range_parse(span_str(text), 1000, &r), RANGE_WHOLE);
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
        cmocka_unit_test(one_range_is_read_and_what_is_no_range_is_the_whole),
        cmocka_unit_test(several_ranges_stay_in_their_order),
        cmocka_unit_test(more_ranges_than_the_bound_are_the_whole),
        cmocka_unit_test(a_content_range_says_first_last_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
