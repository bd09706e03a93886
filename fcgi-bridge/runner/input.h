// SPDX-License-Identifier: MIT
// Carries the request body from the FastCGI stream to the program, in a thread of its own. libfcgi
// reads with blocking calls and into a buffer that cannot be looked into: neither asking poll first
// nor a non-blocking socket tells whether a read would wait, and a program may well answer before
// it has read everything. While the thread runs nobody else may touch the stream.
#ifndef RUNNER_INPUT_H
#define RUNNER_INPUT_H

#include <fcgiapp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum input_state {
    INPUT_OPEN,   // more may come
    INPUT_ENDED,  // the stream came to its end
    INPUT_BROKEN, // the client went away, aborted or broke the protocol
};

struct input {
    FCGX_Stream *stream;
    int to;      // the program's standard input, or -1: what comes is thrown away
    int stop;    // eventfd, ours to the thread: do not wait for the program any more
    int changed; // eventfd, the thread's to us: readable once the state is no longer INPUT_OPEN
    _Atomic int state;
    pthread_t thread;
};

// Starts the thread. Owns `to`, which is non-blocking and closed after the last byte. 0 or -errno.
int input_start(struct input *i, FCGX_Stream *stream, int to);
// Ends the thread: gives the client `ms` milliseconds to finish the body, then shuts the socket for
// reading. Only then the connection cannot be kept.
void input_finish(struct input *i, int socket, int64_t ms);

#endif
