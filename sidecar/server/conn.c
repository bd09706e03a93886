// SPDX-License-Identifier: MIT
#include "server/conn.h"

#include "base/error.h"
#include "server/conn_inside.h"
#include "server/log.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// No address for a unix socket. *port is then 0.
static struct ip address_of(const struct sockaddr_storage *from, uint16_t *port) {
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)from;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
    *port = 0;
    if (from->ss_family == AF_INET) {
        *port = ntohs(in4->sin_port);
        return ip_of((const uint8_t *)&in4->sin_addr, 4);
    }
    if (from->ss_family == AF_INET6) {
        *port = ntohs(in6->sin6_port);
        return ip_of((const uint8_t *)&in6->sin6_addr, 16);
    }
    return (struct ip){.n = 0};
}

static struct span print_port(const struct ip *ip, uint16_t port, char *out, size_t cap) {
    out[0] = 0;
    if (ip->n > 0) {
        snprintf(out, cap, "%u", port);
    }
    return span_str(out);
}

void conn_set_addresses(struct conn *c, const struct ip *from, uint16_t from_port,
                        const struct ip *to, uint16_t to_port) {
    c->from = *from;
    c->down.from_port = from_port;
    ip_print(from, c->remote);
    ip_print(to, c->local);
    c->peer = (struct cgi_peer){
        .remote_addr = span_str(c->remote),
        .remote_port = print_port(from, from_port, c->remote_port, sizeof c->remote_port),
        .server_addr = span_str(c->local),
        .server_port = print_port(to, to_port, c->local_port, sizeof c->local_port)};
}

static void learn_addresses(struct conn *c) {
    struct sockaddr_storage from = {0}, to = {0};
    int from_len = sizeof from, to_len = sizeof to;
    uint16_t from_port, to_port;
    if (c->io.handle.type == UV_TCP) {
        uv_tcp_nodelay(&c->io.tcp, 1);
        uv_tcp_getpeername(&c->io.tcp, (struct sockaddr *)&from, &from_len);
        uv_tcp_getsockname(&c->io.tcp, (struct sockaddr *)&to, &to_len);
    }
    struct ip from_ip = address_of(&from, &from_port), to_ip = address_of(&to, &to_port);
    conn_set_addresses(c, &from_ip, from_port, &to_ip, to_port);
}

static void on_closed(uv_handle_t *handle) {
    struct conn *c = handle->data;
    loop_put(c->conf->loop, LOOP_SWEEP, &c->free);
}

void conn_die(struct conn *c) {
    if (c->is_dead) {
        return;
    }
    c->is_dead = true;
    if (c->conf->handler->on_close != NULL) {
        c->conf->handler->on_close(&c->down);
    }
    list_drop(&c->flush.node);
    loop_unwatch(&c->watch);
    // A reset is refused while a shutdown is under way; the end is then the ordinary one.
    bool is_tcp = c->io.handle.type == UV_TCP;
    if (!c->is_cut || !is_tcp || uv_tcp_close_reset(&c->io.tcp, on_closed) != 0) {
        uv_close(&c->io.handle, on_closed);
    }
}

static void leave(struct conn *c) {
    if (c->down.share != NULL) {
        budget_put_each(c->down.share, BUDGET_MEMORY, CONN_MEMORY);
        networks_leave(c->down.share);
        c->down.share = NULL;
    }
}

static void on_free(struct loop_task *task) {
    struct conn *c = LIST_ITEM(task, struct conn, free);
    struct conn_conf *conf = c->conf;
    if (c->down.front != NULL) {
        front_fini(c->down.front);
    }
    if (conf->tls != NULL) {
        tls_fini(&c->tls);
    }
    buf_fini(&c->stuck);
    buf_fini(&c->proxied);
    leave(c);
    list_drop(&c->node);
    conf->count--;
    metrics_add(conf->metrics, METRIC_SLOT_CONNECTIONS_OPEN, (uint64_t)-1);
    free(c);
}

static void on_wants_flush(struct downstream *d) {
    conn_wants_flush(LIST_ITEM(d, struct conn, down));
}

static void on_pump(struct downstream *d) {
    conn_pump(LIST_ITEM(d, struct conn, down));
}

static void on_cut(struct downstream *d) {
    struct conn *c = LIST_ITEM(d, struct conn, down);
    c->is_cut = true;
    conn_wants_flush(c);
}

static bool on_covers(struct downstream *d, struct span host) {
    const struct conn *c = LIST_ITEM(d, struct conn, down);
    return c->conf->tls == NULL || tls_covers(&c->tls, host);
}

static void on_tls(struct downstream *d, const char **version, const char **alpn) {
    static const char *const names[] = {[TLS_PROTOCOL_NONE] = NULL,
                                        [TLS_PROTOCOL_HTTP10] = "http/1.0",
                                        [TLS_PROTOCOL_HTTP11] = "http/1.1",
                                        [TLS_PROTOCOL_H2] = "h2"};
    const struct conn *c = LIST_ITEM(d, struct conn, down);
    *version = c->conf->tls != NULL ? tls_version(&c->tls) : NULL;
    *alpn = c->conf->tls != NULL ? names[tls_protocol(&c->tls)] : NULL;
}

static const struct downstream_ops downstream_ops = {.wants_flush = on_wants_flush,
                                                     .pump = on_pump,
                                                     .cut = on_cut,
                                                     .covers = on_covers,
                                                     .tls = on_tls};

static void open_handle(struct conn *c, int fd, bool is_unix) {
    uv_loop_t *uv = &c->conf->loop->uv;
    int err = is_unix ? uv_pipe_init(uv, &c->io.pipe, 0) : uv_tcp_init(uv, &c->io.tcp);
    assert(err == 0); // these two only fill the handle
    c->io.handle.data = c;
    err = is_unix ? uv_pipe_open(&c->io.pipe, fd) : uv_tcp_open(&c->io.tcp, fd);
    if (err != 0) {
        log_line(LOG_WARN, "cannot take a connection: %s", uv_strerror(err));
        close(fd);
        conn_die(c);
    }
}

// A bound is reached: the connection is closed before it has cost anything.
static void refuse(struct conn *c, int error) {
    const char *words = error_row(error)->text;
    log_line_of(words, LOG_WARN, "connection from %s closed: %s",
                c->remote[0] != 0 ? c->remote : "a socket", words);
    metrics_add_by(c->conf->metrics, METRIC_ERRORS, (unsigned)(-1 - error), 1);
    conn_die(c);
}

// The one that has been there for longest and is not being answered just now.
static void close_oldest(struct conn_conf *conf) {
    for (struct list *n = conf->conns.next; n != &conf->conns; n = n->next) {
        struct conn *c = LIST_ITEM(n, struct conn, node);
        if (!c->is_dead && buf_len(&c->stuck) == 0) {
            conn_die(c);
            return;
        }
    }
}

bool conn_is_front(const struct conn *c) {
    return c->conf->trust != NULL && client_is_trusted(c->conf->trust, &c->from);
}

static int enter(struct conn *c) {
    struct conn_conf *conf = c->conf;
    if (conf->count > conf->most) {
        if (!conf->makes_room) {
            return ERR_CONNECTIONS;
        }
        close_oldest(conf);
    }
    if (conf->networks == NULL) {
        return 0;
    }
    // A front's connection is that of many clients: their requests count for each of them.
    static const struct ip nobody = {.n = 0};
    int err = networks_enter(conf->networks, conn_is_front(c) ? &nobody : &c->from,
                             conf->tls != NULL, loop_now_us(), &c->down.share);
    if (err == 0) {
        budget_add_each(c->down.share, BUDGET_MEMORY, CONN_MEMORY);
    }
    return err;
}

void conn_enter(struct conn *c) {
    leave(c);
    int err = enter(c);
    if (err != 0) {
        refuse(c, err);
    }
}

void conn_open(struct conn_conf *conf, int fd, bool is_unix) {
    struct conn *c = calloc(1, sizeof *c);
    if (c == NULL) {
        abort();
    }
    c->conf = conf;
    list_init(&c->node);
    list_init(&c->flush.node);
    list_init(&c->free.node);
    list_init(&c->posted);
    downstream_init(&c->down, &downstream_ops, &c->peer, &c->from);
    if (conf->handler->on_open != NULL) {
        conf->handler->on_open(&c->down, conf->handler_self);
    }
    c->free.run = on_free;
    conn_start_time(c);
    conn_output_init(c);
    conf->count++;
    metrics_add(conf->metrics, METRIC_SLOT_CONNECTIONS_OPEN, 1);
    list_put(&conf->conns, &c->node);
    open_handle(c, fd, is_unix);
    if (c->is_dead) {
        return;
    }
    learn_addresses(c);
    conn_enter(c);
    if (c->is_dead) {
        return;
    }
    if (conf->tls != NULL && tls_init(&c->tls, conf->tls, conf->tls_pool) != 0) {
        conn_die(c);
        return;
    }
    conn_proxy_begin(c);
    conn_set_reading(c, true);
}

// ---- all of them --------------------------------------------------------------------------------

static bool is_under_way(const struct conn *c) {
    return c->down.front != NULL && (c->down.is_h2 || front_phase(c->down.front) == FRONT_BUSY);
}

static void limit(uint64_t *limit_ms, uint64_t most_ms) {
    *limit_ms = *limit_ms == 0 || *limit_ms > most_ms ? most_ms : *limit_ms;
}

void conn_drain(struct conn_conf *conf, uint64_t quiet_ms) {
    limit(&conf->limits.ms[LIMIT_LIFETIME], 1); // over: each takes no more than one request
    limit(&conf->limits.ms[LIMIT_IDLE], quiet_ms);
    limit(&conf->limits.ms[LIMIT_FRONT_IDLE], quiet_ms);
    limit(&conf->limits.ms[LIMIT_HEAD], quiet_ms);
    for (struct list *n = conf->conns.next; n != &conf->conns; n = n->next) {
        struct conn *c = LIST_ITEM(n, struct conn, node);
        if (c->is_dead) {
            continue;
        }
        if (is_under_way(c) && !c->is_shut) {
            conn_shut(c);
        }
        conn_wants_flush(c);
        loop_watch_by(conf->loop, &c->watch, loop_now_ms(conf->loop)); // by the new limits
    }
}

void conn_close_all(struct conn_conf *conf) {
    for (struct list *n = conf->conns.next; n != &conf->conns; n = n->next) {
        conn_die(LIST_ITEM(n, struct conn, node));
    }
}
