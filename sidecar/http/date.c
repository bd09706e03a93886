// SPDX-License-Identifier: MIT
#include "http/date.h"

#define DAY 86400
#define YEAR_1 (-62135596800)    // 0001-01-01T00:00:00Z
#define YEAR_9999 (253402300799) // 9999-12-31T23:59:59Z

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct civil {
    int64_t year;
    int month, day; // 1..12, 1..31
    int hour, minute, second;
};

// Days from 1970-01-01 to a day of the Gregorian calendar. Years begin in March here, so that the
// leap day is a year's last day, and 400 of them are 146097 days.
static int64_t days_of(const struct civil *c) {
    int64_t year = c->month <= 2 ? c->year - 1 : c->year;
    int64_t era = year / 400, of_era = year % 400;
    int64_t month = (c->month + 9) % 12;
    int64_t of_year = (153 * month + 2) / 5 + c->day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// The opposite, for days not before the year 0.
static void civil_of(int64_t day, struct civil *c) {
    day += 719468;
    int64_t era = day / 146097, of_era = day % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    c->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    c->month = (int)(month < 10 ? month + 3 : month - 9);
    c->year = era * 400 + year + (c->month <= 2);
}

static void put_two(char *out, int n) {
    out[0] = (char)('0' + n / 10);
    out[1] = (char)('0' + n % 10);
}

// IMF-fixdate = day-name "," SP day SP month SP year SP time-of-day SP GMT
void date_format(int64_t unix_time, char *out) {
    int64_t t = unix_time < YEAR_1 ? YEAR_1 : unix_time > YEAR_9999 ? YEAR_9999 : unix_time;
    int64_t day = (t - YEAR_1) / DAY + YEAR_1 / DAY;
    int second = (int)(t - day * DAY);
    struct civil c;
    civil_of(day, &c);
    static const struct span blank = SPAN_INIT("Xxx, 00 Xxx 0000 00:00:00 GMT");
    memcpy(out, blank.p, blank.n);
    memcpy(out, days + 3 * ((day + 4 + INT64_C(1400000)) % 7), 3); // 1970 began on a Thursday
    put_two(out + 5, c.day);
    memcpy(out + 8, months + 3 * (size_t)(c.month - 1), 3);
    put_two(out + 12, (int)(c.year / 100));
    put_two(out + 14, (int)(c.year % 100));
    put_two(out + 17, second / 3600);
    put_two(out + 20, second / 60 % 60);
    put_two(out + 23, second % 60);
}

// ---- reading ------------------------------------------------------------------------------------

// Takes n digits off the front as a number.
static bool take_number(struct span *s, size_t n, int *out) {
    uint64_t value;
    if (s->n < n || !span_to_u64(span_first(*s, n), &value)) {
        return false;
    }
    *out = (int)value;
    *s = span_skip(*s, n);
    return true;
}

static bool take(struct span *s, struct span text) {
    if (!span_has_prefix(*s, text)) {
        return false;
    }
    *s = span_skip(*s, text.n);
    return true;
}

// Takes one of the three-letter names off the front; *out counts from 0.
static bool take_name(struct span *s, const char *names, int *out) {
    for (int i = 0; names[3 * (size_t)i] != 0; i++) {
        if (take(s, span_of(names + 3 * (size_t)i, 3))) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool take_month(struct span *s, struct civil *c) {
    bool is_month = take_name(s, months, &c->month);
    c->month++;
    return is_month;
}

// time-of-day = hour ":" minute ":" second
static bool take_time(struct span *s, struct civil *c) {
    return take_number(s, 2, &c->hour) && take(s, SPAN(":")) && take_number(s, 2, &c->minute) &&
           take(s, SPAN(":")) && take_number(s, 2, &c->second);
}

static bool take_year(struct span *s, struct civil *c) {
    int year;
    bool is_year = take_number(s, 4, &year);
    c->year = is_year ? year : 0;
    return is_year;
}

// Behind the day's name: ", 06 Nov 1994 08:49:37 GMT"
static bool parse_fixdate(struct span s, struct civil *c) {
    return take(&s, SPAN(", ")) && take_number(&s, 2, &c->day) && take(&s, SPAN(" ")) &&
           take_month(&s, c) && take(&s, SPAN(" ")) && take_year(&s, c) && take(&s, SPAN(" ")) &&
           take_time(&s, c) && take(&s, SPAN(" GMT")) && s.n == 0;
}

// Behind the first letters of the day's name: "day, 06-Nov-94 08:49:37 GMT"
static bool parse_rfc850(struct span s, int weekday, int64_t now, struct civil *c) {
    static const char *const rest[] = {"day", "day", "sday", "nesday", "rsday", "day", "urday"};
    int year;
    if (!(take(&s, span_str(rest[weekday])) && take(&s, SPAN(", ")) &&
          take_number(&s, 2, &c->day) && take(&s, SPAN("-")) && take_month(&s, c) &&
          take(&s, SPAN("-")) && take_number(&s, 2, &year) && take(&s, SPAN(" ")) &&
          take_time(&s, c) && take(&s, SPAN(" GMT")) && s.n == 0)) {
        return false;
    }
    struct civil today;
    civil_of((now < 0 ? 0 : now > YEAR_9999 ? YEAR_9999 : now) / DAY, &today);
    c->year = today.year - today.year % 100 + year;
    if (c->year > today.year + 50) {
        c->year -= 100;
    }
    return true;
}

// Behind the day's name: " Nov  6 08:49:37 1994"
static bool parse_asctime(struct span s, struct civil *c) {
    if (!take(&s, SPAN(" ")) || !take_month(&s, c) || !take(&s, SPAN(" "))) {
        return false;
    }
    bool is_one = take(&s, SPAN(" "));
    return take_number(&s, is_one ? 1 : 2, &c->day) && take(&s, SPAN(" ")) && take_time(&s, c) &&
           take(&s, SPAN(" ")) && take_year(&s, c) && s.n == 0;
}

static bool is_possible(const struct civil *c) {
    static const int most[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);
    return c->year >= 1 && c->day >= 1 && c->day <= most[c->month - 1] &&
           (c->month != 2 || c->day < 29 || is_leap) && c->hour < 24 && c->minute < 60 &&
           c->second <= 60; // a leap second
}

bool date_parse(struct span s, int64_t now, int64_t *unix_time) {
    struct civil c;
    int weekday;
    if (!take_name(&s, days, &weekday) || s.n == 0) {
        return false;
    }
    bool is_date = s.p[0] == ','   ? parse_fixdate(s, &c)
                   : s.p[0] == ' ' ? parse_asctime(s, &c)
                                   : parse_rfc850(s, weekday, now, &c);
    if (!is_date || !is_possible(&c)) {
        return false;
    }
    *unix_time = days_of(&c) * DAY + (int64_t)c.hour * 3600 + (int64_t)c.minute * 60 + c.second;
    return true;
}
