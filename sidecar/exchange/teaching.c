// SPDX-License-Identifier: MIT
#include "exchange/teaching.h"

#include "exchange/exchange.h"
#include "hints/audience.h"
#include "hints/learner.h"

#include <stdlib.h>

// An asset of which nothing is published is told again after so many seconds: another worker may
// have told meanwhile that it is gone, and then it is back.
#define AGAIN_S 1

struct study {
    struct study *next; // in `spare`
    struct lesson *lesson;
    struct evidence_writer writer;
    uint8_t bytes[EVIDENCE_MAX];
};

void teaching_init(struct teaching *t, const struct siphash_key *secret, const int64_t *unix_time,
                   const struct unpack *unpack) {
    memset(t, 0, offsetof(struct teaching, bytes));
    t->secret = *secret;
    t->unix_time = unix_time;
    visit_init(&t->visits, secret);
    lesson_pool_init(&t->lessons, TEACHING_STUDIES, unpack);
    t->told = calloc(TEACHING_TOLD, sizeof *t->told);
    t->routes = calloc(TEACHING_ROUTES, sizeof *t->routes);
    t->networks = calloc(TEACHING_ROUTES, sizeof *t->networks);
    if (t->told == NULL || t->routes == NULL || t->networks == NULL) {
        abort();
    }
}

void teaching_fini(struct teaching *t) {
    while (t->spare != NULL) {
        struct study *s = t->spare;
        t->spare = s->next;
        free(s);
    }
    visit_fini(&t->visits);
    lesson_pool_fini(&t->lessons);
    free(t->told);
    free(t->routes);
    free(t->networks);
    t->told = NULL;
    t->routes = NULL;
    t->networks = NULL;
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
                 {SPAN_INIT("image"), HINT_AS_IMAGE}};
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
    x->is_get = span_eq(x->request->method, SPAN("GET"));
    if (x->is_get && x->is_named && !x->is_pushed && x->conf->teaching != NULL) {
        note_fetch(x);
    }
}

// ---- a navigation -------------------------------------------------------------------------------

// For the evidence: the session, or else the network.
static void say_who(struct exchange *x, uint64_t *who, uint64_t *network) {
    *network = audience_network(&x->conf->teaching->secret, x->from);
    *who = *network;
    if (x->is_session) {
        struct audience_conf conf = {x->conf->teaching->secret, x->site->session_cookies.v,
                                     x->site->session_cookies.n};
        *who = audience_session(&conf, &x->request->fields, x->from);
    }
}

static uint64_t unix_ms(const struct exchange *x) {
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
                              .is_session = x->is_session,
                              .has_client_hints = x->signs.has_client_hints,
                              .at_ms = unix_ms(x)};
    say_who(x, &page.who, &page.network);
    x->visit = visit_open(&x->conf->teaching->visits, &page, x->now_us);
}

// ---- how often ----------------------------------------------------------------------------------

static bool is_within(struct teaching_rate *rate, uint32_t what, uint32_t second, uint32_t most) {
    if (rate->what != what || rate->second != second) {
        *rate = (struct teaching_rate){what, second, 0};
    }
    return rate->n++ < most;
}

// One network has said its part of what the route may teach in this second: others are to be heard.
static bool is_shared_out(struct exchange *x, uint64_t route, uint32_t second) {
    struct teaching *t = x->conf->teaching;
    uint64_t hash = route ^ audience_network(&t->secret, x->from);
    return !is_within(&t->networks[hash % TEACHING_ROUTES], (uint32_t)(hash >> 32), second,
                      TEACHING_SHARE);
}

// A busy route has said within a part of a second what it has to say.
static bool may_study(struct exchange *x) {
    struct teaching *t = x->conf->teaching;
    struct siphash_key key = {t->secret.k0 ^ (uintptr_t)x->site, t->secret.k1};
    uint64_t hash = siphash(&key, x->request->path); // cheaper than the route's key
    uint32_t second = (uint32_t)*t->unix_time;
    struct teaching_rate *rate = &t->routes[hash % TEACHING_ROUTES];
    uint32_t what = (uint32_t)(hash >> 32);
    bool is_busy = rate->what == what && rate->second == second && rate->n >= TEACHING_EACH;
    bool may = !is_busy && !is_shared_out(x, hash, second) &&
               is_within(rate, what, second, TEACHING_EACH) &&
               is_within(&t->all, 0, second, TEACHING_ALL);
    t->spared += !may;
    return may;
}

// ---- studies ------------------------------------------------------------------------------------

static struct study *take_study(struct teaching *t) {
    struct study *s = t->spare;
    if (s != NULL) {
        t->spare = s->next;
    } else if (t->studies == TEACHING_STUDIES) {
        t->refused++;
        return NULL;
    } else if ((s = malloc(sizeof *s)) == NULL) {
        abort();
    } else {
        t->studies++;
    }
    s->lesson = NULL;
    return s;
}

static void drop_study(struct exchange *x) {
    struct teaching *t = x->conf->teaching;
    if (x->study != NULL) {
        lesson_free(x->study->lesson);
        x->study->next = t->spare;
        t->spare = x->study;
        x->study = NULL;
    }
}

static void tell(struct exchange *x, struct span evidence) {
    exchange_command(x, COMMAND_LEARN)->body = evidence;
}

// The study is over: what it found is handed over.
static void finish_study(struct exchange *x) {
    struct teaching *t = x->conf->teaching;
    bool is_bad = x->study->lesson != NULL && lesson_is_bad(x->study->lesson);
    size_t n = evidence_end(&x->study->writer);
    if (!is_bad) {
        memcpy(t->bytes, x->study->bytes, n);
        tell(x, span_of(t->bytes, n));
    }
    drop_study(x);
}

// Starts to scan the body. False when it should be scanned and cannot be now: then what else is
// known would say that the page needs nothing of what is in it.
static bool start_lesson(struct exchange *x, const struct response *response,
                         enum lesson_kind kind) {
    struct teaching *t = x->conf->teaching;
    const struct span *coding = pairs_find(&response->fields, SPAN("content-encoding"));
    struct lesson_conf conf = {.kind = kind, .writer = &x->study->writer};
    uint64_t refused = t->lessons.refused;
    if (coding != NULL) {
        conf.content_encoding = *coding;
    }
    x->study->lesson = lesson_new(&t->lessons, &conf);
    return t->lessons.refused == refused;
}

// ---- pages --------------------------------------------------------------------------------------

static struct evidence page_of(struct exchange *x, const struct response *response) {
    uint64_t think_us = x->now_us - x->asked_us;
    struct evidence e = {.kind = EVIDENCE_PAGE,
                         .status = (uint16_t)response->status,
                         .at_ms = unix_ms(x),
                         .think_us = think_us < UINT32_MAX ? (uint32_t)think_us : UINT32_MAX,
                         .key = x->key,
                         .scheme = x->request->scheme,
                         .authority = x->request->authority,
                         .target = x->request->target};
    e.flags = (uint8_t)((x->is_session ? EVIDENCE_SESSION : 0) |
                        (evidence_is_private(response) ? EVIDENCE_PRIVATE : 0));
    say_who(x, &e.who, &e.network);
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
    bool is_good = true;
    x->study = take_study(x->conf->teaching);
    if (x->study == NULL) {
        return;
    }
    struct evidence e = page_of(x, response);
    is_good = evidence_begin(&x->study->writer, &e, x->study->bytes, EVIDENCE_MAX);
    if (is_good) {
        put_fields(x, response);
    }
    if (is_good && (x->site->policy.learn & LEARNER_HTML) != 0) {
        is_good = start_lesson(x, response, LESSON_PAGE);
    }
    if (!is_good) {
        drop_study(x);
    }
}

// That a route which would be hinted redirects or fails.
static void tell_failure(struct exchange *x, const struct response *response) {
    struct teaching *t = x->conf->teaching;
    struct evidence_writer w;
    struct evidence e = page_of(x, response);
    if (evidence_begin(&w, &e, t->bytes, sizeof t->bytes)) {
        tell(x, span_of(t->bytes, evidence_end(&w)));
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
    return evidence_may_teach(x->request, response, x->is_session);
}

static void teach_page(struct exchange *x, const struct response *response) {
    struct visit_table *visits = &x->conf->teaching->visits;
    enum teach_reason reason = judge_page(x, response);
    if (reason == TEACH_OK) {
        visit_answered(visits, x->visit, x->now_us);
        study_page(x, response);
        return;
    }
    visit_drop(visits, x->visit);
    if (reason == TEACH_STATUS && hinting_is_known(x)) {
        tell_failure(x, response);
    }
}

// ---- assets -------------------------------------------------------------------------------------

static enum hint_as as_of_type(struct span type) {
    static const struct {
        struct span word;
        enum hint_as as;
    } words[] = {{SPAN_INIT("text/css"), HINT_AS_STYLE},
                 {SPAN_INIT("text/javascript"), HINT_AS_SCRIPT},
                 {SPAN_INIT("application/javascript"), HINT_AS_SCRIPT},
                 {SPAN_INIT("application/x-javascript"), HINT_AS_SCRIPT},
                 {SPAN_INIT("application/ecmascript"), HINT_AS_SCRIPT},
                 {SPAN_INIT("application/font-woff"), HINT_AS_FONT},
                 {SPAN_INIT("application/font-woff2"), HINT_AS_FONT},
                 {SPAN_INIT("application/x-font-ttf"), HINT_AS_FONT},
                 {SPAN_INIT("application/vnd.ms-fontobject"), HINT_AS_FONT}};
    struct span essence = span_trim(span_first(type, span_index(type, ';')));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_eq_nocase(essence, words[i].word)) {
            return words[i].as;
        }
    }
    size_t slash = span_index(essence, '/');
    struct span kind = span_first(essence, slash);
    return span_eq_nocase(kind, SPAN("font"))    ? HINT_AS_FONT
           : span_eq_nocase(kind, SPAN("image")) ? HINT_AS_IMAGE
                                                 : HINT_AS_NONE;
}

static enum hint_as answered_as(const struct response *response) {
    const struct span *type = pairs_find(&response->fields, SPAN("content-type"));
    return type != NULL ? as_of_type(*type) : HINT_AS_NONE;
}

// A redirect to the same path: by another scheme or name, so it is about those.
static bool is_of_origin(const struct exchange *x, const struct response *response) {
    const struct span *location = pairs_find(&response->fields, SPAN("location"));
    size_t colon = location != NULL ? span_find(*location, SPAN("://")) : 0;
    if (location == NULL || colon == location->n) {
        return false;
    }
    struct span rest = span_skip(*location, colon + 3);
    return span_eq(span_skip(rest, span_index(rest, '/')), x->request->target);
}

// The asset is not there, for nobody: not what only this request brought about.
static bool is_gone(const struct exchange *x, const struct response *response) {
    int status = response->status;
    bool is_redirect = status >= 300 && status < 400 && status != 304;
    return (is_redirect && !is_of_origin(x, response)) || status >= 500 || status == 403 ||
           status == 404 || status == 410 || status == 451;
}

static uint32_t log2_of(uint32_t n) {
    uint32_t bits = 0;
    for (; n > 1; n >>= 1) {
        bits++;
    }
    return bits;
}

// It is not what this worker told of it last.
static bool is_news(struct exchange *x, const struct evidence *e, enum offer_asset_state known) {
    struct teaching *t = x->conf->teaching;
    uint32_t what[] = {e->status, e->reuse, e->as, log2_of(e->lifetime_s), 0};
    if (known == OFFER_ASSET_NONE) {
        what[4] = (uint32_t)(*t->unix_time / AGAIN_S);
    }
    struct siphash_key key = {t->secret.k0 ^ siphash(&t->secret, e->key), t->secret.k1};
    uint64_t path = siphash(&key, e->target);
    key.k0 ^= path;
    uint64_t hash = siphash(&key, span_of(what, sizeof what)),
             *told = &t->told[path % TEACHING_TOLD];
    bool is_new = *told != hash;
    *told = hash;
    return is_new;
}

static struct reuse judge(const struct exchange *x, const struct response *response,
                          enum hint_as as) {
    bool is_anonymous = as == HINT_AS_FONT || (as == HINT_AS_SCRIPT && x->signs.is_cors);
    struct reuse_use use = {HINT_PRELOAD, as, is_anonymous ? HINT_ANONYMOUS : HINT_NO_CORS};
    return reuse_judge(response, &use, *x->conf->teaching->unix_time);
}

// What it imports is hinted to all who are hinted the stylesheet, so it must be what all are given.
static bool is_for_all(struct exchange *x, const struct response *response) {
    return !hinting_is_session(x) && !evidence_is_private(response) &&
           evidence_may_teach(x->request, response, false) == TEACH_OK;
}

static void study_sheet(struct exchange *x, const struct response *response) {
    x->study = take_study(x->conf->teaching);
    if (x->study == NULL) {
        return;
    }
    struct evidence e = {.kind = EVIDENCE_SHEET,
                         .at_ms = unix_ms(x),
                         .key = x->site->name,
                         .scheme = x->request->scheme,
                         .authority = x->request->authority,
                         .target = x->request->target};
    if (!evidence_begin(&x->study->writer, &e, x->study->bytes, EVIDENCE_MAX) ||
        !start_lesson(x, response, LESSON_SHEET) || x->study->lesson == NULL) {
        drop_study(x);
    }
}

// A client is told apart from an asset that is known: what it answers now matters to all. What is
// not known yet may become one.
static void tell_asset(struct exchange *x, const struct response *response, enum hint_as as,
                       struct reuse reuse) {
    struct teaching *t = x->conf->teaching;
    enum offer_asset_state known = hinting_asset(x, x->request->target).state;
    bool is_good = response->status == 200;
    struct evidence e = {.kind = EVIDENCE_ASSET,
                         .status = (uint16_t)response->status,
                         .at_ms = unix_ms(x),
                         .as = (uint8_t)as,
                         .reuse = (uint8_t)reuse.reason,
                         .lifetime_s = reuse.lifetime_s,
                         .key = x->site->name,
                         .target = x->request->target};
    const struct span *len = pairs_find(&response->fields, SPAN("content-length"));
    if (len != NULL && !span_to_u64(*len, &e.bytes)) {
        e.bytes = 0;
    }
    if (!is_good && (known == OFFER_ASSET_NONE || known == OFFER_ASSET_DEAD)) {
        return;
    }
    bool is_changed = !is_good || known == OFFER_ASSET_DEAD ||
                      (known == OFFER_ASSET_REUSABLE) != (reuse.reason == REUSE_OK);
    bool is_new = is_news(x, &e, known);
    if (!is_new && (!is_changed || known == OFFER_ASSET_NONE)) {
        return;
    }
    struct evidence_writer w;
    if (evidence_begin(&w, &e, t->bytes, sizeof t->bytes)) {
        tell(x, span_of(t->bytes, evidence_end(&w)));
    }
    if (is_good && as == HINT_AS_STYLE && x->route.kind == ROUTE_SCRIPT && !x->is_sendfile &&
        (x->site->policy.learn & LEARNER_CSS) != 0 && is_for_all(x, response)) {
        study_sheet(x, response);
    }
}

// Files are looked at by the probe; of them only what a visit fetched is.
static void teach_asset(struct exchange *x, const struct response *response) {
    bool is_file = x->route.kind != ROUTE_SCRIPT || x->is_sendfile;
    if (is_gone(x, response)) {
        tell_asset(x, response, x->signs.as, (struct reuse){REUSE_STATUS, 0});
        return;
    }
    enum hint_as as = response->status == 200 ? answered_as(response) : HINT_AS_NONE;
    if (as == HINT_AS_NONE || (is_file && x->signs.as == HINT_AS_NONE)) {
        return;
    }
    struct reuse reuse = judge(x, response, as);
    if (x->seen != NULL && x->signs.as != HINT_AS_NONE && reuse.reason == REUSE_OK) {
        seen_put(x->seen, &x->conf->teaching->secret, x->request->target,
                 x->now_us / 1000 + 1000ULL * reuse.lifetime_s);
    }
    if (!is_file || x->fetch.place != 0) {
        tell_asset(x, response, as, reuse);
    }
}

// ---- the response -------------------------------------------------------------------------------

// What was fetched is an asset of the kind that it was fetched as. A 304 says nothing of its kind:
// then it has to be known as one.
static bool is_asset(const struct exchange *x, const struct response *response) {
    if (response->status == 304) {
        enum offer_asset_state state = hinting_asset(x, x->request->target).state;
        return state == OFFER_ASSET_REUSABLE || state == OFFER_ASSET_NOT_REUSABLE;
    }
    return response->status == 200 && answered_as(response) == x->signs.as;
}

void teaching_head(struct exchange *x, const struct response *response) {
    if (x->conf->teaching == NULL) {
        return;
    }
    x->is_fetch_good = x->fetch.place != 0 && is_asset(x, response);
    bool may_teach = x->is_get && x->is_named && !x->is_pushed && x->site->policy.learn != 0 &&
                     x->request->body_len == 0;
    if (may_teach && !x->signs.has_range && !x->signs.is_navigation) {
        teach_asset(x, response);
    }
    if (may_teach && x->study == NULL && x->route.kind == ROUTE_SCRIPT && !x->is_sendfile) {
        teach_page(x, response);
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
        finish_study(x);
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
    drop_study(x);
    if (x->state != EXCHANGE_DONE) {
        visit_drop(&x->conf->teaching->visits, x->visit);
    }
}
