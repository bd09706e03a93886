// SPDX-License-Identifier: MIT
#include "server/admin_port.h"

#include "base/error.h"
#include "server/clock.h"
#include "server/log.h"

#include <stdlib.h>
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
    struct pair fields[] = {{SPAN("content-type"), r->type},
                            {SPAN("x-content-type-options"), SPAN("nosniff")},
                            {SPAN("cache-control"), SPAN("no-store")},
                            {SPAN("allow"), r->allow}}; // of a 405
    struct response head = {.status = r->status, .fields = {fields, r->allow.n > 0 ? 4 : 3, 4}};
    if (front_head(c->down.front, stream, &head, false) == 0) {
        front_body(c->down.front, stream, buf_span(&r->body));
        front_finish(c->down.front, stream);
    }
}

// ---- requests -----------------------------------------------------------------------------------

// A POST whose body is awaited.
struct posted {
    struct list node; // of the connection's requests
    struct buf body;
};

static void posted_free(struct posted *p) {
    list_drop(&p->node);
    buf_fini(&p->body);
    free(p);
}

static void refuse(struct conn *c, struct front_stream *stream, int status) {
    struct response head = {.status = status};
    front_head(c->down.front, stream, &head, true);
}

static void ask(struct conn *c, struct front_stream *stream, struct span body) {
    const struct admin_port *p = c->conf->handler_self;
    const struct span *type = pairs_find(&stream->request.fields, SPAN("content-type"));
    struct api_request q = {.method = stream->request.method,
                            .target = stream->request.target,
                            .type = type != NULL ? *type : span_of(NULL, 0),
                            .body = body,
                            .now_ms = clock_unix_ms()};
    struct api_response r;
    api_answer(p->api, &q, &r);
    answer(c, stream, &r);
    api_response_fini(&r);
}

static void on_request(struct conn *c, struct front_stream *stream) {
    const struct admin_port *p = c->conf->handler_self;
    if (is_foreign(&stream->request, p->listen->path.n == 0)) {
        refuse(c, stream, 403);
        return;
    }
    if (!span_eq(stream->request.method, SPAN("POST"))) {
        ask(c, stream, span_of(NULL, 0));
        return;
    }
    struct posted *posted = calloc(1, sizeof *posted);
    if (posted == NULL) {
        abort();
    }
    buf_init(&posted->body, API_REQUEST_MOST);
    list_init(&posted->node);
    list_put(&c->posted, &posted->node);
    stream->owner = posted;
}

static void on_body(struct conn *c, const struct front_event *e) {
    struct posted *posted = e->stream->owner;
    front_consumed(c->down.front, e->stream, e->body.n);
    if (posted != NULL && buf_put(&posted->body, e->body) != 0) {
        e->stream->owner = NULL;
        posted_free(posted);
        refuse(c, e->stream, 413);
    }
}

static void on_end(struct conn *c, struct front_stream *stream, bool is_complete) {
    struct posted *posted = stream->owner;
    if (posted == NULL) {
        return;
    }
    stream->owner = NULL;
    if (is_complete) {
        ask(c, stream, buf_span(&posted->body));
    }
    posted_free(posted);
}

static void on_event(struct downstream *d, const struct front_event *e) {
    struct conn *c = LIST_ITEM(d, struct conn, down);
    switch (e->kind) {
    case FRONT_REQUEST:
        on_request(c, e->stream);
        break;
    case FRONT_BODY:
        on_body(c, e);
        break;
    case FRONT_BODY_END:
        on_end(c, e->stream, true);
        break;
    case FRONT_LATE:
        on_end(c, e->stream, false);
        refuse(c, e->stream, 408);
        break;
    case FRONT_DONE:
    case FRONT_RESET:
        on_end(c, e->stream, false);
        break;
    case FRONT_ROOM: // the answer was put as a whole
        break;
    }
}

static void on_close(struct downstream *d) {
    struct conn *c = LIST_ITEM(d, struct conn, down);
    while (!list_is_empty(&c->posted)) {
        posted_free(LIST_ITEM(c->posted.next, struct posted, node));
    }
}

static const struct conn_handler handler = {.on_event = on_event, .on_close = on_close};

static void on_accept(struct acceptor *a, int fd) {
    struct admin_port *p = LIST_ITEM(a, struct admin_port, acceptor);
    conn_open(&p->conns, fd, a->is_unix);
}

// Tools of this machine, which are never slow.
static struct deadline_limits client_limits(void) {
    struct deadline_limits l;
    deadline_limits_init(&l);
    l.ms[LIMIT_IDLE] = 60000;
    l.ms[LIMIT_HEAD] = l.ms[LIMIT_SEND] = l.ms[LIMIT_BODY] = l.grace_ms = 10000;
    l.ms[LIMIT_REQUEST] = l.ms[LIMIT_LIFETIME] = 600000;
    l.rate[RATE_DOWN] = l.rate[RATE_UP] = 8192;
    return l;
}

int admin_port_open(struct admin_port *p, struct loop *loop, const struct listen_conf *listen,
                    int fd, const struct api *api) {
    p->api = api;
    p->listen = listen;
    p->conns = (struct conn_conf){.loop = loop,
                                  .handler = &handler,
                                  .handler_self = p,
                                  .most = CONNECTIONS_MOST,
                                  .makes_room = true, // health is answered whatever waits
                                  .metrics = &p->uncounted};
    p->conns.limits = client_limits();
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

void admin_port_leave(struct admin_port *p) {
    if (p->is_open && !p->is_left) {
        p->is_left = true;
        acceptor_close(&p->acceptor);
    }
}

void admin_port_close(struct admin_port *p) {
    if (!p->is_open) {
        return;
    }
    p->is_open = false;
    conn_close_all(&p->conns);
    if (p->is_left) {
        return;
    }
    acceptor_close(&p->acceptor);
    if (p->listen->path.n > 0) {
        unlink((const char *)p->listen->path.p);
    }
}
