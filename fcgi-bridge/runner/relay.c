// SPDX-License-Identifier: MIT
#include "runner/relay.h"

#include "runner/answer.h"
#include "runner/clock.h"
#include "runner/stop.h"

#include <errno.h>
#include <fastcgi.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE 32768
#define ERRORS_MOST (1 << 20) // bytes of standard error that are passed on; the rest is dropped

static const struct {
    int status;
    const char *why;
} endings[] = {
    [RELAY_RUNNING] = {500, "still running"},
    [RELAY_ENDED] = {502, "ended"},
    [RELAY_TIME] = {504, "killed: over its time (--timeout)"},
    [RELAY_OUTPUT] = {502, "killed: over its output (--output)"},
    [RELAY_CLIENT_GONE] = {502, "killed: the client went away"},
    [RELAY_ABORTED] = {502, "killed: the client aborted the request"},
    [RELAY_STOPPED] = {503, "killed: the bridge stops"},
};

int relay_status(enum relay_ending ending) {
    return endings[ending].status;
}

const char *relay_why(enum relay_ending ending) {
    return endings[ending].why;
}

void relay_init(struct relay *r, FCGX_Request *request, int64_t deadline_ms, uint64_t most) {
    *r = (struct relay){.request = request, .deadline_ms = deadline_ms, .most = most};
}

// Writes and flushes. This blocks while the client does not read; the alarm ends it.
static void send_piece(struct relay *r, FCGX_Stream *stream, const char *piece, int n) {
    FCGX_PutStr(piece, n, stream);
    FCGX_FFlush(stream);
    if (FCGX_GetError(stream) != 0 && r->ending == RELAY_RUNNING) {
        r->ending = clock_now_ms() >= r->deadline_ms ? RELAY_TIME : RELAY_CLIENT_GONE;
    }
}

// Reads a piece of a pipe. Negative when there is nothing now; closes it at its end and gives 0.
static ssize_t take_piece(int *fd, char *piece) {
    ssize_t n = read(*fd, piece, PIECE);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(*fd);
        *fd = -1;
        return 0;
    }
    return n;
}

static void on_output(struct relay *r) {
    char piece[PIECE];
    ssize_t n = take_piece(&r->process->out, piece);
    if (n <= 0) {
        return;
    }
    if ((uint64_t)n > r->most - r->sent) {
        n = (ssize_t)(r->most - r->sent);
        r->ending = RELAY_OUTPUT;
    }
    r->sent += (uint64_t)n;
    send_piece(r, r->request->out, piece, (int)n);
}

// False when there was nothing to read.
static bool on_errors(struct relay *r) {
    char piece[PIECE];
    ssize_t n = take_piece(&r->process->err, piece);
    if (n <= 0) {
        return false;
    }
    if (r->complained < ERRORS_MOST) {
        send_piece(r, r->request->err, piece, (int)n);
        r->complained += (uint64_t)n;
        if (r->complained >= ERRORS_MOST) {
            static const char rest[] = "\nfcgi-bridge: the rest of its errors is dropped\n";
            send_piece(r, r->request->err, rest, sizeof rest - 1);
        }
    }
    return true;
}

void relay_drain_errors(struct relay *r) {
    // A process that left the group may go on writing: as much as a pipe holds and no more.
    for (int i = 0; i < 16 && r->process->err >= 0 && answer_is_possible(r->request); i++) {
        if (!on_errors(r)) {
            return;
        }
    }
}

static bool is_unix(int fd) {
    int domain = 0;
    socklen_t n = sizeof domain;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_UNIX;
}

// Bytes behind the end of the input: an abort of this request, or something for which it is too
// early.
static void on_client_input(struct relay *r) {
    FCGI_Header header;
    int fd = r->request->ipcFd;
    ssize_t n = recv(fd, &header, sizeof header, MSG_PEEK | MSG_DONTWAIT);
    if (n == sizeof header && header.type == FCGI_ABORT_REQUEST &&
        (header.requestIdB1 << 8 | header.requestIdB0) == r->request->requestId) {
        recv(fd, &header, sizeof header, MSG_DONTWAIT);
        r->ending = RELAY_ABORTED;
    } else if (n >= 0 || errno != EAGAIN) {
        r->client_events &= ~POLLIN;
    }
}

static void on_client(struct relay *r, short events) {
    if (events & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL)) {
        r->ending = RELAY_CLIENT_GONE;
    } else if (events & POLLIN) {
        on_client_input(r);
    }
}

static void on_input_ended(struct relay *r) {
    r->has_input_ended = true;
    r->client_events |= POLLIN;
    if (atomic_load(&r->input->state) == INPUT_BROKEN) {
        r->ending = RELAY_CLIENT_GONE;
    }
}

enum { OUT, ERR, EXIT, CLIENT, INPUT, WAITED };

static void dispatch(struct relay *r, const struct pollfd *fds) {
    if (fds[ERR].revents) {
        on_errors(r);
    }
    if (fds[OUT].revents && r->ending == RELAY_RUNNING) {
        on_output(r);
    }
    r->has_exited |= fds[EXIT].revents != 0;
    if (r->ending == RELAY_RUNNING && r->has_exited && r->process->out < 0) {
        r->ending = RELAY_ENDED;
    }
    if (fds[INPUT].revents && r->ending == RELAY_RUNNING) {
        on_input_ended(r);
    }
    if (fds[CLIENT].revents && r->ending == RELAY_RUNNING) {
        on_client(r, fds[CLIENT].revents);
    }
}

static void turn(struct relay *r) {
    struct pollfd fds[WAITED] = {
        [OUT] = {.fd = r->process->out, .events = POLLIN},
        [ERR] = {.fd = r->process->err, .events = POLLIN},
        [EXIT] = {.fd = r->has_exited ? -1 : r->process->pidfd, .events = POLLIN},
        [CLIENT] = {.fd = r->request->ipcFd, .events = r->client_events},
        [INPUT] = {.fd = r->has_input_ended ? -1 : r->input->changed, .events = POLLIN},
    };
    int64_t left = r->deadline_ms - clock_now_ms();
    if (left <= 0) {
        r->ending = RELAY_TIME;
    } else if (stop_poll(fds, WAITED, left) > 0) {
        dispatch(r, fds);
    }
    if (stop_level() == STOP_NOW && r->ending == RELAY_RUNNING) {
        r->ending = RELAY_STOPPED;
    }
}

void relay_run(struct relay *r, struct input *input) {
    r->input = input;
    // On a unix socket POLLHUP tells a client that has gone from one that has shut its own side
    // only. On TCP they look the same; there a client has no reason to shut its side alone.
    r->client_events = is_unix(r->request->ipcFd) ? 0 : POLLRDHUP;
    while (r->ending == RELAY_RUNNING) {
        turn(r);
    }
}
