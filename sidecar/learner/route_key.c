// SPDX-License-Identifier: MIT
#include "learner/route_key.h"

#include "base/hex.h"
#include "base/wildcard.h"

static const struct span marketing[] = {
#define KEY(name) SPAN_INIT(name),
#include "learner/marketing_key.def"
#undef KEY
};

// What is written so far; full once something did not fit.
struct writer {
    uint8_t *p;
    size_t n;
    bool is_full;
};

static void put(struct writer *w, struct span s) {
    if (w->is_full || s.n > ROUTE_KEY_MAX - w->n) {
        w->is_full = true;
    } else if (s.n > 0) {
        memcpy(w->p + w->n, s.p, s.n);
        w->n += s.n;
    }
}

static bool has_byte_below(struct span s, uint8_t least) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < least) {
            return true;
        }
    }
    return false;
}

// ---- the query ----------------------------------------------------------------------------------

struct pair_of_query {
    struct span key, text; // text: as it stands in the key
};

struct pairs_of_query {
    struct pair_of_query v[ROUTE_QUERY_PAIRS];
    size_t n;
    bool is_clean;
};

static bool is_marketing(struct span key) {
    return wildcard_match_any(marketing, sizeof marketing / sizeof *marketing, key, WILDCARD_CASE);
}

// What of the pair counts: all, its key alone, or nothing.
static struct span counting(const struct route_parts *parts, struct span pair, struct span key) {
    for (size_t i = 0; i < parts->query_keys_n; i++) {
        struct span listed = parts->query_keys[i];
        bool is_key_only = span_has_suffix(listed, SPAN("=*"));
        if (is_key_only && span_eq(key, span_first(listed, listed.n - 2))) {
            return key;
        }
        if (!is_key_only && span_eq(key, listed)) {
            return pair;
        }
    }
    return span_of(NULL, 0);
}

// Keeps them sorted by key. Of a key that is there twice the last counts, as in PHP.
static void insert(struct pairs_of_query *pairs, struct pair_of_query pair) {
    size_t at = pairs->n;
    for (size_t i = 0; i < pairs->n; i++) {
        if (span_eq(pairs->v[i].key, pair.key)) {
            pairs->v[i] = pair;
            pairs->is_clean = false;
            return;
        }
    }
    if (at == ROUTE_QUERY_PAIRS) {
        pairs->is_clean = false;
        return;
    }
    for (; at > 0; at--) {
        const struct span *before = &pairs->v[at - 1].key;
        size_t n = before->n < pair.key.n ? before->n : pair.key.n;
        int order = memcmp(before->p, pair.key.p, n);
        if (order < 0 || (order == 0 && before->n < pair.key.n)) {
            break;
        }
        pairs->v[at] = pairs->v[at - 1];
    }
    pairs->v[at] = pair;
    pairs->n++;
}

static void read_query(struct pairs_of_query *pairs, const struct route_parts *parts) {
    struct span rest = parts->query, pair;
    pairs->n = 0;
    pairs->is_clean = true;
    for (unsigned i = 0; rest.n > 0 && span_cut(&rest, '&', &pair); i++) {
        struct span key = span_first(pair, span_index(pair, '='));
        struct span text = key.n > 0 ? counting(parts, pair, key) : key;
        if (pair.n == 0) {
            continue;
        }
        if (i >= 4 * ROUTE_QUERY_PAIRS) {
            pairs->is_clean = false;
            return;
        }
        if (text.n > 0 && !has_byte_below(text, 0x20)) {
            insert(pairs, (struct pair_of_query){key, text});
        } else if (!is_marketing(key)) {
            pairs->is_clean = false;
        }
    }
}

// ---- keys ---------------------------------------------------------------------------------------

struct span route_key(uint8_t *out, const struct route_parts *parts, bool *is_clean) {
    struct writer w = {out, 0, false};
    struct pairs_of_query pairs;
    read_query(&pairs, parts);
    *is_clean = pairs.is_clean;
    // A "?" would not be told apart from the one before the query.
    if (parts->site.n == 0 || has_byte_below(parts->site, 0x20) || parts->path.n == 0 ||
        parts->path.p[0] != '/' || has_byte_below(parts->path, 0x20) ||
        span_index(parts->path, '?') < parts->path.n) {
        return span_of(NULL, 0);
    }
    put(&w, parts->site);
    put(&w, parts->is_session ? SPAN("\0s") : SPAN("\0p"));
    put(&w, parts->path);
    for (size_t i = 0; i < pairs.n; i++) {
        put(&w, i == 0 ? SPAN("?") : SPAN("&"));
        put(&w, pairs.v[i].text);
    }
    return w.is_full ? span_of(NULL, 0) : span_of(out, w.n);
}

bool route_key_is_valid(struct span key) {
    size_t at = span_index(key, 0);
    struct span rest = span_skip(key, at + 1);
    if (key.n > ROUTE_KEY_MAX || at == 0 || rest.n < 2 || (rest.p[0] != 'p' && rest.p[0] != 's') ||
        has_byte_below(span_first(key, at), 0x20)) {
        return false;
    }
    rest = span_skip(rest, 1);
    if (rest.p[0] != '/' && rest.p[0] != ROUTE_WILDCARD) {
        return false;
    }
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] < 0x20 && rest.p[i] != ROUTE_WILDCARD) {
            return false;
        }
    }
    return true;
}

// Path and query of a key; empty when it is none.
static struct span tail(struct span key) {
    size_t at = span_index(key, 0);
    return at > 0 && at + 2 < key.n ? span_skip(key, at + 2) : span_skip(key, key.n);
}

struct span route_key_site(struct span key) {
    return tail(key).n > 0 ? span_first(key, span_index(key, 0)) : span_first(key, 0);
}

struct span route_key_path(struct span key) {
    struct span rest = tail(key);
    return span_first(rest, span_index(rest, '?'));
}

struct span route_key_query(struct span key) {
    struct span rest = tail(key);
    return span_skip(rest, span_index(rest, '?') + 1);
}

bool route_key_is_session(struct span key) {
    return tail(key).n > 0 && key.p[span_index(key, 0) + 1] == 's';
}

bool route_key_is_pattern(struct span key) {
    return span_index(key, ROUTE_WILDCARD) < key.n;
}

struct route_id route_key_id(const struct siphash_key *secret, struct span key) {
    struct siphash_wide hash = siphash_wide(secret, key);
    return (struct route_id){hash.low, hash.high};
}

struct route_id route_asset_id(const struct siphash_key *secret, struct span site,
                               struct span path) {
    uint8_t bytes[ROUTE_KEY_MAX + 512];
    if (site.n > 500 || path.n > ROUTE_KEY_MAX) {
        return (struct route_id){0, 0};
    }
    // No page's key has that letter.
    size_t n = site.n;
    memcpy(bytes, site.p, site.n);
    bytes[n++] = 0;
    bytes[n++] = 'a';
    if (path.n > 0) {
        memcpy(bytes + n, path.p, path.n);
    }
    return route_key_id(secret, span_of(bytes, n + path.n));
}

// ---- for people ---------------------------------------------------------------------------------

static bool is_clear(uint8_t c) {
    return c > 0x20 && c < 0x7f && c != '*' && c != '%';
}

size_t route_key_print(struct span key, char *out, size_t cap) {
    struct span rest = tail(key);
    size_t n = 0;
    for (size_t i = 0; i < rest.n; i++) {
        uint8_t c = rest.p[i];
        bool is_one = is_clear(c) || c == ROUTE_WILDCARD;
        if ((is_one ? 1u : 3u) > cap - n) {
            break;
        }
        if (is_one) {
            out[n++] = c == ROUTE_WILDCARD ? '*' : (char)c;
        } else {
            hex_escape_put((uint8_t *)out + n, c);
            n += 3;
        }
    }
    return n;
}

struct span route_key_read(uint8_t *out, struct span site, bool is_session, struct span printed) {
    struct writer w = {out, 0, false};
    put(&w, site);
    put(&w, is_session ? SPAN("\0s") : SPAN("\0p"));
    for (size_t i = 0; i < printed.n; i++) {
        uint8_t c = printed.p[i];
        int decoded = hex_escape_read(span_skip(printed, i));
        if (c < 0x20 || (c == '%' && decoded < 0x20)) {
            return span_of(NULL, 0);
        }
        if (c == '%') {
            c = (uint8_t)decoded;
            i += 2;
        } else if (c == '*') {
            c = ROUTE_WILDCARD;
        }
        put(&w, span_of(&c, 1));
    }
    struct span key = span_of(out, w.n);
    return !w.is_full && route_key_is_valid(key) ? key : span_of(NULL, 0);
}
