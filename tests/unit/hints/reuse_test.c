// SPDX-License-Identifier: MIT
#include "hints/reuse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FIELDS_MAX 4
#define NOW 1785000000 // Sat, 25 Jul 2026 17:20:00 GMT
#define IN_AN_HOUR "Sat, 25 Jul 2026 18:20:00 GMT"
#define AN_HOUR_AGO "Sat, 25 Jul 2026 16:20:00 GMT"
#define A_MOMENT_AGO "Sat, 25 Jul 2026 17:19:55 GMT"
#define HALF_A_MINUTE_AGO "Sat, 25 Jul 2026 17:19:30 GMT"
#define IN_2024 "Mon, 01 Jan 2024 00:00:00 GMT"
#define RIGHT_NOW "Sat, 25 Jul 2026 17:20:00 GMT"

struct row {
    const char *name;
    enum reuse_reason reason;
    uint32_t lifetime_s;
    const char *fields[2 * FIELDS_MAX];
};

#define CC "cache-control"

// A stylesheet of status 200. What is OK was fetched once by Chromium, all else twice.
static struct row styles[] = {
    {"max-age", REUSE_OK, 600, {CC, "max-age=600"}},
    {"private, for one user", REUSE_OK, 600, {CC, "private, max-age=600"}},
    {"immutable", REUSE_OK, 31536000, {CC, "public, max-age=31536000, immutable"}},
    {"one second", REUSE_OK, 1, {CC, "max-age=1"}},
    {"Expires in the future", REUSE_OK, 3600, {"expires", IN_AN_HOUR}},
    {"Expires against the server's own date",
     REUSE_OK,
     7200,
     {"Expires", IN_AN_HOUR, "Date", AN_HOUR_AGO}},
    {"Expires in the past, but behind the server's own date",
     REUSE_OK,
     3570,
     {"expires", HALF_A_MINUTE_AGO, "date", AN_HOUR_AGO}},
    {"Expires in the future, but before the server's own date",
     REUSE_EXPIRED,
     0,
     {"expires", RIGHT_NOW, "date", IN_AN_HOUR}},
    {"a Last-Modified of 2024 only", REUSE_OK, 8093280, {"last-modified", IN_2024}},
    {"a Last-Modified of half a minute ago only",
     REUSE_OK,
     3,
     {"Last-Modified", HALF_A_MINUTE_AGO}},
    {"no caching field at all", REUSE_NO_FRESHNESS, 0, {"content-type", "text/css"}},
    {"no field at all", REUSE_NO_FRESHNESS, 0, {NULL}},
    {"ETag only", REUSE_NO_FRESHNESS, 0, {"etag", "\"x\""}},
    {"no-store", REUSE_NO_STORE, 0, {CC, "no-store"}},
    {"no-store behind a max-age in another field",
     REUSE_NO_STORE,
     0,
     {CC, "max-age=600", "Cache-Control", "No-Store"}},
    {"no-cache", REUSE_NO_CACHE, 0, {CC, "no-cache"}},
    {"no-cache with an ETag", REUSE_NO_CACHE, 0, {CC, "no-cache", "etag", "\"x\""}},
    {"no-cache of one field", REUSE_NO_CACHE, 0, {CC, "max-age=600, no-cache=\"set-cookie, x\""}},
    {"max-age=0", REUSE_MAX_AGE_ZERO, 0, {CC, "max-age=0"}},
    {"max-age=0, must-revalidate with an ETag",
     REUSE_MAX_AGE_ZERO,
     0,
     {CC, "max-age=0, must-revalidate", "etag", "\"x\""}},
    {"max-age=0 with stale-while-revalidate, fetched twice all the same",
     REUSE_MAX_AGE_ZERO,
     0,
     {CC, "max-age=0, stale-while-revalidate=30"}},
    {"a max-age that is no number", REUSE_MAX_AGE_ZERO, 0, {CC, "max-age=soon"}},
    {"a max-age without a value", REUSE_MAX_AGE_ZERO, 0, {CC, "max-age"}},
    {"a negative max-age", REUSE_MAX_AGE_ZERO, 0, {CC, "max-age=-1"}},
    {"a quoted max-age", REUSE_OK, 60, {CC, "max-age=\"60\""}},
    {"a max-age beyond all numbers", REUSE_OK, UINT32_MAX, {CC, "max-age=99999999999999999999"}},
    {"two different max-age", REUSE_MAX_AGE_ZERO, 0, {CC, "max-age=600, max-age=0"}},
    {"max-age before Expires", REUSE_OK, 600, {"expires", AN_HOUR_AGO, CC, "max-age=600"}},
    {"s-maxage speaks to shared caches", REUSE_NO_FRESHNESS, 0, {CC, "s-maxage=600"}},
    {"s-maxage beside a max-age", REUSE_OK, 60, {CC, "s-maxage=0, max-age=60"}},
    {"Expires in the past", REUSE_EXPIRED, 0, {"expires", AN_HOUR_AGO}},
    {"Expires in the past beside a Last-Modified",
     REUSE_EXPIRED,
     0,
     {"expires", AN_HOUR_AGO, "last-modified", IN_2024}},
    {"Expires: 0", REUSE_EXPIRED, 0, {"expires", "0"}},
    {"Expires: -1", REUSE_EXPIRED, 0, {"expires", "-1"}},
    {"must-revalidate beside a Last-Modified only",
     REUSE_NO_FRESHNESS,
     0,
     {CC, "must-revalidate", "last-modified", IN_2024}},
    {"a Last-Modified of a moment ago", REUSE_YOUNG, 0, {"last-modified", A_MOMENT_AGO}},
    {"a Last-Modified of right now", REUSE_YOUNG, 0, {"last-modified", RIGHT_NOW}},
    {"a Last-Modified in the future", REUSE_YOUNG, 0, {"last-modified", IN_AN_HOUR}},
    {"a Last-Modified that is no date", REUSE_NO_FRESHNESS, 0, {"last-modified", "yesterday"}},
    {"Pragma: no-cache beside a max-age",
     REUSE_PRAGMA,
     0,
     {"pragma", "no-cache", CC, "max-age=600"}},
    {"an Age below the max-age", REUSE_OK, 500, {"age", "100", CC, "max-age=600"}},
    {"an Age of all the max-age", REUSE_AGED, 0, {"age", "600", CC, "max-age=600"}},
    {"Vary: Accept-Encoding", REUSE_OK, 600, {CC, "max-age=600", "vary", "Accept-Encoding"}},
    {"Vary: Accept, Cookie, Referer, User-Agent",
     REUSE_OK,
     600,
     {CC, "max-age=600", "vary", "Accept, Cookie, Referer, User-Agent"}},
    {"Vary: Origin", REUSE_OK, 600, {CC, "max-age=600", "vary", "Origin"}},
    {"Vary: *", REUSE_VARY_ANY, 0, {CC, "max-age=600", "Vary", "Accept, *"}},
    {"Vary: Sec-CH-UA", REUSE_VARY_CLIENT_HINTS, 0, {CC, "max-age=600", "vary", "x, Sec-CH-UA"}},
    {"Vary: Sec-CH-UA-Platform in a second field",
     REUSE_VARY_CLIENT_HINTS,
     0,
     {CC, "max-age=600", "vary", "Accept", "vary", "sec-ch-ua-platform"}},
    {"Vary: DPR", REUSE_VARY_CLIENT_HINTS, 0, {CC, "max-age=600", "vary", "DPR"}},
    {"Set-Cookie on the asset", REUSE_OK, 600, {CC, "max-age=600", "set-cookie", "a=b"}},
};

static struct reuse judge(int status, const char *const *fields, const struct reuse_use *use) {
    struct pair v[FIELDS_MAX];
    struct response response = {.status = status, .fields = {v, 0, FIELDS_MAX}};
    for (size_t i = 0; i < FIELDS_MAX && fields[2 * i] != NULL; i++) {
        v[i] = (struct pair){span_str(fields[2 * i]), span_str(fields[2 * i + 1])};
        response.fields.n++;
    }
    return reuse_judge(&response, use, NOW);
}

static void a_stylesheet_is_judged_as_the_row_says(void **state) {
    static const struct reuse_use style = {.as = HINT_AS_STYLE};
    const struct row *row = *state;
    struct reuse reuse = judge(200, row->fields, &style);
    assert_string_equal(reuse_row(reuse.reason)->label, reuse_row(row->reason)->label);
    assert_int_equal(reuse.lifetime_s, row->lifetime_s);
}

static void only_status_200_counts(void **state) {
    (void)state;
    static const struct reuse_use style = {.as = HINT_AS_STYLE};
    static const char *const fields[2 * FIELDS_MAX] = {CC, "max-age=600"};
    static const int others[] = {204, 206, 301, 302, 304, 404, 410, 500, 503};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(judge(others[i], fields, &style).reason, REUSE_STATUS);
    }
    assert_int_equal(judge(200, fields, &style).reason, REUSE_OK);
}

static void vary_origin_matters_where_the_page_sends_it(void **state) {
    (void)state;
    static const char *const fields[2 * FIELDS_MAX] = {CC, "max-age=600", "vary", "origin"};
    static const struct {
        struct reuse_use use;
        enum reuse_reason reason;
    } uses[] = {
        {{.as = HINT_AS_FONT, .crossorigin = HINT_ANONYMOUS}, REUSE_VARY_ORIGIN},
        {{.as = HINT_AS_FONT}, REUSE_VARY_ORIGIN},
        {{.rel = HINT_MODULEPRELOAD}, REUSE_VARY_ORIGIN},
        {{.as = HINT_AS_SCRIPT, .crossorigin = HINT_ANONYMOUS}, REUSE_VARY_ORIGIN},
        {{.as = HINT_AS_SCRIPT}, REUSE_OK},
        {{.as = HINT_AS_IMAGE}, REUSE_OK},
        {{.as = HINT_AS_FETCH, .crossorigin = HINT_ANONYMOUS}, REUSE_OK},
    };
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        struct reuse reuse = judge(200, fields, &uses[i].use);
        assert_int_equal(reuse.reason, uses[i].reason);
        assert_true(reuse.varies_origin); // however it is used
        assert_int_equal(reuse_sends_origin(&uses[i].use), reuse.reason != REUSE_OK);
    }
}

static void images_fonts_and_modules_are_not_kept_against_no_store(void **state) {
    (void)state;
    static const char *const fields[2 * FIELDS_MAX] = {CC, "no-store"};
    static const struct reuse_use uses[] = {
        {.as = HINT_AS_IMAGE}, {.as = HINT_AS_FONT}, {.rel = HINT_MODULEPRELOAD}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(judge(200, fields, &uses[i]).reason, REUSE_NO_STORE);
    }
}

static void every_reason_names_the_field_to_blame(void **state) {
    (void)state;
    for (unsigned i = 0; i < REUSE_REASONS; i++) {
        const struct reuse_row *row = reuse_row(i);
        assert_true(strlen(row->label) > 0 && strlen(row->sentence) > 10);
        assert_int_equal(row->field[0] == 0, i == REUSE_OK || i == REUSE_STATUS);
    }
}

#define ROWS (sizeof styles / sizeof *styles)

int main(void) {
    struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] = (struct CMUnitTest){styles[i].name, a_stylesheet_is_judged_as_the_row_says, NULL,
                                       NULL, &styles[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_status_200_counts),
        cmocka_unit_test(vary_origin_matters_where_the_page_sends_it),
        cmocka_unit_test(images_fonts_and_modules_are_not_kept_against_no_store),
        cmocka_unit_test(every_reason_names_the_field_to_blame),
    };
    return cmocka_run_group_tests_name("rows", table, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
