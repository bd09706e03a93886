// SPDX-License-Identifier: MIT
// The error log: one line a call on standard error, with time and level. Bytes that came from
// outside are escaped, lines are capped, and a line is one write, so that threads do not mix.
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include "base/span.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

// Lines above `level` are dropped. LOG_INFO at first.
void log_init(enum log_level level);
bool log_is_on(enum log_level level);
// Writes one line. `format` is printf's; %s arguments must be trusted or escaped by log_escape.
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Writes `text` into out (out_len bytes with the final zero) with every byte outside printable
// ASCII as \xHH and a backslash doubled; cuts what does not fit and ends it with "...". Returns
// out.
const char *log_escape(struct span text, char *out, size_t out_len);

#endif
