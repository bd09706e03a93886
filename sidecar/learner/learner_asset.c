// SPDX-License-Identifier: MIT
// What an asset itself answered decides whether anybody is hinted it.
#include "learner/learner_inside.h"

// Answers that are about the request and not about what it asked for.
static bool is_about_request(uint16_t status) {
    static const uint16_t those[] = {304, 206, 400, 405, 406, 408, 411, 412, 413, 414,
                                     415, 416, 417, 421, 425, 426, 428, 429, 431};
    for (size_t i = 0; i < sizeof those / sizeof *those; i++) {
        if (those[i] == status) {
            return true;
        }
    }
    return status < 200;
}

static void wake(struct learner *l, struct asset_file *f, uint64_t now_ms) {
    struct asset_wait *waits = f->waits;
    f->waits = NULL; // those who still wait after being judged line up anew
    while (waits != NULL) {
        struct asset_file one = {.waits = waits};
        struct route_id id;
        asset_take_wait(&l->assets, &one, &id);
        waits = one.waits;
        struct node *node = learner_node_by_id(l, id);
        if (node != NULL) {
            learner_decide(l, node, now_ms);
        }
    }
}

// What scripts fetch is mostly no asset of any page: it has to be known as one.
static struct asset_file *file_of(struct learner *l, const struct evidence *e) {
    return e->as == HINT_AS_FETCH ? asset_find(&l->assets, e->key, e->target)
                                  : asset_put_file(&l->assets, e->key, e->target);
}

void learner_teach_asset(struct learner *l, const struct evidence *e, uint64_t now_ms) {
    bool is_usable = e->key.n > 0 && e->target.n > 0 && e->target.p[0] == '/' &&
                     e->reuse < REUSE_REASONS && !is_about_request(e->status);
    struct asset_file *f = is_usable ? file_of(l, e) : NULL;
    if (f == NULL) {
        l->stats.ignored++;
        return;
    }
    bool varied = asset_varies_origin(f);
    enum offer_asset_state state = e->status != 200       ? OFFER_ASSET_DEAD
                                   : e->reuse == REUSE_OK ? OFFER_ASSET_REUSABLE
                                                          : OFFER_ASSET_NOT_REUSABLE;
    if (e->status == 200) {
        f->bytes = e->bytes > 0 ? e->bytes : f->bytes;
        f->lifetime_s = e->lifetime_s;
    }
    bool is_split = state == OFFER_ASSET_REUSABLE && (e->flags & EVIDENCE_VARIES_ORIGIN) != 0;
    enum reuse_reason reuse = is_split ? REUSE_VARY_ORIGIN : (enum reuse_reason)e->reuse;
    bool was_on_disk = f->is_on_disk;
    f->is_on_disk = e->network == 0 && e->status == 200;
    bool is_new = asset_set_state(&l->assets, f, state, reuse);
    is_new |= f->is_on_disk && !was_on_disk;
    if (!is_new && varied == is_split) {
        return;
    }
    if (state == OFFER_ASSET_REUSABLE && (is_new || !is_split)) {
        wake(l, f, now_ms);
    } else if (state == OFFER_ASSET_REUSABLE) {
        learner_judge_users(l, f, now_ms);
    } else {
        learner_take_out(l, f);
    }
}
