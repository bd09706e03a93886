// SPDX-License-Identifier: MIT
#include "runner/input.h"

#include "base/span.h"
#include "runner/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE 8192 // bytes; as much as libfcgi reads at once

static void tell(int eventfd) {
    static const uint64_t one = 1;
    while (eventfd >= 0 && write(eventfd, &one, sizeof one) < 0 && errno == EINTR) {
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

enum { PROGRAM, STOP, HURRY, AWAITED };

// Waits until the program reads, or there is no more reason to. False when nobody shall wait for it
// any more.
static bool await_program(struct input *i) {
    struct pollfd fds[AWAITED] = {
        [PROGRAM] = {.fd = atomic_load(&i->to), .events = POLLOUT},
        [STOP] = {.fd = i->stop, .events = POLLIN},
        [HURRY] = {.fd = i->is_hurried ? -1 : i->hurry, .events = POLLIN},
    };
    while (poll(fds, AWAITED, -1) < 0 && errno == EINTR) {
    }
    i->is_hurried |= fds[HURRY].revents != 0;
    return fds[STOP].revents == 0;
}

static bool spools(const struct input *i) {
    return i->is_hurried && !i->has_failed;
}

// A program need not read its input: once it has closed it, the rest is thrown away. Gives what is
// left of the piece when it is time to hurry.
static struct span write_program(struct input *i, struct span piece, bool may_hurry) {
    while (piece.n > 0 && atomic_load(&i->to) >= 0 && !(may_hurry && spools(i))) {
        ssize_t n = write(atomic_load(&i->to), piece.p, piece.n);
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
    return piece;
}

static bool open_file(struct input *i) {
    const char *folder = getenv("TMPDIR");
    if (i->file < 0) {
        i->file = open(folder && folder[0] ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    }
    return i->file >= 0;
}

// False when the file takes no more, for good.
static bool put_file(struct input *i, struct span piece) {
    while (piece.n > 0 && !i->has_failed) {
        bool is_room = piece.n <= i->most - i->put && open_file(i);
        ssize_t n = is_room ? pwrite(i->file, piece.p, piece.n, (off_t)i->put) : -1;
        if (n > 0) {
            i->put += (uint64_t)n;
            piece = span_skip(piece, (size_t)n);
        } else if (!is_room || errno != EINTR) {
            i->has_failed = true;
        }
    }
    return !i->has_failed;
}

// What is in the file goes to the program, at its pace.
static void empty_file(struct input *i) {
    char piece[PIECE];
    while (i->taken < i->put && atomic_load(&i->to) >= 0) {
        ssize_t n = pread(i->file, piece, sizeof piece, (off_t)i->taken);
        if (n <= 0) {
            close_to(i); // half a body: the program sees its end too early, and its length says so
            return;
        }
        i->taken += (uint64_t)n;
        write_program(i, span_of(piece, (size_t)n), false);
    }
}

static void put(struct input *i, struct span piece) {
    if (!spools(i)) {
        piece = write_program(i, piece, true);
    }
    if (piece.n == 0 || atomic_load(&i->to) < 0) {
        return;
    }
    uint64_t before = i->put;
    if (!put_file(i, piece)) {
        piece = span_skip(piece, (size_t)(i->put - before));
        enter(i, INPUT_SLOW);
        empty_file(i);
        write_program(i, piece, false);
    }
}

static void *carry(void *context) {
    struct input *i = context;
    char piece[PIECE];
    size_t n;
    while ((n = take(i, piece)) > 0) {
        atomic_store(&i->came_ms, clock_now_ms());
        put(i, span_of(piece, n));
    }
    enum input_state end = FCGX_GetError(i->stream) ? INPUT_BROKEN : INPUT_ENDED;
    atomic_store(&i->state, (int)end);
    if (i->taken < i->put) {
        tell(i->changed);
        empty_file(i);
        atomic_store(&i->state, (int)end);
    }
    close_to(i);
    tell(i->changed);
    return NULL;
}

static void close_all(struct input *i) {
    int fds[] = {i->stop, i->hurry, i->changed, i->file};
    close_to(i);
    for (size_t at = 0; at < sizeof fds / sizeof fds[0]; at++) {
        if (fds[at] >= 0) {
            close(fds[at]);
        }
    }
}

static int fail(struct input *i, int why) {
    close_all(i);
    return why;
}

static void init(struct input *i, FCGX_Stream *stream, int to) {
    *i = (struct input){.stream = stream, .file = -1, .stop = -1, .hurry = -1, .changed = -1};
    atomic_init(&i->to, to);
    atomic_init(&i->state, INPUT_OPEN);
    atomic_init(&i->moved_ms, clock_now_ms());
    atomic_init(&i->came_ms, clock_now_ms());
}

void input_pour(struct input *i, FCGX_Stream *stream, int to) {
    init(i, stream, to);
    carry(i);
}

int input_start(struct input *i, FCGX_Stream *stream, int to, uint64_t most) {
    sigset_t all, old;
    init(i, stream, to);
    i->most = most;
    i->stop = eventfd(0, EFD_CLOEXEC);
    i->hurry = eventfd(0, EFD_CLOEXEC);
    i->changed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (i->stop < 0 || i->hurry < 0 || i->changed < 0) {
        return fail(i, -errno);
    }
    // The alarm is for the thread that writes.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&i->thread, NULL, carry, i);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    i->has_thread = error == 0;
    return error ? fail(i, -error) : 0;
}

void input_hurry(struct input *i) {
    tell(i->hurry);
}

void input_finish(struct input *i, int channel) {
    if (i->has_thread) {
        tell(i->stop);
        shutdown(channel, SHUT_RD);
        pthread_join(i->thread, NULL);
    }
    close_all(i);
}
