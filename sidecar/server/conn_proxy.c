// SPDX-License-Identifier: MIT
#include "server/conn_inside.h"

#include "exchange/client.h"
#include "http/proxy_head.h"
#include "server/log.h"

static void refuse(struct conn *c, const char *why) {
    log_line(LOG_INFO, "connection from %s refused: %s",
             c->remote[0] != 0 ? c->remote : "a unix socket", why);
    metrics_add(c->conf->metrics, METRIC_SLOT_PROXY_REFUSED, 1);
    conn_die(c);
}

void conn_proxy_begin(struct conn *c) {
    buf_init(&c->proxied, PROXY_HEAD_MOST + LOOP_READ_LEN);
    if (c->conf->proxy == LISTEN_PROXY_OFF) {
        return;
    }
    c->wants_proxy = client_is_trusted(c->conf->trust, &c->from);
    if (!c->wants_proxy && c->conf->proxy == LISTEN_PROXY_REQUIRE) {
        refuse(c, "only trusted fronts may connect here");
    }
}

static void believe(struct conn *c, const struct proxy_head *head) {
    if (head->is_local) {
        return; // the front's own health check
    }
    conn_set_addresses(c, &head->source, head->source_port, &head->destination,
                       head->destination_port);
    c->down.is_tls = c->down.is_tls || head->is_tls;
    conn_enter(c);
}

struct span conn_proxy_take(struct conn *c, struct span bytes) {
    const struct span none = {NULL, 0};
    struct proxy_head head;
    buf_put(&c->proxied, bytes);
    enum step step = proxy_head_read(&head, buf_span(&c->proxied));
    bool is_other = step == STEP_BAD && !proxy_head_may_begin(buf_span(&c->proxied));
    if (step == STEP_MORE) {
        return none;
    }
    if (step == STEP_BAD && (!is_other || c->conf->proxy == LISTEN_PROXY_REQUIRE)) {
        refuse(c, head.why);
        return none;
    }
    c->wants_proxy = false;
    if (step == STEP_ITEM) {
        believe(c, &head);
        buf_take(&c->proxied, head.len);
    }
    return c->is_dead ? none : buf_span(&c->proxied);
}

void conn_proxy_end(struct conn *c) {
    if (!c->wants_proxy) {
        buf_fini(&c->proxied);
    }
}
