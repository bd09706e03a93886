// SPDX-License-Identifier: MIT
#include "hints/hint.h"

#include "hints/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *name, *link;
    enum hint_reason reason;
    const char *hint; // as it goes into a 103; NULL: there is none
};

// What Chromium and Firefox were measured to honour, and what each application's Link becomes.
static struct row rows[] = {
    {"a style is preloaded", "</a.css>; rel=preload; as=style", HINT_OK,
     "</a.css>; rel=preload; as=style"},
    {"a script is preloaded", "</a.js>; rel=preload; as=script", HINT_OK,
     "</a.js>; rel=preload; as=script"},
    {"an image is preloaded", "</a.png>; rel=preload; as=image", HINT_OK,
     "</a.png>; rel=preload; as=image"},
    {"a font always gets crossorigin", "</a.woff2>; rel=preload; as=font", HINT_OK,
     "</a.woff2>; rel=preload; as=font; crossorigin"},
    {"a fetch always gets crossorigin", "</a.json>; rel=preload; as=fetch", HINT_OK,
     "</a.json>; rel=preload; as=fetch; crossorigin"},
    {"a font may have credentials", "</a>; rel=preload; as=font; crossorigin=use-credentials",
     HINT_OK, "</a>; rel=preload; as=font; crossorigin=use-credentials"},
    {"a module is preloaded, its as left out", "</a.mjs>; rel=modulepreload; as=script", HINT_OK,
     "</a.mjs>; rel=modulepreload"},
    {"a module without as", "</a.mjs>; rel=modulepreload; crossorigin", HINT_OK,
     "</a.mjs>; rel=modulepreload; crossorigin"},
    {"a preconnect to another origin", "<https://cdn.example/x/y>; rel=preconnect", HINT_OK,
     "<https://cdn.example>; rel=preconnect"},
    {"a preconnect with crossorigin", "<https://cdn.example>; rel=preconnect; crossorigin", HINT_OK,
     "<https://cdn.example>; rel=preconnect; crossorigin"},
    {"a preconnect among other relations", "<//cdn.example>; rel=\"preconnect dns-prefetch\"",
     HINT_OK, "<https://cdn.example>; rel=preconnect"},
    {"a preload among other relations", "</a>; rel=\"stylesheet preload\"; as=style", HINT_OK,
     "</a>; rel=preload; as=style"},
    {"no as", "</a>; rel=preload", HINT_AS_MISSING, NULL},
    {"an as without a value", "</a>; rel=preload; as", HINT_AS_MISSING, NULL},
    {"as=banana", "</a>; rel=preload; as=banana", HINT_AS_UNKNOWN, NULL},
    {"as=document", "</a>; rel=preload; as=document", HINT_AS_UNKNOWN, NULL},
    {"as=video", "</a>; rel=preload; as=video", HINT_AS_UNKNOWN, NULL},
    {"as=track", "</a>; rel=preload; as=track", HINT_AS_UNKNOWN, NULL},
    {"as=worker", "</a>; rel=preload; as=worker", HINT_AS_UNKNOWN, NULL},
    {"a module that is a style", "</a>; rel=modulepreload; as=style", HINT_AS_UNKNOWN, NULL},
    {"rel=stylesheet", "</a>; rel=stylesheet", HINT_REL, NULL},
    {"rel=prefetch", "</a>; rel=prefetch", HINT_REL, NULL},
    {"rel=dns-prefetch", "<//cdn.example>; rel=dns-prefetch", HINT_REL, NULL},
    {"no rel", "</a>; as=style", HINT_REL, NULL},
    {"the REST API link of WordPress",
     "<https://site.example/wp-json/>; rel=\"https://api.w.org/\"", HINT_REL, NULL},
    {"imagesrcset", "</a>; rel=preload; as=image; imagesrcset=\"a 1x, b 2x\"; imagesizes=50vw",
     HINT_SRCSET, NULL},
    {"imagesizes alone", "</a>; rel=preload; as=image; imagesizes=50vw", HINT_SRCSET, NULL},
    {"fetchpriority is kept", "</a>; rel=preload; as=image; fetchpriority=High", HINT_OK,
     "</a>; rel=preload; as=image; fetchpriority=high"},
    {"a nonsense fetchpriority is left out", "</a>; rel=preload; as=image; fetchpriority=x",
     HINT_OK, "</a>; rel=preload; as=image"},
    {"media that matches everything", "</a>; rel=preload; as=style; media=all", HINT_MEDIA, NULL},
    {"media that does not match", "</a>; rel=preload; as=style; media=print", HINT_MEDIA, NULL},
    {"a media type", "</a>; rel=preload; as=style; type=text/css", HINT_OK,
     "</a>; rel=preload; as=style; type=\"text/css\""},
    {"a media type with parameters is left out",
     "</a>; rel=preload; as=style; type=\"text/css; charset=utf-8\"", HINT_OK,
     "</a>; rel=preload; as=style"},
    {"a type of image that no browser shows", "</a>; rel=preload; as=image; type=\"image/jp2\"",
     HINT_TYPE, NULL},
    {"nor one that only one browser shows", "</a>; rel=preload; as=image; type=\"image/jxl\"",
     HINT_TYPE, NULL},
    {"a type of image", "</a>; rel=preload; as=image; type=\"IMAGE/Avif\"", HINT_OK,
     "</a>; rel=preload; as=image; type=\"IMAGE/Avif\""},
    {"a stylesheet that is none yet", "</a>; rel=preload; as=style; type=\"text/x-scss\"",
     HINT_TYPE, NULL},
    {"a font for old browsers",
     "</a>; rel=preload; as=font; type=\"application/vnd.ms-fontobject\"", HINT_TYPE, NULL},
    {"a font by a name that Chromium does not take",
     "</a>; rel=preload; as=font; type=\"application/font-woff2\"", HINT_TYPE, NULL},
    {"a script of another language", "</a>; rel=preload; as=script; type=\"text/babel\"", HINT_TYPE,
     NULL},
    {"a script", "</a>; rel=preload; as=script; type=\"text/javascript\"", HINT_OK,
     "</a>; rel=preload; as=script; type=\"text/javascript\""},
    {"an empty type", "</a>; rel=preload; as=style; type=\"\"", HINT_OK,
     "</a>; rel=preload; as=style"},
    {"what is fetched may have any type", "</a>; rel=preload; as=fetch; type=\"text/x-foo\"",
     HINT_OK, "</a>; rel=preload; as=fetch; crossorigin; type=\"text/x-foo\""},
    {"and so may a module", "</a>; rel=modulepreload; type=\"text/x-foo\"", HINT_OK,
     "</a>; rel=modulepreload; type=\"text/x-foo\""},
    {"nopush is never in a 103", "</a>; rel=preload; as=style; nopush", HINT_OK,
     "</a>; rel=preload; as=style"},
    {"foreign parameters are never in a 103",
     "</a>; rel=preload; as=style; foo=bar; x-y=\"a, b; c\"; pr=1; importance=high; nonce=abc; "
     "blocking=render; title=x; hreflang=en; critical",
     HINT_OK, "</a>; rel=preload; as=style"},
    {"another anchor", "</a>; rel=preload; as=style; anchor=\"/other\"", HINT_ANCHOR, NULL},
    {"a referrer policy does not matter to one's own site",
     "</a>; rel=preload; as=style; referrerpolicy=no-referrer", HINT_OK,
     "</a>; rel=preload; as=style"},
    {"a referrer policy cannot be kept towards others",
     "<https://good.example/a>; rel=preload; as=style; referrerpolicy=no-referrer", HINT_REFERRER,
     NULL},
    {"integrity is kept", "</a>; rel=preload; as=style; integrity=\"sha256-abc+/=\"", HINT_OK,
     "</a>; rel=preload; as=style; integrity=\"sha256-abc+/=\""},
    {"integrity that is none costs only itself", "</a>; rel=preload; as=style; integrity=\"<x>\"",
     HINT_OK, "</a>; rel=preload; as=style"},
    {"integrity with unusual blanks",
     "</a>; rel=preload; as=style; integrity=\"sha256-a\tsha256-b\"", HINT_OK,
     "</a>; rel=preload; as=style"},
    {"integrity with options", "</a>; rel=preload; as=script; integrity=\"sha256-abc?foo\"",
     HINT_OK, "</a>; rel=preload; as=script"},
    {"crossorigin bare", "</a>; rel=preload; as=style; crossorigin", HINT_OK,
     "</a>; rel=preload; as=style; crossorigin"},
    {"crossorigin=anonymous becomes bare", "</a>; rel=preload; as=style; crossorigin=anonymous",
     HINT_OK, "</a>; rel=preload; as=style; crossorigin"},
    {"crossorigin=\"\" becomes bare", "</a>; rel=preload; as=style; crossorigin=\"\"", HINT_OK,
     "</a>; rel=preload; as=style; crossorigin"},
    {"crossorigin=zzz becomes bare", "</a>; rel=preload; as=style; crossorigin=zzz", HINT_OK,
     "</a>; rel=preload; as=style; crossorigin"},
    {"upper case, quotes, no blanks", "</a>;REL=\"PRELOAD\";AS=\"STYLE\"", HINT_OK,
     "</a>; rel=preload; as=style"},
    {"a doubled as: the first counts", "</a>; rel=preload; as=style; as=script", HINT_OK,
     "</a>; rel=preload; as=style"},
    {"a doubled rel: the first counts", "</a>; rel=preload; rel=x; as=style", HINT_OK,
     "</a>; rel=preload; as=style"},
    {"a relative target", "<a.css>; rel=preload; as=style", HINT_OK,
     "</dir/a.css>; rel=preload; as=style"},
    {"a relative target that climbs", "<../x/a.css>; rel=preload; as=style", HINT_OK,
     "</x/a.css>; rel=preload; as=style"},
    {"an absolute target on the same origin",
     "<https://site.example/a.css?v=1#f>; rel=preload; as=style", HINT_OK,
     "</a.css?v=1>; rel=preload; as=style"},
    {"a target without scheme", "<//site.example/a.css>; rel=preload; as=style", HINT_OK,
     "</a.css>; rel=preload; as=style"},
    {"another origin becomes a preconnect", "<https://cdn.example/a.css>; rel=preload; as=style",
     HINT_CROSS_ORIGIN, "<https://cdn.example>; rel=preconnect"},
    {"a font of another origin becomes a preconnect with CORS",
     "<https://cdn.example/a.woff2>; rel=preload; as=font; crossorigin; nopush", HINT_CROSS_ORIGIN,
     "<https://cdn.example>; rel=preconnect; crossorigin"},
    {"a module of another origin becomes a preconnect with CORS",
     "<https://cdn.example/a.mjs>; rel=modulepreload", HINT_CROSS_ORIGIN,
     "<https://cdn.example>; rel=preconnect; crossorigin"},
    {"an allowed origin keeps its preload", "<https://GOOD.example/a.css>; rel=preload; as=style",
     HINT_OK, "<https://good.example/a.css>; rel=preload; as=style"},
    {"another port is another origin", "<https://site.example:8443/a>; rel=preload; as=style",
     HINT_CROSS_ORIGIN, "<https://site.example:8443>; rel=preconnect"},
    {"http on an https page", "<http://site.example/a>; rel=preload; as=style",
     HINT_TARGET_DOWNGRADE, NULL},
    {"a data URL", "<data:text/css,x>; rel=preload; as=style", HINT_TARGET_SCHEME, NULL},
    {"a javascript URL", "<javascript:alert(1)>; rel=preload; as=script", HINT_TARGET_SCHEME, NULL},
    {"an empty target", "<>; rel=preload; as=style", HINT_TARGET_SELF, NULL},
    {"only a fragment", "<#top>; rel=preload; as=style", HINT_TARGET_SELF, NULL},
    {"a preconnect to oneself", "</a>; rel=preconnect", HINT_TARGET_SELF, NULL},
    {"a push-only link is in no 103", "</a>; rel=preload; as=style; x-http2-push-only",
     HINT_PUSH_ONLY, "</a>; rel=preload; as=style"},
    {"push-only and nopush", "</a>; rel=preload; as=style; x-http2-push-only; nopush", HINT_NEITHER,
     NULL},
    {"push-only of another origin",
     "<https://good.example/a>; rel=preload; as=style; x-http2-push-only", HINT_NEITHER, NULL},
};

static enum hint_reason read(const char *value, struct hint *hint, struct arena *arena) {
    static const struct span good[] = {SPAN_INIT("https://good.example")};
    static const struct target_page page = {SPAN_INIT("https"), SPAN_INIT("site.example"),
                                            SPAN_INIT("/dir/page?x=1")};
    static const struct hint_policy policy = {.origins = good, .origins_n = 1};
    struct hint_context context = {&page, &policy, arena};
    struct link_reader reader;
    struct link link;
    link_init(&reader, span_str(value), arena);
    assert_int_equal(link_next(&reader, &link), STEP_ITEM);
    return hint_from_link(hint, &link, &context);
}

static void becomes_what_the_row_says(void **state) {
    const struct row *row = *state;
    struct arena arena;
    struct hint hint;
    char out[512];
    arena_init(&arena, 65536);
    enum hint_reason reason = read(row->link, &hint, &arena);
    assert_string_equal(hint_reason_row(reason)->label, hint_reason_row(row->reason)->label);
    assert_int_equal(hint_is_usable(reason), row->hint != NULL);
    if (row->hint != NULL) {
        size_t n = hint_format(&hint, (uint8_t *)out, sizeof out - 1);
        out[n] = 0;
        assert_string_equal(out, row->hint);
        assert_int_equal(hint.push_only, reason == HINT_PUSH_ONLY);
    }
    arena_fini(&arena);
}

static void only_preloads_of_the_own_origin_without_nopush_can_be_pushed(void **state) {
    (void)state;
    static const struct {
        const char *link;
        bool can;
    } cases[] = {
        {"</a>; rel=preload; as=style", true},
        {"</a>; rel=preload; as=style; x-http2-push-only", true},
        {"</a>; rel=preload; as=style; nopush", false},
        {"</a>; rel=modulepreload", false},
        {"<https://good.example/a>; rel=preload; as=style", false},
        {"<https://cdn.example/a>; rel=preload; as=style", false},
    };
    struct arena arena;
    arena_init(&arena, 65536);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hint hint;
        assert_true(hint_is_usable(read(cases[i].link, &hint, &arena)));
        assert_int_equal(hint.can_push, cases[i].can);
    }
    arena_fini(&arena);
}

static void a_target_that_is_too_long_is_refused(void **state) {
    (void)state;
    static char link[TARGET_MAX + 100];
    struct arena arena;
    struct hint hint;
    arena_init(&arena, 65536);
    memset(link, 'a', sizeof link - 1);
    memcpy(link, "</", 2);
    memcpy(link + TARGET_MAX + 2, ">; rel=preload; as=style", 25);
    assert_int_equal(read(link, &hint, &arena), HINT_TARGET_LONG);
    arena_fini(&arena);
}

static void what_blocks_rendering_ranks_first(void **state) {
    (void)state;
    static const char *const order[] = {
        "</a>; rel=preload; as=style",           "</a>; rel=preload; as=script",
        "<https://cdn.example>; rel=preconnect", "</a>; rel=preload; as=font",
        "</a>; rel=preload; as=image",           "</a>; rel=preload; as=fetch",
    };
    struct arena arena;
    arena_init(&arena, 65536);
    int last = -1;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        struct hint hint;
        assert_int_equal(read(order[i], &hint, &arena), HINT_OK);
        assert_true(hint_rank(&hint) > last);
        last = hint_rank(&hint);
    }
    struct hint hero, module;
    read("</a>; rel=preload; as=image; fetchpriority=high", &hero, &arena);
    assert_int_equal(hint_rank(&hero), 3);
    read("</a>; rel=modulepreload", &module, &arena);
    assert_int_equal(hint_rank(&module), 1);
    arena_fini(&arena);
}

static void every_reason_has_words(void **state) {
    (void)state;
    for (int i = 0; i < HINT_REASONS; i++) {
        assert_true(strlen(hint_reason_row(i)->label) > 0);
        assert_true(strlen(hint_reason_row(i)->sentence) > 5);
    }
}

#define ROWS (sizeof rows / sizeof *rows)

int main(void) {
    struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] =
            (struct CMUnitTest){rows[i].name, becomes_what_the_row_says, NULL, NULL, &rows[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_preloads_of_the_own_origin_without_nopush_can_be_pushed),
        cmocka_unit_test(a_target_that_is_too_long_is_refused),
        cmocka_unit_test(what_blocks_rendering_ranks_first),
        cmocka_unit_test(every_reason_has_words),
    };
    return cmocka_run_group_tests_name("rows", table, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
