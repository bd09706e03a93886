// SPDX-License-Identifier: MIT
#include "sim/learning_run.h"

#include <assert.h>
#include <stdlib.h>

#define REGULARS 200      // visitors that come again
#define NETWORKS 400      // of the others
#define AGENTS 40         // browsers in their languages; a few are most of them
#define ERROR_BYTES 30000 // what the application answers for a missing file
#define RIGHTS_MAX 65536
#define ENOUGH_VIEWS 8 // without the right set: it never came

// A chance below n that belongs to this navigation and purpose.
static uint64_t chance(const struct run *run, uint64_t purpose, uint64_t n) {
    return site_mix(site_mix(run->seed, run->nth), purpose) % n;
}

static void close_track(struct run *run, struct run_track *track) {
    if (!track->is_right && track->counted >= ENOUGH_VIEWS && run->rights_n < RIGHTS_MAX) {
        run->rights[run->rights_n++] = RUN_NEVER;
    }
    *track = (struct run_track){0};
}

void run_renew(struct run *run, unsigned page) {
    close_track(run, &run->tracks[page]);
}

void run_renew_all(struct run *run) {
    for (unsigned page = 0; page < SITE_PAGES; page++) {
        run_renew(run, page);
    }
}

// Few pages get most of the visits; the order mixes the kinds, the front page comes first.
static unsigned choose_page(const struct run *run) {
    const struct scenario *scenario = run->scenario;
    if (chance(run, 1, 100) < scenario->landing_share) {
        return 291 + (unsigned)chance(run, 2, SITE_PAGES - 291);
    }
    double u = (double)chance(run, 3, 1 << 20) / (1 << 20);
    unsigned page = (unsigned)(SITE_PAGES * u * u * u) * 127 % SITE_PAGES;
    bool is_late = run->nth >= scenario->measured_from;
    while (scenario->keeps_unseen && (page * 7 % 10 < 3) != is_late) {
        page = (page + 1) % SITE_PAGES;
    }
    return page;
}

// Where the visitor keeps what it fetched; an empty one for who comes once.
static struct run_cache *choose_visitor(const struct run *run, struct model_visit *visit) {
    uint64_t regular = chance(run, 10, REGULARS);
    bool comes_again = chance(run, 11, 100) < 35;
    uint64_t id = comes_again ? regular : 100000 + run->nth;
    visit->network = site_mix(7, comes_again ? regular : 1000 + chance(run, 12, NETWORKS));
    double common = (double)(site_mix(id, 12) % 1000) / 1000;
    visit->agent = 1 + (uint64_t)(common * common * AGENTS);
    visit->reader.is_mobile = site_mix(id, 13) % 100 < 55;
    visit->reader.has_emoji = site_mix(id, 14) % 100 < 70;
    visit->reader.chance = chance(run, 15, 1 << 20);
    if (chance(run, 16, 100) < run->scenario->session_share) {
        visit->reader.user = 1 + (uint32_t)chance(run, 17, 40);
        visit->network = site_mix(8, visit->reader.user);
    }
    struct run_cache *cache = &run->caches[comes_again && !visit->reader.user ? regular : REGULARS];
    if (cache == &run->caches[REGULARS]) {
        memset(cache, 0, sizeof *cache);
    }
    return cache;
}

// Takes it into the cache; whether it had to be fetched for that.
static bool fetch(const struct run *run, struct run_cache *cache, uint16_t url) {
    uint8_t bit = (uint8_t)(1 << url % 8), *byte = &cache->bits[url / 8];
    bool is_missing = !(*byte & bit);
    if (!run->site.urls[url].is_dead) {
        *byte |= bit;
    }
    return is_missing;
}

static const struct site_use *use_of(const struct site_view *view, uint16_t url) {
    for (size_t i = 0; i < view->n; i++) {
        if (view->uses[i].url == url && view->uses[i].flags & USE_FETCHED) {
            return &view->uses[i];
        }
    }
    return NULL;
}

static bool has(const uint16_t *urls, size_t n, uint16_t url) {
    for (size_t i = 0; i < n; i++) {
        if (urls[i] == url) {
            return true;
        }
    }
    return false;
}

// What the hints were worth to this visitor. Whether they were right: all that blocks, nothing else
// than what is needed.
static bool judge(struct run *run, const struct model_visit *visit, const uint16_t *hints,
                  size_t n) {
    bool is_right = true, counts = run->counts;
    for (size_t i = 0; i < n; i++) {
        uint32_t owner = run->site.urls[hints[i]].owner;
        bool is_useful = use_of(visit->view, hints[i]) != NULL;
        is_right &= is_useful;
        run->leaks += owner && owner != visit->reader.user;
        run->hinted += counts;
        run->useful += counts && is_useful;
    }
    for (size_t i = 0; i < visit->view->n; i++) {
        const struct site_use *use = &visit->view->uses[i];
        bool is_found = has(hints, n, use->url), blocks = use->flags & USE_BLOCKING;
        bool is_font = use->flags & USE_FONT && use->flags & USE_FETCHED;
        is_right &= is_found || !blocks;
        run->needed += counts && blocks;
        run->found += counts && blocks && is_found;
        run->fonts += counts && is_font;
        run->fonts_found += counts && is_font && is_found;
    }
    run->views += counts;
    return is_right;
}

static void track(struct run *run, unsigned page, bool is_right) {
    struct run_track *track = &run->tracks[page];
    if (is_right && !track->is_right && run->nth >= run->scenario->measured_from) {
        assert(run->rights_n < RIGHTS_MAX);
        run->rights[run->rights_n++] = track->views;
        track->is_right = true;
    }
    track->views++;
    track->counted += run->nth >= run->scenario->measured_from;
}

// The browser: what was hinted first, then what the page needs and the cache has not.
static void browse(struct run *run, struct model_visit *visit, struct run_cache *cache,
                   const uint16_t *hints, size_t n) {
    static struct model_fetch fetches[SITE_USES_MAX + HINT_SET_MAX];
    size_t fetched = 0;
    for (size_t i = 0; i < n && !visit->is_held; i++) {
        const struct site_url *url = &run->site.urls[hints[i]];
        if (fetch(run, cache, hints[i])) {
            fetches[fetched++] = (struct model_fetch){hints[i], true};
            bool is_waste = url->is_dead || !use_of(visit->view, hints[i]);
            run->waste += run->counts && is_waste ? url->is_dead ? ERROR_BYTES : url->bytes : 0;
        }
    }
    for (size_t i = 0; i < visit->view->n; i++) {
        const struct site_use *use = &visit->view->uses[i];
        if (use->flags & USE_FETCHED && fetch(run, cache, use->url)) {
            fetches[fetched++] = (struct model_fetch){use->url, false};
        }
    }
    visit->fetches = fetches;
    visit->fetches_n = fetched;
}

static void navigate(struct run *run) {
    uint16_t hints[HINT_SET_MAX];
    struct site_view view;
    struct model_visit visit = {.page = choose_page(run),
                                .query = "",
                                .now_ms = run->now_ms,
                                .is_private = run->scenario->is_private,
                                .view = &view};
    struct run_cache *cache = choose_visitor(run, &visit);
    run->counts = run->nth >= run->scenario->measured_from &&
                  !(run->scenario->is_first_views && run->tracks[visit.page].views);
    size_t n = run->model->hints(run->self, &visit, hints);
    site_view(&run->site, visit.page, &visit.reader, &view);
    visit.is_held = n && chance(run, 20, 100) < 2;
    visit.was_hinted = n && !visit.is_held;
    bool is_right = judge(run, &visit, hints, n);
    if (!visit.reader.user) {
        track(run, visit.page, is_right);
    }
    browse(run, &visit, cache, hints, n);
    run->model->learn(run->self, &visit);
}

static int by_number(const void *a, const void *b) {
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

static double share(uint64_t part, uint64_t whole, double otherwise) {
    return whole ? (double)part / (double)whole : otherwise;
}

static struct result sum_up(struct run *run) {
    run_renew_all(run);
    qsort(run->rights, run->rights_n, sizeof run->rights[0], by_number);
    size_t n = run->rights_n;
    return (struct result){.right_half = n ? run->rights[n / 2] : RUN_NEVER,
                           .right_most = n ? run->rights[n * 9 / 10] : RUN_NEVER,
                           .hinted = run->hinted,
                           .precision = share(run->useful, run->hinted, 1),
                           .recall = share(run->found, run->needed, 1),
                           .fonts = share(run->fonts_found, run->fonts, 1),
                           .waste = share(run->waste, run->views, 0),
                           .leaks = run->leaks};
}

struct result run_scenario(const struct scenario *scenario, const struct model *model,
                           uint64_t seed) {
    struct run *run = calloc(1, sizeof *run);
    assert(run);
    run->scenario = scenario;
    run->model = model;
    run->seed = seed;
    run->now_ms = 1790000000000;
    run->caches = calloc(REGULARS + 1, sizeof run->caches[0]);
    run->rights = calloc(RIGHTS_MAX, sizeof run->rights[0]);
    assert(run->caches && run->rights);
    site_init(&run->site);
    run->site.has_hashed_names = scenario->has_hashed_names;
    run->site.has_variants = scenario->has_variants;
    run->self = model->make(&run->site);
    for (run->nth = 0; run->nth < scenario->navigations; run->nth++) {
        run->now_ms += 1000 + chance(run, 0, 9000);
        if (scenario->before) {
            scenario->before(run);
        }
        navigate(run);
    }
    struct result result = sum_up(run);
    model->free(run->self);
    free(run->caches);
    free(run->rights);
    free(run);
    return result;
}
