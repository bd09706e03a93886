// SPDX-License-Identifier: MIT
#include "gateway/downstream.h"

#include "base/error.h"
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
        visit_left(&conf->teaching->visits, d->visit, conf->ops->now_us(conf->self));
    }
    seen_fini(&d->seen);
}

// HTTP/2 has windows of its own: the socket takes everything, and yet nothing of this stream
// leaves.
static bool is_stalled(struct relay *r, uint64_t now_ms) {
    const struct relay_limits *limits = &r->down->listener->limits;
    bool has_queued = front_room(r->down->front, r->stream) < limits->queue;
    uint64_t taken = front_taken(r->down->front, r->stream);
    if (!has_queued || taken != r->taken) {
        r->taken = taken;
        r->taken_ms = now_ms;
        return false;
    }
    return now_ms - r->taken_ms > limits->send_ms;
}

static void look_at(struct relay *r, uint64_t now_ms) {
    relay_budget_trim(r);
    if (relay_is_asking(r) && !r->wants_call_end && r->unconsumed == 0 &&
        now_ms - r->body_ms > r->down->listener->limits.body_ms) {
        relay_log(r, RELAY_INFO, "the request's body stopped coming", NULL);
        r->body_ms = now_ms; // once
        relay_fail(r, ERR_TIMEOUT);
    } else if (is_stalled(r, now_ms)) {
        relay_log(r, RELAY_INFO, "the client takes nothing of the response", NULL);
        r->taken_ms = now_ms; // once
        relay_count_error(r, ERR_TIMEOUT);
        front_reset(r->down->front, r->stream, ERR_TIMEOUT);
        downstream_wants_flush(r->down);
    }
}

void downstream_tick(struct downstream *d, uint64_t now_ms) {
    // Each is moved back before it is looked at, so that it, or what it makes the front tell, may
    // leave either list.
    struct list round;
    list_init(&round);
    for (struct list *n; (n = list_take(&d->relays)) != NULL;) {
        list_put(&round, n);
    }
    for (struct list *n; (n = list_take(&round)) != NULL;) {
        list_put(&d->relays, n);
        look_at(LIST_ITEM(n, struct relay, node), now_ms);
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
