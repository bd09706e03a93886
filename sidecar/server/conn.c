// SPDX-License-Identifier: MIT
#include "server/conn.h"

#include "base/error.h"
#include "server/log.h"

#include <arpa/inet.h>
#include <assert.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINGER_MS 2000 // after the last byte: how long a client may take to close its side
#define GOAWAY_MS 1000 // how long an idle HTTP/2 client may take to answer a GOAWAY

static const struct span preface = SPAN_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

static void on_free(struct loop_task *task);
static void on_flush(struct loop_task *task);
static void on_tick(struct loop_watch *watch, uint64_t now_ms);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes);

// ---- birth and death ----------------------------------------------------------------------------

// Empty for a unix socket, whose ends have no address.
static void address_text(const struct sockaddr_storage *from, char *host, char *port) {
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)from;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
    bool is_v6 = from->ss_family == AF_INET6;
    if (is_v6 || from->ss_family == AF_INET) {
        const void *address = is_v6 ? (const void *)&in6->sin6_addr : (const void *)&in4->sin_addr;
        inet_ntop(from->ss_family, address, host, CONN_ADDRESS_LEN);
        snprintf(port, sizeof "65535", "%u", ntohs(is_v6 ? in6->sin6_port : in4->sin_port));
    }
}

static void address_bytes(const struct sockaddr_storage *from, struct audience_address *out) {
    if (from->ss_family == AF_INET) {
        out->n = 4;
        memcpy(out->bytes, &((const struct sockaddr_in *)from)->sin_addr, 4);
    } else if (from->ss_family == AF_INET6) {
        out->n = 16;
        memcpy(out->bytes, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
    }
}

static void learn_addresses(struct conn *c) {
    struct sockaddr_storage from = {0}, to = {0};
    int from_len = sizeof from, to_len = sizeof to;
    if (c->io.handle.type == UV_TCP) {
        uv_tcp_nodelay(&c->io.tcp, 1);
        uv_tcp_getpeername(&c->io.tcp, (struct sockaddr *)&from, &from_len);
        uv_tcp_getsockname(&c->io.tcp, (struct sockaddr *)&to, &to_len);
    }
    address_bytes(&from, &c->from);
    address_text(&from, c->remote, c->remote_port);
    address_text(&to, c->local, c->local_port);
    c->peer = (struct cgi_peer){.remote_addr = span_str(c->remote),
                                .remote_port = span_str(c->remote_port),
                                .server_addr = span_str(c->local),
                                .server_port = span_str(c->local_port)};
}

static void on_closed(uv_handle_t *handle) {
    struct conn *c = handle->data;
    loop_put(c->conf->loop, LOOP_SWEEP, &c->free);
}

// Stops everything; the memory goes with the sweep after libuv has let go of the handle.
static void conn_die(struct conn *c) {
    if (c->is_dead) {
        return;
    }
    c->is_dead = true;
    if (c->conf->handler->on_close != NULL) {
        c->conf->handler->on_close(c);
    }
    list_drop(&c->flush.node);
    list_drop(&c->watch.node);
    // A reset is refused while a shutdown is under way; the end is then the ordinary one.
    bool is_tcp = c->io.handle.type == UV_TCP;
    if (!c->is_cut || !is_tcp || uv_tcp_close_reset(&c->io.tcp, on_closed) != 0) {
        uv_close(&c->io.handle, on_closed);
    }
}

void conn_cut(struct conn *c) {
    c->is_cut = true;
    conn_wants_flush(c);
}

static void on_free(struct loop_task *task) {
    struct conn *c = LIST_ITEM(task, struct conn, free);
    struct conn_conf *conf = c->conf;
    if (c->front != NULL) {
        front_fini(c->front);
    }
    if (conf->tls != NULL) {
        tls_fini(&c->tls);
    }
    buf_fini(&c->stuck);
    list_drop(&c->node);
    conf->count--;
    metrics_add(conf->metrics, METRIC_SLOT_CONNECTIONS_OPEN, (uint64_t)-1);
    free(c);
}

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
    } else if (c->conf->count > c->conf->most) {
        log_line(LOG_WARN, "connection refused: %u are open, the limit", c->conf->most);
        conn_die(c);
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
    list_init(&c->watch.node);
    list_init(&c->requests);
    seen_init(&c->seen);
    c->flush.run = on_flush;
    c->free.run = on_free;
    c->watch.on_tick = on_tick;
    buf_init(&c->stuck, (size_t)2 * LOOP_READ_LEN);
    conf->count++;
    metrics_add(conf->metrics, METRIC_SLOT_CONNECTIONS_OPEN, 1);
    list_put(&conf->conns, &c->node);
    open_handle(c, fd, is_unix);
    if (c->is_dead) {
        return;
    }
    if (conf->tls != NULL && tls_init(&c->tls, conf->tls, conf->tls_pool) != 0) {
        conn_die(c);
        return;
    }
    learn_addresses(c);
    c->deadline_ms = loop_now_ms(conf->loop) + conf->timeouts.head_ms;
    loop_watch(conf->loop, &c->watch);
    uv_read_start(&c->io.stream, loop_on_alloc, on_read);
    c->is_reading = true;
}

// ---- output -------------------------------------------------------------------------------------

void conn_wants_flush(struct conn *c) {
    if (!c->is_dead) {
        loop_put(c->conf->loop, LOOP_CLIENTS, &c->flush);
    }
}

// The next bytes for the socket: of TLS, which is given what the front has to say, or of the front.
static struct span next_output(struct conn *c) {
    if (c->conf->tls == NULL) {
        return c->front != NULL ? front_output(c->front) : (struct span){NULL, 0};
    }
    struct span out = tls_output(&c->tls);
    if (out.n > 0 || c->front == NULL || !tls_is_open(&c->tls)) {
        return out;
    }
    struct span plain = front_output(c->front);
    if (plain.n > 0 && tls_put(&c->tls, plain) == 0) {
        front_sent(c->front, plain.n);
    }
    return tls_output(&c->tls);
}

static void output_sent(struct conn *c, size_t n) {
    if (c->conf->tls != NULL) {
        tls_sent(&c->tls, n);
    } else if (n > 0) {
        front_sent(c->front, n);
    }
}

static void on_written(uv_write_t *write, int status) {
    struct conn *c = write->data;
    buf_fini(&c->stuck);
    if (status != 0) {
        conn_die(c);
        return;
    }
    conn_wants_flush(c);
}

// The kernel's buffer is full. What is left of this batch is copied, since the engines' output must
// be free to change; no further batch is pulled before it has left.
static void write_rest(struct conn *c, struct span rest) {
    if (buf_put(&c->stuck, rest) != 0) {
        conn_die(c);
        return;
    }
    output_sent(c, rest.n);
    struct span stuck = buf_span(&c->stuck);
    uv_buf_t bytes = uv_buf_init((char *)c->stuck.p + c->stuck.from, (unsigned)stuck.n);
    c->write.data = c;
    c->stuck_since_ms = loop_now_ms(c->conf->loop);
    c->stuck_len = 0;
    if (uv_write(&c->write, &c->io.stream, &bytes, 1, on_written) != 0) {
        conn_die(c);
    }
}

static void on_shutdown(uv_shutdown_t *shutdown, int status) {
    (void)shutdown;
    (void)status; // the deadline closes the connection if the client does not
}

// Everything has been written to a connection that ends: tell the peer, then wait for its close, so
// that unread input does not make the kernel throw the answer away (RFC 9112, 9.6).
static void linger(struct conn *c) {
    if (c->is_lingering) {
        return;
    }
    c->is_lingering = true;
    c->deadline_ms = loop_now_ms(c->conf->loop) + LINGER_MS;
    if (uv_shutdown(&c->shutdown, &c->io.stream, on_shutdown) != 0) {
        conn_die(c);
    }
}

static bool wants_end(const struct conn *c) {
    if (c->is_ending || c->front == NULL) {
        return c->is_ending;
    }
    enum front_phase phase = front_phase(c->front);
    return phase == FRONT_CLOSING || (c->has_eof && phase != FRONT_BUSY);
}

static void conn_write(struct conn *c) {
    for (struct span out; !c->is_dead && (out = next_output(c)).n > 0;) {
        uv_buf_t bytes = {.len = out.n};
        memcpy(&bytes.base, &out.p, sizeof bytes.base); // libuv does not write through it
        int n = uv_try_write(&c->io.stream, &bytes, 1);
        if (n < 0 && n != UV_EAGAIN) {
            conn_die(c);
            return;
        }
        size_t took = n < 0 ? 0 : (size_t)n;
        metrics_add(c->conf->metrics, METRIC_SLOT_BYTES_OUT, out.n);
        output_sent(c, took);
        if (took < out.n) {
            write_rest(c, span_skip(out, took));
            return;
        }
    }
}

static void on_flush(struct loop_task *task) {
    struct conn *c = LIST_ITEM(task, struct conn, flush);
    if (c->is_dead || c->is_lingering || buf_len(&c->stuck) > 0) {
        return;
    }
    conn_write(c);
    // What has left makes room and completes responses.
    conn_pump(c);
    bool has_more = !list_is_empty(&c->flush.node); // which puts this flush on the list again
    if (c->is_dead || has_more || buf_len(&c->stuck) > 0 || !wants_end(c)) {
        return;
    }
    if (c->is_cut) {
        conn_die(c);
        return;
    }
    if (c->conf->tls != NULL && tls_is_open(&c->tls)) {
        tls_close(&c->tls);
        conn_write(c);
    }
    if (c->is_dead || buf_len(&c->stuck) > 0) {
        return;
    }
    if (c->is_idle || c->has_fin) {
        conn_die(c); // nothing of the client's is unread that could cost it our last answer
    } else {
        linger(c);
    }
}

// ---- input --------------------------------------------------------------------------------------

static void open_front(struct conn *c, bool is_h2) {
    int err = is_h2 ? h2_init(&c->proto.h2, &c->conf->h2) : h1_init(&c->proto.h1, &c->conf->h1);
    if (err != 0) {
        conn_die(c);
        return;
    }
    c->is_h2 = is_h2;
    c->front = is_h2 ? &c->proto.h2.front : &c->proto.h1.front;
}

static void feed_front(struct conn *c, struct span bytes) {
    if (front_feed(c->front, bytes) != 0) {
        c->is_ending = true;
    }
    conn_pump(c);
    conn_wants_flush(c); // frames that are no events may have been answered
}

// Clear text: HTTP/2 with prior knowledge if the first bytes are its preface, else HTTP/1.
static void feed_first(struct conn *c, struct span bytes) {
    size_t take = preface.n - c->first_len;
    take = bytes.n < take ? bytes.n : take;
    memcpy(c->first + c->first_len, bytes.p, take);
    c->first_len = (uint8_t)(c->first_len + take);
    struct span first = span_of(c->first, c->first_len);
    // The admin endpoint speaks HTTP/1 only.
    bool may_be_h2 = c->conf->h2.pool != NULL && span_has_prefix(preface, first);
    if (may_be_h2 && first.n < preface.n) {
        return;
    }
    open_front(c, may_be_h2);
    if (!c->is_dead) {
        feed_front(c, first);
    }
    if (!c->is_dead && take < bytes.n) {
        feed_front(c, span_skip(bytes, take));
    }
}

static void feed_plain(struct conn *c, struct span bytes) {
    if (c->front != NULL) {
        feed_front(c, bytes);
    } else {
        feed_first(c, bytes);
    }
}

// The client sends no more. What it has asked for may still be worth completing: a program that
// shuts its side down after its last request, on HTTP/1.
static bool is_worth_completing(struct conn *c) {
    bool is_h1 = c->front != NULL && !c->is_h2;
    bool has_output = buf_len(&c->stuck) > 0 || !list_is_empty(&c->flush.node);
    return is_h1 && !c->is_lingering && (has_output || front_phase(c->front) == FRONT_BUSY) &&
           (c->conf->handler->is_asking == NULL || !c->conf->handler->is_asking(c));
}

static void feed_tls(struct conn *c, struct span bytes) {
    struct span plain;
    enum step step;
    tls_feed(&c->tls, bytes);
    while (!c->is_dead && !c->is_ending && (step = tls_next(&c->tls, &plain)) != STEP_MORE) {
        if (step == STEP_BAD) {
            c->is_ending = true;
            log_line(LOG_DEBUG, "tls with %s: %s", c->remote, tls_why(&c->tls));
            break;
        }
        if (c->front == NULL) {
            open_front(c, tls_protocol(&c->tls) == TLS_PROTOCOL_H2);
        }
        if (c->is_dead) {
            return;
        }
        feed_front(c, plain);
    }
    // A handshake that is complete before any request: the server's preface need not wait.
    if (!c->is_dead && c->front == NULL && tls_is_open(&c->tls)) {
        open_front(c, tls_protocol(&c->tls) == TLS_PROTOCOL_H2);
    }
    if (!c->is_dead && tls_has_ended(&c->tls) && !c->has_eof) { // answered by our own close_notify
        c->has_eof = true;
        c->is_ending = c->is_ending || !is_worth_completing(c);
    }
    conn_wants_flush(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes) {
    struct conn *c = stream->data;
    if (n == 0 || c->is_dead) {
        return;
    }
    if (n == UV_EOF && is_worth_completing(c)) {
        c->has_eof = c->has_fin = true;
        c->is_reading = false;
        uv_read_stop(stream);
        conn_wants_flush(c);
        return;
    }
    if (n < 0) {
        conn_die(c);
        return;
    }
    if (wants_end(c)) {
        return; // discarded while the last answer leaves
    }
    struct span in = span_of(bytes->base, (size_t)n);
    metrics_add(c->conf->metrics, METRIC_SLOT_BYTES_IN, in.n);
    if (c->conf->tls != NULL) {
        feed_tls(c, in);
    } else {
        feed_plain(c, in);
    }
}

static void set_reading(struct conn *c, bool on) {
    if (on == c->is_reading || c->has_fin) {
        return;
    }
    c->is_reading = on;
    if (on) {
        uv_read_start(&c->io.stream, loop_on_alloc, on_read);
    } else {
        uv_read_stop(&c->io.stream);
    }
}

static void set_deadline(struct conn *c) {
    enum front_phase phase = front_phase(c->front);
    if ((phase == c->phase && c->has_phase) || c->is_lingering) {
        return;
    }
    c->phase = phase;
    c->has_phase = true;
    uint64_t now_ms = loop_now_ms(c->conf->loop);
    uint64_t idle_ms = c->is_shut ? GOAWAY_MS : c->conf->timeouts.idle_ms;
    uint64_t head_ms = c->conf->timeouts.head_ms;
    c->deadline_ms =
        phase == FRONT_BUSY ? UINT64_MAX : now_ms + (phase == FRONT_IDLE ? idle_ms : head_ms);
}

void conn_pump(struct conn *c) {
    struct front_event e;
    enum step step = STEP_MORE;
    if (c->front == NULL || c->is_pumping) {
        return;
    }
    c->is_pumping = true;
    bool has_more = false;
    while (!c->is_dead && (step = front_next(c->front, &e)) == STEP_ITEM) {
        has_more = true;
        if (e.kind == FRONT_REQUEST) {
            c->is_idle = false;
        }
        c->conf->handler->on_event(c, &e);
        if (e.kind == FRONT_DONE || e.kind == FRONT_RESET) {
            c->has_phase = false; // what follows, also the same phase again, has its whole time
            front_release(c->front, e.stream);
        }
    }
    c->is_pumping = false;
    if (c->is_dead) {
        return;
    }
    bool is_broken = step == STEP_BAD && !c->is_ending; // it says so for ever after
    c->is_ending = c->is_ending || is_broken;
    set_deadline(c);
    set_reading(c, c->is_ending || front_wants(c->front));
    if (has_more || is_broken) {
        conn_wants_flush(c);
    }
}

// ---- time ---------------------------------------------------------------------------------------

// libuv hears of room only when a third of the kernel's buffer is free, which may take a slow
// client minutes: what the kernel still holds says whether it takes anything.
static void see_progress(struct conn *c, uint64_t now_ms) {
    uv_os_fd_t fd = -1;
    int held = 0;
    if (uv_fileno(&c->io.handle, &fd) == 0 && ioctl(fd, SIOCOUTQ, &held) != 0) {
        held = 0;
    }
    uint64_t len = uv_stream_get_write_queue_size(&c->io.stream) + (uint64_t)held;
    if (len != c->stuck_len) {
        c->stuck_len = len;
        c->stuck_since_ms = now_ms;
    }
}

// No new requests. An idle HTTP/2 client may have sent one that we have not seen yet, so it is told
// first and the end comes with its answer (RFC 9113, 6.8).
static void shut(struct conn *c) {
    c->is_idle = front_phase(c->front) == FRONT_IDLE;
    c->is_ending = c->is_ending || (c->is_idle && !c->is_h2);
    c->is_shut = true;
    c->has_phase = c->has_phase && !c->is_idle; // the deadline is another
    front_shutdown(c->front);
    set_deadline(c);
}

static void on_tick(struct loop_watch *watch, uint64_t now_ms) {
    struct conn *c = LIST_ITEM(watch, struct conn, watch);
    const struct conn_timeouts *t = &c->conf->timeouts;
    if (buf_len(&c->stuck) > 0) {
        see_progress(c, now_ms);
        if (now_ms - c->stuck_since_ms > t->send_ms) {
            conn_die(c);
        }
        return;
    }
    if (c->conf->handler->on_tick != NULL) {
        c->conf->handler->on_tick(c, now_ms);
    }
    if (c->is_dead || now_ms < c->deadline_ms) {
        return;
    }
    if (c->front == NULL || c->is_lingering || c->is_ending) {
        conn_die(c);
        return;
    }
    bool is_last = c->is_shut || front_phase(c->front) != FRONT_IDLE;
    if (!c->is_shut) {
        shut(c);
    }
    c->is_ending = c->is_ending || is_last;
    conn_wants_flush(c);
}

void conn_shutdown(struct conn_conf *conf) {
    for (struct list *n = conf->conns.next; n != &conf->conns; n = n->next) {
        struct conn *c = LIST_ITEM(n, struct conn, node);
        if (c->is_dead) {
            continue;
        }
        if (c->front == NULL) {
            c->is_ending = true;
        } else {
            shut(c);
        }
        conn_wants_flush(c);
    }
}

void conn_close_all(struct conn_conf *conf) {
    for (struct list *n = conf->conns.next; n != &conf->conns; n = n->next) {
        conn_die(LIST_ITEM(n, struct conn, node));
    }
}
