// SPDX-License-Identifier: MIT
#include "exchange/access.h"

#include "base/error.h"
#include "base/wildcard.h"

static bool is_among(struct span_list patterns, struct span path, bool any_case) {
    return wildcard_match_any(patterns.v, patterns.n, path,
                              any_case ? WILDCARD_NOCASE : WILDCARD_CASE);
}

#define START_LEN sizeof(uint32_t) // bytes of a name that are looked at

// How a name begins, in any case; 0 where it is too short. Signs that differ in the same bit as
// small and large letters do are taken for each other, which costs a second look and no more.
static inline uint32_t start_of(struct span name) {
    uint32_t start;
    if (name.n < START_LEN) {
        return 0;
    }
    memcpy(&start, name.p, sizeof start);
    return start | 0x20202020;
}

// Of the first name in the pattern that says so much; 0 when none does.
static uint32_t pattern_start(struct span pattern) {
    for (size_t k = 0; k < pattern.n; k++) {
        struct span name = span_skip(pattern, k + 1);
        if (pattern.p[k] == '/' && span_index(span_first(name, START_LEN), '*') >= START_LEN) {
            return start_of(name);
        }
    }
    return 0;
}

static inline bool has_start(const struct name_starts *starts, uint32_t start) {
    for (size_t i = 0; i < starts->n; i++) {
        if (starts->v[i] == start) {
            return true;
        }
    }
    return false;
}

struct name_starts access_starts(struct span_list patterns) {
    struct name_starts starts = {.is_complete = true};
    for (size_t i = 0; i < patterns.n && starts.is_complete; i++) {
        uint32_t start = pattern_start(patterns.v[i]);
        if (start == 0 || (!has_start(&starts, start) && starts.n == NAME_STARTS_MAX)) {
            starts.is_complete = false;
        } else if (!has_start(&starts, start)) {
            starts.v[starts.n++] = start;
        }
    }
    return starts;
}

// Whether no name of the path begins as one of the patterns' does: then it matches none.
static bool has_none(const struct name_starts *starts, struct span path) {
    for (size_t i = 0; starts->is_complete && i < path.n; i++) {
        if (path.p[i] == '/' && has_start(starts, start_of(span_skip(path, i + 1)))) {
            return false;
        }
    }
    return starts->is_complete;
}

bool access_is_script(const struct site *site, struct span path) {
    for (size_t i = 0; i < site->suffixes.n; i++) {
        struct span suffix = site->suffixes.v[i];
        if (suffix.p[0] == '/' && span_eq_nocase(path, suffix)) {
            return true; // it is a path
        }
        if (suffix.p[0] != '/' && path.n > suffix.n &&
            span_eq_nocase(span_skip(path, path.n - suffix.n), suffix)) {
            return true;
        }
    }
    return false;
}

// The name that begins at path.p[at], with a dot or not at all. False when no path has it; *hidden
// as access_check gives it.
static bool check_name(struct span path, size_t at, size_t *hidden) {
    struct span rest = span_skip(path, at);
    struct span name = span_first(rest, span_index(rest, '/'));
    if (name.n == 0 || span_eq(name, SPAN(".")) || span_eq(name, SPAN(".."))) {
        return false;
    }
    bool is_hidden = at > 1 || !span_eq(name, SPAN(".well-known"));
    if (is_hidden && *hidden == 0) {
        *hidden = at + name.n;
    }
    return true;
}

// The path has been normalised; this says so once more, because a ".." that came through would
// open the disk. *hidden is set as access_check gives it.
static int check_names(const struct site *site, struct span path, size_t *hidden) {
    *hidden = 0;
    if (path.n == 0 || path.p[0] != '/') {
        return ERR_REQUEST_PATH;
    }
    for (const uint8_t *p = path.p, *end = p + path.n; p < end; p++) {
        if (*p > '/') {
            continue; // nearly all
        }
        bool is_odd = *p == '/' && p + 1 < end && (p[1] == '/' || p[1] == '.');
        if (*p == 0 || (is_odd && !check_name(path, (size_t)(p - path.p) + 1, hidden))) {
            return ERR_REQUEST_PATH;
        }
    }
    *hidden = site->shows_dot_names ? 0 : *hidden;
    return 0;
}

// Whether the path may be asked for, whose names have been checked.
static int check_asked(const struct site *site, struct span path, bool is_script,
                       enum access_by by) {
    if (is_among(site->denied, path, is_script)) {
        return ERR_FORBIDDEN;
    }
    bool is_closed = by == ACCESS_CLIENT && is_among(site->internal, path, is_script);
    return is_closed ? ERR_NOT_FOUND : 0;
}

int access_check(const struct site *site, struct span path, enum access_by by, size_t *hidden) {
    int error = check_names(site, path, hidden);
    return error == 0 ? check_asked(site, path, access_is_script(site, path), by) : error;
}

int access_check_file(const struct site *site, struct span path, bool runs, size_t hidden) {
    bool is_script = runs || access_is_script(site, path);
    bool is_free = runs && !has_none(&site->script_free_starts, path) &&
                   is_among(site->script_free, path, true);
    bool is_denied = is_free || hidden > 0 || is_among(site->denied_files, path, is_script);
    return is_denied ? ERR_FORBIDDEN : 0;
}

int access_check_found(const struct site *site, struct span path, bool runs, enum access_by by) {
    size_t hidden;
    int error = check_names(site, path, &hidden);
    if (error == 0) {
        error = check_asked(site, path, runs || access_is_script(site, path), by);
    }
    return error == 0 ? access_check_file(site, path, runs, hidden) : error;
}
