// SPDX-License-Identifier: MIT
#include "scan/css_scan.h"

#include "support/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
    const char *name, *css, *items; // a line each: "import URL", "font URL type [other script]"
};

#define FACE(inside) "@font-face{font-family:a;" inside "}"

static struct row rows[] = {
    {"nothing", "", ""},
    {"only style rules", "a{color:red}b:not([c=\"}\"]){d:e}", ""},
    // @import
    {"behind a byte order mark", "\xef\xbb\xbf@import 'a';", "import a\n"},
    {"half a byte order mark is a name", "\xef\xbb@import 'a';", ""},
    {"another encoding", "@import 'a\xe4';@import 'b';", "import b\n"},
    {"an import of a string", "@import \"a.css\";", "import a.css\n"},
    {"an import in single quotes", "@import 'a.css';", "import a.css\n"},
    {"an import of an unquoted url", "@import url(a.css);", "import a.css\n"},
    {"an import of a quoted url", "@import url( \"a.css\" );", "import a.css\n"},
    {"no blank behind the keyword", "@import\"a.css\";@import url(b.css);",
     "import a.css\nimport b.css\n"},
    {"names in any case", "@IMPORT URL(a.css);@Import Url('b.css');",
     "import a.css\nimport b.css\n"},
    {"blanks in an unquoted url", "@import url(\n a.css\t);", "import a.css\n"},
    {"the end of the stylesheet ends an import", "@import url(a.css)", "import a.css\n"},
    {"the end of the stylesheet ends a string", "@import 'a.css", "import a.css\n"},
    {"the end of the stylesheet ends a url", "@import url(a.css", "import a.css\n"},
    {"imports behind @charset", "@charset \"utf-8\";@import 'a';", "import a\n"},
    {"imports behind a layer's statement", "@layer a, b;@import 'a';", "import a\n"},
    {"no import behind a layer's statement behind an import", "@import 'a';@layer x;@import 'b';",
     "import a\n"},
    {"nor behind one behind an import of nothing", "@import '';@layer x;@import 'b';", ""},
    {"a layer's statements before imports only",
     "@layer x;@layer y;@import 'a';@import 'b';@layer z;@import 'c';", "import a\nimport b\n"},
    {"imports behind an at-rule that nobody knows", "@foo;@import 'a';@bar x{y{}}@import 'b';",
     "import a\nimport b\n"},
    {"imports behind @charset in their midst", "@import 'a';@charset 'x';@import 'b';",
     "import a\nimport b\n"},
    {"no import behind @namespace", "@namespace x 'y';@import 'a';", ""},
    {"no import behind @property", "@property --x{syntax:'*'}@import 'a';", ""},
    {"no import behind @keyframes", "@keyframes x{}@import 'a';", ""},
    {"no import behind a vendor's rule", "@-moz-document url(){}@import 'a';", ""},
    {"a url with a modifier is none", "@import url(\"a\"x);@import url('b');", "import b\n"},
    {"a url with a comma is none", "@import url('a',);@import url('b' );", "import b\n"},
    {"a url with a second string is none", "@import url('a' 'b');@import 'c';", "import c\n"},
    {"a url with a function is none", "@import url('a' f(x));@import 'c';", "import c\n"},
    {"no import behind a layer's block", "@layer a{}@import 'a';", ""},
    {"no import behind a style rule", "a{}@import 'a';", ""},
    {"no import behind @font-face", "@font-face{}@import 'a';", ""},
    {"no import behind @media", "@media print{}@import 'a';", ""},
    {"no import inside a block", "@media screen{@import 'a';}", ""},
    {"no import inside a layer", "@layer x{@import 'a';}", ""},
    {"no import inside a style rule's prelude", "a @import 'b'; c{}", ""},
    {"a semicolon too many begins a style rule", "@import 'a';;@import 'b';", "import a\n"},
    {"an import with a block is none", "@import 'a'{}", ""},
    {"an import of a name is none", "@import a.css;@import 'b';", "import b\n"},
    {"an import of nothing", "@import '';@import url();@import;", ""},
    {"an import of data", "@import 'data:text/css,a{}';", ""},
    {"an import for screens", "@import 'a' screen;", "import a\n"},
    {"an import for screens only", "@import 'a' only screen;", "import a\n"},
    {"an import for all", "@import 'a' ALL;", "import a\n"},
    {"an import for print", "@import 'a' print;", "import a conditional\n"},
    {"an import for print and screens", "@import 'a' print, screen;", "import a\n"},
    {"an import for wide screens", "@import 'a' screen and (min-width:1px);",
     "import a conditional\n"},
    {"an import for wide screens, or all", "@import 'a' (min-width:1px), all;", "import a\n"},
    {"an import for no screen", "@import 'a' not screen;", "import a conditional\n"},
    {"an import for something long",
     "@import 'a' aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa screen;",
     "import a conditional\n"},
    {"an import into a layer", "@import 'a' layer;@import 'b' layer(c);", "import a\nimport b\n"},
    {"an import into a layer for print", "@import 'a' layer(b) print;", "import a conditional\n"},
    {"an import into a layer for screens", "@import 'a' layer(b) screen;", "import a\n"},
    {"an import with a condition", "@import 'a' supports(display:grid);", "import a conditional\n"},
    {"a semicolon in a condition ends nothing", "@import 'a' supports(a;b);@import 'c';",
     "import a conditional\nimport c\n"},
    {"a comment anywhere", "/**/@import/* ; */'a'/*'*/;/***/@import/**/url(b)/* **/;",
     "import a\nimport b\n"},
    {"an import in a comment", "/* @import 'a'; */@import 'b';", "import b\n"},
    {"a comment that is never closed", "@import 'b';/* @import 'a';", "import b\n"},
    {"a slash is no comment", "/ /@import 'a';", ""},
    {"no comment inside of a url", "@import url(/*/a.css);@import url(//x/*);",
     "import /*/a.css\nimport //x/*\n"},
    {"an escape in a name", "@\\69mport 'a';@imp\\6f rt 'b';@\\import 'c';",
     "import a\nimport b\nimport c\n"},
    {"an escape in a string", "@import 'a\\'\\62 c\\\nd';", "import a'bcd\n"},
    {"an escaped CR LF in a string", "@import 'a\\\r\nb';", "import ab\n"},
    {"an escape in a url", "@import url(a\\)\\000062\\63\r\nd);", "import a)bcd\n"},
    {"an escape above ASCII", "@import 'a\\e9\\1F600';@import '\\0';",
     "import a%C3%A9%F0%9F%98%80\nimport %EF%BF%BD\n"},
    {"a newline ends a string badly", "@import 'a\n';@import 'b';", ""},
    {"a quote in a url is bad", "@import url(a'b);@import 'c';", "import c\n"},
    {"a blank in a url is bad", "@import url(a b);@import 'c';", "import c\n"},
    {"a bad url ends at its bracket", "@import url(a(b\\);c);@import 'd';", "import d\n"},
    {"a backslash at the end of the stylesheet", "@import 'a\\", "import a\n"},
    {"a blank in a string is encoded", "@import ' a b\"<>\xc3\xa4 ';",
     "import a%20b%22%3C%3E%C3%A4\n"},
    {"the marks of an HTML comment", "<!-- @import 'a'; --> @import 'b';", "import a\nimport b\n"},
    {"a namespace", "@namespace url(http://x/);@import 'a';", ""},
    // @font-face
    {"a font", FACE("src:url(a.woff2)format(\"woff2\")"), "font a.woff2 font/woff2\n"},
    {"a font behind rules", "a{b:c}" FACE("src:url(a.woff2)"), "font a.woff2 \n"},
    {"a font with a quoted url", FACE("src:url('a.woff2') format('woff2');"),
     "font a.woff2 font/woff2\n"},
    {"a format that is a name", FACE("src:url(a) format(woff)"), "font a font/woff\n"},
    {"the first source that browsers know counts",
     FACE("src:url(a.eot?#x)format('embedded-opentype'),url(b.woff)format('woff'),"
          "url(c.woff2)format('woff2')"),
     "font b.woff font/woff\n"},
    {"the last src counts", FACE("src:url(a.eot);src:url(b.woff2)"), "font b.woff2 \n"},
    {"a source without a format may be too old", FACE("src:url(a.eot?x),url(b.svg#c),url(d.ttf)"),
     "font d.ttf \n"},
    {"local sources are passed over", FACE("src:local('a'),local(b c),url(d.woff2)"),
     "font d.woff2 \n"},
    {"only a local source", FACE("src:local('a')"), ""},
    {"a source inside of the stylesheet is taken first",
     FACE("src:url(data:font/woff2;base64,AA//AA==)format('woff2'),url(b.woff2)"), ""},
    {"variations", FACE("src:url(a)format('woff2-variations')"), "font a font/woff2\n"},
    {"a technique that browsers have", FACE("src:url(a)format(woff2)tech(variations)"),
     "font a font/woff2\n"},
    {"a technique that browsers do not have", FACE("src:url(a)tech(incremental),url(b)"),
     "font b \n"},
    {"a range with the Latin letters", FACE("src:url(a);unicode-range:U+0000-00FF,U+131"),
     "font a \n"},
    {"a range of other letters", FACE("unicode-range:U+0400-045F, U+0490;src:url(a)"),
     "font a  other script\n"},
    {"a range with wildcards", FACE("unicode-range:u+??;src:url(a)"), "font a \n"},
    {"a range in front of the end", FACE("src:url(a);unicode-range:U+1-10FFFF"), "font a \n"},
    {"a range of half the alphabet", FACE("src:url(a);unicode-range:U+61-6F,U+70-7A"),
     "font a  other script\n"},
    {"a range longer than any", FACE("src:url(a);unicode-range:U+0000000000000000000-FF"),
     "font a  other script\n"},
    {"two faces", FACE("src:url(a)") FACE("src:url(b)"), "font a \nfont b \n"},
    {"a font for screens", "@media screen{" FACE("src:url(a)") "}", "font a \n"},
    {"a font for print", "@media print{" FACE("src:url(a)") "}" FACE("src:url(b)"), "font b \n"},
    {"a font for wide screens", "@media (min-width:9px){" FACE("src:url(a)") "}", ""},
    {"no blank behind @media", "@media(min-width:9px){" FACE("src:url(a)") "}", ""},
    {"a font in a layer", "@layer a{" FACE("src:url(a)") "}", "font a \n"},
    {"a font under a condition", "@supports(a:b){c{d:e}" FACE("src:url(a)") "f{}}", "font a \n"},
    {"a font in groups of groups",
     "@layer{@media all{@supports not (a){" FACE("src:url(a)") "}}}" FACE("src:url(b)"),
     "font a \nfont b \n"},
    {"a font inside a style rule", "a{" FACE("src:url(a)") "}", ""},
    {"a font in a string", "a{b:\"}" FACE("src:url(a)") "\"}", ""},
    {"a font in a comment", "a{}/*}" FACE("src:url(a)") "*/b{}", ""},
    {"a bracket in a url closes nothing", "a{b:url(x}y)}" FACE("src:url(a)"), "font a \n"},
    {"a quote in a url of a style rule", "a{b:url(x'y)}" FACE("src:url(a)") "c{d:'}", "font a \n"},
    {"a comment's mark in a url", "a{b:url(//x/*)}" FACE("src:url(a)"), "font a \n"},
    {"a name that ends in url",
     "a{b:myurl(//x /*)}*/"
     "\n"
     ")}" FACE("src:url(a)"),
     "font a \n"},
    {"a quoted url in a style rule", "a{b:url(\"x)}\")}" FACE("src:url(a)"), "font a \n"},
    {"an escaped bracket", "a\\{b{c:d}" FACE("src:url(a)"), "font a \n"},
    {"an escaped quote", "a{b:\"\\\"}\"}" FACE("src:url(a)"), "font a \n"},
    {"a bracket of another kind closes nothing", "a{b:(};)}" FACE("src:url(a)"), "font a \n"},
    {"an open parenthesis takes everything", "a{b:(}" FACE("src:url(a)"), ""},
    {"a string that a newline ends", "a{b:'x\n}" FACE("src:url(a)"), "font a \n"},
    {"nested style rules", "a{&b{c:d}e{f:g}}" FACE("src:url(a)"), "font a \n"},
    {"a bracket too many at the top", "}a{}" FACE("src:url(a)"), "font a \n"},
    {"the end of the stylesheet ends a face", "@font-face{src:url(a)", "font a \n"},
    {"the end of the stylesheet ends a format", "@font-face{src:url(a) format('woff2'",
     "font a font/woff2\n"},
    {"a face without a source", "@font-face{font-family:x}", ""},
    {"a face in any case", "@FONT-FACE{SRC:URL(a)FORMAT('WOFF2')}", "font a font/woff2\n"},
    {"a block in a face", "@font-face{x{src:url(b)}src:url(a)}", ""},
    {"comments in a face", "@font-face/**/{/**/src/**/:/**/url(a)/**/format(/**/woff2)/**/}",
     "font a font/woff2\n"},
};

struct subject {
    struct css_scan scan;
    size_t most;
};

static void begin(void *self) {
    struct subject *s = self;
    css_scan_init(&s->scan, s->most);
}

static void pull(struct subject *s, struct buf *t) {
    struct css_item item;
    while (css_scan_next(&s->scan, &item) == STEP_ITEM) {
        if (item.kind == CSS_IMPORT) {
            split_line(t, "import %.*s%s\n", SPAN_ARG(item.url),
                       item.is_conditional ? " conditional" : "");
        } else {
            split_line(t, "font %.*s %.*s%s\n", SPAN_ARG(item.url), SPAN_ARG(item.type),
                       item.is_latin ? "" : " other script");
        }
    }
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct subject *s = self;
    css_scan_feed(&s->scan, bytes);
    pull(s, t);
}

static void end(void *self, struct buf *t) {
    struct subject *s = self;
    css_scan_end(&s->scan);
    pull(s, t);
    assert_true(css_scan_is_done(&s->scan));
}

static void check(struct span css, size_t most, const char *items) {
    struct subject subject = {.most = most};
    struct split split = {begin, piece, end, &subject};
    struct buf got;
    split_check(&split, css, &got);
    struct span text = buf_span(&got), want = span_str(items);
    if (!span_eq(text, want)) {
        print_error("%.*s\ngot:\n%.*s\n", SPAN_ARG(css), SPAN_ARG(text));
    }
    assert_true(span_eq(text, want));
    buf_fini(&got);
}

static void test_row(void **state) {
    const struct row *row = *state;
    check(span_str(row->css), CSS_SCAN_MOST, row->items);
}

static void test_nothing_behind_the_bound_is_looked_at(void **state) {
    (void)state;
    struct span css = SPAN("@import 'a';@import 'b';");
    check(css, css.n, "import a\nimport b\n");
    check(css, css.n - 1, "import a\n");
    check(css, 12, "import a\n");
    check(css, 11, "");
    struct css_scan scan;
    struct css_item item;
    css_scan_init(&scan, 12);
    css_scan_feed(&scan, css);
    assert_int_equal(css_scan_next(&scan, &item), STEP_ITEM);
    assert_int_equal(css_scan_next(&scan, &item), STEP_MORE);
    assert_true(css_scan_is_done(&scan));
}

static void test_a_url_with_nul_is_not_told(void **state) {
    (void)state;
    check(SPAN("@import 'a\0b';@import url(a\0b);@import 'c\\\0';@import 'd';"), CSS_SCAN_MOST,
          "import d\n");
}

// A URL of n bytes.
static void check_long_url(const char *before, const char *after, size_t n, bool is_told) {
    struct buf css;
    struct css_scan scan;
    struct css_item item;
    buf_init(&css, 1 << 16);
    buf_put(&css, span_str(before));
    memset(buf_reserve(&css, n), 'x', n);
    buf_wrote(&css, n);
    buf_put(&css, span_str(after));
    css_scan_init(&scan, CSS_SCAN_MOST);
    css_scan_feed(&scan, buf_span(&css));
    assert_int_equal(css_scan_next(&scan, &item), is_told ? STEP_ITEM : STEP_MORE);
    assert_true(!is_told || item.url.n == n);
    assert_int_equal(css_scan_next(&scan, &item), STEP_MORE);
    buf_fini(&css);
}

static void test_a_url_over_the_limit_is_not_told(void **state) {
    (void)state;
    check_long_url("@import '", "';", CSS_SCAN_URL_MAX, true);
    check_long_url("@import '", "';", CSS_SCAN_URL_MAX + 1, false);
    check_long_url("@font-face{src:url(", ")}", CSS_SCAN_URL_MAX, true);
    // Browsers would take it, and not the one behind it.
    check_long_url("@font-face{src:url(", "),url(b)}", CSS_SCAN_URL_MAX + 1, false);
}

static void test_too_many_blocks_in_blocks_end_it(void **state) {
    (void)state;
    static char css[CSS_SCAN_DEPTH_MAX * 2 + 64];
    for (size_t depth = CSS_SCAN_DEPTH_MAX; depth <= CSS_SCAN_DEPTH_MAX + 1; depth++) {
        memset(css, '{', depth);
        memset(css + depth, '}', depth);
        strcpy(css + 2 * depth, "@font-face{src:url(a)}");
        check(span_str(css), CSS_SCAN_MOST, depth > CSS_SCAN_DEPTH_MAX ? "" : "font a \n");
    }
}

int main(void) {
    struct CMUnitTest tests[sizeof rows / sizeof *rows + 4];
    size_t n = 0;
    for (; n < sizeof rows / sizeof *rows; n++) {
        tests[n] = (struct CMUnitTest){rows[n].name, test_row, NULL, NULL, &rows[n]};
    }
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_nothing_behind_the_bound_is_looked_at);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_a_url_with_nul_is_not_told);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_a_url_over_the_limit_is_not_told);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_too_many_blocks_in_blocks_end_it);
    return _cmocka_run_group_tests("css_scan", tests, n, NULL, NULL);
}
