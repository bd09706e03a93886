// SPDX-License-Identifier: MIT
#include "exchange/access.h"

#include "base/error.h"
#include "base/wildcard.h"

static bool is_among(struct span_list patterns, struct span path, bool any_case) {
    return wildcard_match_any(patterns.v, patterns.n, path,
                              any_case ? WILDCARD_NOCASE : WILDCARD_CASE);
}

#define NAME_START 4 // bytes of a name that are looked at
// Of the odd numbers tried, the first by which usual names (index.php, wp-admin, api, ...) have
// other bits than the default patterns.
#define SPREAD UINT32_C(0x4ce34ca1)

// The bit of what a name in a path begins with, in any case; 0 where too little of it is there.
static inline uint64_t name_bit(struct span name) {
    uint32_t start;
    if (name.n < NAME_START) {
        return 0;
    }
    memcpy(&start, name.p, sizeof start);
    return UINT64_C(1) << ((start | 0x20202020) * SPREAD >> 26);
}

uint64_t access_absent(struct span_list patterns) {
    uint64_t absent = UINT64_MAX;
    for (size_t i = 0; i < patterns.n; i++) {
        struct span pattern = patterns.v[i];
        uint64_t bit = 0;
        for (size_t k = 0; k < pattern.n && bit == 0; k++) {
            struct span name = span_skip(pattern, k + 1);
            bool is_name =
                pattern.p[k] == '/' && span_index(span_first(name, NAME_START), '*') >= NAME_START;
            bit = is_name ? name_bit(name) : 0;
        }
        absent = bit != 0 ? absent & ~bit : 0;
    }
    return absent;
}

// Whether all names of the path begin as none of the patterns' does.
static bool has_only(uint64_t absent, struct span path) {
    for (size_t i = 0; absent != 0 && i < path.n; i++) {
        if (path.p[i] == '/' && (name_bit(span_skip(path, i + 1)) & ~absent) != 0) {
            return false;
        }
    }
    return absent != 0;
}

bool access_is_script(const struct site *site, struct span path) {
    for (size_t i = 0; i < site->suffixes.n; i++) {
        struct span suffix = site->suffixes.v[i];
        if (path.n > suffix.n && span_eq_nocase(span_skip(path, path.n - suffix.n), suffix)) {
            return true;
        }
    }
    return false;
}

// The path has been normalised; this says so once more, because a ".." that came through would
// open the disk. *hidden is set as access_hidden gives it.
static int check_names(struct span path, size_t *hidden) {
    *hidden = 0;
    if (path.n == 0 || path.p[0] != '/' || span_index(path, 0) < path.n) {
        return ERR_REQUEST_PATH;
    }
    for (size_t i = 0; i + 1 < path.n; i += 1 + span_index(span_skip(path, i + 1), '/')) {
        struct span rest = span_skip(path, i + 1); // behind a slash
        if (rest.p[0] != '/' && rest.p[0] != '.') {
            continue;
        }
        struct span name = span_first(rest, span_index(rest, '/'));
        if (name.n == 0 || span_eq(name, SPAN(".")) || span_eq(name, SPAN(".."))) {
            return ERR_REQUEST_PATH;
        }
        bool is_hidden = i > 0 || !span_eq(name, SPAN(".well-known"));
        if (is_hidden && *hidden == 0) {
            *hidden = i + 1 + name.n;
        }
    }
    return 0;
}

size_t access_hidden(const struct site *site, struct span path) {
    size_t hidden;
    return !site->shows_dot_names && check_names(path, &hidden) == 0 ? hidden : 0;
}

static int check(const struct site *site, struct span path, bool is_script, enum access_by by) {
    size_t hidden;
    int error = check_names(path, &hidden);
    if (error != 0) {
        return error;
    }
    if (is_among(site->denied, path, is_script)) {
        return ERR_FORBIDDEN;
    }
    bool is_closed = by == ACCESS_CLIENT && is_among(site->internal, path, is_script);
    return is_closed ? ERR_NOT_FOUND : 0;
}

int access_check(const struct site *site, struct span path, enum access_by by) {
    return check(site, path, access_is_script(site, path), by);
}

int access_check_file(const struct site *site, struct span path, bool runs) {
    bool is_script = runs || access_is_script(site, path);
    bool is_free = runs && !has_only(site->script_free_absent, path) &&
                   is_among(site->script_free, path, true);
    bool is_denied =
        is_free || access_hidden(site, path) > 0 || is_among(site->denied_files, path, is_script);
    return is_denied ? ERR_FORBIDDEN : 0;
}

int access_check_found(const struct site *site, struct span path, bool runs, enum access_by by) {
    int error = check(site, path, runs || access_is_script(site, path), by);
    return error == 0 ? access_check_file(site, path, runs) : error;
}
