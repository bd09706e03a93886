// SPDX-License-Identifier: MIT
// What an asset itself answered decides whether anybody is hinted it.
#include "learner/learner_inside.h"

#define ASK_DOUBTED_MS 1000

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

// All that decides whether somebody is hinted it; never 0.
static unsigned claim_of(enum offer_asset_state state, bool varies_origin) {
    return (unsigned)state << 1 | varies_origin;
}

// That network is one of those that doubt. False: there are too few of them to be believed.
static bool is_doubt_proven(const struct learner *l, struct asset_file *f, uint16_t network) {
    unsigned at = 0, least = (learner_networks_of(l, f) + 1) / 2;
    while (at < f->doubters_n && f->doubters[at] != network) {
        at++;
    }
    if (at == f->doubters_n && at < ASSET_DOUBTERS_MAX) {
        f->doubters[f->doubters_n++] = network;
    }
    least = least < ASSET_DOUBTERS_MAX ? least : ASSET_DOUBTERS_MAX;
    return f->doubters_n >= (least > 2 ? least : 2);
}

// One network's word about what others are hinted is not enough: a firewall refuses a client, and a
// cookie of it may change what it is given. The disk is asked, and as many networks believed as are
// half of those to whose pages it is hinted. Nothing is removed by what an asset is found to be at
// first, and what was removed by one network's word comes back by another's.
static bool is_believed(struct learner *l, struct asset_file *f, const struct evidence *e,
                        unsigned claim, uint64_t now_ms) {
    unsigned known = claim_of((enum offer_asset_state)f->state, asset_varies_origin(f));
    uint16_t network = (uint16_t)((e->network * UINT64_C(0x9e3779b97f4a7c15)) >> 48);
    bool is_settled = f->state == OFFER_ASSET_REUSABLE || f->is_proven;
    bool is_doubt = e->network != 0 && known != claim;
    f->doubters_n = is_doubt && f->doubt == claim ? f->doubters_n : 0;
    bool is_enough = is_doubt && is_doubt_proven(l, f, network);
    if (is_doubt && is_settled && !is_enough) {
        f->doubt = (uint8_t)claim;
        asset_ask(&l->assets, f, now_ms, ASK_DOUBTED_MS);
        return false;
    }
    f->doubt = 0;
    if (e->network == 0 || known != claim) {
        f->is_proven =
            claim != claim_of(OFFER_ASSET_REUSABLE, false) && (e->network == 0 || is_enough);
    }
    return true;
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

void learner_put_asset(struct learner *l, const struct evidence *e, uint64_t now_ms) {
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
    bool is_for_one = (e->flags & EVIDENCE_SESSION) != 0;
    if (is_for_one && (state != OFFER_ASSET_REUSABLE || f->state != OFFER_ASSET_NONE)) {
        return; // what a session is given says nothing about others
    }
    bool is_split = state == OFFER_ASSET_REUSABLE && (e->flags & EVIDENCE_VARIES_ORIGIN) != 0;
    enum reuse_reason reuse = is_split ? REUSE_VARY_ORIGIN : (enum reuse_reason)e->reuse;
    if (!is_believed(l, f, e, claim_of(state, is_split), now_ms)) {
        return;
    }
    if (e->status == 200) {
        f->bytes = e->bytes > 0 ? e->bytes : f->bytes;
        f->lifetime_s = e->lifetime_s;
    }
    bool was_on_disk = f->is_on_disk;
    f->is_on_disk = e->network == 0 ? e->status == 200 : f->is_on_disk;
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
