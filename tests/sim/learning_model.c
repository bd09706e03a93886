// SPDX-License-Identifier: MIT
#include "sim/learning_model.h"

#include <assert.h>
#include <stdlib.h>

#include "sim/learning_pupil.h"

#define REFERER_MAX 16

// What a model that remembers lists knows.
struct lists {
    struct list {
        uint16_t urls[HINT_SET_MAX];
        size_t n;
    } of[SITE_PAGES];
};

static void *lists_make(struct site *site) {
    (void)site;
    struct lists *lists = calloc(1, sizeof *lists);
    assert(lists);
    return lists;
}

static size_t lists_hints(void *self, const struct model_visit *visit, uint16_t *out) {
    const struct list *list = &((struct lists *)self)->of[visit->page];
    memcpy(out, list->urls, list->n * sizeof out[0]);
    return list->n;
}

static void add(struct list *list, uint16_t url, size_t max) {
    for (size_t i = 0; i < list->n; i++) {
        if (list->urls[i] == url) {
            return;
        }
    }
    if (list->n < max) {
        list->urls[list->n++] = url;
    }
}

static void add_html(struct list *list, const struct site_view *view) {
    for (size_t i = 0; i < view->n; i++) {
        if (view->uses[i].flags & USE_HTML) {
            add(list, view->uses[i].url, HINT_SET_MAX);
        }
    }
}

static void last_learn(void *self, const struct model_visit *visit) {
    struct list *list = &((struct lists *)self)->of[visit->page];
    if (visit->view && !visit->is_private && !visit->query[0]) {
        list->n = 0;
        add_html(list, visit->view);
    }
}

static void referer_learn(void *self, const struct model_visit *visit) {
    for (size_t i = 0; i < visit->fetches_n; i++) {
        add(&((struct lists *)self)->of[visit->page], visit->fetches[i].url, REFERER_MAX);
    }
}

static void per_url_learn(void *self, const struct model_visit *visit) {
    if (visit->view) {
        add_html(&((struct lists *)self)->of[visit->page], visit->view);
    }
}

struct ours {
    struct pupil pupil;
    struct site *site;
};

static bool look_up(void *self, struct span path, struct evidence *asset) {
    const struct site *site = self;
    size_t url = site_find(site, path);
    if (url == SITE_URLS_MAX) {
        return false;
    }
    asset->status = site->urls[url].is_dead ? 404 : 200;
    asset->bytes = site->urls[url].bytes;
    return true;
}

static void *ours_make(struct site *site) {
    struct ours *ours = calloc(1, sizeof *ours);
    assert(ours);
    pupil_init(&ours->pupil, (struct learner_conf){0});
    ours->pupil.look_up = look_up;
    ours->pupil.self = ours->site = site;
    return ours;
}

static void ours_free(void *self) {
    pupil_fini(&((struct ours *)self)->pupil);
    free(self);
}

static struct pupil_visitor visitor_of(const struct model_visit *visit) {
    uint64_t session = visit->reader.user ? site_mix(visit->reader.user, 99) : 0;
    return (struct pupil_visitor){.path = site_path(visit->page),
                                  .query = visit->query,
                                  .network = visit->network,
                                  .session = session,
                                  .user = session ? session | 1 : 2 * visit->agent,
                                  .is_private = visit->is_private};
}

static size_t ours_hints(void *self, const struct model_visit *visit, uint16_t *out) {
    struct ours *ours = self;
    struct pupil_visitor visitor = visitor_of(visit);
    const struct plan *plan = pupil_plan(&ours->pupil, &visitor);
    size_t n = 0;
    for (size_t i = 0; plan && i < plan->hints_n; i++) {
        size_t url = site_find(ours->site, plan->hints[i].target);
        assert(url < SITE_URLS_MAX);
        out[n++] = (uint16_t)url;
    }
    return n;
}

// What the scanner of the document says of it.
static void put_page(struct ours *ours, const struct pupil_visitor *visitor,
                     const struct site_view *view) {
    static char text[SITE_USES_MAX][128];
    struct evidence_item items[SITE_USES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < view->n; i++) {
        const struct site_url *url = &ours->site->urls[view->uses[i].url];
        uint8_t flags = view->uses[i].flags;
        struct evidence_item *item = &items[n];
        if (flags & USE_FONT) {
            *item = (struct evidence_item){.kind = EVIDENCE_FONT, .text = span_str(url->text)};
            n++;
        } else if (flags & USE_HTML) {
            size_t len = site_link(url, text[n], sizeof text[n]);
            *item = (struct evidence_item){.kind = EVIDENCE_HTML, .text = span_of(text[n], len)};
            item->flags = (uint8_t)((flags & USE_LATE ? EVIDENCE_LATE | EVIDENCE_BODY : 0) |
                                    (flags & USE_MODULE ? EVIDENCE_LATE : 0));
            n++;
        }
    }
    pupil_page(&ours->pupil, visitor, items, n);
}

static void put_fetches(struct ours *ours, const struct pupil_visitor *visitor,
                        const struct model_visit *visit) {
    struct evidence_item items[SITE_USES_MAX + HINT_SET_MAX];
    uint8_t flags = visit->is_held ? EVIDENCE_HELD : visit->was_hinted ? EVIDENCE_HINTED : 0;
    size_t n = 0;
    for (size_t i = 0; i < visit->fetches_n; i++) {
        const struct site_url *url = &ours->site->urls[visit->fetches[i].url];
        if (url->is_dead) {
            pupil_asset(&ours->pupil, url->text, HINT_AS_NONE, 404);
            continue;
        }
        items[n] = (struct evidence_item){.kind = EVIDENCE_FETCH,
                                          .as = (uint8_t)url->as,
                                          .flags = EVIDENCE_ANSWERED,
                                          .asked_ms = 80,
                                          .done_ms = 120,
                                          .text = span_str(url->text)};
        items[n++].flags |= visit->fetches[i].was_hinted ? EVIDENCE_WAS_HINTED : 0;
    }
    pupil_visit(&ours->pupil, visitor, flags, items, n);
}

static void ours_learn(void *self, const struct model_visit *visit) {
    struct ours *ours = self;
    struct pupil_visitor visitor = visitor_of(visit);
    ours->pupil.now_ms = visit->now_ms;
    if (visit->view) {
        put_page(ours, &visitor, visit->view);
    }
    put_fetches(ours, &visitor, visit);
}

const struct model models[MODELS] = {
    {"Outrider", ours_make, ours_free, ours_hints, ours_learn},
    {"last response", lists_make, free, lists_hints, last_learn},
    {"Referer", lists_make, free, lists_hints, referer_learn},
    {"per URL", lists_make, free, lists_hints, per_url_learn},
};
