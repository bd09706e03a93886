// SPDX-License-Identifier: MIT
#include "server/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE 4096 // bytes; the rest of a longer line is cut

static enum log_level most = LOG_INFO;

void log_init(enum log_level level) {
    most = level;
}

bool log_is_on(enum log_level level) {
    return level <= most;
}

void log_line(enum log_level level, const char *format, ...) {
    static const char *const names[] = {"error", "warn", "info", "debug"};
    if (!log_is_on(level)) {
        return;
    }
    char line[LOG_LINE];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &utc);
    n += (size_t)snprintf(line + n, sizeof line - n, ".%03ldZ %s ", now.tv_nsec / 1000000,
                          names[level]);
    va_list args;
    va_start(args, format);
    int wrote = vsnprintf(line + n, sizeof line - n - 1, format, args);
    va_end(args);
    n += wrote < 0 ? 0 : (size_t)wrote;
    if (n > sizeof line - 2) {
        n = sizeof line - 2;
    }
    line[n++] = '\n';
    // Nobody is left to tell when standard error is gone.
    if (write(STDERR_FILENO, line, n) < 0) {
        return;
    }
}

// Returns how many bytes the escaped form takes.
static size_t escape_byte(uint8_t c, char form[5]) {
    static const char hex[] = "0123456789abcdef";
    if (c == '\\') {
        memcpy(form, "\\\\", 2);
        return 2;
    }
    if (c >= 0x20 && c < 0x7f) {
        form[0] = (char)c;
        return 1;
    }
    form[0] = '\\';
    form[1] = 'x';
    form[2] = hex[c >> 4];
    form[3] = hex[c & 15];
    return 4;
}

const char *log_escape(struct span text, char *out, size_t out_len) {
    size_t at = 0;
    for (size_t i = 0; i < text.n; i++) {
        char form[5];
        size_t n = escape_byte(text.p[i], form);
        if (at + n + 4 > out_len) { // room for "..." and the zero
            memcpy(out + at, "...", 4);
            return out;
        }
        memcpy(out + at, form, n);
        at += n;
    }
    out[at] = 0;
    return out;
}
