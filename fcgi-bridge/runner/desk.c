// SPDX-License-Identifier: MIT
#include "runner/desk.h"

#include "runner/clock.h"
#include "runner/descriptors.h"
#include "runner/status.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MS 10000   // for a client to send the head of a request
#define GOODBYE_MS 2000 // for a client to close after the last answer
#define PAUSE_MS 100    // when the system has no descriptors or memory for a connection
#define ACCEPT_MOST 16  // connections a turn
#define OTHERS 64       // descriptors that are not clients' or workers'
#define CLIENTS_LEAST 16

static const char stopping[] = "Status: 503 Service Unavailable\r\n"
                               "Content-Type: text/plain\r\n\r\n503 Service Unavailable\n";

int desk_init(struct desk *d, const struct options *o, struct crew *crew, int listen_fd) {
    *d = (struct desk){.options = o, .crew = crew, .listen_fd = listen_fd};
    list_init(&d->waiting);
    // A client takes two: its own connection and the one to its worker.
    size_t others = OTHERS + crew->n, least = others + 2 * CLIENTS_LEAST;
    size_t descriptors = descriptors_raise(others + 2 * DESK_CLIENTS_MOST);
    if (descriptors < least) {
        fprintf(stderr,
                "fcgi-bridge: --workers %" PRIu64 " takes %zu descriptors of %zu (ulimit -n)\n",
                o->workers, least, descriptors);
        return -1;
    }
    size_t most = (descriptors - others) / 2;
    d->most = most < DESK_CLIENTS_MOST ? most : DESK_CLIENTS_MOST;
    d->conf = (struct client_conf){(uint32_t)d->most, (uint32_t)o->workers};
    return 0;
}

static void close_channel(struct client *c) {
    if (c->channel >= 0) {
        close(c->channel);
        c->channel = -1;
    }
}

static void drop(struct desk *d, size_t i) {
    struct client *c = d->clients[i];
    d->dropped += c->state == CLIENT_WAITS;
    close_channel(c);
    close(c->fd);
    client_fini(c);
    free(c);
    d->clients[i] = d->clients[--d->n];
}

void desk_fini(struct desk *d) {
    while (d->n > 0) {
        drop(d, d->n - 1);
    }
}

// ---- connections ----

static bool is_unix(int fd) {
    int domain = 0;
    socklen_t n = sizeof domain;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_UNIX;
}

// How many connections may be accepted now: those that wait for nothing make room.
static size_t count_room(const struct desk *d) {
    size_t n = d->most - d->n;
    for (size_t i = 0; i < d->n; i++) {
        n += d->clients[i]->state == CLIENT_IDLE;
    }
    return n;
}

static void drop_idle(struct desk *d) {
    size_t oldest = d->n;
    for (size_t i = 0; i < d->n; i++) {
        if (d->clients[i]->state == CLIENT_IDLE &&
            (oldest == d->n || d->clients[i]->since_ms < d->clients[oldest]->since_ms)) {
            oldest = i;
        }
    }
    if (oldest < d->n) {
        drop(d, oldest);
    }
}

static void add(struct desk *d, int fd) {
    int on = 1;
    struct client *c = malloc(sizeof *c);
    if (c == NULL) {
        close(fd);
        return;
    }
    client_init(c, &d->conf, fd);
    c->is_unix = is_unix(fd);
    c->since_ms = c->moved_ms = clock_now_ms();
    if (!c->is_unix) {
        // An interim block must not wait for the client's ACK.
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    d->clients[d->n++] = c;
    d->accepted++;
}

static void accept_some(struct desk *d) {
    // Counted once: whoever was accepted just now was not heard yet, and does not make room.
    size_t room = count_room(d);
    for (int i = 0; i < ACCEPT_MOST && room > 0; i++, room--) {
        int fd = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            if (d->n == d->most) {
                drop_idle(d);
            }
            add(d, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            d->accept_ms = clock_now_ms() + PAUSE_MS;
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

static bool is_accepting(const struct desk *d) {
    return !d->is_closed && count_room(d) > 0 && clock_now_ms() >= d->accept_ms;
}

// ---- one client ----

static bool is_active(const struct client *c) {
    return c->state == CLIENT_WAITS || c->state == CLIENT_RUNS;
}

// A client that shuts its own side alone still reads; on TCP that looks like one that has gone, and
// there a client has no reason to do it.
static bool on_client_end(struct client *c) {
    c->is_shut = true;
    return c->is_unix && is_active(c) && c->is_input_ended;
}

// False when the connection is to be closed.
static bool read_client(struct client *c) {
    uint8_t piece[CLIENT_PIECE];
    ssize_t n = recv(c->fd, piece, sizeof piece, 0);
    if (n > 0) {
        c->moved_ms = clock_now_ms();
        return client_feed(c, span_of(piece, (size_t)n));
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    return n == 0 && on_client_end(c);
}

static bool write_client(struct client *c) {
    struct span out = buf_span(&c->out);
    ssize_t n = out.n ? send(c->fd, out.p, out.n, MSG_NOSIGNAL) : 0;
    if (n > 0) {
        c->moved_ms = clock_now_ms();
        buf_take(&c->out, (size_t)n);
        buf_release(&c->out);
    }
    return n >= 0 || errno == EAGAIN || errno == EINTR;
}

// A worker that reads no more is no error: its answer may be complete.
static void write_worker(struct client *c) {
    struct span in = buf_span(&c->in);
    ssize_t n = in.n ? send(c->channel, in.p, in.n, MSG_NOSIGNAL) : 0;
    if (n > 0) {
        buf_take(&c->in, (size_t)n);
    } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
        buf_take(&c->in, buf_len(&c->in));
    }
    buf_release(&c->in);
}

static void read_worker(struct client *c) {
    uint8_t piece[CLIENT_PIECE];
    ssize_t n = recv(c->channel, piece, sizeof piece, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n > 0 && buf_len(&c->out) == 0) {
        c->moved_ms = clock_now_ms(); // from now on it is the client that is waited for
    }
    if (n <= 0 || !client_answer(c, span_of(piece, (size_t)n)) || c->is_answered) {
        client_end(c);
    }
}

// False when the connection is to be closed.
static bool say_goodbye(struct client *c, int64_t now) {
    if (c->state != CLIENT_LEAVES || buf_len(&c->out) > 0) {
        return true;
    }
    if (!c->is_lingering) {
        // Closing with bytes unread would reset the connection, and the answer might be lost.
        shutdown(c->fd, SHUT_WR);
        c->is_lingering = true;
        c->since_ms = now;
    }
    return !c->is_shut && now - c->since_ms < GOODBYE_MS;
}

static int64_t client_due_ms(const struct desk *d, const struct client *c) {
    int64_t due = INT64_MAX;
    if (c->state == CLIENT_HEAD) {
        due = c->since_ms + HEAD_MS;
    } else if (c->is_lingering) {
        due = c->since_ms + GOODBYE_MS;
    }
    if (buf_len(&c->out) > 0 && c->moved_ms + (int64_t)d->options->idle < due) {
        due = c->moved_ms + (int64_t)d->options->idle;
    }
    return due;
}

// After every event: what the new state asks for. False when the connection is to be closed.
static bool settle(struct desk *d, struct client *c, enum client_state before, int64_t now) {
    if (c->channel >= 0 && c->state != CLIENT_RUNS) {
        close_channel(c);
    }
    if (c->state != before) {
        c->since_ms = now;
    }
    if (c->state == CLIENT_WAITS && list_is_empty(&c->node)) {
        d->served++;
        if (status_is_asked(d, c)) {
            status_answer(d, c);
        } else {
            list_put(&d->waiting, &c->node);
        }
    }
    if (d->is_closed) {
        c->keep = false;
        if (c->state == CLIENT_IDLE) {
            return false;
        }
    }
    return write_client(c) && say_goodbye(c, now) && now < client_due_ms(d, c);
}

static bool turn_client(struct desk *d, struct client *c, short client, short worker) {
    int64_t now = clock_now_ms();
    enum client_state before = c->state;
    if (client & (POLLHUP | POLLERR | POLLNVAL | POLLRDHUP) && !(client & POLLIN)) {
        return false;
    }
    if (worker & POLLOUT) {
        write_worker(c);
    }
    if (worker & (POLLIN | POLLHUP | POLLERR) && c->state == CLIENT_RUNS && client_room(c) > 0) {
        read_worker(c);
    }
    if (client & POLLIN && !read_client(c)) {
        return false;
    }
    return settle(d, c, before, now);
}

// ---- all of them ----

static void give(struct desk *d, struct client *c, struct crew_slot *slot) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        c->keep = false;
        client_refuse(c, stopping);
        return;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK); // the worker's end is libfcgi's, which waits
    if (crew_give(slot, ends[1], client_is_short(c)) && client_start(c)) {
        c->channel = ends[0];
        write_worker(c);
    } else {
        close(ends[0]);
        list_put(&d->waiting, &c->node); // for another worker
    }
    close(ends[1]);
}

void desk_give(struct desk *d) {
    struct crew_slot *slot;
    while (!list_is_empty(&d->waiting) && (slot = crew_free(d->crew)) != NULL) {
        give(d, LIST_ITEM(list_take(&d->waiting), struct client, node), slot);
    }
}

size_t desk_watched(const struct desk *d) {
    return 1 + 2 * d->n;
}

void desk_watch(const struct desk *d, struct pollfd *fds) {
    fds[0] = (struct pollfd){.fd = is_accepting(d) ? d->listen_fd : -1, .events = POLLIN};
    for (size_t i = 0; i < d->n; i++) {
        const struct client *c = d->clients[i];
        struct pollfd *own = &fds[1 + 2 * i], *worker = own + 1;
        *own = (struct pollfd){.fd = c->fd};
        *worker = (struct pollfd){.fd = c->channel};
        own->events |= !c->is_shut && client_wants(c) ? POLLIN : 0;
        own->events |= !c->is_shut && !c->is_unix ? POLLRDHUP : 0;
        own->events |= buf_len(&c->out) > 0 ? POLLOUT : 0;
        worker->events |= client_room(c) > 0 ? POLLIN : 0;
        worker->events |= buf_len(&c->in) > 0 ? POLLOUT : 0;
        if (worker->events == 0) {
            worker->fd = -1; // its hang-up can wait
        }
    }
}

void desk_turn(struct desk *d, const struct pollfd *fds) {
    for (size_t i = d->n; i > 0; i--) {
        const struct pollfd *own = &fds[2 * i - 1];
        if (!turn_client(d, d->clients[i - 1], own->revents, own[1].revents)) {
            drop(d, i - 1);
        }
    }
    if (fds[0].revents) {
        accept_some(d);
    }
}

int64_t desk_due_ms(const struct desk *d) {
    int64_t due = d->accept_ms > clock_now_ms() ? d->accept_ms : INT64_MAX;
    for (size_t i = 0; i < d->n; i++) {
        int64_t its = client_due_ms(d, d->clients[i]);
        due = its < due ? its : due;
    }
    return due;
}

void desk_close(struct desk *d, bool is_hard) {
    d->is_closed = true;
    for (size_t i = 0; i < d->n && is_hard; i++) {
        if (d->clients[i]->state == CLIENT_WAITS) {
            d->clients[i]->keep = false;
            client_refuse(d->clients[i], stopping);
        }
    }
}

size_t desk_active(const struct desk *d) {
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        n += is_active(d->clients[i]) || d->clients[i]->state == CLIENT_HEAD;
    }
    return n;
}
