// SPDX-License-Identifier: MIT
#include "hints/audience.h"

#include "base/wildcard.h"

enum { STEADY, CHANGES };

static const int kinds[] = {
#define COOKIE(pattern, kind) kind,
#include "hints/session_cookie.def"
#undef COOKIE
};
#define ROWS (sizeof kinds / sizeof *kinds)

// The rank of a credential: the lowest of a request stands for its user. What stays the same comes
// before what changes, a site's own cookies and fields before the tables' since the operator knows.
// Of cookies that nobody knows those come first whose names speak of somebody.
enum {
    RANK_AUTHORIZATION,
    RANK_FIELD,
    RANK_OWN,
    RANK_ROWS,
    RANK_CHANGES = 1 << 10,
    RANK_UNSURE = 1 << 12,
    RANK_NONE = 1 << 14,
};

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

// The first row of the table of sessions that matches, or ROWS.
static unsigned row_of(struct span name) {
    unsigned row = 0;
#define COOKIE(pattern, kind)                                                                      \
    if (wildcard_match(SPAN(pattern), name, WILDCARD_NOCASE)) {                                    \
        return row;                                                                                \
    }                                                                                              \
    row++;
#include "hints/session_cookie.def"
#undef COOKIE
    return row;
}

// The bit of what a name begins with; a name of one letter, or of one and a star, has none.
static uint64_t beginning(struct span name) {
    bool has_one = name.n > 1 && name.p[1] != '*';
    return has_one
               ? UINT64_C(1) << ((span_lower_byte(name.p[0]) * 5u + span_lower_byte(name.p[1])) &
                                 63)
               : 0;
}

struct audience_names audience_names_sort(struct span *v, size_t n) {
    struct audience_names names = {v, n, 0, UINT64_MAX};
    for (size_t i = 0; i < n; i++) {
        struct span name = v[i];
        if (name.n > 0 && name.p[0] == '*') {
            v[i] = v[names.open];
            v[names.open++] = name;
            continue;
        }
        uint64_t bit = beginning(name);
        names.absent = bit != 0 ? names.absent & ~bit : 0;
    }
    return names;
}

static bool is_in(const struct audience_names *names, struct span name) {
    size_t n = (names->absent & beginning(name)) != 0 ? names->open : names->n;
    return wildcard_match_any(names->v, n, name, WILDCARD_NOCASE);
}

static bool is_known_harmless(struct span name) {
#define COOKIE(pattern)                                                                            \
    if (wildcard_match(SPAN(pattern), name, WILDCARD_NOCASE)) {                                    \
        return true;                                                                               \
    }
#include "hints/harmless_cookie.def"
#undef COOKIE
    return false;
}

// A cookie of an unknown name may stand for a user or for a shade of grey; these words say which is
// likelier to be the user.
static unsigned unsure_rank(struct span name) {
    static const struct span words[] = {
        SPAN_INIT("auth"),     SPAN_INIT("token"), SPAN_INIT("user"), SPAN_INIT("login"),
        SPAN_INIT("account"),  SPAN_INIT("sess"),  SPAN_INIT("uid"),  SPAN_INIT("member"),
        SPAN_INIT("customer"), SPAN_INIT("id"),    SPAN_INIT("key")};
    const unsigned words_n = sizeof words / sizeof *words;
    for (unsigned i = 0; i < words_n; i++) {
        if (contains(name, words[i])) {
            return RANK_UNSURE + i;
        }
    }
    return RANK_UNSURE + words_n;
}

// The operator's words come before the tables.
static unsigned rank_of(const struct audience_conf *conf, struct span whole, bool *changes) {
    struct span name = without_prefix(whole);
    *changes = false;
    if (is_in(&conf->session, whole) || is_in(&conf->session, name)) {
        return RANK_OWN;
    }
    if (is_in(&conf->harmless, whole) || is_in(&conf->harmless, name)) {
        return RANK_NONE;
    }
    unsigned row = row_of(name);
    if (row < ROWS) {
        *changes = kinds[row] == CHANGES;
        return (*changes ? RANK_CHANGES : RANK_ROWS) + row;
    }
    return is_known_harmless(name) ? RANK_NONE : unsure_rank(name);
}

// ---- a request ----------------------------------------------------------------------------------

// What identifies the user, as far as the fields have been read.
struct search {
    const struct audience_conf *conf;
    unsigned rank;
    struct audience found;
};

// Of two credentials of one rank that one counts whose name comes first, wherever they stand: the
// same request has to be the same user's again.
static bool is_better(const struct search *s, unsigned rank, struct span name) {
    struct span old = s->found.cookie;
    size_t n = old.n < name.n ? old.n : name.n;
    int order = rank == s->rank && n > 0 ? memcmp(name.p, old.p, n) : 0;
    return rank < s->rank ||
           (rank == s->rank && rank < RANK_NONE && (order < 0 || (order == 0 && name.n < old.n)));
}

static void offer(struct search *s, unsigned rank, const struct audience *credential) {
    if (is_better(s, rank, credential->cookie)) {
        s->rank = rank;
        s->found = *credential;
        s->found.kind = rank < RANK_UNSURE ? AUDIENCE_SESSION : AUDIENCE_UNSURE;
    }
}

// cookie-string = cookie-pair *( ";" SP cookie-pair ) (RFC 6265, 4.2.1)
static void search_cookies(struct search *s, struct span cookies) {
    struct span part;
    while (span_cut(&cookies, ';', &part)) {
        struct audience a = {.credential = span_trim(part)};
        a.cookie = span_trim(span_first(a.credential, span_index(a.credential, '=')));
        if (a.cookie.n > 0) {
            unsigned rank = rank_of(s->conf, a.cookie, &a.changes);
            offer(s, rank, &a);
        }
    }
}

// Credentials that are sent as they are with each request, and not computed anew (RFC 7617): the
// answers of Digest and Negotiate, or a token that is renewed, would make one user many.
static bool is_steady_scheme(struct span credentials) {
    return span_eq_nocase(span_first(credentials, 6), SPAN("Basic "));
}

// What a front signed is signed anew now and then.
static bool is_signed(struct span field) {
    return contains(field, SPAN("jwt")) || contains(field, SPAN("assertion")) ||
           contains(field, SPAN("token")) || contains(field, SPAN("oidc-data"));
}

static void search_field(struct search *s, const struct pair *f) {
    struct audience a = {.credential = f->value};
    if (f->name.n == 6 && span_eq_nocase(f->name, SPAN("cookie"))) {
        search_cookies(s, f->value);
    } else if (f->name.n == 13 && span_eq_nocase(f->name, SPAN("authorization"))) {
        a.changes = !is_steady_scheme(f->value);
        offer(s, a.changes ? RANK_CHANGES : RANK_AUTHORIZATION, &a);
    } else if (f->value.n > 0 && is_in(&s->conf->fields, f->name)) {
        a.changes = is_signed(f->name);
        offer(s, a.changes ? RANK_CHANGES : RANK_FIELD, &a);
    }
}

struct audience audience_of(const struct audience_conf *conf, const struct pairs *fields) {
    struct search s = {.conf = conf, .rank = RANK_NONE};
    for (size_t i = 0; i < fields->n; i++) {
        search_field(&s, &fields->v[i]);
    }
    return s.found;
}

// ---- hashes -------------------------------------------------------------------------------------

static uint64_t not_zero(uint64_t hash) {
    return hash != 0 ? hash : 1;
}

uint64_t audience_credential(const struct siphash_key *secret, struct span credential) {
    return not_zero(siphash(secret, credential));
}

static uint64_t hash_field(const struct siphash_key *secret, const struct pairs *fields,
                           struct span name) {
    const struct span *value = pairs_find(fields, name);
    return siphash(secret, value != NULL ? *value : (struct span){NULL, 0});
}

uint64_t audience_agent(const struct siphash_key *secret, const struct pairs *fields) {
    uint64_t languages = hash_field(secret, fields, SPAN("accept-language"));
    struct siphash_key key = {secret->k0 ^ languages, secret->k1};
    return not_zero(hash_field(&key, fields, SPAN("user-agent")));
}

// Of 64:ff9b::a.b.c.d (NAT64: RFC 6052, 2.1), and the address in 2002:ab:cd:: (6to4: RFC
// 3056, 2): who has one of IPv4 has a /48 of these.
static struct span of_ipv4(const struct ip *from) {
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    static const uint8_t six_to_four[2] = {0x20, 0x02};
    struct span bytes = span_of(from->bytes, from->n);
    if (bytes.n == 16 && memcmp(bytes.p, nat64, sizeof nat64) == 0) {
        return span_skip(bytes, sizeof nat64);
    }
    return bytes.n == 16 && memcmp(bytes.p, six_to_four, sizeof six_to_four) == 0
               ? span_first(span_skip(bytes, sizeof six_to_four), 4)
               : bytes;
}

uint64_t audience_network(const struct siphash_key *secret, const struct ip *from) {
    struct span address = of_ipv4(from);
    if (address.n == 0) {
        return 0;
    }
    return not_zero(siphash(secret, span_first(address, address.n == 4 ? 3 : 6)));
}

bool audience_is_inside(const struct ip *from) {
    return from->n == 0 || ip_is_private(from);
}

uint64_t audience_client(const struct siphash_key *secret, const struct ip *from,
                         const struct pairs *fields) {
    struct siphash_key key = {secret->k0 ^ siphash(secret, span_of(from->bytes, from->n)),
                              secret->k1};
    return hash_field(&key, fields, SPAN("user-agent"));
}
