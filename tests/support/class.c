// SPDX-License-Identifier: MIT
#include "support/class.h"

#include <stdio.h>
#include <stdlib.h>

#include "learner/route_chain.h"

static const struct siphash_key secret = {1, 2};

static const struct span query_keys[] = {SPAN_INIT("p"), SPAN_INIT("s=*")};

void class_init(struct class *c, const struct learner_conf *conf) {
    struct learner_conf own = conf != NULL ? *conf : (struct learner_conf){.max_routes = 0};
    own.secret = secret;
    *c = (struct class){.now_ms = UINT64_C(1700000000000), .status = 200, .think_us = 100000};
    c->l = learner_new(&own);
}

void class_fini(struct class *c) {
    class_settle(c);
    learner_free(c->l);
}

struct span class_key(struct class *c, const char *path) {
    static uint8_t out[ROUTE_KEY_MAX];
    bool is_clean;
    struct span whole = span_str(path);
    size_t mark = span_index(whole, '?');
    if (span_index(whole, '*') < whole.n) {
        return route_key_read(out, SPAN("site.example"), c->session != 0, whole);
    }
    struct route_parts parts = {.site = SPAN("site.example"),
                                .path = span_first(whole, mark),
                                .query = span_skip(whole, mark + 1),
                                .is_session = c->session != 0,
                                .query_keys = query_keys,
                                .query_keys_n = 2};
    return route_key(out, &parts, &is_clean);
}

// ---- evidence -----------------------------------------------------------------------------------

static struct evidence start(struct class *c, enum evidence_kind kind, const char *path,
                             unsigned network) {
    static const unsigned of_pages =
        EVIDENCE_CUT | EVIDENCE_PRIVATE | EVIDENCE_NAMED | EVIDENCE_INSIDE;
    static const unsigned of_visits = EVIDENCE_HINTED | EVIDENCE_HELD;
    return (struct evidence){
        .kind = kind,
        .flags = (uint8_t)((c->flags & (kind == EVIDENCE_PAGE ? of_pages : of_visits)) |
                           (c->session ? EVIDENCE_SESSION : 0)),
        .status = c->status,
        .at_ms = c->now_ms,
        .who = c->session ? c->session : network,
        .network = network,
        .user = c->user != 0 ? c->user
                             : 2 * (c->session != 0 ? c->session : network) + (c->session != 0),
        .think_us = c->think_us,
        .critical_us = c->critical_us,
        .key = class_key(c, path),
        .scheme = SPAN("https"),
        .authority = c->authority != NULL ? span_str(c->authority) : SPAN("site.example"),
        .target = span_str(path),
    };
}

static void put(struct class *c, struct evidence_writer *w, uint8_t *bytes) {
    struct evidence e;
    size_t n = evidence_end(w);
    if (!evidence_decode(&e, span_of(bytes, n))) {
        abort();
    }
    learner_put(c->l, &e, c->now_ms);
    memset(bytes, 0xee, n); // nothing of it may be kept
    class_settle(c);
}

static const char *attributes(struct span word) {
    static const struct {
        const char *suffix, *text;
    } rows[] = {
        {".css", "rel=preload; as=style"},
        {".mjs", "rel=modulepreload"},
        {".js", "rel=preload; as=script"},
        {".woff2", "rel=preload; as=font; crossorigin"},
        {".jpg", "rel=preload; as=image; fetchpriority=high"},
    };
    struct span path = span_first(word, span_index(word, '?'));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (span_has_suffix(path, span_str(rows[i].suffix))) {
            return rows[i].text;
        }
    }
    return "rel=preconnect";
}

static void put_link(struct evidence_writer *w, struct span word) {
    char text[4096];
    struct evidence_item item = {.kind = EVIDENCE_HTML};
    for (; word.n > 0 && memchr("@=?", word.p[0], 3) != NULL; word = span_skip(word, 1)) {
        item.flags |= word.p[0] == '@' ? EVIDENCE_BODY : 0;
        item.flags |= word.p[0] == '?' ? EVIDENCE_CONDITIONAL : 0;
        item.kind = word.p[0] == '=' ? EVIDENCE_LINK : item.kind;
    }
    int n = snprintf(text, sizeof text, "<%.*s>; %s", SPAN_ARG(word), attributes(word));
    item.text = span_of(text, (size_t)n);
    evidence_put(w, &item);
}

void class_page(struct class *c, const char *path, unsigned network, const char *links) {
    static uint8_t bytes[EVIDENCE_MAX];
    struct evidence e = start(c, EVIDENCE_PAGE, path, network);
    struct evidence_writer w;
    struct span rest = span_str(links), word;
    evidence_begin(&w, &e, bytes, sizeof bytes);
    while (c->status == 200 && rest.n > 0 && span_cut(&rest, ' ', &word)) {
        put_link(&w, word);
    }
    if (c->policy != NULL) {
        evidence_put(&w,
                     &(struct evidence_item){.kind = EVIDENCE_POLICY, .text = span_str(c->policy)});
    }
    put(c, &w, bytes);
}

static enum hint_as as_of(struct span word) {
    return span_has_suffix(word, SPAN(".css"))     ? HINT_AS_STYLE
           : span_has_suffix(word, SPAN(".woff2")) ? HINT_AS_FONT
           : span_has_suffix(word, SPAN(".jpg"))   ? HINT_AS_IMAGE
                                                   : HINT_AS_SCRIPT;
}

void class_visit(struct class *c, const char *path, unsigned network, const char *fetched) {
    static uint8_t bytes[EVIDENCE_MAX];
    struct evidence e = start(c, EVIDENCE_VISIT, path, network);
    struct evidence_writer w;
    struct span rest = span_str(fetched), word;
    evidence_begin(&w, &e, bytes, sizeof bytes);
    while (rest.n > 0 && span_cut(&rest, ' ', &word)) {
        bool was_hinted = word.p[0] == '!', is_import = word.p[0] == '>';
        word = span_skip(word, was_hinted || is_import);
        struct evidence_item item = {
            .kind = EVIDENCE_FETCH,
            .flags = (uint8_t)(EVIDENCE_ANSWERED | (was_hinted ? EVIDENCE_WAS_HINTED : 0)),
            .as = (uint8_t)as_of(word),
            .asked_ms = 10,
            .done_ms = 20,
            .text = word,
            .via = is_import ? SPAN("/a.css") : SPAN("")};
        evidence_put(&w, &item);
    }
    put(c, &w, bytes);
}

void class_asset(struct class *c, const char *path, unsigned status, unsigned reuse) {
    static uint8_t bytes[EVIDENCE_MAX];
    struct evidence e = start(c, EVIDENCE_ASSET, "/", 0);
    struct evidence_writer w;
    e.key = SPAN("site.example");
    e.flags = c->asset_flags;
    e.as = c->asset_as;
    e.target = span_str(path);
    e.status = (uint16_t)status;
    e.reuse = (uint8_t)reuse;
    e.lifetime_s = 3600;
    e.bytes = 10000;
    evidence_begin(&w, &e, bytes, sizeof bytes);
    put(c, &w, bytes);
}

void class_sheet(struct class *c, const char *path, const char *items) {
    static uint8_t bytes[EVIDENCE_MAX];
    struct evidence e = start(c, EVIDENCE_SHEET, "/", 0);
    struct evidence_writer w;
    struct span rest = span_str(items), word;
    e.key = SPAN("site.example");
    e.flags = 0;
    e.target = span_str(path);
    evidence_begin(&w, &e, bytes, sizeof bytes);
    while (rest.n > 0 && span_cut(&rest, ' ', &word)) {
        bool is_font = span_has_suffix(word, SPAN(".woff2"));
        evidence_put(&w, &(struct evidence_item){.kind = is_font ? EVIDENCE_FONT : EVIDENCE_IMPORT,
                                                 .text = word});
    }
    put(c, &w, bytes);
}

// ---- what comes out -----------------------------------------------------------------------------

static struct class_entry *entry(struct class *c, struct route_id id) {
    for (size_t i = 0; i < CLASS_PUBLISHED; i++) {
        struct class_entry *e = &c->published[(id.a + i) % CLASS_PUBLISHED];
        if (!e->is_used || route_id_eq(e->news.id, id)) {
            return e;
        }
    }
    abort();
}

void class_settle(struct class *c) {
    struct learner_news news;
    struct learner_question question;
    struct plan *plan;
    while (learner_next(c->l, &news) == STEP_ITEM) {
        c->news++;
        *entry(c, news.id) = (struct class_entry){news, true};
    }
    while ((plan = learner_next_retired(c->l)) != NULL) {
        plan_free(plan);
    }
    while (learner_next_question(c->l, &question) == STEP_ITEM) {
        char path[2100];
        c->questions++;
        if (!c->is_mute && question.path.n < sizeof path) {
            memcpy(path, question.path.p, question.path.n);
            path[question.path.n] = 0;
            class_asset(c, path, 200, c->reuse);
        }
    }
}

const struct offer *class_find(struct class *c, const char *path) {
    struct route_chain chain;
    struct span key;
    route_chain_init(&chain, class_key(c, path), NULL, 0);
    while (route_chain_next(&chain, &key)) {
        struct class_entry *e = entry(c, route_key_id(&secret, key));
        if (e->is_used && e->news.offer.plan != NULL) {
            return &e->news.offer;
        }
    }
    return NULL;
}

const char *class_offer(struct class *c, const char *path) {
    static char text[8192];
    const struct offer *offer = class_find(c, path);
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; offer != NULL && i < offer->plan->hints_n; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s", i ? " " : "",
                              SPAN_ARG(offer->plan->hints[i].target));
    }
    return offer != NULL ? text : "-";
}

const char *class_verdict(struct class *c, const char *path, const char *asset) {
    const struct learner_route *r = learner_find(c->l, class_key(c, path));
    struct learner_hint hint;
    for (size_t i = 0; r != NULL && learner_hint_at(c->l, r, i, &hint); i++) {
        if (span_eq(hint.hint->target, span_str(asset))) {
            return learner_verdict_label(hint.verdict);
        }
    }
    return "-";
}
