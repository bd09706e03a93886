// SPDX-License-Identifier: MIT
#include "server/conn_inside.h"

#define FLUSH_BYTES (256u << 10) // written at a time; others have their turn before the next

void conn_wants_flush(struct conn *c) {
    if (!c->is_dead) {
        loop_put(c->conf->loop, LOOP_CLIENTS, &c->flush);
    }
}

// The next bytes for the socket: of TLS, which is given what the front has to say, or of the front.
static struct span next_output(struct conn *c) {
    if (c->conf->tls == NULL) {
        return c->down.front != NULL ? front_output(c->down.front) : (struct span){NULL, 0};
    }
    struct span out = tls_output(&c->tls);
    if (out.n > 0 || c->down.front == NULL || !tls_is_open(&c->tls)) {
        return out;
    }
    struct span plain = front_output(c->down.front);
    if (plain.n > 0 && tls_put(&c->tls, plain) == 0) {
        front_sent(c->down.front, plain.n);
    }
    return tls_output(&c->tls);
}

static void output_sent(struct conn *c, size_t n) {
    if (c->conf->tls != NULL) {
        tls_sent(&c->tls, n);
    } else if (n > 0) {
        front_sent(c->down.front, n);
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
    conn_look_soon(c);
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
    conn_set_deadline(c);
    if (uv_shutdown(&c->shutdown, &c->io.stream, on_shutdown) != 0) {
        conn_die(c);
    }
}

bool conn_wants_end(const struct conn *c) {
    if (c->is_ending || c->down.front == NULL) {
        return c->is_ending;
    }
    return conn_ends_in(c, front_phase(c->down.front));
}

static bool can_write(const struct conn *c) {
    return !c->is_dead && buf_len(&c->stuck) == 0;
}

// n: what the kernel took of a batch, or a libuv error. The rest of the batch is stuck.
static void batch_written(struct conn *c, struct span out, int n) {
    if (n < 0 && n != UV_EAGAIN) {
        conn_die(c);
        return;
    }
    size_t took = n < 0 ? 0 : (size_t)n;
    metrics_add(c->conf->metrics, METRIC_SLOT_BYTES_OUT, out.n);
    c->given += out.n;
    output_sent(c, took);
    if (took < out.n) {
        write_rest(c, span_skip(out, took));
    }
}

// Everything has been said.
static void end_output(struct conn *c) {
    if (c->is_cut) {
        conn_die(c);
        return;
    }
    if (c->conf->tls != NULL && tls_is_open(&c->tls)) {
        tls_close(&c->tls);
        if (tls_output(&c->tls).n > 0) { // the close_notify, once
            conn_wants_flush(c);
            return;
        }
    }
    if ((c->is_idle && !c->down.is_h2) || c->has_fin) {
        conn_die(c); // nothing of the client's is unread that could cost it our last answer
    } else {
        linger(c);
    }
}

// Events are pulled after each batch: what has left makes room and completes responses, and the
// next batch must begin with the body that goes first, if there is more of it.
static void on_flush(struct loop_task *task) {
    struct conn *c = LIST_ITEM(task, struct conn, flush);
    size_t written = 0, n = 1;
    while (!c->is_lingering && can_write(c) && n > 0) {
        if (written >= FLUSH_BYTES) {
            conn_wants_flush(c);
            return;
        }
        list_drop(&c->flush.node); // what put it there is written now
        struct span out = next_output(c);
        if (out.n > 0) {
            uv_buf_t bytes = {.len = out.n};
            memcpy(&bytes.base, &out.p, sizeof bytes.base); // libuv does not write through it
            batch_written(c, out, uv_try_write(&c->io.stream, &bytes, 1));
        }
        n = out.n;
        written += n;
        conn_pump(c);
        n += !list_is_empty(&c->flush.node);
    }
    if (can_write(c) && !c->is_lingering && conn_wants_end(c)) {
        end_output(c);
    }
}

void conn_output_init(struct conn *c) {
    c->flush.run = on_flush;
    buf_init(&c->stuck, (size_t)2 * LOOP_READ_LEN);
}
