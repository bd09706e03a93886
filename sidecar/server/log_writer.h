// SPDX-License-Identifier: MIT
// Writes lines to where they go (standard error, files, pipes, a syslog socket) on a thread of its
// own, so that a full pipe or a slow disk stops nobody else. Each output has a ring in which its
// lines wait; what does not fit is lost, counted, and told as soon as there is room. An output that
// takes nothing does not hold up the others. When the program crashes what still waits is written
// by the thread that crashed.
#ifndef SERVER_LOG_WRITER_H
#define SERVER_LOG_WRITER_H

#include "base/span.h"

#include <stdatomic.h>

#define LOG_WRITER_LINE 4096 // most bytes of a line: what a pipe takes in one piece

struct log_output;

struct log_output_conf {
    int fd;                 // closed with the output, unless is_borrowed
    bool is_borrowed;       //
    bool is_datagram;       // each line is a message of its own, without its LF
    size_t ring_len;        // bytes of lines that wait
    unsigned delay_ms;      // how long the first of them waits for others; 0: written at once
    _Atomic uint64_t *lost; // counts the lines that were lost; borrowed for ever
    bool tells_elsewhere;
    void *self; // of the next three; they are called by the thread
    // So many lines were lost. Makes the line that tells it, when there is room for it; with
    // tells_elsewhere it does so itself, at most once a second, and returns 0.
    size_t (*on_lost)(void *self, uint64_t lines, char out[LOG_WRITER_LINE]);
    // About once a second, or since log_writer_reopen asks for it: the descriptor to write to from
    // now on, `fd` or another. May be NULL: always the same.
    int (*reopen)(void *self, int fd, bool is_asked);
    // Nothing is called any more. May be NULL.
    void (*on_closed)(void *self);
};

// Starts the thread. on_tick is called by it about once a second, and may put lines. Without a
// thread nothing is written.
void log_writer_start(void (*on_tick)(void));
// Ends it once what waits is written, or when for two seconds nobody has taken anything.
void log_writer_stop(void);
bool log_writer_is_running(void);
// Its lines are written from now on. Never NULL.
struct log_output *log_output_open(const struct log_output_conf *conf);
// Closes it when what waits is written, or when nobody takes it for two seconds.
void log_output_close(struct log_output *o);
// Lines, each with its LF and of at most LOG_WRITER_LINE bytes; of several those that fit. Never
// waits.
void log_output_put(struct log_output *o, struct span lines);
// Has each output ask for its descriptor now.
void log_writer_reopen(void);

#endif
