// SPDX-License-Identifier: MIT
#include "base/build.h"

#include <string.h>

#ifdef NDEBUG
    #define ASSERTIONS "off"
#else
    #define ASSERTIONS "on"
#endif

const char *build_version(void) {
    return BUILD_VERSION;
}

const char *build_date(void) {
    return BUILD_DATE;
}

static void put(struct buf *out, const char *text) {
    buf_put(out, span_str(text));
}

static void put_line(struct buf *out, const char *name, const char *value) {
    put(out, name);
    put(out, value);
    put(out, "\n");
}

// Its part of "libuv=1.44.2 sqlite3=3.40.1".
static struct span built_version(const char *name) {
    struct span rest = SPAN(BUILD_LIBRARIES), row;
    size_t n = strlen(name);
    while (span_cut(&rest, ' ', &row)) {
        if (span_has_prefix(row, span_str(name)) && row.n > n && row.p[n] == '=') {
            return span_skip(row, n + 1);
        }
    }
    return span_of(NULL, 0);
}

static void put_library(struct buf *out, const struct build_library *library) {
    struct span built = built_version(library->name);
    const char *running = library->running != NULL ? library->running() : NULL;
    put(out, "  ");
    put(out, library->name);
    put(out, " ");
    buf_put(out, running != NULL ? span_str(running) : built);
    if (running != NULL && !span_eq(span_str(running), built)) {
        put(out, ", built with ");
        buf_put(out, built);
    }
    put(out, "\n");
}

void build_describe(struct buf *out, const struct build_library *libraries, size_t n) {
    put_line(out, "compiler: ", BUILD_COMPILER);
    put_line(out, "flags: ", BUILD_FLAGS);
    put_line(out, "linked with: ", BUILD_LINK_FLAGS);
    put_line(out, "assertions: ", ASSERTIONS);
    put_line(out, "sanitizers: ", BUILD_SANITIZERS[0] != 0 ? BUILD_SANITIZERS : "none");
    put(out, "libraries:\n");
    for (size_t i = 0; i < n; i++) {
        put_library(out, &libraries[i]);
    }
}
