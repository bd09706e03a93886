// SPDX-License-Identifier: MIT
#include "learner/quota.h"

#include <assert.h>
#include <string.h>

#define TURNS 50 // places that a network has in turn, by the second: bits of its hash above them

bool quota_has_room(const struct quota_rate *rate, uint32_t second, uint32_t most) {
    return rate->second != second ? most > 0 : rate->n < most;
}

void quota_count(struct quota_rate *rate, uint32_t second) {
    if (rate->second != second) {
        *rate = (struct quota_rate){second, 0};
    }
    rate->n++;
}

// ---- by the second ------------------------------------------------------------------------------

void quota_init(struct quota *s, uint32_t own, uint32_t most) {
    memset(s, 0, sizeof *s);
    s->own = own;
    s->most = most;
}

static uint32_t place_of(uint64_t network, uint32_t second) {
    return (uint32_t)(network >> second % TURNS) & (QUOTA_NETWORKS - 1);
}

bool quota_is_modest(const struct quota *s, uint64_t network, uint32_t second) {
    return quota_has_room(&s->networks[place_of(network, second)], second, s->own);
}

bool quota_take(struct quota *s, uint64_t network, uint32_t second) {
    uint32_t most = quota_is_modest(s, network, second) ? s->most : s->most / 2;
    if (!quota_has_room(&s->all, second, most)) {
        return false;
    }
    quota_count(&s->all, second);
    quota_count(&s->networks[place_of(network, second)], second);
    return true;
}

// ---- lent ---------------------------------------------------------------------------------------

void quota_loans_init(struct quota_loans *l, uint32_t most) {
    assert(most <= UINT16_MAX);
    memset(l, 0, sizeof *l);
    l->most = most;
}

bool quota_borrow(struct quota_loans *l, uint64_t network) {
    uint16_t *held = &l->networks[network & (QUOTA_NETWORKS - 1)];
    if (*held >= l->most) {
        return false;
    }
    (*held)++;
    return true;
}

void quota_return(struct quota_loans *l, uint64_t network) {
    uint16_t *held = &l->networks[network & (QUOTA_NETWORKS - 1)];
    assert(*held > 0);
    (*held)--;
}
