// SPDX-License-Identifier: MIT
#include "hints/route_key.h"

struct span route_key(struct arena *arena, struct span site, struct span path) {
    size_t n = site.n + 1 + path.n;
    struct span none = {NULL, 0};
    if (site.n == 0 || path.n == 0 || n > ROUTE_KEY_MAX || span_index(site, 0) < site.n ||
        span_index(path, 0) < path.n) {
        return none;
    }
    uint8_t *key = arena_alloc(arena, n);
    if (key == NULL) {
        return none;
    }
    memcpy(key, site.p, site.n);
    key[site.n] = 0;
    memcpy(key + site.n + 1, path.p, path.n);
    return span_of(key, n);
}

// Where the zero byte stands; 0 when it is no key.
static size_t middle(struct span key) {
    size_t at = span_index(key, 0);
    bool is_key = key.n <= ROUTE_KEY_MAX && at > 0 && at + 1 < key.n &&
                  span_index(span_skip(key, at + 1), 0) == key.n - at - 1;
    return is_key ? at : 0;
}

struct span route_key_site(struct span key) {
    return span_first(key, middle(key));
}

struct span route_key_path(struct span key) {
    size_t at = middle(key);
    return at > 0 ? span_skip(key, at + 1) : span_skip(key, key.n);
}

uint64_t route_key_hash(const struct siphash_key *secret, struct span key) {
    return siphash(secret, key);
}
