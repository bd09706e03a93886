// SPDX-License-Identifier: MIT
#include "server/log.h"

#include "base/escape.h"
#include "server/log_writer.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define KINDS 64             // of lines that are counted at once
#define LIKE 256             // bytes of a line that stands for others
#define WAITING (256u << 10) // bytes of lines that wait

// The lines of one kind in this second.
struct kind {
    const char *words; // its static words, by their address
    enum log_level level;
    time_t second;
    unsigned lines, spared;
    char like[LIKE]; // the first that was spared, without its time; zero-terminated
};

static _Atomic enum log_level most = LOG_INFO; // changes with the configuration
static pthread_mutex_t kinds_lock = PTHREAD_MUTEX_INITIALIZER;
static struct kind kinds[KINDS];
static _Atomic uint64_t spared, lost;
static _Thread_local struct buf *errors; // log_copy_errors
static struct log_output *output;        // standard error, once the thread has been started

void log_init(enum log_level level) {
    atomic_store_explicit(&most, level, memory_order_relaxed);
}

bool log_is_on(enum log_level level) {
    return level <= atomic_load_explicit(&most, memory_order_relaxed);
}

// ---- lines --------------------------------------------------------------------------------------

__attribute__((format(printf, 3, 0))) static size_t
format_line(char line[LOG_WRITER_LINE], enum log_level level, const char *format, va_list args) {
    static const char *const names[] = {"error", "warn", "info", "debug"};
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(line, LOG_WRITER_LINE, "%Y-%m-%dT%H:%M:%S", &utc);
    n += (size_t)snprintf(line + n, LOG_WRITER_LINE - n, ".%03ldZ %s ", now.tv_nsec / 1000000,
                          names[level]);
    int wrote = vsnprintf(line + n, LOG_WRITER_LINE - n - 1, format, args);
    n += wrote < 0 ? 0 : (size_t)wrote;
    if (n > LOG_WRITER_LINE - 2) {
        n = LOG_WRITER_LINE - 2;
    }
    line[n++] = '\n';
    return n;
}

static void put(struct span line) {
    if (log_writer_is_running()) {
        log_output_put(output, line);
        return;
    }
    // Nobody is left to tell when standard error is gone.
    if (write(STDERR_FILENO, line.p, line.n) < 0) {
        return;
    }
}

// A line about the log itself, which no bound holds for.
__attribute__((format(printf, 2, 3))) static void tell(enum log_level level, const char *format,
                                                       ...) {
    char line[LOG_WRITER_LINE];
    va_list args;
    va_start(args, format);
    size_t n = format_line(line, level, format, args);
    va_end(args);
    put(span_of(line, n));
}

// ---- bounds -------------------------------------------------------------------------------------

// Under the lock: a second of that kind is over.
static void begin_second(struct kind *kind, time_t second) {
    if (kind->spared > 0) {
        tell(kind->level, "%u more lines in a second like: %s", kind->spared, kind->like);
    }
    kind->second = second;
    kind->lines = kind->spared = 0;
}

// Its place: the one it has, a free one, or that of a kind that is silent; NULL when all are used.
static struct kind *find_kind(const char *words, time_t second) {
    size_t first = ((uintptr_t)words >> 3) % KINDS;
    struct kind *spot = NULL;
    for (size_t i = 0; i < KINDS; i++) {
        struct kind *kind = &kinds[(first + i) % KINDS];
        if (kind->words == words) {
            return kind;
        }
        bool is_free = kind->words == NULL || (kind->second != second && kind->spared == 0);
        spot = spot == NULL && is_free ? kind : spot;
    }
    if (spot != NULL) {
        *spot = (struct kind){.words = words, .second = second};
    }
    return spot;
}

// What a line says: all behind its time and level.
static struct span words_of(struct span line) {
    for (int blanks = 0; line.n > 0 && blanks < 2; line = span_skip(line, 1)) {
        blanks += line.p[0] == ' ';
    }
    return line;
}

// The same without its end.
static void copy_words(struct span line, char out[LIKE]) {
    line = words_of(line);
    size_t n = line.n > LIKE ? LIKE : line.n;
    memcpy(out, line.p, n);
    out[n > 0 ? n - 1 : 0] = 0;
}

static bool is_too_many(const char *words, enum log_level level, struct span line) {
    if (level == LOG_DEBUG || !log_writer_is_running()) {
        return false;
    }
    time_t second = time(NULL);
    pthread_mutex_lock(&kinds_lock);
    struct kind *kind = find_kind(words, second);
    if (kind != NULL && kind->second != second) {
        begin_second(kind, second);
    }
    bool is = kind != NULL && kind->lines >= LOG_KIND_MOST;
    if (kind != NULL) {
        kind->level = level;
        kind->lines += !is;
        kind->spared += is;
    }
    if (is && kind->spared == 1) {
        copy_words(line, kind->like);
    }
    pthread_mutex_unlock(&kinds_lock);
    atomic_fetch_add(&spared, is);
    return is;
}

// Tells what was left out of kinds that are silent now.
static void tell_spared(time_t second) {
    pthread_mutex_lock(&kinds_lock);
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].spared > 0 && kinds[i].second != second) {
            begin_second(&kinds[i], second);
        }
    }
    pthread_mutex_unlock(&kinds_lock);
}

static void on_tick(void) {
    tell_spared(time(NULL));
}

__attribute__((format(printf, 2, 3))) static size_t format_own(char line[LOG_WRITER_LINE],
                                                               const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t n = format_line(line, LOG_WARN, format, args);
    va_end(args);
    return n;
}

static size_t on_lost(void *self, uint64_t lines, char line[LOG_WRITER_LINE]) {
    (void)self;
    return format_own(line, "%llu lines of the log were lost: standard error was not read",
                      (unsigned long long)lines);
}

// ---- from outside -------------------------------------------------------------------------------

void log_start(void) {
    if (output == NULL) {
        output = log_output_open(&(struct log_output_conf){.fd = STDERR_FILENO,
                                                           .is_borrowed = true,
                                                           .ring_len = WAITING,
                                                           .lost = &lost,
                                                           .on_lost = on_lost});
    }
    log_writer_start(on_tick);
}

void log_stop(void) {
    tell_spared(0);
    log_writer_stop();
}

__attribute__((format(printf, 3, 0))) static void write_line(const char *kind, enum log_level level,
                                                             const char *format, va_list args) {
    char bytes[LOG_WRITER_LINE];
    if (!log_is_on(level)) {
        return;
    }
    struct span line = span_of(bytes, format_line(bytes, level, format, args));
    if (errors != NULL && level == LOG_ERROR) {
        buf_put(errors, words_of(line));
    }
    if (!is_too_many(kind, level, line)) {
        put(line);
    }
}

void log_line(enum log_level level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(format, level, format, args);
    va_end(args);
}

void log_line_of(const char *kind, enum log_level level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(kind, level, format, args);
    va_end(args);
}

void log_copy_errors(struct buf *copy) {
    errors = copy;
}

uint64_t log_spared(void) {
    return atomic_load(&spared);
}

uint64_t log_lost(void) {
    return atomic_load(&lost);
}

// ---- escaping -----------------------------------------------------------------------------------

const char *log_escape(struct span text, char *out, size_t out_len) {
    size_t n = escape_text(ESCAPE_LINE, text, out, out_len - 1);
    out[n] = 0;
    return out;
}
