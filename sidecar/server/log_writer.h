// SPDX-License-Identifier: MIT
// Writes the log's lines on a thread of its own, so that a full pipe or a slow disk stops nobody
// else. Lines wait in a ring; what does not fit is lost, counted, and told as soon as there is
// room. When the program crashes what still waits is written by the thread that crashed.
#ifndef SERVER_LOG_WRITER_H
#define SERVER_LOG_WRITER_H

#include "base/span.h"

#define LOG_WRITER_BYTES (256u << 10) // of lines that wait
#define LOG_WRITER_LINE 4096          // most bytes of a line: what a pipe takes in one piece

// fd is borrowed until log_writer_stop. on_tick is called by the thread about once a second while
// it runs, and may put lines. on_lost makes the line that tells how many were lost.
struct log_writer_conf {
    int fd;
    void (*on_tick)(void);
    size_t (*on_lost)(uint64_t lines, char out[LOG_WRITER_LINE]);
};

// Starts the thread. Without one every line is written by its caller.
void log_writer_start(const struct log_writer_conf *conf);
// Ends it once what waits is written, or when nobody has read for two seconds.
void log_writer_stop(void);
bool log_writer_is_running(void);
// A line with its LF. Never waits.
void log_writer_put(struct span line);
// How many lines were lost in all.
uint64_t log_writer_lost(void);

#endif
