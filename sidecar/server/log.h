// SPDX-License-Identifier: MIT
// The error log: one line a call on standard error, with time and level. Bytes that came from
// outside are escaped, and lines are capped. Once log_start has been called nobody waits for who
// reads standard error (server/log_writer.h), and of one kind of line only so many are written a
// second; how many were left out is told.
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include "base/buf.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

#define LOG_KIND_MOST 100 // lines of one kind a second; of LOG_DEBUG all are written

// Lines above `level` are dropped. LOG_INFO at first.
void log_init(enum log_level level);
bool log_is_on(enum log_level level);
// From now on lines are written by a thread of their own; before, and after log_stop, by the
// caller.
void log_start(void);
// Writes what waits, for a reader that is there.
void log_stop(void);
// Writes one line. `format` is printf's, a literal, and the line's kind; %s arguments must be
// trusted or escaped by log_escape.
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The same where `format` does not say what kind of line it is: `kind` is static words.
void log_line_of(const char *kind, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// What this thread logs as errors from now on is appended to `copy`, too: words and LF. NULL: no
// more.
void log_copy_errors(struct buf *copy);
// How many lines were left out as too many of their kind, and how many were lost since nobody read
// standard error.
uint64_t log_spared(void);
uint64_t log_lost(void);
// Writes `text` into out (out_len bytes with the final zero) with every byte outside printable
// ASCII as \xHH and a backslash doubled; cuts what does not fit and ends it with "...". Returns
// out.
const char *log_escape(struct span text, char *out, size_t out_len);

#endif
