// SPDX-License-Identifier: MIT
#include "exchange/observation_inside.h"

#include "exchange/capture.h"
#include "learner/learner.h"

// ---- how often ----------------------------------------------------------------------------------

// What a response may take of this second, to teach.
struct turn {
    struct quota_rate *route;
    uint64_t network;
    uint32_t second;
};

// A busy route has said within a part of a second what it has to say, and so has a busy network.
static bool has_turn(const struct observation *o, struct turn *turn) {
    struct observer *t = o->observer;
    struct siphash_key key = {t->secret.k0 ^ (uintptr_t)o->facts->site, t->secret.k1};
    uint64_t hash = siphash(&key, o->facts->request->path); // cheaper than the route's key
    turn->route = &t->routes[hash % OBSERVER_ROUTES];
    turn->second = observer_second(t);
    if (!quota_has_room(turn->route, turn->second, OBSERVER_EACH)) {
        return false;
    }
    turn->network = observation_network(o);
    return quota_is_modest(&t->pages, turn->network, turn->second) ||
           quota_has_room(turn->route, turn->second, OBSERVER_SHARE);
}

static bool take_turn(struct observer *t, const struct turn *turn) {
    if (!quota_take(&t->pages, turn->network, turn->second)) {
        return false;
    }
    quota_count(turn->route, turn->second);
    return true;
}

// ---- what it says -------------------------------------------------------------------------------

// Browsers save the response instead of showing it (RFC 6266, 4.2). A value without a type is none.
static bool is_download(const struct response *response) {
    const struct span *value = pairs_find(&response->fields, SPAN("content-disposition"));
    if (value == NULL) {
        return false;
    }
    struct span type = span_trim(span_first(*value, span_index(*value, ';')));
    return type.n > 0 && !span_eq_nocase(type, SPAN("inline")) && span_index(type, '=') == type.n;
}

// A navigation to it shows an HTML document.
static bool is_document(const struct observation *o, const struct response *response) {
    return body_reader_kind_of(o->essence) == BODY_READER_PAGE && !is_download(response);
}

static struct evidence page_of(struct observation *o, const struct response *response) {
    bool shows_nothing = response->status == 200 && !is_document(o, response);
    uint64_t think_us = o->facts->now_us - o->facts->asked_us;
    struct evidence e = {.kind = EVIDENCE_PAGE,
                         .status = shows_nothing ? EVIDENCE_NO_PAGE : (uint16_t)response->status,
                         .at_ms = observer_unix_ms(o->observer),
                         .think_us = think_us < UINT32_MAX ? (uint32_t)think_us : UINT32_MAX,
                         .key = identity_key(o->identity),
                         .scheme = o->facts->request->scheme,
                         .authority = o->facts->request->authority,
                         .target = o->facts->request->target};
    struct recipient recipient = observation_recipient(o, response);
    e.flags = recipient.flags;
    e.who = recipient.who;
    e.user = recipient.user;
    e.network = observation_network(o);
    return e;
}

static void put_policy(struct observation *o, const struct pair *f) {
    static const struct span colon = SPAN_INIT(": ");
    size_t n = f->name.n + colon.n + f->value.n;
    uint8_t *text = arena_alloc(o->facts->arena, n);
    if (text == NULL) {
        return;
    }
    for (size_t i = 0; i < f->name.n; i++) {
        text[i] = span_lower_byte(f->name.p[i]);
    }
    memcpy(text + f->name.n, colon.p, colon.n);
    if (f->value.n > 0) {
        memcpy(text + f->name.n + colon.n, f->value.p, f->value.n);
    }
    struct evidence_item item = {.kind = EVIDENCE_POLICY, .text = span_of(text, n)};
    evidence_put(&o->capture->writer, &item);
}

// Its Link fields, and the fields that say what it may load.
static void put_fields(struct observation *o, const struct response *response) {
    for (size_t i = 0; i < response->fields.n; i++) {
        const struct pair *f = &response->fields.v[i];
        if (span_eq_nocase(f->name, SPAN("link"))) {
            if ((o->facts->site->policy.learn & LEARNER_LINK) != 0) {
                struct evidence_item item = {.kind = EVIDENCE_LINK, .text = f->value};
                evidence_put(&o->capture->writer, &item);
            }
        } else if (span_eq_nocase(f->name, SPAN("content-security-policy")) ||
                   span_eq_nocase(f->name, SPAN("referrer-policy"))) {
            put_policy(o, f);
        }
    }
}

static bool has_link(const struct response *response, struct span value) {
    for (size_t i = 0; i < response->fields.n; i++) {
        const struct pair *f = &response->fields.v[i];
        if (span_eq_nocase(f->name, SPAN("link")) && span_eq(f->value, value)) {
            return true;
        }
    }
    return false;
}

// The links of the application's own 103s, where the final response does not repeat them.
static void put_said(struct observation *o, const struct response *response) {
    bool may = (o->facts->site->policy.learn & LEARNER_LINK) != 0;
    for (unsigned i = 0; may && i < o->said_n; i++) {
        for (size_t k = 0; k < o->said[i].n; k++) {
            const struct pair *f = &o->said[i].v[k];
            if (span_eq_nocase(f->name, SPAN("link")) && !has_link(response, f->value)) {
                struct evidence_item item = {.kind = EVIDENCE_LINK, .text = f->value};
                evidence_put(&o->capture->writer, &item);
            }
        }
    }
}

void observation_interim(struct observation *o, const struct response *response) {
    if (response->status != 103 || o->said_n == OBSERVATION_SAID) {
        return;
    }
    if (o->said == NULL) {
        o->said = arena_alloc(o->facts->arena, OBSERVATION_SAID * sizeof *o->said);
    }
    if (o->said != NULL) {
        o->said[o->said_n++] = response->fields;
    }
}

// False: there is no room for it.
static bool capture_page(struct observation *o, const struct response *response) {
    o->capture = capture_open(o->observer, observation_network(o));
    if (o->capture == NULL) {
        return false;
    }
    struct evidence e = page_of(o, response);
    bool is_good = evidence_begin(&o->capture->writer, &e, o->capture->bytes, EVIDENCE_MAX);
    if (is_good) {
        put_fields(o, response);
        put_said(o, response);
    }
    if (is_good && (o->facts->site->policy.learn & LEARNER_HTML) != 0) {
        is_good = capture_scan(o->capture, o->observer, response, BODY_READER_PAGE);
    }
    if (!is_good) {
        capture_drop(o->capture, o->observer);
        o->capture = NULL;
    }
    return is_good;
}

// It answers a navigation, or what may be one of a client that does not say so.
static bool is_page(const struct observation *o, const struct response *response) {
    return o->signs.is_navigation ||
           (response->status == 200 && !o->signs.has_mode && is_document(o, response));
}

// A route that would be hinted redirects, fails or shows no page.
static bool says_failure(struct observation *o, enum learn_reason reason) {
    return (reason == LEARN_STATUS || reason == LEARN_NO_PAGE) && hinting_is_known(o->hinting);
}

// A route that was learned from enough for now is seen first, which costs less than to see whether
// it would be. What is not learned from uses no quota.
static enum learn_reason judge_page(struct observation *o, const struct response *response) {
    struct turn turn;
    if (!has_turn(o, &turn)) {
        return LEARN_QUOTA;
    }
    if (identity_key(o->identity).n == 0 || !identity_is_clean(o->identity)) {
        return LEARN_ROUTE;
    }
    enum learn_reason reason =
        evidence_may_learn(o->facts->request, response, identity_is_session(o->identity));
    if (reason == LEARN_OK && !is_document(o, response)) {
        reason = LEARN_NO_PAGE;
    }
    bool learns = reason == LEARN_OK || says_failure(o, reason);
    return !learns || take_turn(o->observer, &turn) ? reason : LEARN_QUOTA;
}

// A page that is learned from while its body passes.
static enum learn_reason begin_page(struct observation *o, const struct response *response) {
    struct recipient recipient = observation_recipient(o, response);
    visit_answered(&o->observer->visits, o->visit, &recipient, o->facts->now_us);
    return capture_page(o, response) ? LEARN_OK : LEARN_ROOM;
}

// Most responses are not pages, which is seen first.
struct span observation_page(struct observation *o, const struct response *response) {
    struct observer *t = o->observer;
    if (!is_page(o, response)) {
        visit_drop(&t->visits, o->visit);
        return span_of(NULL, 0);
    }
    enum learn_reason reason = judge_page(o, response);
    if (reason == LEARN_OK) {
        t->pages_by[begin_page(o, response)]++;
        return span_of(NULL, 0);
    }
    t->pages_by[reason]++;
    t->spared += reason == LEARN_QUOTA;
    visit_drop(&t->visits, o->visit);
    if (!says_failure(o, reason)) {
        return span_of(NULL, 0);
    }
    struct evidence e = page_of(o, response);
    return observer_write(t, &e);
}
