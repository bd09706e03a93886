// SPDX-License-Identifier: MIT
#include "server/log_writer.h"

#include "base/list.h"
#include "server/line_ring.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 1000
#define STUCK_MS 20   // until an output that takes nothing is tried again
#define STOP_S 2      // without a byte taken at the end
#define CRASH_MS 1000 // the same of a program that crashes
#define PIECE 65536   // bytes that a file is given at once

struct log_output {
    struct list node;
    struct log_output_conf conf;
    struct line_ring ring;
    uint64_t due_ms;   // when the first that waits is to be written
    size_t moved;      // bytes that were written, or given up
    uint64_t untold;   // lines lost, not told yet
    uint64_t tell_ms;  // not before, with tells_elsewhere
    uint64_t close_ms; // by when what waits must have been taken; 0: it stays open
    bool is_file, is_stuck;
};

static struct {
    void (*on_tick)(void);
    pthread_mutex_t lock;
    pthread_cond_t more, done;
    pthread_t thread;
    struct list outputs;
    _Atomic bool is_running;
    bool is_stopping, has_ended, wants_reopen;
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER,
            .outputs = {&writer.outputs, &writer.outputs},
            .has_ended = true};

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_empty(const struct log_output *o) {
    return line_ring_waits(&o->ring) == 0;
}

// ---- the ring -----------------------------------------------------------------------------------

// Lines that may go in one write: into a pipe in one piece, so that other processes' lines do not
// come in between.
static size_t copy_lines(const struct log_output *o, uint8_t *out) {
    size_t n = line_ring_copy(&o->ring, out, o->is_file ? PIECE : LOG_WRITER_LINE);
    if (o->conf.is_datagram) {
        size_t end = span_index(span_of(out, n), '\n');
        return end < n ? end + 1 : n;
    }
    return n;
}

// Under the lock. Returns how many bytes there was room for.
static size_t append(struct log_output *o, struct span lines) {
    size_t waits = line_ring_waits(&o->ring), half = o->conf.ring_len / 2;
    size_t n = line_ring_put(&o->ring, lines);
    if (waits == 0) {
        o->due_ms = o->conf.delay_ms > 0 ? now_ms() + o->conf.delay_ms : 0;
    }
    if (waits == 0 || (waits <= half && waits + n > half)) {
        pthread_cond_signal(&writer.more);
    }
    return n;
}

// Under the lock.
static void count_lost(struct log_output *o, uint64_t lines) {
    o->untold += lines;
    atomic_fetch_add(o->conf.lost, lines);
}

// ---- writing ------------------------------------------------------------------------------------

static bool has_room(const struct log_output *o, int wait_ms) {
    struct pollfd room = {.fd = o->conf.fd, .events = POLLOUT};
    return poll(&room, 1, wait_ms) != 0; // an error is what the write finds, too
}

// How many bytes were taken; -1 with errno.
static ssize_t write_bytes(const struct log_output *o, const uint8_t *bytes, size_t n) {
    if (!o->conf.is_datagram) {
        return write(o->conf.fd, bytes, n);
    }
    size_t message = n > 0 && bytes[n - 1] == '\n' ? n - 1 : n;
    return send(o->conf.fd, bytes, message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : (ssize_t)n;
}

// Under the lock, which it lets go while it writes. What cannot be written (a full disk, a pipe
// without a reader) is lost.
static void write_some(struct log_output *o) {
    static uint8_t lines[PIECE]; // of the one thread
    pthread_mutex_unlock(&writer.lock);
    size_t n = copy_lines(o, lines);
    ssize_t wrote = -1;
    errno = EAGAIN;
    if (has_room(o, 0)) {
        wrote = write_bytes(o, lines, n);
    }
    bool is_full = wrote < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS);
    pthread_mutex_lock(&writer.lock);
    o->is_stuck = is_full;
    if (wrote < 0 && !is_full) {
        count_lost(o, line_ring_count(span_of(lines, n)));
    }
    size_t took = wrote > 0 ? (size_t)wrote : is_full ? 0 : n;
    o->moved += took;
    line_ring_taken(&o->ring, took);
}

// Under the lock, which it lets go.
static void tell_lost(struct log_output *o) {
    char line[LOG_WRITER_LINE];
    uint64_t lines = o->untold;
    o->untold = 0;
    pthread_mutex_unlock(&writer.lock);
    size_t n = o->conf.on_lost(o->conf.self, lines, line);
    pthread_mutex_lock(&writer.lock);
    if (n > 0 && append(o, span_of(line, n)) == 0) {
        o->untold += lines;
    }
}

// ---- opening, closing ---------------------------------------------------------------------------

static void find_kind(struct log_output *o) {
    struct stat st;
    o->is_file = fstat(o->conf.fd, &st) == 0 && S_ISREG(st.st_mode);
}

struct log_output *log_output_open(const struct log_output_conf *conf) {
    struct log_output *o = calloc(1, sizeof *o);
    if (o == NULL) {
        abort();
    }
    line_ring_init(&o->ring, conf->ring_len);
    list_init(&o->node);
    o->conf = *conf;
    find_kind(o);
    pthread_mutex_lock(&writer.lock);
    list_put(&writer.outputs, &o->node);
    pthread_mutex_unlock(&writer.lock);
    return o;
}

// It is off the list.
static void free_output(struct log_output *o) {
    if (!o->conf.is_borrowed) {
        close(o->conf.fd);
    }
    if (o->conf.on_closed != NULL) {
        o->conf.on_closed(o->conf.self);
    }
    line_ring_fini(&o->ring);
    free(o);
}

void log_output_close(struct log_output *o) {
    pthread_mutex_lock(&writer.lock);
    o->close_ms = now_ms() + STOP_S * 1000;
    o->due_ms = 0;
    bool is_running = writer.is_running;
    if (!is_running) {
        list_drop(&o->node);
    }
    pthread_cond_signal(&writer.more);
    pthread_mutex_unlock(&writer.lock);
    if (!is_running) {
        free_output(o);
    }
}

// Under the lock, which it lets go.
static void reopen(struct log_output *o, bool is_asked) {
    pthread_mutex_unlock(&writer.lock);
    int fd = o->conf.reopen(o->conf.self, o->conf.fd, is_asked);
    if (fd != o->conf.fd) {
        close(o->conf.fd);
        o->conf.fd = fd;
        find_kind(o);
    }
    pthread_mutex_lock(&writer.lock);
}

void log_writer_reopen(void) {
    pthread_mutex_lock(&writer.lock);
    writer.wants_reopen = true;
    pthread_cond_signal(&writer.more);
    pthread_mutex_unlock(&writer.lock);
}

// ---- the thread ---------------------------------------------------------------------------------

static bool may_tell(const struct log_output *o, uint64_t now) {
    if (o->conf.tells_elsewhere) {
        return now >= o->tell_ms || writer.is_stopping;
    }
    return o->conf.ring_len - line_ring_waits(&o->ring) >= LOG_WRITER_LINE;
}

// Under the lock: what still waits is lost.
static void drop_lines(struct log_output *o) {
    uint8_t lines[LOG_WRITER_LINE];
    for (size_t n; (n = line_ring_copy(&o->ring, lines, sizeof lines)) > 0;) {
        count_lost(o, line_ring_count(span_of(lines, n)));
        line_ring_taken(&o->ring, n);
    }
}

// Under the lock, which it lets go.
static void end_output(struct log_output *o) {
    drop_lines(o);
    if (o->untold > 0) {
        tell_lost(o);
    }
    list_drop(&o->node);
    pthread_mutex_unlock(&writer.lock);
    free_output(o);
    pthread_mutex_lock(&writer.lock);
}

// Under the lock, which it lets go. Whether something was done.
static bool work_on(struct log_output *o, uint64_t now) {
    bool is_closing = o->close_ms != 0;
    if (is_closing && (is_empty(o) || now >= o->close_ms)) {
        end_output(o);
        return true;
    }
    size_t waits = line_ring_waits(&o->ring), was = o->moved;
    bool is_due = now >= o->due_ms || waits > o->conf.ring_len / 2 || writer.is_stopping;
    if (waits > 0 && is_due) {
        write_some(o);
    }
    if (o->untold > 0 && may_tell(o, now)) {
        o->tell_ms = now + TICK_MS;
        tell_lost(o);
    }
    return o->moved != was;
}

// Under the lock, which it lets go. A new output comes in at the end, and only this thread takes
// one off: the next is known before.
static bool work(void) {
    uint64_t now = now_ms();
    bool has_worked = false;
    for (struct list *n = writer.outputs.next, *next; n != &writer.outputs; n = next) {
        struct log_output *o = LIST_ITEM(n, struct log_output, node);
        next = n->next;
        has_worked |= work_on(o, now);
    }
    return has_worked;
}

// Under the lock.
static void wait_for_work(uint64_t tick_ms) {
    uint64_t until = tick_ms;
    for (struct list *n = writer.outputs.next; n != &writer.outputs; n = n->next) {
        const struct log_output *o = LIST_ITEM(n, struct log_output, node);
        uint64_t due = o->is_stuck ? now_ms() + STUCK_MS : o->due_ms;
        until = !is_empty(o) && due < until ? due : until;
    }
    struct timespec at = {.tv_sec = (time_t)(until / 1000),
                          .tv_nsec = (long)(until % 1000) * 1000000};
    pthread_cond_timedwait(&writer.more, &writer.lock, &at);
}

// Under the lock, which it lets go.
static void reopen_all(bool is_asked) {
    for (struct list *n = writer.outputs.next, *next; n != &writer.outputs; n = next) {
        struct log_output *o = LIST_ITEM(n, struct log_output, node);
        next = n->next;
        if (o->conf.reopen != NULL) {
            reopen(o, is_asked);
        }
    }
}

// Under the lock, which it lets go. Returns the time of the next.
static uint64_t tick_if_due(uint64_t due) {
    bool is_asked = writer.wants_reopen;
    uint64_t now = now_ms();
    writer.wants_reopen = false;
    if (is_asked || now >= due) {
        reopen_all(is_asked);
    }
    if (now < due) {
        return due;
    }
    pthread_mutex_unlock(&writer.lock);
    writer.on_tick();
    pthread_mutex_lock(&writer.lock);
    return now + TICK_MS;
}

// Under the lock.
static bool is_done(void) {
    bool is = true;
    for (struct list *n = writer.outputs.next; n != &writer.outputs; n = n->next) {
        const struct log_output *o = LIST_ITEM(n, struct log_output, node);
        is &= is_empty(o) && o->untold == 0;
    }
    return is;
}

static void *run(void *self) {
    uint64_t due = now_ms() + TICK_MS;
    (void)self;
    pthread_mutex_lock(&writer.lock);
    while (!writer.is_stopping || !is_done()) {
        if (!work() && !(writer.is_stopping && is_done())) {
            wait_for_work(due);
        }
        due = tick_if_due(due);
    }
    writer.has_ended = true;
    pthread_cond_signal(&writer.done);
    pthread_mutex_unlock(&writer.lock);
    return NULL;
}

// ---- crashes ------------------------------------------------------------------------------------

// Whoever else writes goes on, so a line may be there twice; none is missing.
static void on_crash(int number) {
    static uint8_t lines[PIECE];
    for (struct list *n = writer.outputs.next; n != &writer.outputs; n = n->next) {
        struct log_output *o = LIST_ITEM(n, struct log_output, node);
        while (!is_empty(o) && has_room(o, CRASH_MS)) {
            ssize_t wrote = write_bytes(o, lines, copy_lines(o, lines));
            if (wrote < 0 && errno != EINTR && errno != EAGAIN) {
                break;
            }
            line_ring_taken(&o->ring, wrote > 0 ? (size_t)wrote : 0);
        }
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

void log_writer_start(void (*on_tick)(void)) {
    pthread_condattr_t clock;
    sigset_t all, was;
    if (writer.is_running) {
        return;
    }
    writer.on_tick = on_tick;
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

// Under the lock: bytes written in all.
static size_t progress(void) {
    size_t n = 0;
    for (struct list *node = writer.outputs.next; node != &writer.outputs; node = node->next) {
        n += LIST_ITEM(node, struct log_output, node)->moved;
    }
    return n;
}

// Under the lock: false when it has moved nothing for so long.
static bool wait_for_end(void) {
    size_t was = progress();
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_S;
    while (!writer.has_ended) {
        if (pthread_cond_timedwait(&writer.done, &writer.lock, &until) == ETIMEDOUT) {
            return writer.has_ended || progress() != was;
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

void log_output_put(struct log_output *o, struct span lines) {
    pthread_mutex_lock(&writer.lock);
    struct span rest = span_skip(lines, append(o, lines));
    if (rest.n > 0) {
        count_lost(o, line_ring_count(rest));
    }
    pthread_mutex_unlock(&writer.lock);
}
