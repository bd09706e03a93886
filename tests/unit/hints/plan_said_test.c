// SPDX-License-Identifier: MIT
// Every kind of link that was measured with real browsers, and the exact field value that each
// family of clients gets for it: what a browser ignores, drops, fetches twice or stalls on is never
// sent to it.
#include "hints/plan.h"
#include "hints/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// The application's link on https://site.example/dir/page, and what is said of it in the 103; NULL:
// nothing, and then there is no 103. Firefox is always told what Chromium is told.
struct row {
    const char *name, *link, *browsers, *safari, *unknown;
};

#define STYLE "</a.css>; rel=preload; as=style"
#define SCRIPT "</a.js>; rel=preload; as=script"
#define FONT "</f>; rel=preload; as=font; crossorigin"
#define FETCH "</x>; rel=preload; as=fetch; crossorigin"
#define CDN "<https://cdn.example>; rel=preconnect"
#define ALL_BUT_SAFARI(text) text, NULL, text
#define BROWSERS_ONLY(text) text, NULL, NULL
#define EVERYBODY(text) text, text, text
#define NOBODY NULL, NULL, NULL

static struct row rows[] = {
    {"a stylesheet", STYLE, ALL_BUT_SAFARI(STYLE)},
    {"a script", SCRIPT, ALL_BUT_SAFARI(SCRIPT)},
    {"a module", "</m.js>; rel=modulepreload", BROWSERS_ONLY("</m.js>; rel=modulepreload")},
    {"a module with as", "</m.js>; rel=modulepreload; as=script",
     BROWSERS_ONLY("</m.js>; rel=modulepreload")},
    {"a module with crossorigin", "</m.js>; rel=modulepreload; crossorigin",
     BROWSERS_ONLY("</m.js>; rel=modulepreload; crossorigin")},
    {"a font", FONT, ALL_BUT_SAFARI(FONT)},
    {"a font with its type", FONT "; type=font/woff2", FONT "; type=\"font/woff2\"", NULL, FONT},
    {"a font without crossorigin", "</f>; rel=preload; as=font", ALL_BUT_SAFARI(FONT)},
    {"a font with credentials", FONT "=use-credentials", ALL_BUT_SAFARI(FONT "=use-credentials")},
    {"an image", "</i.png>; rel=preload; as=image",
     ALL_BUT_SAFARI("</i.png>; rel=preload; as=image")},
    {"a fetch", FETCH, ALL_BUT_SAFARI(FETCH)},
    {"a fetch without crossorigin", "</x>; rel=preload; as=fetch", ALL_BUT_SAFARI(FETCH)},
    {"no as", "</a>; rel=preload", NOBODY},
    {"an as that is none", "</a>; rel=preload; as=banana", NOBODY},
    {"a document", "</a>; rel=preload; as=document", NOBODY},
    {"a video", "</a>; rel=preload; as=video", NOBODY},
    {"a track", "</a>; rel=preload; as=track", NOBODY},
    {"a worker", "</a>; rel=preload; as=worker", NOBODY},
    {"a stylesheet by its relation", "</a.css>; rel=stylesheet", NOBODY},
    {"a prefetch", "</a>; rel=prefetch; as=style", NOBODY},
    {"a preload and stylesheet", "</a.css>; rel=\"preload stylesheet\"; as=style",
     ALL_BUT_SAFARI(STYLE)},
    {"a connection", CDN, EVERYBODY(CDN)},
    {"a connection and DNS", "<https://cdn.example>; rel=\"preconnect dns-prefetch\"",
     EVERYBODY(CDN)},
    {"an anonymous connection", CDN "; crossorigin", EVERYBODY(CDN "; crossorigin")},
    {"DNS", "<https://cdn.example>; rel=dns-prefetch", NOBODY},
    {"imagesrcset without a URL", "<>; rel=preload; as=image; imagesrcset=\"/i 1x\"", NOBODY},
    {"imagesrcset", "</i>; rel=preload; as=image; imagesrcset=\"/i 1x\"; imagesizes=\"9px\"",
     NOBODY},
    {"imagesizes", "</i>; rel=preload; as=image; imagesizes=\"9px\"", NOBODY},
    {"fetchpriority", STYLE "; fetchpriority=low", STYLE "; fetchpriority=low", NULL, STYLE},
    {"a fetchpriority that is none", STYLE "; fetchpriority=sure", ALL_BUT_SAFARI(STYLE)},
    {"a hero image", "</i>; rel=preload; as=image; fetchpriority=high",
     "</i>; rel=preload; as=image; fetchpriority=high", NULL, "</i>; rel=preload; as=image"},
    {"media that matches", STYLE "; media=all", NOBODY},
    {"media that does not match", STYLE "; media=print", NOBODY},
    {"a type", STYLE "; type=text/css", STYLE "; type=\"text/css\"", NULL, STYLE},
    {"a quoted type", STYLE "; type=\"text/css\"", STYLE "; type=\"text/css\"", NULL, STYLE},
    {"nopush", STYLE "; nopush", ALL_BUT_SAFARI(STYLE)},
    {"nopush in front", "</a.css>; nopush; rel=preload; as=style", ALL_BUT_SAFARI(STYLE)},
    {"only for pushing", STYLE "; x-http2-push-only", NOBODY},
    {"parameters that nobody knows", STYLE "; foo=bar; x-y=\"a, b; c\"", ALL_BUT_SAFARI(STYLE)},
    {"pr, importance, nonce, blocking", STYLE "; pr=1; importance=high; nonce=x; blocking=render",
     ALL_BUT_SAFARI(STYLE)},
    {"title and hreflang", STYLE "; title=x; hreflang=en; title*=UTF-8''x; rev=x",
     ALL_BUT_SAFARI(STYLE)},
    {"an anchor", STYLE "; anchor=\"/other\"", NOBODY},
    {"a referrer policy, which the page's own request obeys", STYLE "; referrerpolicy=no-referrer",
     ALL_BUT_SAFARI(STYLE)},
    {"integrity, which Firefox would enforce", STYLE "; integrity=\"sha256-AAAA\"",
     ALL_BUT_SAFARI(STYLE)},
    {"crossorigin", STYLE "; crossorigin", ALL_BUT_SAFARI(STYLE "; crossorigin")},
    {"crossorigin=anonymous", STYLE "; crossorigin=anonymous",
     ALL_BUT_SAFARI(STYLE "; crossorigin")},
    {"crossorigin=\"\", which Chromium drops", STYLE "; crossorigin=\"\"",
     ALL_BUT_SAFARI(STYLE "; crossorigin")},
    {"crossorigin=zzz, which Chromium drops", STYLE "; crossorigin=zzz",
     ALL_BUT_SAFARI(STYLE "; crossorigin")},
    {"no blanks, upper case, as first", "</a.css>;AS=STYLE;REL=PRELOAD", ALL_BUT_SAFARI(STYLE)},
    {"a semicolon at the end, doubled as and rel", STYLE "; as=script; rel=prefetch;",
     ALL_BUT_SAFARI(STYLE)},
    {"a relative target", "<../a.css>; rel=preload; as=style", ALL_BUT_SAFARI(STYLE)},
    {"an absolute target of the page's origin",
     "<https://site.example/a.css>; rel=preload; as=style", ALL_BUT_SAFARI(STYLE)},
    {"a target without scheme", "<//site.example/a.css#x>; rel=preload; as=style",
     ALL_BUT_SAFARI(STYLE)},
    {"another origin that is not on the list", "<https://cdn.example/a>; rel=preload; as=style",
     EVERYBODY(CDN)},
    {"a font of another origin that is not on the list",
     "<https://cdn.example/f>; rel=preload; as=font", EVERYBODY(CDN "; crossorigin")},
    {"another origin that is on the list", "<https://good.example/a>; rel=preload; as=style",
     ALL_BUT_SAFARI("<https://good.example/a>; rel=preload; as=style")},
    {"http from https", "<http://good.example/a>; rel=preload; as=style", NOBODY},
    {"data: beside a good link", "<data:text/css,x>; rel=preload; as=style, " STYLE,
     ALL_BUT_SAFARI(STYLE)},
    {"garbage before a good link", "hello world, <, " STYLE, ALL_BUT_SAFARI(STYLE)},
    {"a bad parameter beside a good link", "</b>; rel=preload; as=style; media=print, " STYLE,
     ALL_BUT_SAFARI(STYLE)},
    {"the same link twice", STYLE ", " STYLE "; nopush", ALL_BUT_SAFARI(STYLE)},
    {"a header of another kind in the target", "</a\r\nx: y>; rel=preload; as=style", NOBODY},
};

static void is_said_as_the_row_says(void **state) {
    static const struct target_page page = {SPAN_INIT("https"), SPAN_INIT("site.example"),
                                            SPAN_INIT("/dir/page")};
    static const struct span good = SPAN_INIT("https://good.example");
    static const struct hint_policy policy = {.origins = &good, .origins_n = 1};
    const struct row *row = *state;
    const char *wanted[DIALECTS] = {[DIALECT_CHROMIUM] = row->browsers,
                                    [DIALECT_FIREFOX] = row->browsers,
                                    [DIALECT_SAFARI] = row->safari,
                                    [DIALECT_UNKNOWN] = row->unknown};
    struct pair pair = {SPAN("link"), span_str(row->link)};
    struct pairs fields = {&pair, 1, 1};
    struct arena arena;
    arena_init(&arena, 65536);
    const struct plan *plan = plan_of_links(&fields, &page, &policy, &arena);
    for (unsigned d = 0; d < DIALECTS; d++) {
        char text[400] = "";
        struct span said = plan_link(plan, d);
        if (said.n > 0) {
            memcpy(text, said.p, said.n < sizeof text ? said.n : 0);
        }
        assert_string_equal(text, wanted[d] != NULL ? wanted[d] : "");
        assert_int_equal(plan_response(plan, d) != NULL, wanted[d] != NULL);
    }
    arena_fini(&arena);
}

#define ROWS (sizeof rows / sizeof *rows)

int main(void) {
    struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] = (struct CMUnitTest){rows[i].name, is_said_as_the_row_says, NULL, NULL, &rows[i]};
    }
    return cmocka_run_group_tests_name("rows", table, NULL, NULL);
}
