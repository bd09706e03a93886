// SPDX-License-Identifier: MIT
#include "http/negotiation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NONE CODING_IDENTITY

static const enum coding_kind all[] = {CODING_ZSTD, CODING_BROTLI, CODING_GZIP};

static const struct row {
    const char *name, *value, *more; // of a second field; NULL: there is none
    enum coding_kind want;
} rows[] = {
    {"no field", NULL, NULL, NONE},
    {"an empty field", "", NULL, NONE},
    {"one coding", "gzip", NULL, CODING_GZIP},
    {"the name of old clients", "X-GZip", NULL, CODING_GZIP},
    {"a browser: ours comes first", "gzip, deflate, br, zstd", NULL, CODING_ZSTD},
    {"without the first", "gzip, deflate, br", NULL, CODING_BROTLI},
    {"the client's weight counts before our order", "zstd;q=0.5, gzip;q=0.8, br;q=0.7", NULL,
     CODING_GZIP},
    {"blanks around the weight", "gzip ; q=0.5 ,br ;Q=0.4", NULL, CODING_GZIP},
    {"a thousandth decides", "br;q=0.998,gzip;q=0.999", NULL, CODING_GZIP},
    {"zero is no", "gzip;q=0, br;q=0.0, zstd;q=0.000", NULL, NONE},
    {"the smallest yes", "gzip;q=0.001", NULL, CODING_GZIP},
    {"all others", "*", NULL, CODING_ZSTD},
    {"all others but one", "*, zstd;q=0", NULL, CODING_BROTLI},
    {"none but one", "*;q=0, gzip", NULL, CODING_GZIP},
    {"identity first", "identity, gzip;q=0.5", NULL, NONE},
    {"identity as much as another", "identity, gzip", NULL, CODING_GZIP},
    {"identity only", "identity", NULL, NONE},
    {"identity forbidden", "identity;q=0, gzip;q=0.1", NULL, CODING_GZIP},
    {"everything forbidden", "identity;q=0, *;q=0", NULL, NONE},
    {"everything but what we have", "*;q=0, deflate", NULL, NONE},
    {"unknown codings", "compress, sdch, gzip", NULL, CODING_GZIP},
    {"a coding that only begins so", "gzipped, brx", NULL, NONE},
    {"no weight", "gzip;q=", NULL, NONE},
    {"too large a weight", "gzip;q=1.1", NULL, NONE},
    {"a weight that is no number", "gzip;q=x, br;q=0,5", NULL, NONE},
    {"too many digits", "gzip;q=0.0001", NULL, NONE},
    {"one with a point", "gzip;q=1.", NULL, CODING_GZIP},
    {"another parameter", "gzip;level=9", NULL, CODING_GZIP},
    {"only commas", ",, ,", NULL, NONE},
    {"two fields are one list", "gzip;q=0.5", "br;q=0.6", CODING_BROTLI},
    {"what comes later counts", "gzip", "gzip;q=0", NONE},
};

static void a_client_is_sent_what_its_row_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair v[] = {{SPAN("a"), SPAN("b")},
                           {SPAN("Accept-Encoding"), span_str(rows[i].value)},
                           {SPAN("accept-encoding"), span_str(rows[i].more)}};
        struct pairs fields = {v, rows[i].more != NULL ? 3 : rows[i].value != NULL ? 2 : 1, 3};
        enum coding_kind got = negotiation_coding(&fields, all, 3);
        if (got != rows[i].want) {
            fail_msg("%s: %d, not %d", rows[i].name, got, rows[i].want);
        }
        assert_int_equal(negotiation_coding(&fields, all, 0), NONE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_sent_what_its_row_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
