// SPDX-License-Identifier: MIT
#include "server/admin_port.h"

#include "base/error.h"
#include "server/log.h"

#include <unistd.h>

#define BACKLOG 64
#define CONNECTIONS_MOST 64 // an operator, a dashboard, a scraper

// A page in the operator's browser may reach a loopback port, under a name of its own (DNS
// rebinding) or with an Origin: neither is a tool of ours.
static bool is_foreign(const struct request *q, bool is_tcp) {
    struct span host = span_first(q->authority, span_index(q->authority, ':'));
    if (pairs_find(&q->fields, SPAN("origin")) != NULL) {
        return true;
    }
    return is_tcp && !span_eq(host, SPAN("localhost")) && !span_eq(host, SPAN("127.0.0.1")) &&
           !span_has_prefix(q->authority, SPAN("[::1]"));
}

static void answer(struct conn *c, struct front_stream *stream, const struct api_response *r) {
    struct arena *a = &stream->arena;
    struct response head = {.status = r->status};
    pairs_put(&head.fields, a, SPAN("content-type"), r->type);
    pairs_put(&head.fields, a, SPAN("x-content-type-options"), SPAN("nosniff"));
    pairs_put(&head.fields, a, SPAN("cache-control"), SPAN("no-store"));
    if (r->allow.n > 0) {
        pairs_put(&head.fields, a, SPAN("allow"), r->allow);
    }
    if (front_head(c->front, stream, &head, false) == 0) {
        front_body(c->front, stream, buf_span(&r->body));
        front_finish(c->front, stream);
    }
}

static void on_event(struct conn *c, const struct front_event *e) {
    struct admin_port *p = c->conf->handler_self;
    struct api_response r;
    if (e->kind == FRONT_BODY) {
        front_consumed(c->front, e->stream, e->body.n);
    }
    if (e->kind != FRONT_REQUEST) {
        return;
    }
    if (is_foreign(&e->stream->request, p->listen->path.n == 0)) {
        struct response refused = {.status = 403};
        front_head(c->front, e->stream, &refused, true);
        return;
    }
    api_answer(p->api, e->stream->request.method, e->stream->request.target, &r);
    answer(c, e->stream, &r);
    api_response_fini(&r);
}

static const struct conn_handler handler = {.on_event = on_event};

static void on_accept(struct acceptor *a, int fd) {
    struct admin_port *p = LIST_ITEM(a, struct admin_port, acceptor);
    conn_open(&p->conns, fd, a->is_unix);
}

int admin_port_open(struct admin_port *p, struct loop *loop, const struct listen_conf *listen,
                    int fd, const struct api *api) {
    p->api = api;
    p->listen = listen;
    p->conns = (struct conn_conf){.loop = loop,
                                  .handler = &handler,
                                  .handler_self = p,
                                  .timeouts = {10000, 60000, 10000, 10000},
                                  .most = CONNECTIONS_MOST,
                                  .metrics = &p->uncounted};
    list_init(&p->conns.conns);
    h1_conf_init(&p->conns.h1);
    p->conns.h1.unix_time = &loop->unix_time;
    p->acceptor.on_accept = on_accept;
    int err = acceptor_open(&p->acceptor, loop, fd, BACKLOG);
    p->is_open = err == 0;
    if (err != 0) {
        log_line(LOG_ERROR, "cannot listen for the admin endpoint: %s", uv_strerror(err));
        return ERR_LISTEN;
    }
    return 0;
}

void admin_port_close(struct admin_port *p) {
    if (!p->is_open) {
        return;
    }
    p->is_open = false;
    acceptor_close(&p->acceptor);
    conn_close_all(&p->conns);
    if (p->listen->path.n > 0) {
        unlink((const char *)p->listen->path.p);
    }
}
