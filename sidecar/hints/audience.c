// SPDX-License-Identifier: MIT
#include "hints/audience.h"

#include "base/network.h"

enum { STEADY, CHANGES };

static const int kinds[] = {
#define COOKIE(pattern, kind) kind,
#include "hints/session_cookie.def"
#undef COOKIE
};
#define ROWS (sizeof kinds / sizeof *kinds)

// The rank of a cookie's name: lower tells sessions apart better. A site's own patterns stand
// behind the steady rows of the table, since nobody says whether they stay the same.
enum { RANK_AUTHORIZATION = 0, RANK_ROWS = 1, RANK_NONE = 1 << 16 };

static inline bool is_letter(uint8_t a, uint8_t b) {
    return span_lower_byte(a) == span_lower_byte(b);
}

static bool contains(struct span s, struct span part) {
    if (part.n == 0) {
        return true;
    }
    for (size_t i = 0; i + part.n <= s.n; i++) {
        if (is_letter(s.p[i], part.p[0]) && span_eq_bytes_nocase(s.p + i, part.p, part.n)) {
            return true;
        }
    }
    return false;
}

// Inlined, so that of a pattern which is known a length and a byte remain: each cookie is compared
// with all of them.
static inline __attribute__((always_inline)) bool matches(struct span name, struct span pattern) {
    bool open_front = pattern.n > 0 && pattern.p[0] == '*';
    bool open_back = pattern.n > 1 && pattern.p[pattern.n - 1] == '*';
    struct span core = span_of(pattern.p + open_front, pattern.n - open_front - open_back);
    if (name.n < core.n || (!open_front && !open_back && name.n != core.n)) {
        return false;
    }
    if (open_front && open_back) {
        return contains(name, core);
    }
    const uint8_t *at = name.p + (open_front ? name.n - core.n : 0);
    return core.n == 0 || (is_letter(at[core.n - 1], core.p[core.n - 1]) &&
                           is_letter(at[0], core.p[0]) && span_eq_bytes_nocase(at, core.p, core.n));
}

// Prefixes that browsers guard (RFC 6265bis, 4.1.3) say nothing about what the cookie is for.
static struct span without_prefix(struct span name) {
    static const struct span prefixes[] = {SPAN_INIT("__Host-"), SPAN_INIT("__Secure-")};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (span_eq_nocase(span_first(name, prefixes[i].n), prefixes[i])) {
            return span_skip(name, prefixes[i].n);
        }
    }
    return name;
}

// The first row that matches, or ROWS.
static unsigned row_of(struct span name) {
    unsigned row = 0;
#define COOKIE(pattern, kind)                                                                      \
    if (matches(name, SPAN(pattern))) {                                                            \
        return row;                                                                                \
    }                                                                                              \
    row++;
#include "hints/session_cookie.def"
#undef COOKIE
    return row;
}

static unsigned rank_of(const struct audience_conf *conf, struct span whole, bool *is_steady) {
    struct span name = without_prefix(whole);
    unsigned row = row_of(name);
    *is_steady = row < ROWS && kinds[row] == STEADY;
    if (row < ROWS) {
        return RANK_ROWS + row;
    }
    for (size_t i = 0; i < conf->cookies_n; i++) {
        if (matches(whole, conf->cookies[i]) || matches(name, conf->cookies[i])) {
            return RANK_ROWS + ROWS;
        }
    }
    return RANK_NONE;
}

bool audience_is_session_cookie(const struct audience_conf *conf, struct span name) {
    bool is_steady;
    return rank_of(conf, name, &is_steady) != RANK_NONE;
}

// What identifies a session, as far as the fields have been read.
struct search {
    unsigned rank;
    bool is_steady;
    struct span credential; // "name=value" of a cookie, or the value of Authorization
};

// cookie-string = cookie-pair *( ";" SP cookie-pair ) (RFC 6265, 4.2.1)
static void search_cookies(const struct audience_conf *conf, struct span cookies,
                           struct search *s) {
    struct span part;
    while (span_cut(&cookies, ';', &part)) {
        bool is_steady;
        part = span_trim(part);
        unsigned rank =
            rank_of(conf, span_trim(span_first(part, span_index(part, '='))), &is_steady);
        if (rank < s->rank) {
            *s = (struct search){rank, is_steady, part};
        }
    }
}

// Credentials that are sent as they are with each request, and not computed anew (RFC 7617): the
// answers of Digest and Negotiate, or a token that is renewed, would make one user many.
static bool is_steady_scheme(struct span credentials) {
    return span_eq_nocase(span_first(credentials, 6), SPAN("Basic "));
}

static struct search search(const struct audience_conf *conf, const struct pairs *fields) {
    struct search s = {.rank = RANK_NONE};
    for (size_t i = 0; i < fields->n; i++) {
        const struct pair *f = &fields->v[i];
        if (f->name.n == 13 && span_eq_nocase(f->name, SPAN("authorization"))) {
            s = (struct search){RANK_AUTHORIZATION, is_steady_scheme(f->value), f->value};
        } else if (f->name.n == 6 && span_eq_nocase(f->name, SPAN("cookie"))) {
            search_cookies(conf, f->value, &s);
        }
    }
    return s;
}

bool audience_is_session(const struct audience_conf *conf, const struct pairs *fields) {
    return search(conf, fields).rank != RANK_NONE;
}

static uint64_t not_zero(uint64_t hash) {
    return hash != 0 ? hash : 1;
}

uint64_t audience_session(const struct audience_conf *conf, const struct pairs *fields,
                          const struct audience_address *from) {
    struct search s = search(conf, fields);
    if (s.rank == RANK_NONE) {
        return 0;
    }
    if (s.is_steady) {
        return not_zero(siphash(&conf->secret, s.credential));
    }
    return not_zero(audience_client(&conf->secret, from, fields));
}

static struct span plain_address(const struct audience_address *from) {
    return network_plain(span_of(from->bytes, from->n));
}

uint64_t audience_network(const struct siphash_key *secret, const struct audience_address *from) {
    struct span address = plain_address(from);
    if (address.n == 0) {
        return 0;
    }
    return not_zero(siphash(secret, span_first(address, address.n == 4 ? 3 : 7)));
}

uint64_t audience_client(const struct siphash_key *secret, const struct audience_address *from,
                         const struct pairs *fields) {
    const struct span *agent = pairs_find(fields, SPAN("user-agent"));
    struct siphash_key key = {secret->k0 ^ siphash(secret, plain_address(from)), secret->k1};
    return siphash(&key, agent != NULL ? *agent : (struct span){NULL, 0});
}
