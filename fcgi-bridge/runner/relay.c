// SPDX-License-Identifier: MIT
#include "runner/relay.h"

#include "runner/answer.h"
#include "runner/clock.h"
#include "runner/family.h"
#include "runner/limit.h"
#include "runner/stop.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PIECE 32768
#define ERRORS_MOST (1 << 20) // bytes of standard error that are passed on; the rest is dropped
#define LOOK_MS 100           // between two looks at memory and processes
#define REAP_MS 1000          // between two looks for the dead, when nothing has a limit
#define STALL_MS 3000         // a body of which nothing comes for so long waits for the answer
#define EXIT_MS 100           // for a program that has closed its output to exit

static const struct {
    int status;
    const char *why;
} endings[] = {
#define ENDING(name, label, status, why) [REPORT_##name] = {status, why},
#include "runner/ending.def"
#undef ENDING
};

int relay_status(enum report_ending ending) {
    return endings[ending].status;
}

const char *relay_why(enum report_ending ending) {
    return endings[ending].why;
}

void relay_init(struct relay *r, FCGX_Request *request, const struct options *o,
                int64_t deadline_ms) {
    *r = (struct relay){.request = request, .options = o, .deadline_ms = deadline_ms};
    hold_init(&r->hold, o->hold + PIECE);
}

void relay_fini(struct relay *r) {
    hold_fini(&r->hold);
}

static void on_client_gone(struct relay *r) {
    r->is_client_gone = true;
    if (strcmp(r->options->gone, "finish") != 0 && r->ending == REPORT_RUNNING) {
        r->ending = REPORT_CLIENT_GONE;
    }
}

// Writes and flushes. This blocks while the client does not read; the alarm ends it.
static void send_piece(struct relay *r, FCGX_Stream *stream, struct span piece) {
    if (r->is_client_gone) {
        return;
    }
    FCGX_PutStr((const char *)piece.p, (int)piece.n, stream);
    FCGX_FFlush(stream);
    r->moved_ms = clock_now_ms();
    if (FCGX_GetError(stream) != 0 && r->moved_ms >= r->deadline_ms) {
        r->ending = REPORT_TIME;
    } else if (FCGX_GetError(stream) != 0) {
        on_client_gone(r);
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

// Nobody sends a body any more whose program does not read it.
static bool is_body_read(const struct relay *r) {
    return r->has_exited || r->has_refused || r->has_stalled ||
           atomic_load(&r->input->state) != INPUT_OPEN;
}

// As much is held as may be: the program's output waits until the body is read, by us if not by it.
static bool is_full(const struct relay *r) {
    return buf_len(&r->hold.bytes) > r->options->hold && !is_body_read(r);
}

// Sends what need not be held.
static void release(struct relay *r, bool is_all) {
    struct span ready = hold_ready(&r->hold, is_all);
    while (ready.n > 0) {
        struct span piece = span_first(ready, PIECE);
        send_piece(r, r->request->out, piece);
        r->sent += piece.n;
        hold_take(&r->hold, piece.n);
        ready = hold_ready(&r->hold, is_all);
    }
}

static void on_output(struct relay *r) {
    char piece[PIECE];
    ssize_t n = take_piece(&r->process->out, piece);
    uint64_t most = r->options->output;
    if (n <= 0) {
        return;
    }
    r->moved_ms = clock_now_ms();
    if (most && (uint64_t)n > most - r->written) {
        n = (ssize_t)(most - r->written);
        r->ending = REPORT_OUTPUT;
    }
    r->written += (uint64_t)n;
    // There is room for a piece, since no more is read once it is full; memory may be short.
    if (!hold_put(&r->hold, span_of(piece, (size_t)n))) {
        release(r, true);
        send_piece(r, r->request->out, span_of(piece, (size_t)n));
        r->sent += (uint64_t)n;
        return;
    }
    release(r, r->options->hold == 0 || is_body_read(r));
    if (is_full(r)) {
        input_hurry(r->input);
    }
}

// False when there was nothing to read.
static bool on_errors(struct relay *r) {
    char piece[PIECE];
    ssize_t n = take_piece(&r->process->err, piece);
    if (n <= 0) {
        return false;
    }
    r->moved_ms = clock_now_ms();
    if (r->complained < ERRORS_MOST) {
        send_piece(r, r->request->err, span_of(piece, (size_t)n));
        r->complained += (uint64_t)n;
        if (r->complained >= ERRORS_MOST) {
            send_piece(r, r->request->err,
                       SPAN("\nfcgi-bridge: the rest of its errors is dropped\n"));
        }
    }
    return true;
}

void relay_drain_errors(struct relay *r) {
    // A process that lives on may go on writing: as much as a pipe holds and no more.
    for (int i = 0; i < 16 && r->process->err >= 0 && answer_is_possible(r->request); i++) {
        if (!on_errors(r)) {
            return;
        }
    }
}

static void on_input(struct relay *r) {
    eventfd_t n;
    eventfd_read(r->input->changed, &n);
    if (atomic_load(&r->input->state) == INPUT_BROKEN) {
        on_client_gone(r);
    }
    release(r, true);
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static void look(struct relay *r, int64_t now) {
    int64_t every = r->options->memory || r->options->processes ? LOOK_MS : REAP_MS;
    int64_t came = atomic_load(&r->input->came_ms);
    int64_t moved = later(later(atomic_load(&r->input->moved_ms), came), r->moved_ms);
    if (is_full(r) && now - came >= STALL_MS) {
        r->has_stalled = true;
        release(r, true);
    }
    if (now >= r->deadline_ms) {
        r->ending = REPORT_TIME;
    } else if (now - moved >= (int64_t)r->options->idle) {
        r->ending = REPORT_IDLE;
    } else if (now - r->looked_ms >= every) {
        r->looked_ms = now;
        family_reap(r->process->pid);
        r->ending = limit_reached(r->options, r->leaf);
    }
}

// The earliest time at which there is something to look at.
static int64_t wait_ms(const struct relay *r, int64_t now) {
    int64_t every = r->options->memory || r->options->processes ? LOOK_MS : REAP_MS;
    int64_t until = r->looked_ms + every;
    int64_t idle = r->moved_ms + (int64_t)r->options->idle;
    if (r->closed_ms && r->written > 0 && r->closed_ms + EXIT_MS < until) {
        until = r->closed_ms + EXIT_MS;
    }
    until = idle < until && idle > now ? idle : until;
    until = r->deadline_ms < until ? r->deadline_ms : until;
    return until > now ? until - now : 0;
}

// The output is at its end: the request is over when the program is, or does not end at once.
static void on_output_end(struct relay *r, int64_t now) {
    if (r->has_exited) {
        r->ending = REPORT_ENDED;
    } else if (r->closed_ms == 0) {
        r->closed_ms = now;
    } else if (now - r->closed_ms >= EXIT_MS && r->written > 0) {
        r->ending = REPORT_ANSWERED;
    }
}

enum { OUT, ERR, EXIT, CLIENT, INPUT, READS, WAITED };

static void dispatch(struct relay *r, const struct pollfd *fds) {
    if (fds[ERR].revents) {
        on_errors(r);
    }
    if (fds[OUT].revents && r->ending == REPORT_RUNNING) {
        on_output(r);
    }
    r->has_exited |= fds[EXIT].revents != 0;
    if (r->ending == REPORT_RUNNING && (fds[INPUT].revents || fds[EXIT].revents)) {
        on_input(r);
    }
    if (fds[READS].revents & POLLERR) {
        r->has_refused = true;
        release(r, true);
    }
    if (fds[CLIENT].revents & (POLLHUP | POLLERR) && r->ending == REPORT_RUNNING) {
        on_client_gone(r);
    }
}

static void turn(struct relay *r) {
    struct pollfd fds[WAITED] = {
        [OUT] = {.fd = is_full(r) ? -1 : r->process->out, .events = POLLIN},
        [ERR] = {.fd = r->process->err, .events = POLLIN},
        [EXIT] = {.fd = r->has_exited ? -1 : r->process->pidfd, .events = POLLIN},
        [CLIENT] = {.fd = r->is_client_gone ? -1 : r->request->ipcFd},
        [INPUT] = {.fd = r->input->changed, .events = POLLIN},
        // The thread closes it, and wakes us then: until we return the program would not see that.
        [READS] = {.fd = r->has_refused ? -1 : atomic_load(&r->input->to)},
    };
    if (stop_poll(fds, WAITED, wait_ms(r, clock_now_ms())) > 0) {
        dispatch(r, fds);
    }
    int64_t now = clock_now_ms();
    if (r->ending == REPORT_RUNNING && r->process->out < 0) {
        on_output_end(r, now);
    }
    if (r->ending == REPORT_RUNNING) {
        look(r, now);
    }
    if (stop_level() == STOP_NOW && r->ending == REPORT_RUNNING) {
        r->ending = REPORT_STOPPED;
    }
}

void relay_run(struct relay *r, struct input *input) {
    r->input = input;
    r->looked_ms = r->moved_ms = clock_now_ms();
    while (r->ending == REPORT_RUNNING) {
        turn(r);
    }
    // What was held is the answer, whole or cut.
    if (r->ending == REPORT_ENDED || r->ending == REPORT_ANSWERED || r->ending == REPORT_OUTPUT) {
        release(r, true);
    }
}
