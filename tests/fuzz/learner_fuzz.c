// SPDX-License-Identifier: MIT
// A small learner is taught by bytes: each few of them are one piece of evidence about few pages
// and assets. Whatever comes, it stays within its bounds; plans hold only assets that answered as
// reusable; what only sessions or few private views had is in no public plan.
#include "learner/evidence.h"
#include "learner/learner.h"
#include "learner/learner_record.h"

#include <stdio.h>
#include <stdlib.h>

#define ASSETS 12
#define PAGES 6
#define ROUTES_MAX 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct learner_conf conf = {
    .max_routes = ROUTES_MAX, .max_assets = 10, .max_bytes = 1 << 20, .secret = {3, 4}};

// What the oracle knows.
struct world {
    struct learner *l;
    uint64_t now_ms;
    bool is_reusable[ASSETS];
    unsigned public_networks[ASSETS]; // bits: networks that had it in public evidence
    bool is_open[ASSETS];             // somebody had it publicly and not privately
};

static void need(bool holds) {
    if (!holds) {
        abort();
    }
}

static const char *asset_path(unsigned i) {
    static char path[ASSETS][32];
    static const char *const suffixes[] = {"css", "js", "woff2"};
    snprintf(path[i], sizeof path[i], "/a%u.%s", i, suffixes[i % 3]);
    return path[i];
}

static int asset_of(struct span target) {
    for (unsigned i = 0; i < ASSETS; i++) {
        if (span_eq(target, span_str(asset_path(i)))) {
            return (int)i;
        }
    }
    return -1;
}

static struct span key_of(unsigned page, bool is_session) {
    static uint8_t out[ROUTE_KEY_MAX];
    static const char *const paths[PAGES] = {"/", "/x/a", "/x/b", "/x/c", "/x/d", "/y"};
    struct route_parts parts = {
        .site = SPAN("s"), .path = span_str(paths[page % PAGES]), .is_session = is_session};
    bool is_clean;
    return route_key(out, &parts, &is_clean);
}

static void put(struct world *w, struct evidence_writer *writer, uint8_t *bytes) {
    struct evidence e;
    need(evidence_decode(&e, span_of(bytes, evidence_end(writer))));
    learner_put(w->l, &e, w->now_ms);
}

static void put_page(struct world *w, uint8_t a, uint8_t b, uint16_t mask) {
    static uint8_t bytes[EVIDENCE_MAX];
    struct evidence_writer writer;
    unsigned network = b & 7;
    bool is_session = a >> 3 & 1, is_private = a >> 4 & 1, is_visit = a >> 5 & 1;
    struct evidence e = {.kind = is_visit ? EVIDENCE_VISIT : EVIDENCE_PAGE,
                         .flags = (uint8_t)((is_session ? EVIDENCE_SESSION : 0) |
                                            (is_private && !is_visit ? EVIDENCE_PRIVATE : 0)),
                         .status = (b >> 3) == 31 ? 404 : 200,
                         .at_ms = w->now_ms,
                         .who = is_session ? 100u + (b >> 3) : network,
                         .network = network,
                         .user = is_session ? 101u + 2u * (b >> 3) : 2u + (b >> 5),
                         .think_us = (uint32_t)b << 10,
                         .key = key_of(a & 7, is_session),
                         .scheme = SPAN("https"),
                         .authority = SPAN("s"),
                         .target = SPAN("/page")};
    need(evidence_begin(&writer, &e, bytes, sizeof bytes));
    for (unsigned i = 0; i < ASSETS && e.status == 200; i++) {
        static const char *const as[] = {"style", "script", "font"};
        static const uint8_t kinds[] = {HINT_AS_STYLE, HINT_AS_SCRIPT, HINT_AS_FONT};
        char text[64];
        if (!(mask >> i & 1)) {
            continue;
        }
        snprintf(text, sizeof text, "<%s>; rel=preload; as=%s", asset_path(i), as[i % 3]);
        struct evidence_item item = {.kind = EVIDENCE_HTML, .text = span_str(text)};
        if (is_visit) {
            item = (struct evidence_item){.kind = EVIDENCE_FETCH,
                                          .flags = EVIDENCE_ANSWERED,
                                          .as = kinds[i % 3],
                                          .text = span_str(asset_path(i))};
        }
        evidence_put(&writer, &item);
        w->public_networks[i] |= is_session ? 0 : 1u << network;
        w->is_open[i] |= !is_session && !is_private && !is_visit;
    }
    put(w, &writer, bytes);
}

static void put_asset(struct world *w, uint8_t a, uint8_t b) {
    static uint8_t bytes[EVIDENCE_MAX];
    struct evidence_writer writer;
    unsigned i = a % ASSETS;
    struct evidence e = {.kind = EVIDENCE_ASSET,
                         .status = b & 1 ? 404 : 200,
                         .at_ms = w->now_ms,
                         .key = SPAN("s"),
                         .reuse = b & 2 ? REUSE_NO_STORE : REUSE_OK,
                         .lifetime_s = 60,
                         .scheme = SPAN("https"),
                         .authority = SPAN("s"),
                         .target = span_str(asset_path(i))};
    need(evidence_begin(&writer, &e, bytes, sizeof bytes));
    w->is_reusable[i] = e.status == 200 && e.reuse == REUSE_OK;
    put(w, &writer, bytes);
}

static void put_sheet(struct world *w, uint8_t a, uint8_t b) {
    static uint8_t bytes[EVIDENCE_MAX];
    struct evidence_writer writer;
    struct evidence e = {.kind = EVIDENCE_SHEET,
                         .status = 200,
                         .at_ms = w->now_ms,
                         .key = SPAN("s"),
                         .scheme = SPAN("https"),
                         .authority = SPAN("s"),
                         .target = span_str(asset_path(a % 4 * 3))};
    need(evidence_begin(&writer, &e, bytes, sizeof bytes));
    for (unsigned i = 0; i < 4; i++) {
        if (b >> i & 1) {
            evidence_put(&writer, &(struct evidence_item){.kind = EVIDENCE_IMPORT,
                                                          .text = span_str(asset_path(3 * i))});
            w->is_open[3 * i] = true; // a stylesheet is the same for everybody
        }
    }
    put(w, &writer, bytes);
}

static void check_plan(const struct world *w, const struct plan *plan, bool is_public) {
    need(plan->hints_n <= HINT_SET_MAX);
    for (size_t i = 0; i < plan->hints_n; i++) {
        int asset = asset_of(plan->hints[i].target);
        need(asset >= 0 && w->is_reusable[asset]);
        bool may = w->is_open[asset] || __builtin_popcount(w->public_networks[asset]) >= 3;
        need(!is_public || may);
    }
}

static void check(struct world *w) {
    struct learner_news news;
    struct learner_question question;
    struct plan *plan;
    const struct learner_stats *stats = learner_stats(w->l);
    while (learner_next(w->l, &news) == STEP_ITEM) {
        need(news.is_asset || news.offer.plan == NULL || news.offer.plan->hints_n <= 50);
    }
    while (learner_next_question(w->l, &question) == STEP_ITEM) {
        need(asset_of(question.path) >= 0);
    }
    while ((plan = learner_next_retired(w->l)) != NULL) {
        plan_free(plan);
    }
    need(stats->routes + stats->patterns <= ROUTES_MAX);
    need(stats->assets <= 10);
    size_t seen = 0;
    for (const struct learner_route *r = learner_first(w->l); r; r = learner_after(w->l, r)) {
        struct learner_hint hint;
        if (r->plan != NULL) {
            check_plan(w, r->plan, !route_key_is_session(r->key));
        }
        for (size_t i = 0; learner_hint_at(w->l, r, i, &hint); i++) {
            need(hint.need >= 0 && hint.need <= 1.001f && hint.need_low <= hint.need + 0.001f);
        }
        seen++;
    }
    need(seen == stats->routes + stats->patterns);
}

// Another learner that takes over what this one knows holds no more than this one.
static void check_records(struct world *w) {
    static struct learner_record record;
    struct learner *other = learner_new(&conf);
    while (learner_next_changed(w->l, &record) == STEP_ITEM) {
        need(record.assets_n <= RECORD_ASSETS_MAX && record.votes_n <= RECORD_VOTES_MAX);
        if (!record.is_gone) {
            learner_restore(other, &record, w->now_ms);
        }
    }
    need(learner_stats(other)->routes <= ROUTES_MAX);
    learner_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct world w = {.l = learner_new(&conf), .now_ms = 1700000000000};
    for (size_t i = 0; i + 5 <= n; i += 5) {
        const uint8_t *d = data + i;
        w.now_ms += (uint64_t)d[4] << 18;
        switch (d[0] & 7) {
        case 0:
        case 1:
            put_asset(&w, d[1], d[2]);
            break;
        case 2:
            put_sheet(&w, d[1], d[2]);
            break;
        case 3:
            if (d[1] < 64) {
                learner_tick(w.l, w.now_ms);
            } else {
                learner_forget(w.l, key_of(d[2], d[1] & 1));
            }
            break;
        default:
            put_page(&w, d[1], d[2], (uint16_t)(d[3] << 4 | d[0] >> 4));
        }
        if (d[0] & 8) {
            check(&w);
        }
    }
    check(&w);
    check_records(&w);
    learner_free(w.l);
    return 0;
}
