// SPDX-License-Identifier: MIT
#include "runner/input.h"

#include "base/span.h"
#include "runner/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE 8192 // bytes; as much as libfcgi reads at once

static void tell(int eventfd) {
    static const uint64_t one = 1;
    while (write(eventfd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

static void enter(struct input *i, enum input_state state) {
    atomic_store(&i->state, (int)state);
    tell(i->changed);
}

static void close_to(struct input *i) {
    int to = atomic_exchange(&i->to, -1);
    if (to >= 0) {
        close(to);
    }
}

// Waits for one byte and takes what came with it. 0 at the end or after an error.
static size_t take(struct input *i, char *piece) {
    int first = FCGX_GetChar(i->stream);
    if (first == EOF) {
        return 0;
    }
    piece[0] = (char)first;
    ptrdiff_t more = i->stream->stop - i->stream->rdNext;
    if (more > PIECE - 1) {
        more = PIECE - 1;
    }
    return 1 + (size_t)FCGX_GetStr(piece + 1, (int)more, i->stream);
}

// Waits until the program reads. False when nobody shall wait for it any more.
static bool await_program(struct input *i) {
    struct pollfd fds[] = {{.fd = i->to, .events = POLLOUT}, {.fd = i->stop, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    return fds[1].revents == 0;
}

// A program need not read its input: once it has closed it, the rest is thrown away.
static void put(struct input *i, struct span piece) {
    while (piece.n > 0 && i->to >= 0) {
        ssize_t n = write(i->to, piece.p, piece.n);
        if (n > 0) {
            piece = span_skip(piece, (size_t)n);
            atomic_store(&i->moved_ms, clock_now_ms());
        } else if (errno == EINTR) {
            continue;
        } else if (errno != EAGAIN || !await_program(i)) {
            close_to(i);
            enter(i, INPUT_REFUSED);
        }
    }
}

static void *carry(void *context) {
    struct input *i = context;
    char piece[PIECE];
    size_t n;
    while ((n = take(i, piece)) > 0) {
        put(i, span_of(piece, n));
    }
    close_to(i);
    enter(i, FCGX_GetError(i->stream) ? INPUT_BROKEN : INPUT_ENDED);
    return NULL;
}

static int fail(struct input *i, int why) {
    close_to(i);
    if (i->stop >= 0) {
        close(i->stop);
    }
    if (i->changed >= 0) {
        close(i->changed);
    }
    return why;
}

int input_start(struct input *i, FCGX_Stream *stream, int to) {
    sigset_t all, old;
    i->stream = stream;
    atomic_init(&i->to, to);
    i->stop = eventfd(0, EFD_CLOEXEC);
    i->changed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    atomic_init(&i->state, INPUT_OPEN);
    atomic_init(&i->moved_ms, clock_now_ms());
    if (i->stop < 0 || i->changed < 0) {
        return fail(i, -errno);
    }
    // The alarm is for the thread that writes.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&i->thread, NULL, carry, i);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error ? fail(i, -error) : 0;
}

void input_finish(struct input *i, int channel) {
    tell(i->stop);
    shutdown(channel, SHUT_RD);
    pthread_join(i->thread, NULL);
    close(i->stop);
    close(i->changed);
}
