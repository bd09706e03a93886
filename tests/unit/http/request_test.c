// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "http/request.h"

#include <stdio.h>

#define FIELDS 4

struct row {
    const char *name;
    enum protocol protocol;
    const char *method, *scheme, *authority, *target;
    struct {
        const char *name, *value;
    } fields[FIELDS];
    int error;
    const char *said; // "authority path body_len" when there is no error
};

#define OF_HTTP2 PROTOCOL_HTTP2, "GET", "https"

static const struct row rows[] = {
    {"an authority", OF_HTTP2, "A.example", "/a?b", {{0}}, 0, "a.example /a -1"},
    {"an authority and the same host",
     OF_HTTP2,
     "a.example",
     "/",
     {{"host", "A.EXAMPLE"}},
     0,
     "a.example / -1"},
    {"the default port is the same host",
     OF_HTTP2,
     "a.example:443",
     "/",
     {{"host", "a.example"}},
     0,
     "a.example:443 / -1"},
    {"only a host", OF_HTTP2, "", "/", {{"host", "B"}}, 0, "b / -1"},
    {"another host", OF_HTTP2, "a.example", "/", {{"host", "b.example"}}, ERR_REQUEST_HOST, NULL},
    {"another port",
     OF_HTTP2,
     "a.example",
     "/",
     {{"host", "a.example:80"}},
     ERR_REQUEST_HOST,
     NULL},
    {"absolute-form and another host",
     PROTOCOL_HTTP11,
     "GET",
     "http",
     "a.example",
     "/x",
     {{"host", "b.example:81"}},
     0,
     "a.example /x -1"},
    {"absolute-form and a host that is none",
     PROTOCOL_HTTP11,
     "GET",
     "http",
     "a.example",
     "/",
     {{"host", "b@"}},
     ERR_REQUEST_HOST,
     NULL},
    {"absolute-form and two hosts",
     PROTOCOL_HTTP11,
     "GET",
     "http",
     "a.example",
     "/",
     {{"host", "a.example"}, {"host", "b.example"}},
     ERR_REQUEST_HOST,
     NULL},
    {"an empty port", PROTOCOL_HTTP11, "GET", "http", "", "/", {{"host", "a:"}}, 0, "a / -1"},
    {"the same host with an empty port", OF_HTTP2, "a", "/", {{"host", "a:"}}, 0, "a / -1"},
    {"neither", OF_HTTP2, "", "/", {{0}}, ERR_REQUEST_HOST, NULL},
    {"two hosts", OF_HTTP2, "a", "/", {{"host", "a"}, {"host", "a"}}, ERR_REQUEST_HOST, NULL},
    {"user information", OF_HTTP2, "u@a", "/", {{0}}, ERR_REQUEST_HOST, NULL},
    {"another scheme", PROTOCOL_HTTP2, "GET", "ftp", "a", "/", {{0}}, ERR_REQUEST_SYNTAX, NULL},
    {"TRACE", PROTOCOL_HTTP2, "TRACE", "https", "a", "/", {{0}}, ERR_REQUEST_METHOD, NULL},
    {"CONNECT", PROTOCOL_HTTP2, "CONNECT", "https", "a", "/", {{0}}, ERR_REQUEST_METHOD, NULL},
    {"lower case", PROTOCOL_HTTP2, "get", "https", "a", "/", {{0}}, ERR_REQUEST_METHOD, NULL},
    {"a method with a blank",
     PROTOCOL_HTTP2,
     "GE T",
     "https",
     "a",
     "/",
     {{0}},
     ERR_REQUEST_SYNTAX,
     NULL},
    {"a star for OPTIONS", PROTOCOL_HTTP2, "OPTIONS", "https", "a", "*", {{0}}, 0, "a / -1"},
    {"a star for GET", OF_HTTP2, "a", "*", {{0}}, ERR_REQUEST_PATH, NULL},
    {"a path without slash", OF_HTTP2, "a", "b", {{0}}, ERR_REQUEST_PATH, NULL},
    {"no path", OF_HTTP2, "a", "", {{0}}, ERR_REQUEST_PATH, NULL},
    {"a path above the root", OF_HTTP2, "a", "/%2e%2e/", {{0}}, ERR_REQUEST_PATH, NULL},
    {"a length", OF_HTTP2, "a", "/", {{"content-length", "12"}}, 0, "a / 12"},
    {"two lengths",
     OF_HTTP2,
     "a",
     "/",
     {{"content-length", "1"}, {"content-length", "1"}},
     ERR_REQUEST_FRAMING,
     NULL},
    {"a bad length", OF_HTTP2, "a", "/", {{"content-length", "1 "}}, ERR_REQUEST_SYNTAX, NULL},
    {"an endless length",
     OF_HTTP2,
     "a",
     "/",
     {{"content-length", "18446744073709551615"}},
     ERR_REQUEST_FRAMING,
     NULL},
    {"a line feed in a value", OF_HTTP2, "a", "/", {{"a", "b\nc"}}, ERR_REQUEST_SYNTAX, NULL},
    {"a blank before a value", OF_HTTP2, "a", "/", {{"a", " b"}}, ERR_REQUEST_SYNTAX, NULL},
    {"a blank in a name", OF_HTTP2, "a", "/", {{"a b", "c"}}, ERR_REQUEST_SYNTAX, NULL},
    {"1.1 without Host", PROTOCOL_HTTP11, "GET", "http", "", "/", {{0}}, ERR_REQUEST_HOST, NULL},
    {"1.0 without Host", PROTOCOL_HTTP10, "GET", "http", "", "/", {{0}}, 0, " / -1"},
};

static void read_row(const struct row *row, struct request *r, struct pair *v) {
    *r = (struct request){
        .method = span_str(row->method),
        .scheme = span_str(row->scheme),
        .authority = span_str(row->authority),
        .target = span_str(row->target),
        .fields = {.v = v, .cap = FIELDS},
        .body_len = BODY_UNKNOWN,
        .protocol = row->protocol,
    };
    for (size_t i = 0; i < FIELDS && row->fields[i].name != NULL; i++) {
        v[r->fields.n++] =
            (struct pair){span_str(row->fields[i].name), span_str(row->fields[i].value)};
    }
}

static void both_fronts_get_the_same_verdict(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair v[FIELDS];
        struct request r;
        struct arena a;
        const char *why = NULL;
        char said[128] = "";
        read_row(&rows[i], &r, v);
        arena_init(&a, 4096);
        int rv = request_complete(&r, &a, &why);
        if (rv == 0) {
            snprintf(said, sizeof said, "%.*s %.*s %lld", SPAN_ARG(r.authority), SPAN_ARG(r.path),
                     (long long)r.body_len);
        }
        bool is_same =
            rv == rows[i].error && (rv == 0 ? strcmp(said, rows[i].said) == 0 : why != NULL);
        if (!is_same) {
            fail_msg("%s: %d %s %s", rows[i].name, rv, said, why ? why : "");
        }
        arena_fini(&a);
    }
}

static void cookies_become_one_field_in_their_order(void **state) {
    (void)state;
    struct pair v[] = {
        {SPAN("a"), SPAN("1")},     {SPAN("cookie"), SPAN("x=1")}, {SPAN("b"), SPAN("2")},
        {SPAN("Cookie"), SPAN("")}, {SPAN("cookie"), SPAN("z=3")}, {SPAN("c"), SPAN("4")},
    };
    struct request r = {.method = SPAN("GET"),
                        .scheme = SPAN("http"),
                        .authority = SPAN("a"),
                        .target = SPAN("/"),
                        .fields = {v, 6, 6},
                        .protocol = PROTOCOL_HTTP2};
    struct arena a;
    const char *why;
    arena_init(&a, 4096);
    assert_int_equal(request_complete(&r, &a, &why), 0);
    assert_int_equal(r.fields.n, 4);
    assert_true(span_eq(r.fields.v[1].value, SPAN("x=1; z=3")));
    assert_true(span_eq(r.fields.v[2].name, SPAN("b")));
    assert_true(span_eq(r.fields.v[3].name, SPAN("c")));
    arena_fini(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_fronts_get_the_same_verdict),
        cmocka_unit_test(cookies_become_one_field_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
