// SPDX-License-Identifier: MIT
#include "learner/route_chain.h"

#include "base/wildcard.h"

#define FOLDERS_MAX (ROUTE_CHAIN_MAX - 4) // itself, operator, query and site have their places

enum route_chain_stage { ITSELF, PUBLIC_ITSELF, OPERATOR, QUERY, FOLDERS, SITE, OVER };

// The operator's pattern that counts for the path; empty: none.
static struct span find_operators(struct span path, const struct span *patterns, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct span pattern = patterns[i];
        bool has_star = span_index(pattern, '*') < pattern.n;
        if (has_star && pattern.n < ROUTE_KEY_MAX / 2 &&
            wildcard_match(pattern, path, WILDCARD_CASE)) {
            return pattern;
        }
    }
    return span_of(NULL, 0);
}

// Starts a key in bytes: the site and the audience. How long that is.
static size_t begin(struct route_chain *c, bool is_public) {
    memcpy(c->bytes, c->key.p, c->head_n);
    if (is_public) {
        c->bytes[c->head_n - 1] = 'p';
    }
    return c->head_n;
}

static bool give_public(struct route_chain *c, struct span *key) {
    if (c->is_public) {
        return false;
    }
    memcpy(c->bytes, c->key.p, c->key.n);
    begin(c, true);
    *key = span_of(c->bytes, c->key.n);
    return true;
}

static bool give_operators(struct route_chain *c, struct span *key) {
    struct span pattern = c->operators;
    if (pattern.n == 0 || pattern.n > ROUTE_KEY_MAX - c->head_n) {
        return false;
    }
    size_t n = begin(c, c->is_public);
    for (size_t i = 0; i < pattern.n; i++) {
        c->bytes[n++] = pattern.p[i] == '*' ? ROUTE_WILDCARD : pattern.p[i];
    }
    *key = span_of(c->bytes, n);
    return true;
}

// The same page with any values: "/?p=7&q=a" gives "/?p=*&q=*".
static bool give_query(struct route_chain *c, struct span *key) {
    struct span query = c->query, path = c->path;
    bool has_value = false, in_value = false;
    if (span_index(query, '=') == query.n) {
        return false;
    }
    size_t n = begin(c, c->is_public);
    memcpy(c->bytes + n, path.p, path.n);
    n += path.n;
    c->bytes[n++] = '?';
    for (size_t i = 0; i < query.n; i++) {
        uint8_t b = query.p[i];
        in_value = in_value && b != '&';
        if (!in_value) {
            c->bytes[n++] = b;
        } else if (c->bytes[n - 1] != ROUTE_WILDCARD) {
            c->bytes[n++] = ROUTE_WILDCARD;
            has_value = true;
        }
        in_value = in_value || b == '=';
    }
    *key = span_of(c->bytes, n);
    return has_value;
}

// A folder that the operator's pattern named already is not given again.
static bool is_operators(const struct route_chain *c, struct span folder) {
    struct span pattern = c->operators;
    return pattern.n == folder.n + 1 && pattern.p[folder.n] == '*' &&
           span_has_prefix(pattern, folder);
}

static bool give_folder(struct route_chain *c, struct span folder, struct span *key) {
    if (is_operators(c, folder) || folder.n >= ROUTE_KEY_MAX - c->head_n) {
        return false;
    }
    size_t n = begin(c, c->is_public);
    memcpy(c->bytes + n, folder.p, folder.n);
    n += folder.n;
    c->bytes[n++] = ROUTE_WILDCARD;
    *key = span_of(c->bytes, n);
    return true;
}

// The next folder outwards but for the outermost, which is the site's. False: no more.
static bool next_folder(struct route_chain *c, struct span *key) {
    struct span path = c->path;
    while (c->folders < FOLDERS_MAX) {
        while (c->cut > 0 && path.p[c->cut - 1] != '/') {
            c->cut--;
        }
        if (c->cut <= 1) {
            return false;
        }
        struct span folder = span_first(path, c->cut--);
        c->folders++;
        if (give_folder(c, folder, key)) {
            return true;
        }
    }
    return false;
}

static void start_folders(struct route_chain *c) {
    struct span path = c->path;
    c->folders = 0;
    // A page that ends with "/" is a page of the folder that it is in.
    c->cut = path.n > 0 && path.p[path.n - 1] == '/' ? path.n - 1 : path.n;
}

void route_chain_init(struct route_chain *c, struct span key, const struct span *patterns,
                      size_t patterns_n) {
    c->stage = OVER;
    if (!route_key_is_valid(key) || route_key_is_pattern(key)) {
        return;
    }
    c->stage = ITSELF;
    c->key = key;
    c->path = route_key_path(key);
    c->query = route_key_query(key);
    c->head_n = (size_t)(c->path.p - key.p);
    c->is_public = !route_key_is_session(key);
    c->operators = find_operators(c->path, patterns, patterns_n);
    start_folders(c);
}

// One stage. False: it has nothing (more) to give.
static bool give(struct route_chain *c, struct span *key) {
    switch (c->stage) {
    case ITSELF:
        *key = c->key;
        return true;
    case PUBLIC_ITSELF:
        return give_public(c, key);
    case OPERATOR:
        return give_operators(c, key);
    case QUERY:
        return give_query(c, key);
    case FOLDERS:
        return next_folder(c, key);
    default:
        return give_folder(c, SPAN("/"), key);
    }
}

static void advance(struct route_chain *c) {
    if (c->stage == SITE && !c->is_public) {
        c->is_public = true;
        c->stage = OPERATOR;
        start_folders(c);
    } else {
        c->stage++;
    }
}

bool route_chain_next(struct route_chain *c, struct span *key) {
    while (c->stage < OVER) {
        bool has = give(c, key);
        if (!has || c->stage != FOLDERS) {
            advance(c);
        }
        if (has) {
            return true;
        }
    }
    return false;
}
