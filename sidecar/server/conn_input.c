// SPDX-License-Identifier: MIT
#include "server/conn_inside.h"

#include "server/log.h"

static const struct span preface = SPAN_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

static void open_front(struct conn *c, bool is_h2) {
    int err = is_h2 ? h2_init(&c->proto.h2, &c->conf->h2) : h1_init(&c->proto.h1, &c->conf->h1);
    if (err != 0) {
        conn_die(c);
        return;
    }
    if (is_h2 && conn_is_front(c)) {
        h2_share(&c->proto.h2);
    }
    c->down.is_h2 = is_h2;
    c->down.front = is_h2 ? &c->proto.h2.front : &c->proto.h1.front;
}

static void feed_front(struct conn *c, struct span bytes) {
    if (front_feed(c->down.front, bytes) != 0) {
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
    if (c->down.front != NULL) {
        feed_front(c, bytes);
    } else {
        feed_first(c, bytes);
    }
}

// The client sends no more. What it has asked for may still be worth completing: a program that
// shuts its side down after its last request, on HTTP/1.
static bool is_worth_completing(struct conn *c) {
    bool is_h1 = c->down.front != NULL && !c->down.is_h2;
    bool has_output = buf_len(&c->stuck) > 0 || !list_is_empty(&c->flush.node);
    return is_h1 && !c->is_lingering && (has_output || front_phase(c->down.front) == FRONT_BUSY) &&
           (c->conf->handler->is_asking == NULL || !c->conf->handler->is_asking(&c->down));
}

static void open_tls_front(struct conn *c) {
    const struct tls_client *shown = tls_shown(&c->tls);
    c->peer.shown = shown;
    if (shown->verdict == TLS_CLIENT_BAD) {
        log_line_of(shown->why, LOG_INFO, "the certificate that %s shows is not believed: %s",
                    c->remote, shown->why);
    }
    open_front(c, tls_protocol(&c->tls) == TLS_PROTOCOL_H2);
    if (!c->is_dead && c->down.is_h2 && c->conf->has_origins && !conn_is_front(c)) {
        struct span hosts[H2_ORIGINS_MOST];
        size_t n = tls_origins(&c->tls, hosts, H2_ORIGINS_MOST);
        h2_origins(&c->proto.h2, hosts, n, c->peer.server_port);
    }
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
        if (c->down.front == NULL) {
            open_tls_front(c);
        }
        if (c->is_dead) {
            return;
        }
        feed_front(c, plain);
    }
    // A handshake that is complete before any request: the server's preface need not wait.
    if (!c->is_dead && c->down.front == NULL && tls_is_open(&c->tls)) {
        open_tls_front(c);
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
    if (conn_wants_end(c)) {
        return; // discarded while the last answer leaves
    }
    struct span in = span_of(bytes->base, (size_t)n);
    metrics_add(c->conf->metrics, METRIC_SLOT_BYTES_IN, in.n);
    if (c->wants_proxy) {
        in = conn_proxy_take(c, in);
    }
    if (in.n > 0 && c->conf->tls != NULL) {
        feed_tls(c, in);
    } else if (in.n > 0) {
        feed_plain(c, in);
    }
    conn_proxy_end(c);
}

void conn_set_reading(struct conn *c, bool on) {
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

void conn_pump(struct conn *c) {
    struct front_event e;
    enum step step = STEP_MORE;
    if (c->down.front == NULL || c->is_pumping) {
        return;
    }
    c->is_pumping = true;
    bool has_more = false;
    while (!c->is_dead && (step = front_next(c->down.front, &e)) == STEP_ITEM) {
        has_more = true;
        if (e.kind == FRONT_REQUEST) {
            c->is_idle = false;
            conn_age(c);
        }
        c->conf->handler->on_event(&c->down, &e);
        if (e.kind == FRONT_DONE || e.kind == FRONT_RESET) {
            c->waits_anew = true; // what follows, also the same wait again, has its whole time
            front_release(c->down.front, e.stream);
        }
    }
    c->is_pumping = false;
    if (c->is_dead) {
        return;
    }
    bool is_broken = step == STEP_BAD && !c->is_ending; // it says so for ever after
    c->is_ending = c->is_ending || is_broken;
    conn_set_deadline(c);
    conn_set_reading(c, c->is_ending || front_wants(c->down.front));
    if (has_more || is_broken) {
        conn_wants_flush(c);
    }
}
