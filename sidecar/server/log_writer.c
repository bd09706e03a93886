// SPDX-License-Identifier: MIT
#include "server/log_writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define TICK_S 1
#define STOP_S 2      // without a byte taken at the end
#define CRASH_MS 1000 // the same of a program that crashes

// The bytes [from, to) wait, counted from the start; `from` moves when they have been written.
static struct {
    struct log_writer_conf conf;
    pthread_mutex_t lock;
    pthread_cond_t more, done;
    pthread_t thread;
    uint8_t ring[LOG_WRITER_BYTES];
    _Atomic size_t from, to;
    _Atomic bool is_running;
    bool is_stopping, has_ended;
    uint64_t untold; // lines lost, not told yet
    _Atomic uint64_t lost;
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER};

// Whole lines from the front of the ring, at most LOG_WRITER_LINE bytes: what goes into a pipe in
// one piece, so that other processes' lines do not come in between.
static size_t copy_lines(uint8_t *out) {
    size_t from = writer.from, n = writer.to - from, end = 0;
    n = n < LOG_WRITER_LINE ? n : LOG_WRITER_LINE;
    for (size_t i = 0; i < n; i++) {
        out[i] = writer.ring[(from + i) % LOG_WRITER_BYTES];
        end = out[i] == '\n' ? i + 1 : end;
    }
    return end > 0 ? end : n;
}

// False when nobody is there who could read it.
static bool write_all(struct span bytes, int wait_ms) {
    while (bytes.n > 0) {
        ssize_t n = write(writer.conf.fd, bytes.p, bytes.n);
        if (n >= 0) {
            bytes = span_skip(bytes, (size_t)n);
            continue;
        }
        struct pollfd room = {.fd = writer.conf.fd, .events = POLLOUT};
        bool is_full = errno == EAGAIN && poll(&room, 1, wait_ms) != 0;
        if (errno != EINTR && !is_full) {
            return false;
        }
    }
    return true;
}

// ---- the thread ---------------------------------------------------------------------------------

// Under the lock, which it lets go while it writes.
static void write_some(void) {
    uint8_t lines[LOG_WRITER_LINE];
    size_t n = copy_lines(lines);
    pthread_mutex_unlock(&writer.lock);
    write_all(span_of(lines, n), -1);
    pthread_mutex_lock(&writer.lock);
    writer.from += n;
    uint64_t untold = writer.untold;
    if (untold > 0) {
        char told[LOG_WRITER_LINE];
        writer.untold = 0;
        pthread_mutex_unlock(&writer.lock);
        write_all(span_of(told, writer.conf.on_lost(untold, told)), -1);
        pthread_mutex_lock(&writer.lock);
    }
}

// Under the lock, which it lets go. Moves the time of the next.
static void tick_if_due(struct timespec *due) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < due->tv_sec || (now.tv_sec == due->tv_sec && now.tv_nsec < due->tv_nsec)) {
        return;
    }
    pthread_mutex_unlock(&writer.lock);
    writer.conf.on_tick();
    pthread_mutex_lock(&writer.lock);
    *due = now;
    due->tv_sec += TICK_S;
}

static void *run(void *self) {
    struct timespec due;
    (void)self;
    clock_gettime(CLOCK_MONOTONIC, &due);
    due.tv_sec += TICK_S;
    pthread_mutex_lock(&writer.lock);
    while (!writer.is_stopping || writer.from < writer.to) {
        if (writer.from < writer.to) {
            write_some();
        } else {
            pthread_cond_timedwait(&writer.more, &writer.lock, &due);
        }
        tick_if_due(&due);
    }
    writer.has_ended = true;
    pthread_cond_signal(&writer.done);
    pthread_mutex_unlock(&writer.lock);
    return NULL;
}

// ---- crashes ------------------------------------------------------------------------------------

// Whoever else writes goes on, so a line may be there twice; none is missing.
static void on_crash(int number) {
    uint8_t lines[LOG_WRITER_LINE];
    struct pollfd room = {.fd = writer.conf.fd, .events = POLLOUT};
    while (writer.from < writer.to && poll(&room, 1, CRASH_MS) > 0) {
        size_t n = copy_lines(lines);
        if (!write_all(span_of(lines, n), CRASH_MS)) {
            break;
        }
        writer.from += n;
    }
    raise(number); // as it would have ended: the handler is gone (SA_RESETHAND)
}

// Where nobody else has something to say about crashes.
static void watch_crashes(void) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction was, act = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_NODEFER};
        if (sigaction(numbers[i], NULL, &was) == 0 && was.sa_handler == SIG_DFL) {
            sigaction(numbers[i], &act, NULL);
        }
    }
}

// ---- start, stop, put ---------------------------------------------------------------------------

void log_writer_start(const struct log_writer_conf *conf) {
    pthread_condattr_t clock;
    sigset_t all, was;
    writer.conf = *conf;
    writer.is_stopping = writer.has_ended = false;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&writer.more, &clock);
    pthread_cond_init(&writer.done, &clock);
    pthread_condattr_destroy(&clock);
    watch_crashes();
    sigfillset(&all); // signals are for the others
    pthread_sigmask(SIG_SETMASK, &all, &was);
    writer.is_running = pthread_create(&writer.thread, NULL, run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &was, NULL);
}

bool log_writer_is_running(void) {
    return writer.is_running;
}

// Under the lock: false when it has moved nothing for so long.
static bool wait_for_end(void) {
    size_t from = writer.from;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_S;
    while (!writer.has_ended) {
        if (pthread_cond_timedwait(&writer.done, &writer.lock, &until) == ETIMEDOUT) {
            return writer.has_ended || writer.from != from;
        }
    }
    return true;
}

void log_writer_stop(void) {
    if (!writer.is_running) {
        return;
    }
    pthread_mutex_lock(&writer.lock);
    writer.is_stopping = true;
    pthread_cond_signal(&writer.more);
    while (!writer.has_ended && wait_for_end()) {
    }
    bool has_ended = writer.has_ended;
    pthread_mutex_unlock(&writer.lock);
    if (has_ended) {
        pthread_join(writer.thread, NULL);
        writer.is_running = false;
    }
}

void log_writer_put(struct span line) {
    pthread_mutex_lock(&writer.lock);
    if (line.n > LOG_WRITER_BYTES - (writer.to - writer.from)) {
        writer.untold++;
        atomic_fetch_add(&writer.lost, 1);
    } else {
        for (size_t i = 0; i < line.n; i++) {
            writer.ring[(writer.to + i) % LOG_WRITER_BYTES] = line.p[i];
        }
        writer.to += line.n;
        pthread_cond_signal(&writer.more);
    }
    pthread_mutex_unlock(&writer.lock);
}

uint64_t log_writer_lost(void) {
    return atomic_load(&writer.lost);
}
