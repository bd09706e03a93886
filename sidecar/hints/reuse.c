// SPDX-License-Identifier: MIT
#include "hints/reuse.h"

#include "http/date.h"
#include "http/field.h"

static const struct reuse_row rows[REUSE_REASONS] = {
#define REASON(constant, label, field, sentence) [REUSE_##constant] = {label, sentence, field},
#include "hints/reuse.def"
#undef REASON
};

const struct reuse_row *reuse_row(enum reuse_reason reason) {
    return &rows[reason];
}

// What the fields of a response say about keeping it.
struct terms {
    bool no_store, no_cache, pragma, must_ask; // must_ask: must-revalidate
    bool varies_any, varies_origin, varies_client_hints;
    bool has_max_age;
    uint64_t max_age, age;
    const struct span *expires, *modified, *date;
};

// delta-seconds = 1*DIGIT (RFC 9111, 1.2.2). What is no number counts as stale (4.2.1), one that is
// too big as very long (1.2.2).
static uint64_t seconds(struct span s) {
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"') {
        s = span_of(s.p + 1, s.n - 2);
    }
    uint64_t value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return 0;
        }
        value = value > UINT32_MAX ? value : value * 10 + (uint64_t)(s.p[i] - '0');
    }
    return value;
}

// cache-directive = token [ "=" ( token / quoted-string ) ] (RFC 9111, 5.2). "no-cache" counts with
// an argument too: browsers do not agree on what it means then. s-maxage is for shared caches.
static void read_directive(struct terms *t, struct span directive) {
    size_t equals = span_index(directive, '=');
    struct span name = span_trim(span_first(directive, equals));
    if (span_eq_nocase(name, SPAN("no-store"))) {
        t->no_store = true;
    } else if (span_eq_nocase(name, SPAN("no-cache"))) {
        t->no_cache = true;
    } else if (span_eq_nocase(name, SPAN("must-revalidate"))) {
        t->must_ask = true;
    } else if (span_eq_nocase(name, SPAN("max-age"))) {
        uint64_t value = seconds(span_trim(span_skip(directive, equals + 1)));
        t->max_age = t->has_max_age && t->max_age < value ? t->max_age : value;
        t->has_max_age = true;
    }
}

// Client hints are Sec-CH-... and some older ones.
static bool is_client_hint(struct span name) {
    static const struct span others[] = {
        SPAN_INIT("dpr"),      SPAN_INIT("viewport-width"), SPAN_INIT("width"),
        SPAN_INIT("downlink"), SPAN_INIT("device-memory"),  SPAN_INIT("ect"),
        SPAN_INIT("rtt"),
    };
    if (span_eq_nocase(span_first(name, 7), SPAN("sec-ch-"))) {
        return true;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (span_eq_nocase(name, others[i])) {
            return true;
        }
    }
    return false;
}

static void read_vary(struct terms *t, struct span name) {
    t->varies_any |= span_eq(name, SPAN("*"));
    t->varies_origin |= span_eq_nocase(name, SPAN("origin"));
    t->varies_client_hints |= is_client_hint(name);
}

static void read_field(struct terms *t, const struct pair *field) {
    struct span rest = field->value, part;
    if (span_eq_nocase(field->name, SPAN("cache-control"))) {
        while (field_next_element(&rest, &part)) {
            read_directive(t, part);
        }
    } else if (span_eq_nocase(field->name, SPAN("vary"))) {
        while (field_next_element(&rest, &part)) {
            read_vary(t, part);
        }
    } else if (span_eq_nocase(field->name, SPAN("pragma"))) {
        t->pragma |= span_eq_nocase(span_trim(rest), SPAN("no-cache"));
    } else if (span_eq_nocase(field->name, SPAN("age"))) {
        t->age = seconds(span_trim(rest));
    } else if (span_eq_nocase(field->name, SPAN("expires"))) {
        t->expires = &field->value;
    } else if (span_eq_nocase(field->name, SPAN("last-modified"))) {
        t->modified = &field->value;
    } else if (span_eq_nocase(field->name, SPAN("date"))) {
        t->date = &field->value;
    }
}

bool reuse_sends_origin(const struct reuse_use *use) {
    bool is_cors = use->crossorigin != HINT_NO_CORS && use->as != HINT_AS_FETCH;
    return is_cors || use->rel == HINT_MODULEPRELOAD || use->as == HINT_AS_FONT;
}

static enum reuse_reason forbids(const struct terms *t, const struct reuse_use *use) {
    if (t->no_store) {
        return REUSE_NO_STORE;
    }
    if (t->no_cache) {
        return REUSE_NO_CACHE;
    }
    if (t->pragma) {
        return REUSE_PRAGMA;
    }
    if (t->varies_any) {
        return REUSE_VARY_ANY;
    }
    if (t->varies_client_hints) {
        return REUSE_VARY_CLIENT_HINTS;
    }
    return t->varies_origin && reuse_sends_origin(use) ? REUSE_VARY_ORIGIN : REUSE_OK;
}

// A lifetime less the time that it already spent in caches on its way here.
static struct reuse last(const struct terms *t, uint64_t lifetime, enum reuse_reason else_reason) {
    if (lifetime == 0) {
        return (struct reuse){.reason = else_reason};
    }
    if (lifetime <= t->age) {
        return (struct reuse){.reason = REUSE_AGED};
    }
    lifetime -= t->age;
    return (struct reuse){.reason = REUSE_OK,
                          .lifetime_s = lifetime < UINT32_MAX ? (uint32_t)lifetime : UINT32_MAX};
}

// RFC 9111, 4.2.1 and 4.2.2: max-age, else Expires, else a tenth of its age.
static struct reuse freshness(const struct terms *t, int64_t now) {
    int64_t date = now, then;
    if (t->date != NULL && !date_parse(*t->date, now, &date)) {
        date = now;
    }
    if (t->has_max_age) {
        return last(t, t->max_age, REUSE_MAX_AGE_ZERO);
    }
    if (t->expires != NULL) {
        bool is_ahead = date_parse(*t->expires, now, &then) && then > date;
        return last(t, is_ahead ? (uint64_t)(then - date) : 0, REUSE_EXPIRED);
    }
    if (t->modified == NULL || t->must_ask || !date_parse(*t->modified, now, &then)) {
        return (struct reuse){.reason = REUSE_NO_FRESHNESS};
    }
    return last(t, then < date ? (uint64_t)(date - then) / 10 : 0, REUSE_YOUNG);
}

struct reuse reuse_judge(const struct response *response, const struct reuse_use *use,
                         int64_t now) {
    if (response->status != 200) {
        return (struct reuse){.reason = REUSE_STATUS};
    }
    struct terms terms = {.max_age = 0};
    for (size_t i = 0; i < response->fields.n; i++) {
        read_field(&terms, &response->fields.v[i]);
    }
    struct reuse reuse = {.reason = forbids(&terms, use)};
    if (reuse.reason == REUSE_OK) {
        reuse = freshness(&terms, now);
    }
    reuse.varies_origin = terms.varies_origin;
    return reuse;
}
