// SPDX-License-Identifier: MIT
#include "gateway/downstream.h"

#include "gateway/relay.h"
#include "gateway/relay_budget.h"

void downstream_init(struct downstream *d, const struct downstream_ops *ops,
                     const struct cgi_peer *peer, const struct ip *from) {
    *d = (struct downstream){.ops = ops, .peer = peer, .from = from};
    list_init(&d->relays);
    seen_init(&d->seen);
}

void downstream_end(struct downstream *d) {
    const struct relay_conf *conf = d->listener->conf;
    for (struct list *n; (n = list_take(&d->relays)) != NULL;) {
        struct relay *r = LIST_ITEM(n, struct relay, node);
        exchange_put(&r->exchange, &(struct exchange_event){.kind = EXCHANGE_CLIENT_GONE});
        relay_end(r);
    }
    if (d->is_h2) { // over HTTP/1 the fetches come by other connections
        visit_left(&conf->observer->visits, d->visit, conf->ops->now_us(conf->self));
    }
    seen_fini(&d->seen);
}

void downstream_tick(struct downstream *d) {
    for (struct list *n = d->relays.next; n != &d->relays; n = n->next) {
        relay_budget_trim(LIST_ITEM(n, struct relay, node));
    }
}

bool downstream_is_asking(const struct downstream *d) {
    for (struct list *n = d->relays.next; n != &d->relays; n = n->next) {
        if (relay_is_asking(LIST_ITEM(n, struct relay, node))) {
            return true;
        }
    }
    return false;
}
