// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/mime.h"

static void types_follow_the_ending(void **state) {
    (void)state;
    static const struct {
        const char *name, *path, *type;
    } rows[] = {
        {"a style", "/a/style.css", "text/css"},
        {"a script", "/app.min.js", "text/javascript"},
        {"a module", "/m.mjs", "text/javascript"},
        {"a font", "/f.woff2", "font/woff2"},
        {"a manifest, the longest ending", "/site.webmanifest", "application/manifest+json"},
        {"a drawing in capitals", "/LOGO.SVG", "image/svg+xml"},
        {"the first row", "/x.3gp", "video/3gpp"},
        {"the last row", "/x.zip", "application/zip"},
        {"a page", "index.html", "text/html"},
        {"an unknown ending", "/x.unknown", "application/octet-stream"},
        {"a long ending", "/x.webmanifests", "application/octet-stream"},
        {"no ending", "/README", "application/octet-stream"},
        {"a dot in a folder only", "/a.css/readme", "application/octet-stream"},
        {"a dot at the end", "/a.css.", "application/octet-stream"},
        {"nothing", "", "application/octet-stream"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span type = mime_type(span_str(rows[i].path));
        if (!span_eq(type, span_str(rows[i].type))) {
            fail_msg("%s: %.*s", rows[i].name, SPAN_ARG(type));
        }
    }
}

static void every_known_ending_is_found(void **state) {
    (void)state;
    static const char *const endings[] = {
        "css",  "js",   "mjs",  "json", "html",  "svg", "png", "jpg", "jpeg",        "gif",
        "webp", "avif", "ico",  "woff", "woff2", "ttf", "otf", "map", "webmanifest", "xml",
        "txt",  "pdf",  "wasm", "mp4",  "webm",  "mp3", "zip", "gz",  "csv",         "eot"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char path[32] = "/a.";
        strcat(path, endings[i]);
        if (span_eq(mime_type(span_str(path)), SPAN("application/octet-stream"))) {
            fail_msg("%s is unknown", path);
        }
    }
}

static void parameters_are_no_part_of_the_essence(void **state) {
    (void)state;
    assert_true(span_eq(mime_essence(SPAN(" text/html ;charset=x")), SPAN("text/html")));
}

static void scripts_have_many_types(void **state) {
    (void)state;
    static const char *const scripts[] = {"text/javascript", "Application/JavaScript",
                                          "application/x-ecmascript", "text/javascript1.5",
                                          "text/jscript"};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        assert_true(mime_is_javascript(span_str(scripts[i])));
    }
    assert_false(mime_is_javascript(SPAN("text/javascript1.6")));
    assert_false(mime_is_javascript(SPAN("application/json")));
    assert_false(mime_is_javascript(SPAN("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_follow_the_ending),
        cmocka_unit_test(every_known_ending_is_found),
        cmocka_unit_test(parameters_are_no_part_of_the_essence),
        cmocka_unit_test(scripts_have_many_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
