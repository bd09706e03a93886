// SPDX-License-Identifier: MIT
#include "sim/learning_bounds.h"

#include <assert.h>
#include <stdio.h>

#include "sim/learning_pupil.h"

#define ROUNDS 3 // views of each honest network
#define TRIES 12 // of each hostile one
#define STYLE "</a.css>; rel=preload; as=style"
#define SCRIPT "</a.js>; rel=preload; as=script"
#define EVIL "</evil.css>; rel=preload; as=style"
#define OLD "</v.css?ver=1>; rel=preload; as=style"
#define NEW "</v.css?ver=2>; rel=preload; as=style"

// What the hostile networks are given, and what shows that others are hinted something else.
enum aim { ADD, REMOVE, REORDER, REFUSE, REPLACE };

static const struct bound {
    const char *name;
    enum aim aim;
    const char *honest, *hostile; // paths, with the number of a page
    const char *asked;            // by somebody else
    unsigned pages;               // of each honest network
    unsigned least;               // promised where half of the networks are more
} bounds[] = {
    {"a page: add", ADD, "/page/", "/page/", "/page/", 1, 4},
    {"a page: remove", REMOVE, "/page/", "/page/", "/page/", 1, 4},
    {"a page: reorder", REORDER, "/page/", "/page/", "/page/", 1, 4},
    {"a folder: add", ADD, "/f/p-%u/", "/f/e-%u/", "/f/none/", 3, 16},
    {"a folder: remove", REMOVE, "/f/p-%u/", "/f/e-%u/", "/f/none/", 3, 16},
    {"a site: add", ADD, "/p-%u/x/", "/e-%u/x/", "/none/", 3, 16},
    {"a site: remove", REMOVE, "/p-%u/x/", "/e-%u/x/", "/none/", 3, 16},
    {"an asset: refused", REFUSE, "/page/", "/page/", "/page/", 1, 6},
    {"an asset: another version", REPLACE, "/page/", "/page/", "/page/", 1, 2},
};
#define BOUNDS (sizeof bounds / sizeof *bounds)

static void view(struct pupil *p, const char *form, unsigned page, uint64_t network,
                 const char *const *links, uint8_t flags) {
    char path[64];
    struct evidence_item items[4];
    size_t n = 0;
    for (; links[n] != NULL; n++) {
        items[n] = (struct evidence_item){.kind = EVIDENCE_HTML, .text = span_str(links[n])};
        items[n].flags = n == 0 ? flags : 0;
    }
    snprintf(path, sizeof path, form, page); // NOLINT: ours
    struct pupil_visitor v = {.path = path, .query = "", .network = network};
    p->now_ms += 1000;
    pupil_page(p, &v, items, n);
}

static void play_honest(struct pupil *p, const struct bound *b, uint64_t network, unsigned round) {
    static const char *const links[] = {STYLE, SCRIPT, OLD, NULL};
    for (unsigned i = 0; i < b->pages; i++) {
        view(p, b->honest, (unsigned)network * 10 + (i + round) % b->pages, network, links, 0);
    }
}

// What the hostile networks do before they lie, and which pages they view.
enum way {
    STRANGERS,  // nothing; each its own
    REGULARS,   // they view what the honest ones view; each its own
    ACCOMPLICES // nothing; all the same, so that these are widely known
};

static void play_hostile(struct pupil *p, const struct bound *b, uint64_t network, unsigned page) {
    static const char *const more[] = {STYLE, SCRIPT, OLD, EVIL, NULL}, *const less[] = {OLD, NULL},
                             *const same[] = {STYLE, SCRIPT, OLD, NULL},
                             *const newer[] = {STYLE, SCRIPT, NEW, NULL};
    const char *const *links = b->aim == ADD       ? more
                               : b->aim == REMOVE  ? less
                               : b->aim == REPLACE ? newer
                                                   : same;
    if (b->aim == REFUSE) {
        pupil_asset_to(p, "/a.js", HINT_AS_NONE, page % 2 ? 403 : 302, network);
    } else {
        uint8_t flags = b->aim == REORDER ? EVIDENCE_BODY | EVIDENCE_LATE : 0;
        view(p, b->hostile, page, network, links, flags);
    }
}

static void offered(const struct pupil *p, const struct bound *b, char *text, size_t cap) {
    struct pupil_visitor v = {.path = b->asked, .query = "", .network = 99999};
    const struct plan *plan = pupil_plan(p, &v);
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; plan != NULL && i < plan->hints_n && n < cap; i++) {
        n += (size_t)snprintf(text + n, cap - n, "%.*s ", SPAN_ARG(plan->hints[i].target));
    }
}

// The hostile ones have what they wanted.
static bool is_reached(enum aim aim, const char *before, const char *after) {
    static const char *const honest[] = {"/a.css ", "/a.js ", "/v.css?ver=1 "};
    if (aim == ADD) {
        return strstr(after, "/evil.css ") != NULL;
    }
    for (size_t i = 0; i < sizeof honest / sizeof *honest; i++) {
        if (strstr(before, honest[i]) != NULL && strstr(after, honest[i]) == NULL) {
            return true;
        }
    }
    return aim == REORDER && strcmp(before, after) != 0;
}

// Nobody but those who are told asks what a script answers.
static bool look_up(void *self, struct span path, struct evidence *asset) {
    bool *is_asked = self;
    (void)path;
    asset->network = 1; // honest
    return !*is_asked;
}

// Whether that many change what others are hinted.
static bool is_changed(const struct bound *b, unsigned n, unsigned hostile, enum way way) {
    static char before[1024], after[1024];
    struct pupil p;
    bool is_asked = false;
    pupil_init(&p, (struct learner_conf){0});
    p.look_up = b->aim == REFUSE ? look_up : NULL;
    p.self = &is_asked;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned k = 0; k < hostile && way == REGULARS; k++) {
            play_honest(&p, b, 1000 + k, round);
        }
        for (unsigned i = 0; i < n; i++) {
            play_honest(&p, b, 1 + i, round);
        }
    }
    is_asked = true;
    offered(&p, b, before, sizeof before);
    bool is_other = false;
    for (unsigned try = 0; try < TRIES && !is_other; try++) {
        for (unsigned k = 0; k < hostile && !is_other; k++) {
            unsigned page = way == ACCOMPLICES ? (k + try) % hostile : (1000 + k) * 100 + try;
            play_hostile(&p, b, 1000 + k, page);
            offered(&p, b, after, sizeof after);
            is_other = is_reached(b->aim, before, after);
        }
    }
    pupil_fini(&p);
    return is_other;
}

// Up to `most`: then more than that.
static unsigned find_bound(const struct bound *b, unsigned n, unsigned most) {
    unsigned k = 1;
    while (k <= most && !is_changed(b, n, k, STRANGERS) && !is_changed(b, n, k, REGULARS) &&
           (b->pages == 1 || !is_changed(b, n, k, ACCOMPLICES))) {
        k++;
    }
    return k;
}

unsigned bounds_print(void) {
    static const unsigned shown[] = {1, 2, 4, 8, 16, 32};
    unsigned faults = 0;
    printf("| honest networks |");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        printf(" %u |", shown[i]);
    }
    printf("\n| --- | --: | --: | --: | --: | --: | --: |\n");
    for (size_t i = 0; i < BOUNDS; i++) {
        const struct bound *b = &bounds[i];
        printf("| %s |", b->name);
        for (unsigned n = 1, s = 0; n <= BOUNDS_MOST; n++) {
            unsigned half = (n + 1) / 2, most = n + 2;
            unsigned least = half < 2 ? 2 : half < b->least ? half : b->least;
            unsigned k = find_bound(b, n, n == shown[s] ? most : least - 1);
            if (k < least) {
                fprintf(stderr, "%s: %u of %u\n", b->name, k, n);
                faults++;
            }
            if (n == shown[s]) {
                printf(k > most ? " > %u |" : " %u |", k > most ? most : k);
                s++;
            }
        }
        printf("\n");
    }
    return faults;
}
