// SPDX-License-Identifier: MIT
// What a large shop costs: memory a route, of the learner and of what is published together, time a
// piece of evidence and a look-up, and how long it takes until an asset that died is out of all
// plans; with a file to be made, how long the learner's thread is held up while all of it is kept
// there. Prints one line each.
//
//     routes [routes [file]]     1,000,000 by default
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "learner/evidence.h"
#include "learner/learner.h"
#include "server/persistence.h"
#include "server/publisher.h"

#define ASSETS 2000 // of the whole shop
#define OF_PAGE 12  // of one page
#define VOTES 2     // of each page
#define PARTS 16    // in which they are taught
#define DRAIN 64    // pages of one drain
#define FINDS (1u << 20)

static struct siphash_key secret = {1, 2}; // unless the store brings one
static struct publisher_worker *worker;

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
                             .at_ms = (uint64_t)time(NULL) * 1000,
                             .think_us = 150000,
                             .scheme = SPAN("https"),
                             .authority = SPAN("shop.example"),
                             .target = SPAN("/")};
}

// What the process holds of the machine's memory.
static size_t resident(void) {
    size_t all = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%zu %zu", &all, &pages) != 2) {
        abort();
    }
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void publish(struct publisher *l) {
    struct learner_question question;
    publisher_drain_all(l);
    while (learner_next_question(l->model, &question) == STEP_ITEM) {
    }
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

static struct span key_of(uint8_t *bytes, unsigned page, char *path, size_t cap) {
    bool is_clean;
    int n =
        snprintf(path, cap, "/catalogue/category-%u/a-product-with-a-name-%u/", page / 5000, page);
    struct route_parts parts = {.site = SPAN("shop.example"), .path = span_of(path, (size_t)n)};
    return route_key(bytes, &parts, &is_clean);
}

// Half of a page's assets are those of all pages, the rest those of its template. The numbers of
// templates and of folders are those of a shop: a page in a category of a few thousand.
static void put_page(struct learner *l, unsigned page, unsigned network) {
    static uint8_t bytes[EVIDENCE_MAX];
    static uint8_t key[ROUTE_KEY_MAX];
    struct evidence_writer w;
    char path[96], text[128];
    struct evidence e = base(EVIDENCE_PAGE);
    e.key = key_of(key, page, path, sizeof path);
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

static double teach(struct publisher *l, unsigned from, unsigned to, unsigned network) {
    double start = now_us();
    for (unsigned i = from; i < to; i++) {
        put_page(l->model, i, network);
        if (i % DRAIN == 0 || i + 1 == to) {
            publish(l);
        }
    }
    return now_us() - start;
}

// Nanoseconds a look-up of a route that is there, all over the table.
static void find(unsigned routes) {
    static struct route_id ids[FINDS];
    uint8_t key[ROUTE_KEY_MAX];
    char path[96];
    struct offer offer;
    unsigned found = 0;
    for (unsigned i = 0; i < FINDS; i++) {
        unsigned page = (unsigned)((uint64_t)i * 2654435761u % routes);
        ids[i] = route_key_id(&secret, key_of(key, page, path, sizeof path));
    }
    double start = now_us();
    for (unsigned i = 0; i < FINDS; i++) {
        found += publisher_find(worker, ids[i], &offer);
    }
    double each = (now_us() - start) * 1000 / FINDS;
    publisher_turn_end(worker);
    printf("%.0f ns a look-up, %.1f %% of them found\n", each, 100.0 * found / FINDS);
}

static void teach_all(struct publisher *l, unsigned routes) {
    // In parts, so that each page is seen again while it is on probation.
    double first = 0, again = 0;
    for (unsigned i = 0; i < PARTS; i++) {
        unsigned from = routes / PARTS * i, to = i + 1 == PARTS ? routes : routes / PARTS * (i + 1);
        first += teach(l, from, to, 1);
        for (unsigned vote = 1; vote < VOTES; vote++) {
            again += teach(l, from, to, 1 + vote) / (VOTES - 1);
        }
    }
    printf("%.2f us a new page, %.2f us a known one (encoding and publishing included)\n",
           first / routes, again / routes);
}

static void tell_memory(struct publisher *l, size_t before, size_t resident_before) {
    const struct learner_stats *stats = learner_stats(l->model);
    double bytes = (double)(heap() - before), routes = (double)stats->routes;
    printf("routes %zu, patterns %zu, plans %zu, assets %zu, evicted %llu; published: %llu\n",
           stats->routes, stats->patterns, stats->plans, stats->assets,
           (unsigned long long)stats->evicted, (unsigned long long)l->offers_n);
    printf("%.0f bytes a route (the learner's, counted: %.0f; published entries: %.0f)\n",
           bytes / routes, (double)stats->bytes / routes, (double)l->slab.bytes / routes);
    printf("%.1f MB allocated, %.1f MB resident in all\n", bytes / 1e6,
           (double)(resident() - resident_before) / 1e6);
}

// Looks every millisecond whether the loop still turns, until all is written.
struct watch {
    uv_timer_t timer;
    struct persistence *persistence;
    uint64_t last_us, worst_us, all;
    unsigned late; // turns of more than 50 ms
};

static void on_look(uv_timer_t *timer) {
    struct watch *w = timer->data;
    uint64_t now = loop_now_us(), gap = now - w->last_us;
    w->worst_us = gap > w->worst_us ? gap : w->worst_us;
    w->late += gap > 50000;
    w->last_us = now;
    if (w->persistence->store == NULL || w->persistence->store->stats.written >= w->all) {
        uv_timer_stop(timer);
        uv_stop(timer->loop);
    }
}

static void keep(struct publisher *l, struct persistence *k) {
    struct watch w = {.persistence = k};
    const struct learner_stats *stats = learner_stats(l->model);
    uint64_t start = loop_now_us();
    w.all = stats->routes + stats->patterns;
    w.last_us = start;
    w.timer.data = &w;
    persistence_start(k, l->loop, l->model);
    uv_timer_init(&l->loop->uv, &w.timer);
    uv_timer_start(&w.timer, on_look, 1, 1);
    uv_run(&l->loop->uv, UV_RUN_DEFAULT);
    printf("%.1f s until all is kept; the longest turn took %.0f ms, %u more than 50 ms\n",
           (double)(loop_now_us() - start) / 1e6, (double)w.worst_us / 1000, w.late);
    persistence_close(k);
    uv_close((uv_handle_t *)&w.timer, NULL);
    uv_run(&l->loop->uv, UV_RUN_NOWAIT);
}

int main(int argc, char **argv) {
    static struct loop loop;
    static struct publisher l;
    unsigned routes = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
    struct learner_conf conf = {
        .max_routes = routes + routes / 2, .max_bytes = (size_t)1 << 32, .secret = secret};
    size_t before = heap(), resident_before = resident();
    if (loop_init(&loop) != 0) {
        return 1;
    }
    static struct persistence persistence;
    struct config config = {.store_flush_ms = 1, .learner_routes = conf.max_routes};
    config.store_path = span_str(argc > 2 ? argv[2] : "");
    persistence_open(&persistence, &config, &conf);
    secret = conf.secret;
    publisher_init(&l, &loop, &conf);
    worker = publisher_add_worker(&l);
    for (unsigned i = 0; i < ASSETS; i++) {
        put_asset(l.model, i, 200);
    }
    teach_all(&l, routes);
    tell_memory(&l, before, resident_before);
    find(routes);
    double start = now_us();
    put_asset(l.model, 0, 404);
    double dead = now_us() - start;
    publish(&l);
    printf("%.2f ms until a dead asset is out of all plans, %.0f ms until all is published\n",
           dead / 1000, (now_us() - start - dead) / 1000);
    if (persistence.store != NULL) {
        keep(&l, &persistence);
    }
    publisher_close(&l);
    loop_fini(&loop);
    publisher_fini(&l);
    return 0;
}
