// SPDX-License-Identifier: MIT
#include "learner/recipient.h"

#include "learner/evidence.h"

// set-cookie-string = cookie-pair *( ";" SP cookie-av ) (RFC 6265, 4.1.1). The pair, or nothing
// where the field is no Set-Cookie or takes a cookie away.
static struct span pair_of(const struct pair *f) {
    struct span none = {NULL, 0};
    if (f->name.n != 10 || !span_eq_nocase(f->name, SPAN("set-cookie"))) {
        return none;
    }
    struct span pair = span_trim(span_first(f->value, span_index(f->value, ';')));
    size_t equals = span_index(pair, '=');
    return equals > 0 && equals + 1 < pair.n ? pair : none;
}

// The response sets the cookie with another value: its value says nothing about whose it is.
static bool is_renewed(const struct recipient_sight *s) {
    const struct audience *a = s->audience;
    for (size_t i = 0; i < s->response->fields.n && a->cookie.n > 0; i++) {
        struct span pair = pair_of(&s->response->fields.v[i]);
        struct span name = span_trim(span_first(pair, span_index(pair, '=')));
        if (pair.n > 0 && span_eq(name, a->cookie) && !span_eq(pair, a->credential)) {
            return true;
        }
    }
    return false;
}

// The user by his credentials; 0: that cannot be told. Of a cookie that nobody knows its value says
// nothing, since nobody knows either whether it stays.
static uint64_t user_by(const struct recipient_sight *s) {
    const struct audience *a = s->audience;
    uint64_t credential = audience_credential(s->secret, a->credential);
    uint64_t known = a->cookie.n > 0 ? lineage_find(s->lineage, credential) : 0;
    bool is_steady = a->kind == AUDIENCE_SESSION && !a->changes && !is_renewed(s);
    return known != 0 ? known : is_steady ? credential : 0;
}

static uint64_t by_credential(uint64_t user) {
    return user != 0 ? user | RECIPIENT_NAMED : 0;
}

static uint64_t by_agent(const struct recipient_sight *s) {
    return audience_agent(s->secret, s->asked) & ~RECIPIENT_NAMED;
}

struct recipient recipient_of(const struct recipient_sight *s) {
    enum audience_kind kind = s->audience->kind;
    struct recipient recipient = {.who = s->network};
    recipient.user = kind == AUDIENCE_PUBLIC ? 0 : by_credential(user_by(s));
    if (kind == AUDIENCE_SESSION) {
        recipient.flags |= EVIDENCE_SESSION;
        // Of each network all who cannot be told have one vote.
        recipient.who = recipient.user != 0 ? recipient.user : ~s->network;
    } else if (recipient.user == 0) {
        recipient.user = by_agent(s);
    }
    recipient.flags |= kind != AUDIENCE_PUBLIC ? EVIDENCE_NAMED : 0;
    recipient.flags |= s->is_inside ? EVIDENCE_INSIDE : 0;
    recipient.flags |=
        kind == AUDIENCE_UNSURE || evidence_is_private(s->response) ? EVIDENCE_PRIVATE : 0;
    return recipient;
}

// Whoever was given cookies that count had one before, or none: then the first of these is where he
// begins.
void recipient_note(const struct recipient_sight *s) {
    bool is_new = s->audience->kind == AUDIENCE_PUBLIC;
    uint64_t user = 0;
    for (size_t i = 0, n = 0; i < s->response->fields.n; i++) {
        struct span pair = pair_of(&s->response->fields.v[i]);
        if (pair.n == 0) {
            continue;
        }
        uint64_t cookie = audience_credential(s->secret, pair);
        user = n++ > 0 ? user : is_new ? cookie : user_by(s);
        if (user != 0) {
            lineage_put(s->lineage, cookie, user);
        }
    }
}
