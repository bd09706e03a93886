// SPDX-License-Identifier: MIT
#include "exchange/teaching.h"

#include "exchange/exchange.h"
#include "exchange/study.h"
#include "exchange/teaching_inside.h"
#include "hints/audience.h"
#include "learner/learner.h"

#include <stdlib.h>

void teaching_init(struct teaching *t, const struct siphash_key *secret, const int64_t *unix_time,
                   const struct unpack *unpack) {
    memset(t, 0, offsetof(struct teaching, bytes));
    t->secret = *secret;
    t->unix_time = unix_time;
    visit_init(&t->visits, secret);
    lineage_init(&t->lineage);
    lesson_pool_init(&t->lessons, TEACHING_STUDIES, unpack);
    share_init(&t->pages, TEACHING_OWN, TEACHING_ALL);
    share_init(&t->assets, TEACHING_ASSETS_OWN, TEACHING_ASSETS);
    share_loans_init(&t->held, TEACHING_STUDIES_HELD);
    t->told = calloc(TEACHING_TOLD, sizeof *t->told);
    t->routes = calloc(TEACHING_ROUTES, sizeof *t->routes);
    if (t->told == NULL || t->routes == NULL) {
        abort();
    }
}

void teaching_fini(struct teaching *t) {
    study_free_all(t);
    visit_fini(&t->visits);
    lineage_fini(&t->lineage);
    lesson_pool_fini(&t->lessons);
    free(t->told);
    free(t->routes);
    t->told = NULL;
    t->routes = NULL;
}

size_t teaching_next_visit(struct teaching *t, uint64_t now_us, bool all) {
    return visit_next(&t->visits, t->bytes, now_us, all);
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

static void read_sign(struct teaching_signs *signs, const struct pair *f, bool *is_document) {
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

static uint64_t client_of(const struct exchange *x) {
    return audience_client(&x->conf->teaching->secret, x->from, &x->request->fields);
}

// A fetch of a visit: by a browser, which says what for and for which page.
static void note_fetch(struct exchange *x) {
    const struct teaching_signs *signs = &x->signs;
    struct visit_table *visits = &x->conf->teaching->visits;
    if (signs->as == HINT_AS_NONE || signs->referer.n == 0 || signs->has_range ||
        (x->site->policy.learn & LEARNER_REQUEST) == 0 || !visit_is_awaiting(visits)) {
        return;
    }
    struct visit_asset asset = {.client = client_of(x),
                                .referer = signs->referer,
                                .scheme = x->request->scheme,
                                .authority = x->request->authority,
                                .target = x->request->target,
                                .as = signs->as,
                                .is_marked = signs->is_marked,
                                .has_client_hints = signs->has_client_hints};
    x->fetch = visit_fetch(visits, &asset, x->now_us);
}

void teaching_request(struct exchange *x) {
    bool is_document = false;
    for (size_t i = 0; i < x->request->fields.n; i++) {
        read_sign(&x->signs, &x->request->fields.v[i], &is_document);
    }
    x->signs.is_navigation = x->signs.is_navigation && is_document;
    if (x->signs.as == HINT_AS_FETCH && (!x->signs.is_cors || x->signs.referer.n == 0)) {
        x->signs.as =
            HINT_AS_NONE; // a beacon and the like: not fetch() or XMLHttpRequest of a page
    }
    x->is_get = span_eq(x->request->method, SPAN("GET"));
    if (x->is_get && x->is_named && !x->is_pushed && x->conf->teaching != NULL) {
        note_fetch(x);
    }
}

// ---- a navigation -------------------------------------------------------------------------------

uint64_t teaching_network(const struct exchange *x) {
    return audience_network(&x->conf->teaching->secret, x->from);
}

static struct recipient_sight sight_of(struct exchange *x, const struct response *response) {
    struct teaching *t = x->conf->teaching;
    return (struct recipient_sight){.secret = &t->secret,
                                    .lineage = &t->lineage,
                                    .audience = hinting_audience(x),
                                    .asked = &x->request->fields,
                                    .response = response,
                                    .network = teaching_network(x)};
}

struct recipient teaching_recipient(struct exchange *x, const struct response *response) {
    struct recipient_sight sight = sight_of(x, response);
    return recipient_of(&sight);
}

uint32_t teaching_second(const struct exchange *x) {
    return (uint32_t)*x->conf->teaching->unix_time;
}

uint64_t teaching_unix_ms(const struct exchange *x) {
    return (uint64_t)*x->conf->teaching->unix_time * 1000;
}

void teaching_open(struct exchange *x) {
    struct span key = hinting_key(x);
    if (x->conf->teaching == NULL || key.n == 0 || !x->is_clean || !x->signs.is_navigation ||
        (x->site->policy.learn & LEARNER_REQUEST) == 0) {
        return;
    }
    struct visit_page page = {.client = client_of(x),
                              .scheme = x->request->scheme,
                              .authority = x->request->authority,
                              .target = x->request->target,
                              .key = key,
                              .has_client_hints = x->signs.has_client_hints,
                              .network = teaching_network(x),
                              .at_ms = teaching_unix_ms(x)};
    x->visit = visit_open(&x->conf->teaching->visits, &page, x->now_us);
}

// ---- the response -------------------------------------------------------------------------------

void teaching_tell(struct exchange *x, struct span evidence) {
    exchange_command(x, COMMAND_LEARN)->body = evidence;
}

void teaching_head(struct exchange *x, const struct response *response) {
    if (x->conf->teaching == NULL) {
        return;
    }
    if (x->is_named && x->site->policy.learn != 0) {
        struct recipient_sight sight = sight_of(x, response);
        recipient_note(&sight);
    }
    x->is_fetch_good = x->fetch.place != 0 && teaching_is_asset(x, response);
    bool may_teach = x->is_get && x->is_named && !x->is_pushed && x->site->policy.learn != 0 &&
                     x->request->body_len == 0;
    if (may_teach && !x->signs.has_range && !x->signs.is_navigation) {
        teaching_asset(x, response);
    }
    if (may_teach && x->study == NULL && x->route.kind == ROUTE_SCRIPT && !x->is_sendfile) {
        teaching_page(x, response);
    } else {
        visit_drop(&x->conf->teaching->visits, x->visit);
    }
}

void teaching_body(struct exchange *x, struct span body) {
    if (x->study != NULL && x->study->lesson != NULL && !lesson_is_done(x->study->lesson)) {
        lesson_feed(x->study->lesson, body);
    }
}

void teaching_end(struct exchange *x) {
    if (x->study != NULL) {
        if (x->study->lesson != NULL) {
            lesson_end(x->study->lesson);
        }
        study_end(x);
    }
}

void teaching_sent(struct exchange *x) {
    if (x->fetch.place != 0) {
        visit_fetched(&x->conf->teaching->visits, x->fetch, x->is_fetch_good, x->now_us);
    }
}

void teaching_leave(struct exchange *x) {
    if (x->conf->teaching == NULL) {
        return;
    }
    study_drop(x);
    if (x->state != EXCHANGE_DONE) {
        visit_drop(&x->conf->teaching->visits, x->visit);
    }
}
