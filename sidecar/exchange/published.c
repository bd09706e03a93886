// SPDX-License-Identifier: MIT
#include "exchange/published.h"

#include "hints/audience.h"
#include "learner/route_chain.h"

bool published_find(const struct published *p, const struct published_asker *asker,
                    struct offer *out) {
    const struct hint_policy *policy = asker->policy;
    struct route_chain chain;
    struct span key = asker->key;
    *out = (struct offer){.plan = NULL};
    if (key.n == 0 || p->find == NULL || (p->has_any != NULL && !p->has_any(p->self))) {
        return false;
    }
    route_chain_init(&chain, key, policy->patterns, policy->patterns_n);
    while (route_chain_next(&chain, &key)) {
        if (p->find(p->self, route_key_id(&p->secret, key), out) &&
            (!out->is_inside || audience_is_inside(asker->from))) {
            return true;
        }
        *out = (struct offer){.plan = NULL};
    }
    return false;
}

struct offer_asset published_asset(const struct published *p, struct span site, struct span path) {
    struct offer_asset asset = {.state = OFFER_ASSET_NONE};
    struct route_id id = route_asset_id(&p->secret, site, path);
    if (p->find_asset == NULL || !p->find_asset(p->self, id, &asset)) {
        asset.state = OFFER_ASSET_NONE;
    }
    return asset;
}
