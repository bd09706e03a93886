// SPDX-License-Identifier: MIT
#include "exchange/cgi_env.h"

#include "base/buf.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

// A request with one kind of header fields: "name: value" lines.
struct row {
    const char *name, *fields;
    const char *want; // the HTTP_* and CONTENT_* variables: "NAME=value" lines
};

static const struct row rows[] = {
    {"ordinary fields", "User-Agent: curl/8\naccept: */*\nX-1-y: z\n",
     "HTTP_USER_AGENT=curl/8\nHTTP_ACCEPT=*/*\nHTTP_X_1_Y=z\n"},
    {"an empty value", "x-empty: \n", "HTTP_X_EMPTY=\n"},
    {"httpoxy (F-01)", "Proxy: http://evil\nPROXY: x\n", ""},
    {"names that would fall together (F-02)", "x_y: 1\nx.y: 2\nx-y: 3\nx y: 4\nx\xc3\xa4: 5\n: 6\n",
     "HTTP_X_Y=3\n"},
    {"a repeated field", "accept: a\nx: 1\nAccept: b\naccept: c\n",
     "HTTP_ACCEPT=a, b, c\nHTTP_X=1\n"},
    {"repeated cookies", "Cookie: a=1\ncookie: b=2\n", "HTTP_COOKIE=a=1; b=2\n"},
    {"a repeated empty field", "x: \nx: \n", "HTTP_X=, \n"},
    {"names that are not the client's (F-08)",
     "script-filename: /etc/passwd\nphp-value: x=1\nredirect-status: 1\nhttps: on\n",
     "HTTP_SCRIPT_FILENAME=/etc/"
     "passwd\nHTTP_PHP_VALUE=x=1\nHTTP_REDIRECT_STATUS=1\nHTTP_HTTPS=on\n"},
    {"the body's fields have names of their own",
     "Content-Type: text/x\nContent-Length: 99\nContent-Encoding: gzip\n",
     "CONTENT_TYPE=text/x\nCONTENT_LENGTH=0\nHTTP_CONTENT_ENCODING=gzip\n"},
    {"fields of the connection",
     "Connection: close\nTransfer-Encoding: chunked\nTE: trailers\n"
     "Upgrade: x\nKeep-Alive: 1\nExpect: 100-continue\n",
     ""},
    {"the host is the authority's", "Host: other.example\n", ""},
    {"what applications believe about their client",
     "X-Forwarded-Proto: https\nx-forwarded-for: 1.2.3.4\nForwarded: for=x\nX-Real-IP: 1.1.1.1\n"
     "X-Forwardedx: 1\nX-Forwarded-Anything: 1\n",
     "HTTP_X_FORWARDEDX=1\n"},
    {"under whichever name",
     "CF-Connecting-IP: 1.1.1.1\nTrue-Client-IP: 1.1.1.1\nClient-IP: 1.1.1.1\n"
     "X-Client-IP: 1.1.1.1\nX-Cluster-Client-IP: 1.1.1.1\nFastly-Client-IP: 1.1.1.1\n"
     "X-Forwarded: for=x\nFront-End-Https: on\nX-Url-Scheme: https\nX-Original-URL: /admin\n"
     "X-Rewrite-URL: /admin\nx-ORIGINAL-url: /b\nClient: 1\n",
     "HTTP_CLIENT=1\n"},
    {"control characters", "x: a\x01z\ny: a\x7f\nz: a\tb\nContent-Type: a\x02\n", "HTTP_Z=a\tb\n"},
    {"credentials are the application's", "Authorization: Basic eDp5\n",
     "HTTP_AUTHORIZATION=Basic eDp5\n"},
};

struct fixture {
    struct arena arena;
    struct request request;
    struct site site;
    struct route route;
    struct cgi_peer peer;
    struct cgi_env env;
    struct pairs params;
};

static void fixture_init(struct fixture *f, const char *fields, size_t budget) {
    *f = (struct fixture){
        .request = {.method = SPAN("GET"),
                    .scheme = SPAN("https"),
                    .authority = SPAN("www.blog.example:8443"),
                    .target = SPAN("/index.php/a%20b?x=%26"),
                    .path = SPAN("/index.php/a b"),
                    .query = SPAN("x=%26"),
                    .protocol = PROTOCOL_HTTP2,
                    .is_secure = true},
        .site = {.name = SPAN("blog.example"), .root = SPAN("/srv")},
        .route = {.kind = ROUTE_SCRIPT,
                  .file = SPAN("/srv/index.php"),
                  .root = SPAN("/srv"),
                  .script_name = SPAN("/index.php"),
                  .path_info = SPAN("/a b"),
                  .query = SPAN("x=%26")},
        .peer = {SPAN("192.0.2.1"), SPAN("50000"), SPAN("192.0.2.9"), SPAN("8443"), NULL, NULL},
    };
    f->env = (struct cgi_env){.request = &f->request,
                              .site = &f->site,
                              .route = &f->route,
                              .peer = &f->peer,
                              .status = 200,
                              .is_named = true};
    arena_init(&f->arena, SIZE_MAX);
    struct span rest = span_str(fields), line;
    while (span_cut(&rest, '\n', &line) && line.n > 0) {
        size_t colon = span_index(line, ':');
        assert_int_equal(pairs_put(&f->request.fields, &f->arena, span_first(line, colon),
                                   span_trim(span_skip(line, colon + 1))),
                         0);
    }
    f->arena.budget = f->arena.used + budget;
}

static struct span find(const struct fixture *f, const char *name) {
    struct span found = {0};
    for (size_t i = 0; i < f->params.n; i++) {
        if (span_eq(f->params.v[i].name, span_str(name))) {
            assert_null(found.p); // one entry per name
            found = f->params.v[i].value;
        }
    }
    return found;
}

static void expect(const struct fixture *f, const char *name, const char *want) {
    struct span got = find(f, name);
    if ((want == NULL) != (got.p == NULL) || !span_eq(got, span_str(want))) {
        fail_msg("%s is \"%.*s\", not \"%s\"", name, SPAN_ARG(got), want ? want : "(none)");
    }
}

// 60 fields of 300 bytes, and 100 of 320: what they are joined to may take no more than their sum.
static void test_many_equal_fields_take_memory_once(void **state) {
    (void)state;
    static char text[100 * 330 + 1], want[100 * 322];
    for (unsigned n = 60; n <= 100; n += 40) {
        size_t at = 0, len = n == 60 ? 300 : 320, joined = n * (len + 2) - 2;
        for (unsigned i = 0; i < n; i++) {
            at += (size_t)sprintf(text + at, "x: ");
            memset(text + at, 'v', len);
            at += len;
            text[at++] = '\n';
        }
        text[at] = 0;
        struct fixture f;
        fixture_init(&f, text, joined + 8192);
        assert_int_equal(cgi_env_build(&f.env, &f.arena, &f.params), 0);
        struct span value = find(&f, "HTTP_X");
        assert_int_equal(value.n, joined);
        memset(want, 'v', len);
        assert_memory_equal(value.p, want, len);
        assert_memory_equal(value.p + len, ", v", 3);
        assert_memory_equal(value.p + joined - len, want, len);
        arena_fini(&f.arena);
    }
}

static void test_fields_become_variables(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        struct buf text;
        fixture_init(&f, rows[i].fields, 65536);
        buf_init(&text, 65536);
        assert_int_equal(cgi_env_build(&f.env, &f.arena, &f.params), 0);
        expect(&f, "HTTP_HOST", "www.blog.example:8443");
        expect(&f, "SCRIPT_FILENAME", "/srv/index.php");
        expect(&f, "REDIRECT_STATUS", "200");
        for (size_t k = 0; k < f.params.n; k++) {
            const struct pair *p = &f.params.v[k];
            bool is_field =
                span_has_prefix(p->name, SPAN("HTTP_")) && !span_eq(p->name, SPAN("HTTP_HOST"));
            if (is_field || span_has_prefix(p->name, SPAN("CONTENT_"))) {
                buf_put(&text, p->name);
                buf_put(&text, SPAN("="));
                buf_put(&text, p->value);
                buf_put(&text, SPAN("\n"));
            }
        }
        if (!span_eq(buf_span(&text), span_str(rows[i].want))) {
            fail_msg("%s\n--- got\n%.*s", rows[i].name, SPAN_ARG(buf_span(&text)));
        }
        buf_fini(&text);
        arena_fini(&f.arena);
    }
}

static void test_the_operators_parameters_take_the_place_of_ours(void **state) {
    (void)state;
    struct fixture f;
    struct span of_site[] = {SPAN("APP_ENV=test"), SPAN("SERVER_SOFTWARE=mine"), SPAN("EMPTY="),
                             SPAN("PHP_VALUE=a=1"), SPAN("PHP_VALUE=b=2")};
    struct span of_rule[] = {SPAN("APP_ENV=a=b"), SPAN("PHP_VALUE=c=3")};
    struct route_rule rule = {.params = {of_rule, 2}};
    fixture_init(&f, "App-Env: client\n", 1 << 16);
    f.site.params = (struct span_list){of_site, 5};
    f.route.rule = &rule;
    assert_int_equal(cgi_env_build(&f.env, &f.arena, &f.params), 0);
    expect(&f, "APP_ENV", "a=b");
    expect(&f, "PHP_VALUE", "a=1\nb=2\nc=3");
    expect(&f, "SERVER_SOFTWARE", "mine");
    expect(&f, "EMPTY", "");
    expect(&f, "HTTP_APP_ENV", "client");
    arena_fini(&f.arena);
}

static void test_the_conventional_set(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, "", 65536);
    f.request.body_len = 1234567;
    assert_int_equal(cgi_env_build(&f.env, &f.arena, &f.params), 0);
    static const char *const want[][2] = {
        {"SCRIPT_FILENAME", "/srv/index.php"},
        {"SCRIPT_NAME", "/index.php"},
        {"PATH_INFO", "/a b"},
        {"REQUEST_METHOD", "GET"},
        {"REQUEST_URI", "/index.php/a%20b?x=%26"},
        {"DOCUMENT_URI", "/index.php"},
        {"QUERY_STRING", "x=%26"},
        {"DOCUMENT_ROOT", "/srv"},
        {"SERVER_PROTOCOL", "HTTP/2.0"},
        {"REQUEST_SCHEME", "https"},
        {"HTTPS", "on"},
        {"GATEWAY_INTERFACE", "CGI/1.1"},
        {"SERVER_SOFTWARE", "outrider"},
        {"REMOTE_ADDR", "192.0.2.1"},
        {"REMOTE_PORT", "50000"},
        {"SERVER_ADDR", "192.0.2.9"},
        {"SERVER_PORT", "8443"},
        {"SERVER_NAME", "www.blog.example"},
        {"REDIRECT_STATUS", "200"},
        {"CONTENT_LENGTH", "1234567"},
        {"HTTP_HOST", "www.blog.example:8443"},
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        expect(&f, want[i][0], want[i][1]);
    }
    assert_int_equal(f.params.n, sizeof want / sizeof want[0]);
    arena_fini(&f.arena);
}

static void test_what_is_not_so_is_not_said(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f, "", 65536);
    f.request.is_secure = false;
    f.request.protocol = PROTOCOL_HTTP10;
    f.route.query = (struct span){0};
    f.request.authority = (struct span){0};
    f.request.body_len = BODY_UNKNOWN;
    f.route.path_info = (struct span){0};
    f.route.root = (struct span){0};
    f.env.is_named = false;
    assert_int_equal(cgi_env_build(&f.env, &f.arena, &f.params), 0);
    expect(&f, "HTTPS", NULL);
    expect(&f, "PATH_INFO", NULL);
    expect(&f, "HTTP_HOST", NULL);
    expect(&f, "CONTENT_LENGTH", NULL);
    expect(&f, "QUERY_STRING", "");
    expect(&f, "DOCUMENT_ROOT", "");
    expect(&f, "REQUEST_SCHEME", "http");
    expect(&f, "SERVER_PROTOCOL", "HTTP/1.0");
    expect(&f, "SERVER_NAME", "blog.example");
    arena_fini(&f.arena);
}

static void test_what_was_found_out_takes_the_place_of_what_came(void **state) {
    (void)state;
    struct fixture f;
    struct pairs said = {.n = 0};
    fixture_init(&f, "X-Forwarded-Proto: http\nForwarded: for=x\nX-Real-IP: 1.1.1.1\n", 65536);
    assert_int_equal(pairs_put(&said, &f.arena, SPAN("x-forwarded-proto"), SPAN("https")), 0);
    assert_int_equal(pairs_put(&said, &f.arena, SPAN("x-forwarded-for"), SPAN("192.0.2.7")), 0);
    f.peer.said = &said;
    assert_int_equal(cgi_env_build(&f.env, &f.arena, &f.params), 0);
    expect(&f, "HTTP_X_FORWARDED_PROTO", "https");
    expect(&f, "HTTP_X_FORWARDED_FOR", "192.0.2.7");
    expect(&f, "HTTP_FORWARDED", NULL);
    expect(&f, "HTTP_X_REAL_IP", NULL);
    arena_fini(&f.arena);
}

static void test_many_fields_stay_apart(void **state) {
    (void)state;
    static char fields[256 * 16];
    char *to = fields;
    for (int i = 0; i < 256; i++) {
        to += sprintf(to, "x-%d: %d\n", i, i);
    }
    struct fixture f;
    fixture_init(&f, fields, 1 << 20);
    assert_int_equal(cgi_env_build(&f.env, &f.arena, &f.params), 0);
    expect(&f, "HTTP_X_0", "0");
    expect(&f, "HTTP_X_255", "255");
    assert_int_equal(f.params.n, 20 + 256);
    arena_fini(&f.arena);
}

static void test_a_spent_budget_is_an_error(void **state) {
    (void)state;
    int error = ERR_ARENA_LIMIT;
    for (size_t budget = 0; error != 0; budget += 16) {
        struct fixture f;
        fixture_init(&f, "cookie: a\nx: 1\ncookie: b\n", budget);
        f.request.body_len = 7;
        error = cgi_env_build(&f.env, &f.arena, &f.params);
        assert_true(error == 0 || error == ERR_ARENA_LIMIT);
        assert_true(budget < 65536);
        arena_fini(&f.arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_become_variables),
        cmocka_unit_test(test_many_equal_fields_take_memory_once),
        cmocka_unit_test(test_the_operators_parameters_take_the_place_of_ours),
        cmocka_unit_test(test_the_conventional_set),
        cmocka_unit_test(test_what_is_not_so_is_not_said),
        cmocka_unit_test(test_what_was_found_out_takes_the_place_of_what_came),
        cmocka_unit_test(test_many_fields_stay_apart),
        cmocka_unit_test(test_a_spent_budget_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
