// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "http/uri.h"

#include <stdio.h>

struct path_row {
    const char *name, *target;
    const char *path; // NULL: refused
    const char *query;
};

static const struct path_row paths[] = {
    {"the root", "/", "/", NULL},
    {"a plain path", "/a/b.css", "/a/b.css", NULL},
    {"a query", "/a?x=1?y", "/a", "x=1?y"},
    {"an empty query", "/a?", "/a", ""},
    {"an escape is decoded", "/a%20b", "/a b", NULL},
    {"escapes above 0x7f are decoded", "/%c3%A9", "/\xc3\xa9", NULL},
    {"an escape is decoded once", "/%252e%252e/", "/%2e%2e/", NULL},
    {"an overlong slash stays two bytes", "/%c0%af", "/\xc0\xaf", NULL},
    {"an encoded question mark is part of the path", "/a%3fb?c", "/a?b", "c"},
    {"slashes are merged", "//a///b//", "/a/b/", NULL},
    {"a single dot goes", "/./a/./b/.", "/a/b/", NULL},
    {"a double dot goes up", "/a/b/../c", "/a/c", NULL},
    {"a double dot at the end leaves the folder", "/a/b/..", "/a/", NULL},
    {"a double dot over merged slashes", "/a//../b", "/b", NULL},
    {"encoded dots go up too", "/a/%2e%2E/b", "/b", NULL},
    {"half encoded dots too", "/a/.%2e/b", "/b", NULL},
    {"down to the root", "/a/..", "/", NULL},
    {"three dots are a name", "/.../a", "/.../a", NULL},
    {"a hidden file is a name", "/.well-known/x", "/.well-known/x", NULL},
    {"dots inside a name stay", "/a..b/c.", "/a..b/c.", NULL},
    {"a pipe and braces are normal", "/a|b{c}", "/a|b{c}", NULL},
    {"above the root", "/..", NULL, NULL},
    {"above the root and back", "/../a", NULL, NULL},
    {"above the root, encoded", "/%2e%2e/a", NULL, NULL},
    {"above the root, encoded slash", "/%2e%2e%2fetc", NULL, NULL},
    {"above the root behind a folder", "/a/../../b", NULL, NULL},
    {"above the root over empty segments", "/a///../../b", NULL, NULL},
    {"an encoded NUL", "/a.php%00.jpg", NULL, NULL},
    {"a NUL behind an encoded slash", "/a%2f%00", NULL, NULL},
    {"a raw line feed", "/a\nb", NULL, NULL},
    {"a raw DEL", "/a\x7f", NULL, NULL},
    {"an encoded line feed", "/a%0ab", "/a\nb", NULL},
    {"an encoded tab", "/a%09b", "/a\tb", NULL},
    {"an encoded DEL", "/a%7f", "/a\x7f", NULL},
    {"an encoded slash", "/a%2fb", "/a/b", NULL},
    {"encoded slashes are merged", "/a%2F%2f/b", "/a/b", NULL},
    {"an encoded slash at the end", "/a%2F", "/a/", NULL},
    {"an encoded slash at the front", "/%2Fa", "/a", NULL},
    {"dots between encoded slashes", "/a/b%2f..%2Fc", "/a/c", NULL},
    {"an encoded backslash", "/a%5Cb", "/a\\b", NULL},
    {"a backslash", "/a\\b?\\", "/a\\b", "\\"},
    {"a backslash goes nowhere", "/..\\..%5c", "/..\\..\\", NULL},
    {"half an escape", "/a%2", NULL, NULL},
    {"no escape", "/a%zz", NULL, NULL},
    {"a percent at the end", "/a%", NULL, NULL},
    {"a fragment", "/a#b", NULL, NULL},
    {"a fragment in the query", "/a?b#c", NULL, NULL},
    {"a blank", "/a b", NULL, NULL},
    {"a blank in the query", "/a?b c", NULL, NULL},
    {"raw bytes above 0x7f", "/\xc3\xa9?q=\xc3\xa9", "/\xc3\xa9", "q=\xc3\xa9"},
    {"raw bytes above 0x7f beside encoded ones", "/\xe9%20\xff", "/\xe9 \xff", NULL},
    {"no slash", "a", NULL, NULL},
    {"nothing", "", NULL, NULL},
};

static void targets_give_clean_paths(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const struct path_row *row = &paths[i];
        struct span path, query;
        const char *why = NULL;
        struct arena a;
        arena_init(&a, 4096);
        int rv = uri_path_normalise(&a, span_str(row->target), &path, &query, &why);
        bool is_same = row->path == NULL ? rv == ERR_REQUEST_PATH && why != NULL
                                         : rv == 0 && span_eq(path, span_str(row->path)) &&
                                               (query.p != NULL) == (row->query != NULL) &&
                                               span_eq(query, span_str(row->query));
        if (!is_same) {
            fail_msg("%s: %d, %s", row->name, rv, why ? why : "");
        }
        arena_fini(&a);
    }
}

static void a_path_without_memory_is_an_error(void **state) {
    (void)state;
    struct arena a;
    struct span path, query;
    const char *why;
    arena_init(&a, 0);
    assert_int_equal(uri_path_normalise(&a, SPAN("/a/../b"), &path, &query, &why), ERR_ARENA_LIMIT);
    assert_int_equal(uri_path_normalise(&a, SPAN("/a/b"), &path, &query, &why), 0);
    assert_null(uri_path_encode(&a, SPAN("/")).p);
    struct uri_authority authority;
    assert_int_equal(uri_authority_parse(&a, SPAN("a"), &authority, &why), ERR_ARENA_LIMIT);
    arena_fini(&a);
}

static void encoding_escapes_what_may_not_stand(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    struct span out = uri_path_encode(&a, SPAN("/a b/\xc3\xa9%?#\"<>[]{}|\\^`/~!$&'()*+,;=:@-._"));
    assert_true(span_eq(out, SPAN("/a%20b/%C3%A9%25%3F%23%22%3C%3E%5B%5D%7B%7D%7C%5C%5E%60/"
                                  "~!$&'()*+,;=:@-._")));
    arena_fini(&a);
}

static void hosts_are_checked_strictly(void **state) {
    (void)state;
    static const struct {
        const char *name, *authority, *text, *host; // text NULL: refused
        uint16_t port;
    } rows[] = {
        {"a name", "example.org", "example.org", "example.org", 0},
        {"capitals", "EXAMPLE.org:8080", "example.org:8080", "example.org", 8080},
        {"a name of one label", "localhost", "localhost", "localhost", 0},
        {"an underscore", "my_host-1", "my_host-1", "my_host-1", 0},
        {"an IPv4 address", "127.0.0.1:1", "127.0.0.1:1", "127.0.0.1", 1},
        {"an IPv6 address", "[::1]:443", "[::1]:443", "[::1]", 443},
        {"an IPv6 address in capitals", "[FE80::A]", "[fe80::a]", "[fe80::a]", 0},
        {"a dot at the end", "example.org.:80", "example.org:80", "example.org", 80},
        {"the highest port", "a:65535", "a:65535", "a", 65535},
        {"nothing", "", NULL, NULL, 0},
        {"user information", "a@localhost", NULL, NULL, 0},
        {"user and password", "a:b@localhost", NULL, NULL, 0},
        {"a comma", "a,b", NULL, NULL, 0},
        {"a blank", "a b", NULL, NULL, 0},
        {"a slash", "a/b", NULL, NULL, 0},
        {"a percent", "a%41", NULL, NULL, 0},
        {"an empty port", "A:", "a", "a", 0},
        {"an empty port of an address", "[::1]:", "[::1]", "[::1]", 0},
        {"an empty port behind a dot", "a.:", "a", "a", 0},
        {"two colons", "a::", NULL, NULL, 0},
        {"port 0", "a:0", NULL, NULL, 0},
        {"a port too high", "a:65536", NULL, NULL, 0},
        {"a port of eight digits", "a:00000080", NULL, NULL, 0},
        {"a port with letters", "a:8x", NULL, NULL, 0},
        {"a signed port", "a:+80", NULL, NULL, 0},
        {"two ports", "a:80:80", NULL, NULL, 0},
        {"only a port", ":80", NULL, NULL, 0},
        {"only a dot", ".", NULL, NULL, 0},
        {"two dots", "a..b", NULL, NULL, 0},
        {"two dots at the end", "a..", NULL, NULL, 0},
        {"a dot in front", ".a", NULL, NULL, 0},
        {"an open bracket", "[::1", NULL, NULL, 0},
        {"something behind the bracket", "[::1]x", NULL, NULL, 0},
        {"a bad IPv6 address", "[::1::2]", NULL, NULL, 0},
        {"an IPv6 address with zone", "[fe80::1%25eth0]", NULL, NULL, 0},
        {"an IPv4 address in brackets", "[127.0.0.1]", NULL, NULL, 0},
        {"an IPv6 address without brackets", "::1", NULL, NULL, 0},
        {"bytes above 0x7f", "ex\xc3\xa4mple", NULL, NULL, 0},
        {"a label of 64", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL,
         NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct uri_authority out;
        const char *why = NULL;
        arena_init(&a, 4096);
        int rv = uri_authority_parse(&a, span_str(rows[i].authority), &out, &why);
        bool is_same = rows[i].text == NULL
                           ? rv == ERR_REQUEST_HOST && why != NULL
                           : rv == 0 && span_eq(out.text, span_str(rows[i].text)) &&
                                 span_eq(out.host, span_str(rows[i].host)) &&
                                 out.port == rows[i].port;
        if (!is_same) {
            fail_msg("%s: %d", rows[i].name, rv);
        }
        arena_fini(&a);
    }
}

struct reference_row {
    const char *name, *reference;
    const char *url; // NULL: ERR_SYNTAX; "": ERR_URI_SCHEME
};

// The base is https://a.example:8443/b/c/d;p?q
static const struct reference_row references[] = {
    // RFC 3986, 5.4, with the fragments gone
    {"another scheme", "g:h", ""},
    {"a name", "g", "https://a.example:8443/b/c/g"},
    {"a dot and a name", "./g", "https://a.example:8443/b/c/g"},
    {"a folder", "g/", "https://a.example:8443/b/c/g/"},
    {"an absolute path", "/g", "https://a.example:8443/g"},
    {"another authority", "//g", "https://g/"},
    {"a query", "?y", "https://a.example:8443/b/c/d;p?y"},
    {"a name and a query", "g?y", "https://a.example:8443/b/c/g?y"},
    {"a fragment", "#s", "https://a.example:8443/b/c/d;p?q"},
    {"a name and a fragment", "g#s", "https://a.example:8443/b/c/g"},
    {"all of it", "g?y#s", "https://a.example:8443/b/c/g?y"},
    {"a parameter", ";x", "https://a.example:8443/b/c/;x"},
    {"nothing", "", "https://a.example:8443/b/c/d;p?q"},
    {"a dot", ".", "https://a.example:8443/b/c/"},
    {"a dot and a slash", "./", "https://a.example:8443/b/c/"},
    {"two dots", "..", "https://a.example:8443/b/"},
    {"two dots and a slash", "../", "https://a.example:8443/b/"},
    {"up one", "../g", "https://a.example:8443/b/g"},
    {"up two", "../../g", "https://a.example:8443/g"},
    {"up too far", "../../../g", "https://a.example:8443/g"},
    {"an absolute path with a dot", "/./g", "https://a.example:8443/g"},
    {"an absolute path above the root", "/../g", "https://a.example:8443/g"},
    {"a dot behind", "g.", "https://a.example:8443/b/c/g."},
    {"a dot before", ".g", "https://a.example:8443/b/c/.g"},
    {"dots everywhere", "./g/../h", "https://a.example:8443/b/c/h"},
    {"a slash and dots in the query", "g?y/./x", "https://a.example:8443/b/c/g?y/./x"},
    // ours
    {"an absolute path with a query", "/a/b.css?ver=6.4#x",
     "https://a.example:8443/a/b.css?ver=6.4"},
    {"an absolute URL", "HTTP://Cdn.Example/x.js?v", "http://cdn.example/x.js?v"},
    {"the default port goes", "https://cdn.example:443/x", "https://cdn.example/x"},
    {"the other default port stays", "http://cdn.example:443/x", "http://cdn.example:443/x"},
    {"a URL without path", "https://cdn.example", "https://cdn.example/"},
    {"a URL with only a query", "https://cdn.example?x", "https://cdn.example/?x"},
    {"a URL with dots", "https://cdn.example/a/../b?c/../d", "https://cdn.example/b?c/../d"},
    {"blanks around", "  /x ", "https://a.example:8443/x"},
    {"a blank inside is encoded", "/a b?c d", "https://a.example:8443/a%20b?c%20d"},
    {"bytes above 0x7f are encoded", "x\xc3\xa9", "https://a.example:8443/b/c/x%C3%A9"},
    {"a pipe in a query stands", "/css?family=A|B", "https://a.example:8443/css?family=A|B"},
    {"a quote in a query is encoded", "?a'b", "https://a.example:8443/b/c/d;p?a%27b"},
    {"a query may have a colon", "?a:b", "https://a.example:8443/b/c/d;p?a:b"},
    {"a script", "javascript:alert(\"|\")", ""},
    {"data", "data:text/css,a{}", ""},
    {"mail", "mailto:a@b", ""},
    {"a scheme without slashes", "https:g", NULL},
    {"user information", "https://a@b/", NULL},
    {"a bad port", "https://a:x/", NULL},
    {"no host", "https:///a", NULL},
    {"a backslash", "/a\\b", NULL},
    {"a backslash host", "\\\\evil/x", NULL},
    {"a pipe in a path", "/a|b", NULL},
    {"a control character", "/a\nb", NULL},
    {"half an escape", "/a%2", NULL},
    {"an encoded dot", "/a/%2E%2e/b", NULL},
    {"a path that would look like a host", "/.//evil.example/x", NULL},
    {"a host's path that would, with dots", "//a//..s\xff", NULL},
    {"a relative path that would", "../..//..css/../", NULL},
    {"a host's path that would too", "https://a.example:8443//evil.example/x", NULL},
};

static void references_are_resolved(void **state) {
    (void)state;
    const struct uri base = {SPAN("https"), SPAN("a.example:8443"), SPAN("/b/c/d;p?q")};
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        const struct reference_row *row = &references[i];
        struct arena a;
        struct uri out;
        char url[128] = "";
        arena_init(&a, 65536);
        int rv = uri_resolve(&a, &base, span_str(row->reference), &out);
        int expected = row->url == NULL ? ERR_SYNTAX : row->url[0] == 0 ? ERR_URI_SCHEME : 0;
        if (rv == 0) {
            snprintf(url, sizeof url, "%.*s://%.*s%.*s", SPAN_ARG(out.scheme),
                     SPAN_ARG(out.authority), SPAN_ARG(out.path));
        }
        if (rv != expected || (rv == 0 && strcmp(url, row->url) != 0)) {
            fail_msg("%s: %d %s", row->name, rv, url);
        }
        arena_fini(&a);
    }
}

static void what_is_plain_is_borrowed(void **state) {
    (void)state;
    const struct uri base = {SPAN("https"), SPAN("a"), SPAN("/")};
    struct span reference = SPAN("/wp/style.css?ver=1");
    struct uri out;
    struct arena a;
    arena_init(&a, 0);
    assert_int_equal(uri_resolve(&a, &base, reference, &out), 0);
    assert_ptr_equal(out.path.p, reference.p);
    assert_int_equal(uri_resolve(&a, &base, SPAN("x/../y"), &out), ERR_ARENA_LIMIT);
    arena_fini(&a);
}

static void an_authority_without_its_usual_port_is_compared(void **state) {
    (void)state;
    static const struct {
        const char *scheme, *authority, *host, *compared;
        uint16_t port;
    } rows[] = {
        {"https", "a.example", "a.example", "a.example", 443},
        {"http", "a.example", "a.example", "a.example", 80},
        {"HTTPS", "a.example:443", "a.example", "a.example", 443},
        {"https", "a.example:80", "a.example", "a.example:80", 80},
        {"http", "a.example:80", "a.example", "a.example", 80},
        {"https", "[::1]:443", "[::1]", "[::1]", 443},
        {"https", "[::1]", "[::1]", "[::1]", 443},
        {"https", "a.example.:8443", "a.example", "a.example.:8443", 8443},
        {"https", "a.example:", "a.example", "a.example", 443},
        {"https", "a.example:0", "a.example", "a.example", 443},
        {"https", "a.example:*", "a.example", "a.example", 443},
        {"https", "[::1", "[::1", "[::1", 443},
        {"https", ":443", "", "", 443},
        {"https", "", "", "", 443},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span scheme = span_str(rows[i].scheme), authority = span_str(rows[i].authority);
        struct span compared = uri_authority_without_default(scheme, authority);
        if (!span_eq(uri_host(authority), span_str(rows[i].host)) ||
            uri_port(scheme, authority) != rows[i].port ||
            !span_eq(compared, span_str(rows[i].compared))) {
            fail_msg("%s %s", rows[i].scheme, rows[i].authority);
        }
    }
}

static void a_redirect_to_tls_names_a_port_that_is_not_the_usual_one(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    assert_true(span_eq(uri_https(&a, SPAN("a.example"), URI_HTTPS_PORT, SPAN("/x?y")),
                        SPAN("https://a.example/x?y")));
    assert_true(
        span_eq(uri_https(&a, SPAN("[::1]"), 65535, SPAN("/")), SPAN("https://[::1]:65535/")));
    arena_fini(&a);
    arena_init(&a, 0);
    assert_null(uri_https(&a, SPAN("a"), 1, SPAN("/")).p);
    arena_fini(&a);
}

static void references_of_many_segments_stay_within_bounds(void **state) {
    (void)state;
    const struct uri base = {SPAN("https"), SPAN("a"), SPAN("/")};
    static uint8_t text[URI_REFERENCE_MAX + 1];
    struct uri out;
    struct arena a;
    arena_init(&a, 65536);
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = i % 2 ? '/' : 'a';
    }
    assert_int_equal(uri_resolve(&a, &base, span_of(text, sizeof text), &out), ERR_SYNTAX);
    int rv = uri_resolve(&a, &base, span_of(text, sizeof text - 1), &out);
    assert_true(rv == 0 || rv == ERR_ARENA_LIMIT);
    arena_fini(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_give_clean_paths),
        cmocka_unit_test(a_path_without_memory_is_an_error),
        cmocka_unit_test(encoding_escapes_what_may_not_stand),
        cmocka_unit_test(hosts_are_checked_strictly),
        cmocka_unit_test(an_authority_without_its_usual_port_is_compared),
        cmocka_unit_test(a_redirect_to_tls_names_a_port_that_is_not_the_usual_one),
        cmocka_unit_test(references_are_resolved),
        cmocka_unit_test(what_is_plain_is_borrowed),
        cmocka_unit_test(references_of_many_segments_stay_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
