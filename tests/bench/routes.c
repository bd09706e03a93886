// SPDX-License-Identifier: MIT
// What a large shop costs the learner: memory a route, time a piece of evidence, and how long it
// takes until an asset that died is out of all plans. Prints one line each.
//
//     routes [routes]     1,000,000 by default
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hints/evidence.h"
#include "hints/learner.h"

#define ASSETS 2000 // of the whole shop
#define OF_PAGE 12  // of one page
#define VOTES 2     // of each page
#define PARTS 16    // in which they are taught

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

// What the process holds of its heap.
static size_t heap(void) {
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static struct evidence base(enum evidence_kind kind) {
    return (struct evidence){.kind = kind,
                             .status = 200,
                             .at_ms = 1700000000000,
                             .think_us = 150000,
                             .scheme = SPAN("https"),
                             .authority = SPAN("shop.example"),
                             .target = SPAN("/")};
}

static size_t pull(struct learner *l) {
    struct learner_news news;
    struct learner_question question;
    struct plan *plan;
    size_t n = 0;
    while (learner_next(l, &news) == STEP_ITEM) {
        n++;
    }
    while ((plan = learner_next_retired(l)) != NULL) {
        plan_free(plan);
    }
    while (learner_next_question(l, &question) == STEP_ITEM) {
    }
    return n;
}

static void put(struct learner *l, struct evidence_writer *w, uint8_t *bytes) {
    struct evidence e;
    if (!evidence_decode(&e, span_of(bytes, evidence_end(w)))) {
        abort();
    }
    learner_put(l, &e, e.at_ms);
}

static void put_asset(struct learner *l, unsigned i, uint16_t status) {
    static uint8_t bytes[EVIDENCE_MAX];
    struct evidence_writer w;
    char path[64];
    struct evidence e = base(EVIDENCE_ASSET);
    snprintf(path, sizeof path, "/assets/theme/module-%u.css?ver=6.4", i);
    e.key = SPAN("shop.example");
    e.target = span_str(path);
    e.status = status;
    e.lifetime_s = 3600;
    evidence_begin(&w, &e, bytes, sizeof bytes);
    put(l, &w, bytes);
}

// Half of a page's assets are those of all pages, the rest those of its template. The numbers of
// templates and of folders are those of a shop: a page in a category of a few thousand.
static void put_page(struct learner *l, unsigned page, unsigned network) {
    static uint8_t bytes[EVIDENCE_MAX];
    static uint8_t key[ROUTE_KEY_MAX];
    struct evidence_writer w;
    char path[96], text[128];
    bool is_clean;
    snprintf(path, sizeof path, "/catalogue/category-%u/a-product-with-a-name-%u/", page / 5000,
             page);
    struct route_parts parts = {.site = SPAN("shop.example"), .path = span_str(path)};
    struct evidence e = base(EVIDENCE_PAGE);
    e.key = route_key(key, &parts, &is_clean);
    e.target = span_str(path);
    e.who = e.network = network;
    evidence_begin(&w, &e, bytes, sizeof bytes);
    unsigned template = page / 5000 * 7919u;
    for (unsigned i = 0; i < OF_PAGE; i++) {
        unsigned asset = i < OF_PAGE / 2 ? i : (template + i * 31) % ASSETS;
        snprintf(text, sizeof text, "</assets/theme/module-%u.css?ver=6.4>; rel=preload; as=style",
                 asset);
        evidence_put(&w, &(struct evidence_item){.kind = EVIDENCE_HTML, .text = span_str(text)});
    }
    put(l, &w, bytes);
}

static double teach(struct learner *l, unsigned from, unsigned to, unsigned network) {
    double start = now_us();
    for (unsigned i = from; i < to; i++) {
        put_page(l, i, network);
        pull(l);
    }
    return now_us() - start;
}

int main(int argc, char **argv) {
    unsigned routes = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
    struct learner_conf conf = {
        .max_routes = routes + routes / 2, .max_bytes = (size_t)1 << 32, .secret = {1, 2}};
    size_t before = heap();
    struct learner *l = learner_new(&conf);
    for (unsigned i = 0; i < ASSETS; i++) {
        put_asset(l, i, 200);
    }
    // In parts, so that each page is seen again while it is on probation.
    double first = 0, again = 0;
    for (unsigned i = 0; i < PARTS; i++) {
        unsigned from = routes / PARTS * i, to = i + 1 == PARTS ? routes : routes / PARTS * (i + 1);
        first += teach(l, from, to, 1);
        for (unsigned vote = 1; vote < VOTES; vote++) {
            again += teach(l, from, to, 1 + vote) / (VOTES - 1);
        }
    }
    first /= routes;
    again /= routes;
    const struct learner_stats *stats = learner_stats(l);
    size_t bytes = heap() - before;
    printf("routes %zu, patterns %zu, plans %zu, assets %zu, evicted %llu\n", stats->routes,
           stats->patterns, stats->plans, stats->assets, (unsigned long long)stats->evicted);
    printf("%.0f bytes a route (counted: %.0f), %.1f MB in all\n",
           (double)bytes / (double)stats->routes, (double)stats->bytes / (double)stats->routes,
           (double)bytes / 1048576);
    printf("%.2f us a new page, %.2f us a known one (encoding and publishing included)\n", first,
           again);
    double start = now_us();
    put_asset(l, 0, 404);
    double dead = now_us() - start;
    size_t news = pull(l);
    printf("%.2f ms until a dead asset is out of all plans, %.0f ms for %zu publications\n",
           dead / 1000, (now_us() - start - dead) / 1000, news);
    learner_free(l);
    return 0;
}
