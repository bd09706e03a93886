// SPDX-License-Identifier: MIT
// Carries the request body from the FastCGI stream to the program, in a thread of its own. libfcgi
// reads with blocking calls and into a buffer that cannot be looked into: neither asking poll first
// nor a non-blocking socket tells whether a read would wait, and a program may well answer before
// it has read everything. While the thread runs nobody else may touch the stream.
//
// When asked to hurry it does not wait for the program: the rest of the body goes into a file
// without a name, and from there to the program.
#ifndef RUNNER_INPUT_H
#define RUNNER_INPUT_H

#include <fcgiapp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum input_state {
    INPUT_OPEN,    // more may come
    INPUT_SLOW,    // more may come, no sooner than the program reads: there is no room in the file
    INPUT_REFUSED, // more may come, but the program has closed its input
    INPUT_ENDED,   // the stream came to its end
    INPUT_BROKEN,  // the client went away, aborted or broke the protocol
};

struct input {
    FCGX_Stream *stream;
    _Atomic int to; // the program's standard input, -1 once it is closed
    int stop;       // eventfd, ours to the thread: do not wait for the program any more
    int hurry;      // eventfd, likewise: see above
    int changed;    // eventfd, the thread's to us: the state has changed
    _Atomic int state;
    _Atomic int64_t moved_ms; // when the program last took some
    _Atomic int64_t came_ms;  // when some last came
    int file;                 // -1: none
    uint64_t put, taken;      // bytes of the file
    uint64_t most;
    bool is_hurried, has_failed, has_thread;
    pthread_t thread;
};

// Starts the thread. Owns `to`, which is non-blocking and closed after the last byte; most: bytes
// of the file. 0 or -errno.
int input_start(struct input *i, FCGX_Stream *stream, int to, uint64_t most);
// In place of input_start for a body that is all here, and short enough for an empty pipe: carries
// it at once, without a thread. Owns `to`, likewise.
void input_pour(struct input *i, FCGX_Stream *stream, int to);
// Asks it to hurry from now on.
void input_hurry(struct input *i);
// Ends the thread, whether the body has come to its end or not; `channel` is shut for reading.
void input_finish(struct input *i, int channel);

#endif
