// SPDX-License-Identifier: MIT
#include "hints/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct target_page page = {SPAN_INIT("https"), SPAN_INIT("site.example"),
                                        SPAN_INIT("/dir/page")};

struct row {
    const char *name, *csp, *target;
    bool allows;
};

#define CDN "https://cdn.example"

// The hint is a stylesheet on https://site.example.
static struct row styles[] = {
    {"no policy", "", "/a.css", true},
    {"a policy about other things", "img-src 'none'; upgrade-insecure-requests", "/a.css", true},
    {"style-src 'none'", "style-src 'none'", "/a.css", false},
    {"an empty list", "style-src", "/a.css", false},
    {"self", "default-src 'self'", "/a.css", true},
    {"self, of a stranger", "default-src 'self'", CDN "/a.css", false},
    {"self, of a subdomain", "default-src 'self'", "https://x.site.example/a.css", false},
    {"self, of another port", "default-src 'self'", "https://site.example:8443/a.css", false},
    {"self in capitals", "Default-Src 'SELF'", "/a.css", true},
    {"style-src before default-src", "default-src 'none'; style-src 'self'", "/a.css", true},
    {"style-src-elem before style-src", "style-src 'self'; style-src-elem 'none'", "/a.css", false},
    {"script-src is for others", "script-src 'none'", "/a.css", true},
    {"the first of two directives counts", "style-src 'self'; style-src 'none'", "/a.css", true},
    {"two policies in one value must both allow", "style-src 'self', style-src 'none'", "/a.css",
     false},
    {"a star", "style-src *", CDN "/a.css", true},
    {"a scheme", "style-src https:", CDN "/a.css", true},
    {"the scheme http lets https pass", "style-src http:", CDN "/a.css", true},
    {"another scheme", "style-src data: blob:", CDN "/a.css", false},
    {"a host", "style-src cdn.example", CDN "/a.css", true},
    {"a host in capitals", "style-src CDN.Example", CDN "/a.css", true},
    {"a host, of another", "style-src cdn.example", "https://xcdn.example/a.css", false},
    {"a host with its scheme", "style-src https://cdn.example", CDN "/a.css", true},
    {"a host by http lets https pass", "style-src http://cdn.example", CDN "/a.css", true},
    {"a host by http and its port lets https pass", "style-src http://cdn.example:80", CDN "/a.css",
     true},
    {"the own host", "style-src site.example", "/a.css", true},
    {"a host without port is not for another port", "style-src cdn.example", CDN ":8443/a.css",
     false},
    {"a host with a port", "style-src cdn.example:8443", CDN ":8443/a.css", true},
    {"a host with the default port", "style-src cdn.example:443", CDN "/a.css", true},
    {"a host with another port", "style-src cdn.example:8443", CDN "/a.css", false},
    {"a host with any port", "style-src cdn.example:*", CDN ":8443/a.css", true},
    {"all subdomains", "style-src *.cdn.example", "https://a.b.cdn.example/a.css", true},
    {"all subdomains, of the domain itself", "style-src *.cdn.example", CDN "/a.css", false},
    {"all subdomains, of another domain", "style-src *.cdn.example", "https://xcdn.example/a.css",
     false},
    {"any host by https", "style-src https://*", CDN "/a.css", true},
    {"an IPv6 address", "style-src https://[::1]:8443", "https://[::1]:8443/a.css", true},
    {"a file", "style-src cdn.example/a.css", CDN "/a.css", true},
    {"a file, with a query", "style-src cdn.example/a.css", CDN "/a.css?ver=1", true},
    {"a file, of another", "style-src cdn.example/a.css", CDN "/a.css.map", false},
    {"a folder", "style-src cdn.example/css/", CDN "/css/x/a.css", true},
    {"a folder, of another", "style-src cdn.example/css/", CDN "/cssx/a.css", false},
    {"a folder without a slash is a file", "style-src cdn.example/css", CDN "/css/a.css", false},
    {"the root is a folder", "style-src cdn.example/", CDN "/a.css", true},
    {"a path of percent signs", "style-src cdn.example/%61.css", CDN "/a%2Ecss", true},
    {"paths are told by case", "style-src cdn.example/A.css", CDN "/a.css", false},
    {"one of several sources", "style-src 'self' cdn.example 'unsafe-inline'", CDN "/a.css", true},
    {"none beside another source means nothing", "style-src 'none' 'self'", "/a.css", true},
    {"words between tabs", "style-src\t'self'\tcdn.example", CDN "/a.css", true},
    {"a nonce stands in the page", "style-src 'nonce-abc'", CDN "/a.css", true},
    {"a nonce of a fallback", "default-src 'nonce-abc'", CDN "/a.css", true},
    {"a hash stands in the page", "style-src 'sha256-abc='", CDN "/a.css", true},
    {"inline allows no file", "style-src 'unsafe-inline' 'unsafe-hashes'", "/a.css", false},
    {"a sandbox uses no hint", "sandbox allow-scripts", "/a.css", false},
    {"a sandbox of the same origin does", "sandbox allow-scripts Allow-Same-Origin", "/a.css",
     true},
    {"nothing but separators", ";;, ;,", "/a.css", true},
};

static struct hint hint_of(const char *target, enum hint_as as) {
    return (struct hint){.target = span_str(target), .as = as};
}

static void a_stylesheet_is_judged_as_the_row_says(void **state) {
    const struct row *row = *state;
    struct hint hint = hint_of(row->target, HINT_AS_STYLE);
    assert_int_equal(policy_allows(span_str(row->csp), &hint, &page), row->allows);
}

static void each_kind_has_its_directives(void **state) {
    (void)state;
    static const struct {
        enum hint_rel rel;
        enum hint_as as;
        const char *names[3];
    } kinds[] = {
        {HINT_PRELOAD, HINT_AS_STYLE, {"style-src-elem", "style-src", "default-src"}},
        {HINT_PRELOAD, HINT_AS_SCRIPT, {"script-src-elem", "script-src", "default-src"}},
        {HINT_MODULEPRELOAD, HINT_AS_NONE, {"script-src-elem", "script-src", "default-src"}},
        {HINT_PRELOAD, HINT_AS_FONT, {"font-src", "default-src", NULL}},
        {HINT_PRELOAD, HINT_AS_IMAGE, {"img-src", "default-src", NULL}},
        {HINT_PRELOAD, HINT_AS_FETCH, {"connect-src", "default-src", NULL}},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct hint hint = {.target = SPAN("/x"), .rel = kinds[i].rel, .as = kinds[i].as};
        for (size_t k = 0; k < 3 && kinds[i].names[k] != NULL; k++) {
            char csp[100];
            snprintf(csp, sizeof csp, "%s 'none'", kinds[i].names[k]);
            assert_false(policy_allows(span_str(csp), &hint, &page));
            snprintf(csp, sizeof csp, "%s 'self'; %s", kinds[i].names[0],
                     k > 0 ? "default-src 'none'" : "");
            assert_true(policy_allows(span_str(csp), &hint, &page));
        }
    }
}

static void what_stands_in_the_page_counts_for_scripts_and_styles_only(void **state) {
    (void)state;
    struct hint script = hint_of(CDN "/a.js", HINT_AS_SCRIPT);
    struct hint image = hint_of(CDN "/a.png", HINT_AS_IMAGE);
    struct span csp = SPAN("default-src 'strict-dynamic' 'nonce-x'");
    assert_true(policy_allows(csp, &script, &page));
    assert_false(policy_allows(csp, &image, &page));
}

static void a_connection_is_always_allowed(void **state) {
    (void)state;
    struct hint hint = {.target = SPAN(CDN), .rel = HINT_PRECONNECT};
    assert_true(policy_allows(SPAN("default-src 'none'"), &hint, &page));
}

static void an_http_page_allows_itself_by_https(void **state) {
    (void)state;
    static const struct target_page plain = {SPAN_INIT("http"), SPAN_INIT("site.example"),
                                             SPAN_INIT("/")};
    static const struct target_page odd = {SPAN_INIT("http"), SPAN_INIT("[::1]:8080"),
                                           SPAN_INIT("/")};
    struct hint secure = hint_of("https://site.example/a.css", HINT_AS_STYLE);
    struct hint own = hint_of("/a.css", HINT_AS_STYLE);
    assert_true(policy_allows(SPAN("style-src 'self'"), &secure, &plain));
    assert_true(policy_allows(SPAN("style-src site.example"), &secure, &plain));
    assert_true(policy_allows(SPAN("style-src 'self'"), &own, &odd));
    assert_true(policy_allows(SPAN("style-src [::1]:8080"), &own, &odd));
    assert_false(policy_allows(SPAN("style-src [::1]"), &own, &odd));
}

static void only_what_is_alike_for_all_is_sendable(void **state) {
    (void)state;
    static const struct {
        const char *name, *value;
        bool is_sendable;
    } fields[] = {
        {"content-security-policy", "default-src 'self'; img-src *", true},
        {"Content-Security-Policy", "script-src 'self' 'strict-dynamic'", true},
        {"content-security-policy", "script-src 'nonce-abc'", false},
        {"content-security-policy", "script-src\t'NONCE-abc'", false},
        {"content-security-policy", "script-src 'self';'nonce-abc'", false},
        {"content-security-policy", "script-src 'sha384-abc'", false},
        {"content-security-policy", "default-src 'self'; report-uri /csp?user=7", false},
        {"content-security-policy", "img-src *, style-src 'self'; Report-To a", false},
        {"content-security-policy-report-only", "style-src 'none'", false},
        {"content-security-policy", "", false},
        {"content-security-policy", "default-src\r\nx: y", false},
        {"referrer-policy", "no-referrer, strict-origin-when-cross-origin", true},
        {"Referrer-Policy", "origin", true},
        {"referrer-policy", "origin; x", false},
        {"referrer-policy", ",", false},
        {"permissions-policy", "geolocation=()", false},
        {"link", "</a>", false},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        assert_int_equal(policy_is_sendable(span_str(fields[i].name), span_str(fields[i].value)),
                         fields[i].is_sendable);
    }
    static char longest[POLICY_MAX + 2];
    memset(longest, 'a', POLICY_MAX + 1);
    assert_false(policy_is_sendable(SPAN("content-security-policy"), span_str(longest)));
    longest[POLICY_MAX] = 0;
    assert_true(policy_is_sendable(SPAN("content-security-policy"), span_str(longest)));
}

#define ROWS (sizeof styles / sizeof *styles)

int main(void) {
    struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] = (struct CMUnitTest){styles[i].name, a_stylesheet_is_judged_as_the_row_says, NULL,
                                       NULL, &styles[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_directives),
        cmocka_unit_test(what_stands_in_the_page_counts_for_scripts_and_styles_only),
        cmocka_unit_test(a_connection_is_always_allowed),
        cmocka_unit_test(an_http_page_allows_itself_by_https),
        cmocka_unit_test(only_what_is_alike_for_all_is_sendable),
    };
    return cmocka_run_group_tests_name("rows", table, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
