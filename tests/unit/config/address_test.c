// SPDX-License-Identifier: MIT
#include "config/address.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *text, *host, *path;
    int port; // -1: the text is refused
    bool is_loopback, is_https;
};

static const struct row rows[] = {
    {"0.0.0.0:443", "0.0.0.0", "", 443, false, false},
    {":80", "0.0.0.0", "", 80, false, false},
    {"*:80", "0.0.0.0", "", 80, false, false},
    {"[::]:443", "::", "", 443, false, false},
    {"[::1]:0", "::1", "", 0, true, false},
    {"https://localhost:8443", "localhost", "", 8443, true, true},
    {"https://localhost:8443/", "localhost", "", 8443, true, true},
    {"http://127.0.0.1:8080", "127.0.0.1", "", 8080, true, false},
    {"127.9.9.9:1", "127.9.9.9", "", 1, true, false},
    {"blog.example:65535", "blog.example", "", 65535, false, false},
    {"unix:/run/o.sock", "", "/run/o.sock", 0, true, false},
    {"localhost", "", "", -1, false, false},
    {"localhost:", "", "", -1, false, false},
    {"localhost:65536", "", "", -1, false, false},
    {"localhost:-1", "", "", -1, false, false},
    {"localhost:80/x", "", "", -1, false, false},
    {"::1:80", "", "", -1, false, false},
    {"[::1]", "", "", -1, false, false},
    {"[::1", "", "", -1, false, false},
    {"[localhost]:80", "", "", -1, false, false},
    {"[]:80", "", "", -1, false, false},
    {"1.2.3:80", "", "", -1, false, false},
    {"1.2.3.400:80", "", "", -1, false, false},
    {"a b:80", "", "", -1, false, false},
    {"ftp://a:80", "", "", -1, false, false},
    {"unix:o.sock", "", "", -1, false, false},
    {"unix:", "", "", -1, false, false},
    {"", "", "", -1, false, false},
};

static void test_addresses(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct arena a;
        struct address out;
        const char *why = NULL;
        arena_init(&a, 4096);
        int error = address_parse(span_str(row->text), &a, &out, &why);
        if (row->port < 0) {
            assert_int_equal(error, ERR_SYNTAX);
            assert_non_null(why);
        } else if (error != 0 || out.port != row->port || out.is_loopback != row->is_loopback ||
                   out.is_https != row->is_https || !span_eq(out.host, span_str(row->host)) ||
                   !span_eq(out.path, span_str(row->path))) {
            fail_msg("%s: %d %s", row->text, error, why ? why : "");
        }
        arena_fini(&a);
    }
}

static void test_a_unix_path_fits_into_its_address(void **state) {
    (void)state;
    char text[128] = "unix:/";
    struct arena a;
    struct address out;
    const char *why;
    memset(text + 6, 'x', 106);
    arena_init(&a, 4096);
    assert_int_equal(address_parse(span_str(text), &a, &out, &why), 0);
    assert_int_equal(out.path.n, 107);
    text[112] = 'x';
    assert_int_equal(address_parse(span_str(text), &a, &out, &why), ERR_SYNTAX);
    arena_fini(&a);
    arena_init(&a, 4);
    assert_int_equal(address_parse(SPAN("unix:/abcdef"), &a, &out, &why), ERR_ARENA_LIMIT);
    arena_fini(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_a_unix_path_fits_into_its_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
