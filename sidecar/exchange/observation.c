// SPDX-License-Identifier: MIT
#include "exchange/observation.h"

#include "exchange/capture.h"
#include "exchange/observation_inside.h"
#include "hints/audience.h"
#include "http/mime.h"
#include "learner/learner.h"

void observation_init(struct observation *o, const struct facts *facts, struct identity *identity,
                      struct hinting *hinting, struct observer *observer) {
    *o = (struct observation){.facts = facts,
                              .identity = identity,
                              .hinting = hinting,
                              .published = hinting->published,
                              .observer = observer};
}

// ---- a request's signs --------------------------------------------------------------------------

static enum hint_as as_of_dest(struct span dest) {
    static const struct {
        struct span word;
        enum hint_as as;
    } words[] = {{SPAN_INIT("style"), HINT_AS_STYLE},
                 {SPAN_INIT("script"), HINT_AS_SCRIPT},
                 {SPAN_INIT("font"), HINT_AS_FONT},
                 {SPAN_INIT("image"), HINT_AS_IMAGE},
                 {SPAN_INIT("empty"), HINT_AS_FETCH}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_eq(dest, words[i].word)) {
            return words[i].as;
        }
    }
    return HINT_AS_NONE;
}

static void read_sign(struct observation_signs *signs, const struct pair *f, bool *is_document) {
    switch (f->name.n) { // the length rules out nearly every field without looking at its bytes
    case 5:
        if (span_eq_nocase(f->name, SPAN("range"))) {
            signs->has_range = true;
        } else if (span_eq_nocase(f->name, SPAN("x-moz"))) {
            signs->is_marked = span_eq_nocase(f->value, SPAN("early hint"));
        }
        return;
    case 7:
        if (span_eq_nocase(f->name, SPAN("referer"))) {
            signs->referer = f->value;
        }
        return;
    case 9:
        signs->has_client_hints |= span_eq_nocase(f->name, SPAN("sec-ch-ua"));
        return;
    case 14:
        if (span_eq_nocase(f->name, SPAN("sec-fetch-dest"))) {
            signs->as = as_of_dest(f->value);
            *is_document = span_eq(f->value, SPAN("document"));
        } else if (span_eq_nocase(f->name, SPAN("sec-fetch-mode"))) {
            signs->has_mode = true;
            signs->is_navigation = span_eq(f->value, SPAN("navigate"));
            signs->is_cors = span_eq(f->value, SPAN("cors"));
        }
        return;
    default:
        return;
    }
}

static uint64_t client_of(const struct observation *o) {
    return audience_client(&o->observer->secret, o->facts->from, &o->facts->request->fields);
}

// A fetch of a visit: by a browser, which says what for and for which page.
static void note_fetch(struct observation *o) {
    const struct observation_signs *signs = &o->signs;
    struct visit_table *visits = &o->observer->visits;
    if (signs->as == HINT_AS_NONE || signs->referer.n == 0 || signs->has_range ||
        (o->facts->site->policy.learn & LEARNER_REQUEST) == 0 || !visit_is_awaiting(visits)) {
        return;
    }
    struct visit_asset asset = {.client = client_of(o),
                                .referer = signs->referer,
                                .scheme = o->facts->request->scheme,
                                .authority = o->facts->request->authority,
                                .target = o->facts->request->target,
                                .as = signs->as,
                                .is_marked = signs->is_marked,
                                .has_client_hints = signs->has_client_hints};
    o->fetch = visit_fetch(visits, &asset, o->facts->now_us);
}

void observation_request(struct observation *o) {
    bool is_document = false;
    for (size_t i = 0; i < o->facts->request->fields.n; i++) {
        read_sign(&o->signs, &o->facts->request->fields.v[i], &is_document);
    }
    o->signs.is_navigation = o->signs.is_navigation && is_document;
    if (o->signs.as == HINT_AS_FETCH && (!o->signs.is_cors || o->signs.referer.n == 0)) {
        o->signs.as =
            HINT_AS_NONE; // a beacon and the like: not fetch() or XMLHttpRequest of a page
    }
    if (o->facts->is_get && o->facts->is_named && !o->facts->is_pushed && o->observer != NULL) {
        note_fetch(o);
    }
}

bool observation_is_navigation(const struct observation *o) {
    return o->facts->is_get && o->signs.is_navigation;
}

// ---- a navigation -------------------------------------------------------------------------------

uint64_t observation_network(const struct observation *o) {
    return audience_network(&o->observer->secret, o->facts->from);
}

static struct recipient_sight sight_of(struct observation *o, const struct response *response) {
    return (struct recipient_sight){.secret = &o->observer->secret,
                                    .lineage = &o->observer->lineage,
                                    .audience = identity_audience(o->identity),
                                    .asked = &o->facts->request->fields,
                                    .response = response,
                                    .network = observation_network(o),
                                    .is_inside = audience_is_inside(o->facts->from)};
}

struct recipient observation_recipient(struct observation *o, const struct response *response) {
    struct recipient_sight sight = sight_of(o, response);
    return recipient_of(&sight);
}

void observation_open(struct observation *o) {
    struct span key = identity_key(o->identity);
    if (o->observer == NULL || key.n == 0 || !identity_is_clean(o->identity) ||
        !o->signs.is_navigation || (o->facts->site->policy.learn & LEARNER_REQUEST) == 0) {
        return;
    }
    struct visit_page page = {.client = client_of(o),
                              .scheme = o->facts->request->scheme,
                              .authority = o->facts->request->authority,
                              .target = o->facts->request->target,
                              .key = key,
                              .has_client_hints = o->signs.has_client_hints,
                              .network = observation_network(o),
                              .at_ms = observer_unix_ms(o->observer)};
    o->visit = visit_open(&o->observer->visits, &page, o->facts->now_us);
}

void observation_hinted(struct observation *o, const struct plan *plan, uint64_t said) {
    for (size_t i = 0; o->observer != NULL && said >> i != 0; i++) {
        if ((said & 1ULL << i) != 0) {
            visit_hinted(&o->observer->visits, o->visit, &plan->hints[i], o->facts->now_us);
        }
    }
}

void observation_held(struct observation *o) {
    if (o->observer != NULL) {
        visit_held(&o->observer->visits, o->visit);
    }
}

// ---- the response -------------------------------------------------------------------------------

struct span observation_head(struct observation *o, const struct response *response,
                             bool is_script) {
    struct span evidence = {NULL, 0};
    if (o->observer == NULL) {
        return evidence;
    }
    const struct facts *f = o->facts;
    o->is_script = is_script;
    const struct span *type = pairs_find(&response->fields, SPAN("content-type"));
    o->essence = type != NULL ? mime_essence(*type) : span_of(NULL, 0);
    bool sets_cookie = pairs_find(&response->fields, SPAN("set-cookie")) != NULL;
    if (sets_cookie && f->is_named && f->site->policy.learn != 0) {
        struct recipient_sight sight = sight_of(o, response);
        recipient_note(&sight);
    }
    o->is_fetch_good = o->fetch.place != 0 && observation_is_asset(o, response);
    bool may_learn = o->facts->is_get && f->is_named && !f->is_pushed &&
                     f->site->policy.learn != 0 && f->request->body_len == 0;
    if (may_learn && !o->signs.has_range && !o->signs.is_navigation) {
        evidence = observation_asset(o, response);
    }
    if (may_learn && o->capture == NULL && is_script) {
        struct span page = observation_page(o, response);
        evidence = page.n > 0 ? page : evidence; // what was navigated to is no asset
    } else {
        visit_drop(&o->observer->visits, o->visit);
    }
    return evidence;
}

void observation_body(struct observation *o, struct span body) {
    if (o->capture != NULL && o->capture->reader != NULL &&
        !body_reader_is_done(o->capture->reader)) {
        body_reader_feed(o->capture->reader, body);
    }
}

struct span observation_end(struct observation *o) {
    struct capture *capture = o->capture;
    if (capture == NULL) {
        return span_of(NULL, 0);
    }
    o->capture = NULL;
    if (capture->reader != NULL) {
        body_reader_end(capture->reader);
    }
    return capture_end(capture, o->observer);
}

void observation_sent(struct observation *o) {
    if (o->fetch.place != 0) {
        visit_fetched(&o->observer->visits, o->fetch, o->is_fetch_good, o->facts->now_us);
    }
}

void observation_leave(struct observation *o, bool is_complete) {
    if (o->observer == NULL) {
        return;
    }
    capture_drop(o->capture, o->observer);
    o->capture = NULL;
    if (!is_complete) {
        visit_drop(&o->observer->visits, o->visit);
    }
}
