// SPDX-License-Identifier: MIT
#include "learner/share.h"

#include <assert.h>
#include <string.h>

#define TURNS 50 // places that a network has in turn, by the second: bits of its hash above them

bool share_has_room(const struct share_rate *rate, uint32_t second, uint32_t most) {
    return rate->second != second ? most > 0 : rate->n < most;
}

void share_count(struct share_rate *rate, uint32_t second) {
    if (rate->second != second) {
        *rate = (struct share_rate){second, 0};
    }
    rate->n++;
}

// ---- by the second ------------------------------------------------------------------------------

void share_init(struct share *s, uint32_t own, uint32_t most) {
    memset(s, 0, sizeof *s);
    s->own = own;
    s->most = most;
}

static uint32_t place_of(uint64_t network, uint32_t second) {
    return (uint32_t)(network >> second % TURNS) & (SHARE_NETWORKS - 1);
}

bool share_is_modest(const struct share *s, uint64_t network, uint32_t second) {
    return share_has_room(&s->networks[place_of(network, second)], second, s->own);
}

bool share_take(struct share *s, uint64_t network, uint32_t second) {
    uint32_t most = share_is_modest(s, network, second) ? s->most : s->most / 2;
    if (!share_has_room(&s->all, second, most)) {
        return false;
    }
    share_count(&s->all, second);
    share_count(&s->networks[place_of(network, second)], second);
    return true;
}

// ---- lent ---------------------------------------------------------------------------------------

void share_loans_init(struct share_loans *l, uint32_t most) {
    assert(most <= UINT16_MAX);
    memset(l, 0, sizeof *l);
    l->most = most;
}

bool share_borrow(struct share_loans *l, uint64_t network) {
    uint16_t *held = &l->networks[network & (SHARE_NETWORKS - 1)];
    if (*held >= l->most) {
        return false;
    }
    (*held)++;
    return true;
}

void share_return(struct share_loans *l, uint64_t network) {
    uint16_t *held = &l->networks[network & (SHARE_NETWORKS - 1)];
    assert(*held > 0);
    (*held)--;
}
