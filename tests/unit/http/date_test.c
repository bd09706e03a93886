// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/date.h"

#include <stdio.h>
#include <time.h>

#define NOW 1790000000 // in 2026

struct row {
    const char *name, *text;
    int64_t time; // -1: no date
};

static void dates_are_read_in_three_forms(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"asctime", "Sun Nov  6 08:49:37 1994", 784111777},
        {"asctime with a day of two digits", "Wed Nov 16 08:49:37 1994", 784975777},
        {"RFC 850 within 50 years ahead", "Friday, 06-Nov-76 08:49:37 GMT", 3371878177},
        {"RFC 850 beyond 50 years is past", "Sunday, 06-Nov-77 08:49:37 GMT", 247654177},
        {"the beginning of time", "Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"a leap day", "Thu, 29 Feb 2024 12:00:00 GMT", 1709208000},
        {"a leap second", "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
        {"no leap day", "Wed, 29 Feb 2023 12:00:00 GMT", -1},
        {"no leap day in 1900", "Thu, 29 Feb 1900 12:00:00 GMT", -1},
        {"day 31 of a month of 30", "Thu, 31 Apr 2020 12:00:00 GMT", -1},
        {"day 0", "Thu, 00 Apr 2020 12:00:00 GMT", -1},
        {"hour 24", "Thu, 02 Apr 2020 24:00:00 GMT", -1},
        {"another zone", "Sun, 06 Nov 1994 08:49:37 CET", -1},
        {"lower case", "sun, 06 nov 1994 08:49:37 gmt", -1},
        {"cut short", "Sun, 06 Nov 1994 08:49:37", -1},
        {"something behind it", "Sun, 06 Nov 1994 08:49:37 GMT ", -1},
        {"a sign", "Sun, +6 Nov 1994 08:49:37 GMT", -1},
        {"only a day", "Sun", -1},
        {"a wrong long day", "Sunsday, 06-Nov-94 08:49:37 GMT", -1},
        {"a number", "784111777", -1},
        {"nothing", "", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t time = -1;
        bool is_date = date_parse(span_str(rows[i].text), NOW, &time);
        if (is_date != (rows[i].time >= 0) || (is_date && time != rows[i].time)) {
            fail_msg("%s: %lld", rows[i].name, (long long)time);
        }
    }
}

static void formatted_dates_are_those_of_the_c_library_and_read_back(void **state) {
    (void)state;
    for (int64_t t = -62135596800; t <= 253402300799; t += 86399 * 1013) {
        char mine[DATE_LEN + 1] = "", theirs[64];
        time_t when = (time_t)t;
        struct tm tm;
        gmtime_r(&when, &tm);
        size_t n = strftime(theirs, sizeof theirs, "%a, %d %b ", &tm);
        snprintf(theirs + n, sizeof theirs - n, "%04d %02d:%02d:%02d GMT", tm.tm_year + 1900,
                 tm.tm_hour, tm.tm_min, tm.tm_sec);
        date_format(t, mine);
        assert_string_equal(mine, theirs);
        int64_t back = 0;
        assert_true(date_parse(span_of(mine, DATE_LEN), NOW, &back));
        assert_int_equal(back, t);
    }
}

static void times_beyond_the_calendar_are_cut(void **state) {
    (void)state;
    char text[DATE_LEN + 1] = "";
    date_format(INT64_MAX, text);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    date_format(INT64_MIN, text);
    assert_string_equal(text, "Mon, 01 Jan 0001 00:00:00 GMT");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_read_in_three_forms),
        cmocka_unit_test(formatted_dates_are_those_of_the_c_library_and_read_back),
        cmocka_unit_test(times_beyond_the_calendar_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
