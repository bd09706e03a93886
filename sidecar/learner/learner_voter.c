// SPDX-License-Identifier: MIT
// Whose vote a piece of evidence is: from where, as whom, and whether it may vote now.
#include "learner/learner_inside.h"

#define SPREAD_MOST 4 // networks: of those that know a page, so many count

uint32_t learner_from(const struct learner *l, const struct evidence *e) {
    uint64_t page = route_key_id(&l->conf.secret, e->key).a;
    uint64_t network = e->network * UINT64_C(0x9e3779b97f4a7c15); // it need not be a hash
    uint16_t from = (uint16_t)(network >> 48 & 0xfffe) | ((e->flags & EVIDENCE_INSIDE) != 0);
    return (uint32_t)from << 16 | (uint16_t)(page >> 48);
}

uint64_t learner_voter(const struct learner *l, const struct node *node, const struct evidence *e) {
    bool is_page = node->is_pattern && !node->is_session;
    return is_page ? route_key_id(&l->conf.secret, e->key).a : e->who;
}

// What everybody could have been given is the network's; what was meant for one is that user's. A
// page of its own is nobody's who had no credentials to show, since all that tells them apart is
// where they are. The pages of a pattern may be known to one user only, whose program may tell.
static uint32_t user_of(const struct node *node, const struct evidence *e) {
    bool is_his = (e->flags & EVIDENCE_SESSION) != 0 ||
                  ((e->flags & EVIDENCE_PRIVATE) != 0 &&
                   ((e->flags & EVIDENCE_NAMED) != 0 || node->is_pattern));
    uint64_t user = is_his ? e->user : e->network;
    enum vote_kind kind = !is_his                            ? VOTE_NETWORK
                          : (e->user & RECIPIENT_NAMED) != 0 ? VOTE_NAMED
                                                             : VOTE_OTHER;
    uint32_t hash = (uint32_t)(user * UINT64_C(0x9e3779b97f4a7c15) >> 32);
    return user != 0 ? vote_user(hash, kind) : 0;
}

struct vote *learner_admit(struct learner *l, struct node *node, const struct evidence *e) {
    uint64_t voter = learner_voter(l, node, e);
    uint32_t from = learner_from_below(l, node, e), user = user_of(node, e);
    const struct vote *old = ballot_find(&node->ballot, voter);
    bool is_private = (e->flags & (EVIDENCE_SESSION | EVIDENCE_PRIVATE)) != 0;
    // Of two users one must not be taken for the other, nor where he is for where he was, or what
    // one of them was given would be known of two, or in two networks.
    bool is_other = old != NULL && (old->has_page || old->has_visit) &&
                    (old->user != user || old->network != from >> 16) &&
                    (old->is_private || is_private);
    bool is_late = is_other && e->kind == EVIDENCE_VISIT && old->has_page;
    if (is_late || (node->is_pattern && !ballot_may_put(&node->ballot, voter, from))) {
        return NULL;
    }
    struct vote *vote = learner_vote(l, node, voter, from);
    if (is_other) {
        vote->has_page = vote->has_visit = false;
        vote->html = vote->fetched = vote->testable = 0;
    }
    vote->is_private = vote->has_page ? vote->is_private : is_private;
    vote->user = user;
    const struct node *page = node->is_pattern ? learner_node(l, e->key) : NULL;
    vote->spread = page != NULL ? (uint8_t)ballot_networks(&page->ballot, SPREAD_MOST) : 0;
    return vote;
}

bool learner_is_only_network(const struct node *node, uint16_t network) {
    for (unsigned i = 0; i < node->ballot.n; i++) {
        if (node->ballot.v[i].network != network) {
            return false;
        }
    }
    return true;
}
