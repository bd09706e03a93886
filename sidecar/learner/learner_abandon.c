// SPDX-License-Identifier: MIT
// A site that gets a new theme stops using files that no version replaces. Each route would need
// views from several networks to notice; the site's pattern sees them all and notices first. What
// nearly all pages had, none of the newest pages of several networks has, and some of these had
// themselves, is abandoned: it goes out of all plans at once, and votes that had it no longer
// count, so that one view is enough to learn a route's new look. The first page that has it again
// ends that, for a day at least.
#include "learner/learner_inside.h"

#define NEWEST_VOTES 6
#define NEWEST_NETWORKS 4 // one of them may be anybody's
#define OLDER_VOTES 3
#define LOST_PAGES 3 // of the newest: that had it before
#define KEEP_MS ((uint64_t)24 * 3600 * 1000)

// How many of the newest votes, each of another page, it takes until they come from enough
// networks; 0: there are not as many.
static unsigned count_newest(const struct ballot *b) {
    unsigned networks = 0;
    for (unsigned n = 1; n <= b->n; n++) {
        const struct vote *v = &b->v[b->n - n];
        bool is_network = true;
        for (unsigned i = b->n - n + 1; i < b->n; i++) {
            is_network &= b->v[i].network != v->network;
        }
        networks += is_network;
        if (n >= NEWEST_VOTES && networks >= NEWEST_NETWORKS) {
            return n;
        }
    }
    return 0;
}

// Nearly all of the first n votes have it.
static bool is_everywhere(const struct ballot *b, unsigned n, unsigned bit) {
    unsigned yes = 0;
    for (unsigned i = 0; i < n; i++) {
        yes += b->v[i].html >> bit & 1;
    }
    return n >= OLDER_VOTES && 4 * yes >= 3 * n;
}

// A page that somebody else had been given with it.
static bool has_lost(const struct learner *l, uint64_t page, const struct asset_file *f) {
    const struct node *node = l->buckets[page & l->mask];
    while (node != NULL && node->id.a != page) {
        node = node->chain;
    }
    int at = node != NULL ? learner_slot_of_file(l, node, f) : -1;
    for (unsigned i = 0; at >= 0 && i < node->ballot.n; i++) {
        if (node->ballot.v[i].html >> at & 1) {
            return true;
        }
    }
    return false;
}

static bool is_lost(const struct learner *l, const struct ballot *b, unsigned older,
                    const struct asset_file *f) {
    unsigned lost = 0;
    for (unsigned i = older; i < b->n; i++) {
        lost += has_lost(l, b->v[i].voter, f);
    }
    return lost >= LOST_PAGES;
}

void learner_abandon(struct learner *l, const struct node *site, uint64_t now_ms) {
    const struct ballot *b = &site->ballot;
    unsigned newest = count_newest(b), older = b->n - newest;
    uint64_t used = 0;
    for (unsigned i = older; i < b->n; i++) {
        used |= b->v[i].html;
    }
    for (unsigned i = 0; newest > 0 && i < site->slots_n; i++) {
        struct asset_file *f = asset_at(&l->assets, site->slots[i].number)->file;
        if (!(used >> i & 1) && is_everywhere(b, older, i) && !site->slots[i].is_conditional &&
            !f->is_abandoned && f->newer == NULL && now_ms >= f->keep_until_ms &&
            is_lost(l, b, older, f)) {
            f->is_abandoned = true;
            learner_take_out(l, f);
        }
    }
}

void learner_use_again(struct asset_file *f, uint64_t now_ms) {
    if (f->is_abandoned) {
        f->is_abandoned = false;
        f->keep_until_ms = now_ms + KEEP_MS;
    }
}

void learner_pass_over(const struct learner *l, const struct node *node, struct ballot_view *view) {
    uint64_t abandoned = 0;
    for (unsigned i = 0; i < node->slots_n; i++) {
        const struct asset *a = asset_at(&l->assets, node->slots[i].number);
        bool is_gone = a->file->is_abandoned && !node->slots[i].is_conditional;
        abandoned |= is_gone ? UINT64_C(1) << i : 0;
    }
    for (unsigned i = 0; abandoned != 0 && i < node->ballot.n; i++) {
        view->weight[i] = node->ballot.v[i].html & abandoned ? 0 : view->weight[i];
    }
}
