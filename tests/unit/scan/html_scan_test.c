// SPDX-License-Identifier: MIT
#include "scan/html_scan.h"

#include "support/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

// Items as lines: "link <canonical link> [body] [late] [conditional]", "font ...", "base URL",
// "policy text".
struct row {
    const char *name, *html, *items;
};

#define CSS(url) "link <" url ">; rel=preload; as=style\n"
#define SCRIPT(url) "link <" url ">; rel=preload; as=script\n"
#define SOMETIMES(url) "link <" url ">; rel=preload; as=style conditional\n"
#define SHEET "<link rel=stylesheet href=z.css>"
#define Z CSS("z.css")
#define Z_BODY "link <z.css>; rel=preload; as=style body\n"

static struct row rows[] = {
    {"an empty document", "", ""},
    {"text only", "a < b > c & d", ""},
    // Stylesheets.
    {"a stylesheet", "<link rel=\"stylesheet\" href=\"a.css\">", CSS("a.css")},
    {"a stylesheet in single quotes, as WordPress writes it",
     "<link rel='stylesheet' id='x-css' href='https://wp.test/a.css?ver=6.1' type='text/css' "
     "media='all' />",
     CSS("https://wp.test/a.css?ver=6.1")},
    {"a stylesheet without quotes", "<link href=a.css rel=stylesheet>", CSS("a.css")},
    {"a slash belongs to an unquoted value", "<link rel=stylesheet href=/a/>", CSS("/a/")},
    {"names and keywords in any case", "<LINK REL=StyleSheet HREF=A.css>", CSS("A.css")},
    {"several relations", "<link rel='a\tstylesheet\nb' href=a.css>", CSS("a.css")},
    {"an alternate stylesheet", "<link rel='alternate stylesheet' href=a.css title=x>",
     SOMETIMES("a.css")},
    {"a disabled stylesheet", "<link rel=stylesheet href=a.css disabled>", SOMETIMES("a.css")},
    {"for print", "<link rel=stylesheet href=a.css media=print>", SOMETIMES("a.css")},
    {"for print first, then for everybody",
     "<link rel=stylesheet href=a.css media=print onload=\"this.media='all'\">",
     SOMETIMES("a.css")},
    {"for a screen", "<link rel=stylesheet href=a.css media=' Screen '>", CSS("a.css")},
    {"for only a screen", "<link rel=stylesheet href=a.css media='only  screen'>", CSS("a.css")},
    {"for print and a screen", "<link rel=stylesheet href=a.css media='print, screen'>",
     CSS("a.css")},
    {"for no media in particular", "<link rel=stylesheet href=a.css media=''>", CSS("a.css")},
    {"for wide screens", "<link rel=stylesheet href=a.css media='screen and (min-width:9px)'>",
     SOMETIMES("a.css")},
    {"for everything but screens", "<link rel=stylesheet href=a.css media='not screen'>",
     SOMETIMES("a.css")},
    {"of another type", "<link rel=stylesheet href=a.less type=text/less>", ""},
    {"of a type with parameters",
     "<link rel=stylesheet href=a type='text/css; charset=utf-8'><link rel=stylesheet href=b "
     "type='Text/CSS;'><link rel=stylesheet href=c type=' '>",
     CSS("a") CSS("b") CSS("c")},
    {"of a type that only begins so", "<link rel=stylesheet href=a type='text/css charset'>", ""},
    {"without a URL",
     "<link rel=stylesheet><link rel=stylesheet href><link rel=stylesheet href=''>", ""},
    {"the first title names the set",
     "<link rel=stylesheet href=a title=x><link rel=stylesheet href=b title=y>"
     "<link rel=stylesheet href=c title=x><link rel=stylesheet href=d>",
     CSS("a") SOMETIMES("b") CSS("c") CSS("d")},
    {"with CORS", "<link rel=stylesheet href=a crossorigin>",
     "link <a>; rel=preload; as=style; crossorigin\n"},
    {"with CORS and an empty keyword", "<link rel=stylesheet href=a crossorigin=''>",
     "link <a>; rel=preload; as=style; crossorigin\n"},
    {"with credentials", "<link rel=stylesheet href=a crossorigin=use-credentials>",
     "link <a>; rel=preload; as=style; crossorigin=use-credentials\n"},
    {"with integrity and priority",
     "<link rel=stylesheet href=a integrity='sha384-x+/=' fetchpriority=HIGH nonce=q>",
     "link <a>; rel=preload; as=style; fetchpriority=high; integrity=\"sha384-x+/=\"\n"},
    // URLs.
    {"numbers for characters", "<link rel=stylesheet href='a?b&#038;c&#x26;d&#38e'>",
     CSS("a?b&c&d&e")},
    {"names for characters", "<link rel=stylesheet href='a?b&amp;c&apos;d&AMP;e&amp'>",
     CSS("a?b&c'd&e&")},
    {"a name in front of an equals sign is none", "<link rel=stylesheet href='a?b&lt=1&copy=2'>",
     CSS("a?b&lt=1&copy=2")},
    {"a name in front of a letter is none", "<link rel=stylesheet href='a?b&ltc&regd'>",
     CSS("a?b&ltc&regd")},
    {"quotes and brackets are encoded", "<link rel=stylesheet href='a&lt;&gt&quot;'>",
     CSS("a%3C%3E%22")},
    {"a name that we do not know", "<link rel=stylesheet href='a&copy;b'>" SHEET, Z},
    {"a name without semicolon that we do not know",
     "<link rel=stylesheet href='a?b&copy_c'>" SHEET, Z},
    {"words that are no names", "<link rel=stylesheet href='a?b&c&d_e&&#&#x'>",
     CSS("a?b&c&d_e&&#&#x")},
    {"a number for another character", "<link rel=stylesheet href='a&#128;b'>" SHEET, Z},
    {"numbers above ASCII", "<link rel=stylesheet href='&#228;&#x20AC;&#x1F600;&nbsp;'>",
     CSS("%C3%A4%E2%82%AC%F0%9F%98%80%C2%A0")},
    {"blanks and line breaks in a URL", "<link rel=stylesheet href=' \na\t/b\r\nc d '>",
     CSS("a/bc%20d")},
    {"data", "<script src='data:text/javascript,1'></script>" SHEET, Z},
    // Attributes.
    {"the first of two attributes counts", "<link rel=stylesheet href=a href=b rel=preload>",
     CSS("a")},
    {"a slash between attributes", "<link/rel='stylesheet'/href=a /x/>", CSS("a")},
    {"nothing between attributes", "<link rel='stylesheet'href=\"a\"media='all'>", CSS("a")},
    {"blanks around equals signs", "<link rel = stylesheet href\n=\n'a'>", CSS("a")},
    {"an equals sign begins a name", "<link =rel=x rel=stylesheet href=a>", CSS("a")},
    {"an equals sign behind a value", "<link rel='stylesheet'=x href=a>", CSS("a")},
    {"a bracket in a value", "<base title='>'><link rel=stylesheet href='a>b'>", CSS("a%3Eb")},
    {"a bracket instead of a value", "<link href=a rel=>" SHEET, Z},
    {"a quote in a name", "<link a\"b rel=stylesheet href=a>", CSS("a")},
    {"a quote in an unquoted value", "<base b=c\"><link rel=stylesheet href=a>", CSS("a")},
    {"JSON in an attribute",
     "<div data-x=\"{&quot;a&quot;:&quot;<link rel=stylesheet href=b>\">" SHEET,
     "link <z.css>; rel=preload; as=style body\n"},
    {"a tag that is not complete", "<link rel=stylesheet href=a", ""},
    {"a quote that is never closed", "<link rel=stylesheet href='a>" SHEET, ""},
    // Scripts.
    {"a script", "<script src=a.js></script>", SCRIPT("a.js")},
    {"a script whose src is not the first attribute",
     "<script type=\"text/javascript\" id=\"x-js\" data-y=\"&quot;\" src=\"a.js?ver=1\"></script>",
     SCRIPT("a.js?ver=1")},
    {"scripts that are late", "<script async src=a></script><script src=b defer=''></script>",
     "link <a>; rel=preload; as=script late\nlink <b>; rel=preload; as=script late\n"},
    {"a module",
     "<script type=module src=a></script><script TYPE=Module src=b crossorigin></script>",
     "link <a>; rel=modulepreload late\nlink <b>; rel=modulepreload; crossorigin late\n"},
    {"a keyword with blanks around it is none",
     "<script type=' module ' src=a></script><link rel=preload as=' style ' href=b>"
     "<link rel=stylesheet href=c fetchpriority=' high ' crossorigin=' use-credentials '>",
     "link <b>; rel=preload; as=\" style \" late\nlink <c>; rel=preload; as=style; crossorigin\n"},
    {"for browsers without modules", "<script nomodule src=a></script>", ""},
    {"not JavaScript",
     "<script type=application/json src=a></script><script type=importmap src=b></script>"
     "<script type=text/template src=c></script><script type=speculationrules src=d></script>"
     "<script type=' ' src=e></script><script type='text/javascript;charset=x' src=f></script>",
     ""},
    {"JavaScript by other names",
     "<script type='' src=a></script><script type=' Text/ECMAScript ' src=b></script>"
     "<script language=JavaScript1.5 src=c></script><script language=vbscript src=d></script>",
     SCRIPT("a") SCRIPT("b") SCRIPT("c")},
    {"a script in the body", "</head><script src=a></script>",
     "link <a>; rel=preload; as=script body\n"},
    {"a script behind something that is not in a head", "<head><p><script src=a></script>",
     "link <a>; rel=preload; as=script body\n"},
    {"a script in a head without tags",
     "<!doctype html><title>x</title><meta charset=utf-8><script src=a></script>", SCRIPT("a")},
    {"tags in an inline script",
     "<script>document.write('<link rel=stylesheet href=a>');"
     "document.write('<script src=\"b\"><\\/script>')</script>" SHEET,
     Z},
    {"an end tag in an inline script ends it", "<script>'</script>'" SHEET "</script>", Z},
    {"another end tag does not", "<script></scripty></scrip></style>" SHEET "</script >" SHEET, Z},
    {"a comment in a script that hides nothing", "<script><!-- </script>" SHEET, Z},
    {"a comment in a script that hides its end",
     "<script><!-- <script> </script> " SHEET " --></script>" SHEET, Z},
    {"a hidden end is over at the comment's end", "<script><!-- <script> --> </script>" SHEET, Z},
    {"a hidden end is over at its own end", "<script><!-- <script></script> </script>" SHEET, Z},
    {"a comment in a script that is over at once", "<script><!--><script></script>" SHEET, Z},
    {"a name that only begins with script hides nothing", "<script><!-- <scripts> </script>" SHEET,
     Z},
    {"no comment without two dashes", "<script><!- <script> </script>" SHEET, Z},
    {"a script is never self-closing", "<script src=a />" SHEET "</script>", SCRIPT("a")},
    // Other links.
    {"a modulepreload", "<link rel=modulepreload href=a id=x fetchpriority=low>",
     "link <a>; rel=modulepreload; fetchpriority=low late\n"},
    {"a preload", "<link rel=preload href=a as=font type=font/woff2 crossorigin>",
     "link <a>; rel=preload; as=font; crossorigin; type=\"font/woff2\" late\n"},
    {"a preload without as", "<link rel=preload href=a>", ""},
    {"a preload of an image that depends on the screen",
     "<link rel=preload as=image href=a imagesrcset='b 1x'>", ""},
    {"a preload for some screens", "<link rel=preload as=image href=a media='(width>1px)'>", ""},
    {"a preconnect", "<link rel='preconnect dns-prefetch' href=//cdn.test crossorigin>",
     "link <//cdn.test>; rel=preconnect; crossorigin late\n"},
    {"links of no interest",
     "<link rel=dns-prefetch href=//a><link rel=prefetch href=b><link rel=icon href=c>"
     "<link rel=canonical href=d><link rel='https://api.w.org/' href=e><link href=f>",
     ""},
    {"an important image", "<img src=a fetchpriority=high>",
     "link <a>; rel=preload; as=image; fetchpriority=high body late\n"},
    {"other images",
     "<img src=a><img src=b fetchpriority=high srcset='c 1x'><img src=d fetchpriority=low>"
     "<img src=e fetchpriority=high loading=lazy><picture><img src=f fetchpriority=high></picture>"
     "<video poster=g></video>",
     ""},
    {"a base", "<base target=x><base href='/b/'><base href=/c/>", "base /b/\n"},
    {"a policy",
     "<meta http-equiv=Content-Security-Policy content=\" script-src 'self' \">"
     "<meta http-equiv=refresh content=1></head><meta http-equiv=content-security-policy "
     "content=x>",
     "policy script-src 'self'\n"},
    // What is not markup.
    {"comments", "<!--" SHEET "--><!-->" SHEET "<!--->" SHEET "<!-- -- > " SHEET "--!>" SHEET,
     Z Z Z},
    {"a comment that looks closed", "<!--!>" SHEET "<!---!>-->" SHEET, Z},
    {"dashes before a comment's end", "<!-----><!-- --->" SHEET, Z},
    {"a conditional comment", "<!--[if lt IE 9]>" SHEET "<![endif]--><![if !IE]>" SHEET, Z},
    {"bogus comments", "<!a '>" SHEET "<?b '>" SHEET "</ c '>" SHEET "<!->" SHEET, Z Z Z Z},
    {"an end tag without a name", "</>" SHEET, Z},
    {"a bracket that opens no tag", "< <<1" SHEET, Z},
    {"text elements",
     "<title>" SHEET "</title><textarea>" SHEET "</textarea><xmp>" SHEET "</xmp>"
     "<iframe>" SHEET "</iframe><noembed>" SHEET "</noembed><noframes>" SHEET "</noframes>"
     "<noscript>" SHEET "</noscript>",
     ""},
    {"an end tag with attributes", "<title></title a='>'>" SHEET, Z},
    {"an end tag in any case", "<title></TITLE\n>" SHEET, Z},
    {"noscript stays in the head", "<noscript><p></noscript>" SHEET, Z},
    {"plaintext", "<plaintext>" SHEET "</plaintext>" SHEET, ""},
    {"a template", "<template>" SHEET "<template></template>" SHEET "</template>" SHEET, Z},
    {"a script in a template hides its end",
     "<template><script></template></script></template>" SHEET, Z},
    {"links in SVG", "<svg>" SHEET "<script src=a></script></svg>" SHEET, Z_BODY},
    {"a title of SVG holds HTML", "<svg><title>" SHEET "</title>" SHEET "</svg>", Z_BODY},
    {"scripts of SVG",
     "<svg><script href=a></script><script xlink:href=b /><script href=c xlink:href=d "
     "async></script>"
     "<script src=e></script><script type=module href=f></script></svg>",
     "link <a>; rel=preload; as=script body\nlink <b>; rel=preload; as=script body\n"
     "link <c>; rel=preload; as=script body late\n"},
    {"no scripts of MathML", "<math><script href=a></script></math>", ""},
    {"stylesheets of SVG",
     "<svg><style>@import 'a';</style><style media=print>@import 'b';</style>"
     "<style>@font-face{src:url(c)}</style></svg>",
     "link <a>; rel=preload; as=style body\nlink <b>; rel=preload; as=style body conditional\n"
     "font <c>; rel=preload; as=font; crossorigin\n"},
    {"a stylesheet of SVG in CDATA", "<svg><style><![CDATA[@import 'a';]]></style>" SHEET "</svg>",
     "link <a>; rel=preload; as=style body\n"},
    {"half a CDATA in a stylesheet of SVG", "<svg><style><![CDAT @import 'a';</style></svg>", ""},
    {"text in MathML holds HTML",
     "<math><mi>" SHEET "</mi><mtext>" SHEET "</mtext>" SHEET "</math>", Z_BODY Z_BODY},
    {"an annotation of MathML that holds HTML",
     "<math><annotation-xml encoding=TEXT/html>" SHEET "</annotation-xml>"
     "<annotation-xml>" SHEET "</annotation-xml></math>",
     Z_BODY},
    {"no text of MathML in SVG", "<svg><mi>" SHEET "</mi></svg>", ""},
    {"SVG in text of MathML", "<math><mi><svg>" SHEET "</svg>" SHEET "</mi></math>", Z_BODY},
    {"SVG in HTML in SVG",
     "<svg><foreignObject>" SHEET "<svg>" SHEET "</svg></foreignObject></svg>", Z_BODY},
    {"an end tag from outside ends SVG", "<div><svg></div>" SHEET, Z_BODY},
    {"and of other elements that hold much", "<section><svg></section>" SHEET, Z_BODY},
    {"and of a link", "<a><svg></a>" SHEET "<svg><a></a>" SHEET "</svg>", Z_BODY},
    {"a paragraph's end ends SVG", "<svg></p>" SHEET, Z_BODY},
    {"the end of the body ends no SVG", "<svg></body></html>" SHEET, ""},
    {"elements of SVG end in SVG", "<svg><g><path></path></g><font></font>" SHEET "</svg>", ""},
    {"SVG ends with what is open in it", "<svg><g><font></svg>" SHEET, Z_BODY},
    {"the end of a template ends SVG in it", "<template><svg></template>" SHEET, Z_BODY},
    // Shadow trees.
    {"an open and a closed shadow tree",
     "<div><template shadowrootmode=open>" SHEET "</template></div>"
     "<x-y> <template shadowrootmode=CLOSED>" SHEET "</template></x-y>",
     Z_BODY Z_BODY},
    {"a template in a shadow tree",
     "<div><template shadowrootmode=open><template>" SHEET "</template>" SHEET "</template></div>",
     Z_BODY},
    {"a shadow tree in a template",
     "<template><div><template shadowrootmode=open>" SHEET "</template></div>" SHEET "</template>",
     ""},
    {"a shadow tree in a shadow tree",
     "<div><template shadowrootmode=open><p><template shadowrootmode=open>" SHEET
     "</template></p></template></div>",
     Z_BODY},
    {"a second template of the same element is no shadow tree",
     "<div><template shadowrootmode=open></template><template shadowrootmode=open>" SHEET
     "</template></div>",
     ""},
    {"elements without shadow trees",
     "<ul><template shadowrootmode=open>" SHEET
     "</template></ul><a><template shadowrootmode=open>" SHEET
     "</template></a><input><template shadowrootmode=open>" SHEET "</template>",
     ""},
    {"no shadow tree of the head",
     "<head><template shadowrootmode=open>" SHEET "</template></head>", ""},
    {"of the body", "<body><template shadowrootmode=open>" SHEET "</template>", Z_BODY},
    {"modes that are none",
     "<p><template shadowrootmode=x>" SHEET "</template><p><template shadowroot=open>" SHEET
     "</template><p><template shadowrootmode=' open'>" SHEET "</template>",
     ""},
    {"a shadow tree has no base and no fonts, but imports",
     "<p><template shadowrootmode=open><base href=/x/><style>@import 'a';@font-face{src:url(b)}"
     "</style></template>",
     "link <a>; rel=preload; as=style body\n"},
    {"self-closing in SVG", "<svg><style/><title/><script/></svg><svg/>" SHEET,
     "link <z.css>; rel=preload; as=style body\n"},
    {"CDATA in SVG", "<svg><![CDATA[</svg>" SHEET "]]]></svg>" SHEET,
     "link <z.css>; rel=preload; as=style body\n"},
    {"CDATA in HTML is a comment", "<![CDATA[>" SHEET "]]>", Z},
    {"a tag that leaves SVG", "<svg><p>" SHEET, "link <z.css>; rel=preload; as=style body\n"},
    {"HTML in SVG", "<svg><foreignObject>" SHEET "<p></foreignObject><style/></svg>" SHEET,
     "link <z.css>; rel=preload; as=style body\nlink <z.css>; rel=preload; as=style body\n"},
    {"an end tag of SVG that was not open", "</svg></desc></template>" SHEET, Z},
    // Inline stylesheets.
    {"an import", "<style>@import 'a.css';</style>" SHEET, CSS("a.css") Z},
    {"a font", "<style>@font-face{src:url('a.woff2') format('woff2')}</style>",
     "font <a.woff2>; rel=preload; as=font; crossorigin; type=\"font/woff2\"\n"},
    {"a font of another script", "<style>@font-face{src:url(a);unicode-range:U+1F00-1FFF}</style>",
     "font <a>; rel=preload; as=font; crossorigin other\n"},
    {"the end of a stylesheet ends its rules", "<style>@import 'a", ""},
    {"the end tag of a stylesheet ends its rules", "<style>@import 'a</style>" SHEET, CSS("a") Z},
    {"tags in a stylesheet",
     "<style>a::before{content:'</p></styl</script>" SHEET "'}@font-face{src:url(a)}</style>",
     "font <a>; rel=preload; as=font; crossorigin\n"},
    {"half an end tag in a URL", "<style>@import '<a</STYl<//style';</style>",
     CSS("%3Ca%3C/STYl%3C//style")},
    {"stylesheets that do not apply",
     "<style type=text/less>@import 'a'</style>"
     "<template><style>@import 'a'</style></template><math><style>@import 'a'</style></math>"
     "<svg><style type=text/less>@import 'a'</style></svg>",
     ""},
    {"a stylesheet for print",
     "<style media=print>@import 'a';@font-face{src:url(b)}</style>" SHEET, SOMETIMES("a") Z},
    {"an import for print", "<style>@import 'a' print;@import 'b';</style>",
     SOMETIMES("a") CSS("b")},
    {"a preload of a stylesheet or font for some screens",
     "<link rel=preload as=style href=a media=print><link rel=preload as=font href=b media=print>"
     "<link rel=modulepreload href=c media=print><link rel=preconnect href=d media=print>",
     "link <a>; rel=preload; as=style late conditional\n"
     "link <b>; rel=preload; as=font late conditional\n"},
};

struct subject {
    struct html_scan scan;
};

static void begin(void *self) {
    struct subject *s = self;
    html_scan_init(&s->scan);
}

static void tell(const struct html_item *item, struct buf *t) {
    uint8_t out[8192];
    size_t n = link_format(&item->link, out, sizeof out);
    const char *body = item->in_body ? " body" : "", *late = item->is_late ? " late" : "";
    const char *conditional = item->is_conditional ? " conditional" : "";
    switch (item->kind) {
    case HTML_LINK:
        assert_true(n > 0);
        split_line(t, "link %.*s%s%s%s\n", (int)n, (char *)out, body, late, conditional);
        break;
    case HTML_FONT:
        assert_true(n > 0);
        split_line(t, "font %.*s%s\n", (int)n, (char *)out, item->is_latin ? "" : " other");
        break;
    case HTML_BASE:
        split_line(t, "base %.*s\n", SPAN_ARG(item->text));
        break;
    case HTML_POLICY:
        split_line(t, "policy %.*s\n", SPAN_ARG(item->text));
    }
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct subject *s = self;
    struct html_item item;
    html_scan_feed(&s->scan, bytes);
    while (html_scan_next(&s->scan, &item) == STEP_ITEM) {
        tell(&item, t);
    }
}

static void end(void *self, struct buf *t) {
    (void)self;
    (void)t;
}

static void check(struct span html, const char *items) {
    struct subject subject;
    struct split split = {begin, piece, end, &subject};
    struct buf got;
    split_check(&split, html, &got);
    struct span text = buf_span(&got), want = span_str(items);
    if (!span_eq(text, want)) {
        print_error("%.*s\ngot:\n%.*s\n", SPAN_ARG(html), SPAN_ARG(text));
    }
    assert_true(span_eq(text, want));
    buf_fini(&got);
}

static void test_row(void **state) {
    const struct row *row = *state;
    check(span_str(row->html), row->items);
}

static void test_an_attribute_with_nul_is_not_told(void **state) {
    (void)state;
    check(SPAN("<link rel=stylesheet href='a\0b'><link rel=stylesheet href=c\0>" SHEET), Z);
    check(SPAN("<script\0 src=a></script>" SHEET), "link <z.css>; rel=preload; as=style body\n");
}

// Feeds it in one piece.
static void scan_whole(struct span html, struct buf *got) {
    static struct subject subject;
    buf_init(got, 1 << 20);
    begin(&subject);
    piece(&subject, html, got);
}

static void fill(struct buf *html, size_t n, char c) {
    if (n > 0) {
        memset(buf_reserve(html, n), c, n);
        buf_wrote(html, n);
    }
}

static void check_long(size_t n, const char *attribute, bool is_told) {
    struct buf html, got;
    buf_init(&html, 1 << 20);
    buf_put(&html, SPAN("<link rel=stylesheet href=a "));
    buf_put(&html, span_str(attribute));
    buf_put(&html, SPAN("=\""));
    fill(&html, n, 'x');
    buf_put(&html, SPAN("\">" SHEET));
    scan_whole(buf_span(&html), &got);
    assert_true(span_eq(buf_span(&got), span_str(is_told ? CSS("a") Z : Z)));
    buf_fini(&html);
    buf_fini(&got);
}

static void test_a_tag_with_a_value_over_the_limit_is_not_told(void **state) {
    (void)state;
    check_long(HTML_SCAN_VALUE_MAX + 1, "integrity", false);
    check_long(HTML_SCAN_VALUE_MAX + 1, "data-x", true);
    check_long(HTML_SCAN_VALUE_MAX + 1, "srcset", true);
    check_long(HTML_SCAN_MOST / 2, "onload", true);
}

static void test_nothing_behind_the_bound_is_looked_at(void **state) {
    (void)state;
    for (size_t more = 0; more <= 1; more++) {
        struct buf html, got;
        buf_init(&html, 1 << 20);
        fill(&html, HTML_SCAN_MOST - sizeof SHEET + 1 + more, ' ');
        buf_put(&html, SPAN(SHEET SHEET));
        scan_whole(buf_span(&html), &got);
        assert_true(span_eq(buf_span(&got), span_str(more ? "" : Z)));
        buf_fini(&html);
        buf_fini(&got);
    }
    struct html_scan scan;
    struct html_item item;
    html_scan_init(&scan);
    for (size_t n = 0; n < HTML_SCAN_MOST; n += 1024) {
        static const uint8_t blank[1024];
        assert_false(html_scan_is_done(&scan));
        html_scan_feed(&scan, span_of(blank, sizeof blank));
        assert_int_equal(html_scan_next(&scan, &item), STEP_MORE);
    }
    assert_true(html_scan_is_done(&scan));
}

static void test_too_much_svg_in_svg_ends_it(void **state) {
    (void)state;
    char html[(HTML_SCAN_LEVELS + 1) * 5 + sizeof SHEET + 40] = "";
    for (int i = 0; i <= HTML_SCAN_LEVELS; i++) {
        strcat(html, "<svg>");
    }
    strcat(html, "<p>" SHEET);
    check(span_str(html), "");
}

static void test_too_many_templates_end_it(void **state) {
    (void)state;
    char html[(HTML_SCAN_LEVELS + 1) * 10 + sizeof SHEET + 400] = "";
    for (int i = 0; i <= HTML_SCAN_LEVELS; i++) {
        strcat(html, "<template>");
    }
    check(span_str(strcat(html, "</template>" SHEET)), "");
}

static void test_it_is_small(void **state) {
    (void)state;
    assert_true(sizeof(struct html_scan) < 6 * 1024);
}

int main(void) {
    struct CMUnitTest tests[sizeof rows / sizeof *rows + 6];
    size_t n = 0;
    for (; n < sizeof rows / sizeof *rows; n++) {
        tests[n] = (struct CMUnitTest){rows[n].name, test_row, NULL, NULL, &rows[n]};
    }
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_an_attribute_with_nul_is_not_told);
    tests[n++] =
        (struct CMUnitTest)cmocka_unit_test(test_a_tag_with_a_value_over_the_limit_is_not_told);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_nothing_behind_the_bound_is_looked_at);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_too_much_svg_in_svg_ends_it);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_too_many_templates_end_it);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_it_is_small);
    return _cmocka_run_group_tests("html_scan", tests, n, NULL, NULL);
}
