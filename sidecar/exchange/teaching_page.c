// SPDX-License-Identifier: MIT
#include "exchange/teaching_inside.h"

#include "exchange/exchange.h"
#include "exchange/study.h"
#include "learner/learner.h"

// ---- how often ----------------------------------------------------------------------------------

// A busy route has said within a part of a second what it has to say, and so has a busy network.
static bool may_study(struct exchange *x) {
    struct teaching *t = x->conf->teaching;
    struct siphash_key key = {t->secret.k0 ^ (uintptr_t)x->site, t->secret.k1};
    uint64_t hash = siphash(&key, x->request->path); // cheaper than the route's key
    struct share_rate *route = &t->routes[hash % TEACHING_ROUTES];
    uint32_t second = teaching_second(x);
    bool may = share_has_room(route, second, TEACHING_EACH);
    if (may) {
        uint64_t network = teaching_network(x);
        may = (share_is_modest(&t->pages, network, second) ||
               share_has_room(route, second, TEACHING_SHARE)) &&
              share_take(&t->pages, network, second);
    }
    if (may) {
        share_count(route, second);
    }
    t->spared += !may;
    return may;
}

// ---- what it says -------------------------------------------------------------------------------

static struct evidence page_of(struct exchange *x, const struct response *response) {
    uint64_t think_us = x->now_us - x->asked_us;
    struct evidence e = {.kind = EVIDENCE_PAGE,
                         .status = (uint16_t)response->status,
                         .at_ms = teaching_unix_ms(x),
                         .think_us = think_us < UINT32_MAX ? (uint32_t)think_us : UINT32_MAX,
                         .key = x->key,
                         .scheme = x->request->scheme,
                         .authority = x->request->authority,
                         .target = x->request->target};
    struct recipient recipient = teaching_recipient(x, response);
    e.flags = recipient.flags;
    e.who = recipient.who;
    e.user = recipient.user;
    e.network = teaching_network(x);
    return e;
}

static void put_policy(struct exchange *x, const struct pair *f) {
    static const struct span colon = SPAN_INIT(": ");
    size_t n = f->name.n + colon.n + f->value.n;
    uint8_t *text = arena_alloc(x->arena, n);
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
    evidence_put(&x->study->writer, &item);
}

// Its Link fields, and the fields that say what it may load.
static void put_fields(struct exchange *x, const struct response *response) {
    for (size_t i = 0; i < response->fields.n; i++) {
        const struct pair *f = &response->fields.v[i];
        if (span_eq_nocase(f->name, SPAN("link"))) {
            if ((x->site->policy.learn & LEARNER_LINK) != 0) {
                struct evidence_item item = {.kind = EVIDENCE_LINK, .text = f->value};
                evidence_put(&x->study->writer, &item);
            }
        } else if (span_eq_nocase(f->name, SPAN("content-security-policy")) ||
                   span_eq_nocase(f->name, SPAN("referrer-policy"))) {
            put_policy(x, f);
        }
    }
}

static void study_page(struct exchange *x, const struct response *response) {
    if (!study_open(x)) {
        return;
    }
    struct evidence e = page_of(x, response);
    bool is_good = evidence_begin(&x->study->writer, &e, x->study->bytes, EVIDENCE_MAX);
    if (is_good) {
        put_fields(x, response);
    }
    if (is_good && (x->site->policy.learn & LEARNER_HTML) != 0) {
        is_good = study_scan(x, response, LESSON_PAGE);
    }
    if (!is_good) {
        study_drop(x);
    }
}

// That a route which would be hinted redirects or fails.
static void tell_failure(struct exchange *x, const struct response *response) {
    struct teaching *t = x->conf->teaching;
    struct evidence_writer w;
    struct evidence e = page_of(x, response);
    if (evidence_begin(&w, &e, t->bytes, sizeof t->bytes)) {
        teaching_tell(x, span_of(t->bytes, evidence_end(&w)));
    }
}

// What a response teaches of its route. Most are no pages at all, which is seen first.
static enum teach_reason judge_page(struct exchange *x, const struct response *response) {
    bool is_page = response->status == 200 ? lesson_kind_of(&response->fields) == LESSON_PAGE &&
                                                 (!x->signs.has_mode || x->signs.is_navigation)
                                           : x->signs.is_navigation;
    if (!is_page || !may_study(x) || hinting_key(x).n == 0 || !x->is_clean) {
        return TEACH_METHOD;
    }
    return evidence_may_teach(x->request, response, hinting_is_session(x));
}

void teaching_page(struct exchange *x, const struct response *response) {
    struct visit_table *visits = &x->conf->teaching->visits;
    enum teach_reason reason = judge_page(x, response);
    if (reason == TEACH_OK) {
        struct recipient recipient = teaching_recipient(x, response);
        visit_answered(visits, x->visit, &recipient, x->now_us);
        study_page(x, response);
        return;
    }
    visit_drop(visits, x->visit);
    if (reason == TEACH_STATUS && hinting_is_known(x)) {
        tell_failure(x, response);
    }
}
