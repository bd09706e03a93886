// SPDX-License-Identifier: MIT
#include "gateway/files_age.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct row {
    const char *name, *path, *query;
    bool immutable;
    unsigned max_age_s;
    const char *value;
} rows[] = {
    {"nothing is said by default", "/w/style.css", "ver=6.4", false, 0, ""},
    {"a file may be used for max-age", "/w/style.css", "", false, 3600, "public, max-age=3600"},
    {"a version makes no difference where versions are kept", "/w/style.css", "ver=6.4", false, 60,
     "public, max-age=60"},
    {"a version is for ever", "/w/style.css", "ver=6.4", true, 60,
     "public, max-age=31536000, immutable"},
    {"without max-age too", "/w/style.css", "x=1&v=2", true, 0,
     "public, max-age=31536000, immutable"},
    {"a version without a value is none", "/w/style.css", "ver=", true, 0, ""},
    {"a key that only begins so is none", "/w/style.css", "verbose=1", true, 0, ""},
    {"what the learner takes for a version is one", "/w/style.css", "build=12", true, 60,
     "public, max-age=31536000, immutable"},
    {"an id that is a hash too", "/w/style.css", "id=3f2a9c1b", true, 60,
     "public, max-age=31536000, immutable"},
    {"an id is no version", "/w/style.css", "id=7", true, 60, "public, max-age=60"},
    {"a hash in the name is for ever", "/w/app.3f2a9c1b.js", "", true, 0,
     "public, max-age=31536000, immutable"},
    {"a hash in a folder's name is not", "/3f2a9c1b/app.js", "", true, 0, ""},
    {"a number in the name is not", "/w/report-2024.05.pdf", "", true, 0, ""},
    {"a release in the name is not", "/w/jquery-3.7.10.min.js", "", true, 0, ""},
    {"a word of hexadecimal letters is not", "/w/defaced.css", "", true, 0, ""},
    {"documents are left out", "/w/index.html", "ver=1", true, 3600, ""},
    {"of every kind", "/w/index.xhtml", "ver=1", true, 3600, ""},
    {"unknown types are files as well", "/w/data.unknown", "", false, 5, "public, max-age=5"},
};

static void test_row(void **state) {
    const struct row *row = *state;
    struct site site = {.asset_max_age_s = row->max_age_s, .asset_immutable = row->immutable};
    struct arena arena;
    arena_init(&arena, 4096);
    struct span value = files_age_of(&site, span_str(row->path), span_str(row->query), &arena);
    if (!span_eq(value, span_str(row->value))) {
        fail_msg("%.*s", SPAN_ARG(value));
    }
    arena_fini(&arena);
}

int main(void) {
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct CMUnitTest tests[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        tests[i] = (struct CMUnitTest){rows[i].name, test_row, NULL, NULL, NULL};
        memcpy(&tests[i].initial_state, &(const struct row *){&rows[i]}, sizeof(void *));
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
