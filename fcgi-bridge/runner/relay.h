// SPDX-License-Identifier: MIT
// The loop beside a running program: its output and errors go to the client piece by piece as they
// come, so that an interim block (`Status: 103`) is there while the program still thinks. A client
// that does not read lets the program wait; time, output and the client's going away end the loop.
#ifndef RUNNER_RELAY_H
#define RUNNER_RELAY_H

#include "runner/input.h"
#include "runner/process.h"

#include <fcgiapp.h>
#include <stdbool.h>
#include <stdint.h>

enum relay_ending {
    RELAY_RUNNING,
    RELAY_ENDED,       // the program exited and its output came to an end
    RELAY_TIME,        // over its time
    RELAY_OUTPUT,      // over its output
    RELAY_CLIENT_GONE, // the connection is closed or broken
    RELAY_ABORTED,     // the client sent FCGI_ABORT_REQUEST
    RELAY_STOPPED,     // we are told to stop at once
};

struct relay {
    FCGX_Request *request;
    struct process *process;
    struct input *input;
    int64_t deadline_ms;
    uint64_t sent, most; // bytes of output; how many there may be
    uint64_t complained; // bytes of errors
    short client_events; // what to ask the client's socket for, besides that it is closed
    bool has_exited, has_input_ended;
    enum relay_ending ending;
};

// deadline_ms: of clock_now_ms; most: bytes of output. Borrows the request.
void relay_init(struct relay *r, FCGX_Request *request, int64_t deadline_ms, uint64_t most);
// Carries for r->process, which the caller has set, until r->ending says why not any more. Borrows
// both until r is no longer used.
void relay_run(struct relay *r, struct input *input);
// Carries what the error pipe still holds after the program has ended.
void relay_drain_errors(struct relay *r);
// The HTTP status that an ending without output is answered with, and its text for the log.
int relay_status(enum relay_ending ending);
const char *relay_why(enum relay_ending ending);

#endif
