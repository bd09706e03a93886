// SPDX-License-Identifier: MIT
#include "exchange/access.h"

#include "base/error.h"

static bool is_same(uint8_t a, uint8_t b, bool any_case) {
    return a == b || (any_case && span_lower_byte(a) == span_lower_byte(b));
}

// What follows the last star ends every path that matches: "*.bak" is decided by its last bytes.
static bool has_tail(struct span pattern, struct span path, bool any_case) {
    size_t n = 0;
    while (n < pattern.n && pattern.p[pattern.n - 1 - n] != '*') {
        n++;
    }
    for (size_t i = 1; n < pattern.n && i <= n; i++) {
        if (i > path.n || !is_same(pattern.p[pattern.n - i], path.p[path.n - i], any_case)) {
            return false;
        }
    }
    return true;
}

static bool match(struct span pattern, struct span path, bool any_case) {
    size_t p = 0, s = 0, star = SIZE_MAX, from = 0;
    if (!has_tail(pattern, path, any_case)) {
        return false;
    }
    while (s < path.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            from = s;
        } else if (p < pattern.n && is_same(pattern.p[p], path.p[s], any_case)) {
            p++;
            s++;
        } else if (star != SIZE_MAX) {
            // The last star takes one byte more; earlier ones need not be tried again.
            p = star + 1;
            s = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*') {
        p++;
    }
    return p == pattern.n;
}

bool access_match(struct span pattern, struct span path) {
    return match(pattern, path, false);
}

static bool is_among(struct span_list patterns, struct span path, bool any_case) {
    for (size_t i = 0; i < patterns.n; i++) {
        if (match(patterns.v[i], path, any_case)) {
            return true;
        }
    }
    return false;
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
// open the disk.
static int check_names(struct span path) {
    bool has_dot_name = false;
    if (path.n == 0 || path.p[0] != '/' || span_index(path, 0) < path.n) {
        return ERR_REQUEST_PATH;
    }
    for (size_t i = 0; i + 1 < path.n; i++) {
        if (path.p[i] != '/') {
            continue;
        }
        struct span rest = span_skip(path, i + 1);
        struct span name = span_first(rest, span_index(rest, '/'));
        if (name.n == 0 || span_eq(name, SPAN(".")) || span_eq(name, SPAN(".."))) {
            return ERR_REQUEST_PATH;
        }
        has_dot_name |= name.p[0] == '.' && (i > 0 || !span_eq(name, SPAN(".well-known")));
    }
    return has_dot_name ? ERR_FORBIDDEN : 0;
}

static int check(const struct site *site, struct span path, bool is_script, enum access_by by) {
    int error = check_names(path);
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

int access_check_found(const struct site *site, struct span path, bool runs, enum access_by by) {
    int error = check(site, path, runs || access_is_script(site, path), by);
    if (error == 0 && runs && is_among(site->script_free, path, true)) {
        error = ERR_FORBIDDEN;
    }
    return error;
}
