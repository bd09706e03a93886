// SPDX-License-Identifier: MIT
#include "config/options.h"

#include "base/error.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    enum option id;
    const char *text;
    uint64_t value;
    const char *why; // NULL: it is good
};

static const struct row rows[] = {
    {OPTION_WORKERS, "auto", 0, NULL},
    {OPTION_POOL_CONNECTIONS, "0", 0, NULL},
    {OPTION_POOL_CONNECTIONS, "auto", OPTION_AUTO, NULL},
    {OPTION_WORKERS, "256", 256, NULL},
    {OPTION_WORKERS, "257", 0, "workers must be between 1 and 256, not 257"},
    {OPTION_WORKERS, "", 0, "workers must be a whole number, not \"\""},
    {OPTION_WORKERS, "+1", 0, "workers must be a whole number, not \"+1\""},
    {OPTION_WORKERS, "99999999999999999999", 0,
     "workers must be a whole number, not \"99999999999999999999\""},
    {OPTION_POOL_THINK_TIMEOUT, "60s", 60000, NULL},
    {OPTION_POOL_THINK_TIMEOUT, "500ms", 500, NULL},
    {OPTION_POOL_THINK_TIMEOUT, "5min", 300000, NULL},
    {OPTION_POOL_THINK_TIMEOUT, "24h", 86400000, NULL},
    {OPTION_POOL_THINK_TIMEOUT, "25h", 0, "think-timeout must be between 10ms and 24h, not 25h"},
    {OPTION_POOL_THINK_TIMEOUT, "60 s", 0,
     "think-timeout must be a duration such as 500ms, 60s, 5min or 1h, not \"60 s\""},
    {OPTION_POOL_THINK_TIMEOUT, "18446744073709551615h", 0,
     "think-timeout must be a duration such as 500ms, 60s, 5min or 1h, not "
     "\"18446744073709551615h\""},
    {OPTION_SITE_BODY_LIMIT, "0", 0, NULL},
    {OPTION_SITE_BODY_LIMIT, "64k", 65536, NULL},
    {OPTION_SITE_BODY_LIMIT, "1MB", 1048576, NULL},
    {OPTION_SITE_BODY_LIMIT, "2G", 2147483648, NULL},
    {OPTION_SITE_BODY_LIMIT, "1 MB", 0,
     "body-limit must be a size such as 512, 64k or 1MB, not \"1 MB\""},
    {OPTION_SITE_BODY_LIMIT, "2000GB", 0, "body-limit must be between 0 and 1024GB, not 2000GB"},
    {OPTION_LISTEN_TLS, "true", 1, NULL},
    {OPTION_LISTEN_TLS, "True", 0, "tls must be true or false, not \"True\""},
    {OPTION_HINTS_MODE, "push", 3, NULL},
    {OPTION_HINTS_MODE, "off|observe", 0,
     "mode must be off, observe, hint or push, not \"off|observe\""},
    {OPTION_HINTS_MODE, "", 0, "mode must be off, observe, hint or push, not \"\""},
};

static void test_texts_become_values(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char why[OPTION_WHY_LEN] = "";
        uint64_t value = 0;
        int error = option_parse(rows[i].id, span_str(rows[i].text), &value, why);
        if (rows[i].why != NULL) {
            assert_int_equal(error, ERR_SYNTAX);
            assert_string_equal(why, rows[i].why);
        } else if (error != 0 || value != rows[i].value) {
            fail_msg("%s: %d, %" PRIu64 ", %s", rows[i].text, error, value, why);
        }
    }
}

static void test_the_name_that_was_meant(void **state) {
    (void)state;
    const struct {
        enum section in;
        const char *name, *meant;
    } names[] = {
        {SECTION_TOP, "worker", "workers"},
        {SECTION_TOP, "site", "site"},
        {SECTION_TOP, "sites", "site"},
        {SECTION_TOP, "banana", NULL},
        {SECTION_POOL, "think_timeout", "think-timeout"},
        {SECTION_POOL, "queue-timeut", "queue-timeout"},
        {SECTION_SITE, "frontcontroller", "front-controller"},
        {SECTION_SITE, "workers", NULL},
        {SECTION_SITE, "", NULL},
        {SECTION_SITE, "a-name-that-is-longer-than-any-option-has", NULL},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *got = option_nearest(names[i].in, span_str(names[i].name));
        if (names[i].meant == NULL ? got != NULL
                                   : got == NULL || strcmp(got, names[i].meant) != 0) {
            fail_msg("%s: %s", names[i].name, got ? got : "(none)");
        }
    }
}

static void test_every_range_is_one(void **state) {
    (void)state;
    for (enum option id = 0; id < OPTION_COUNT; id++) {
        char range[OPTION_RANGE_LEN];
        assert_true(strlen(option_range(id, range)) > 2);
        assert_true(option_row(id)->least <= option_row(id)->most);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_become_values),
        cmocka_unit_test(test_the_name_that_was_meant),
        cmocka_unit_test(test_every_range_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
