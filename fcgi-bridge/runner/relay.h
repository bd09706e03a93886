// SPDX-License-Identifier: MIT
// The loop beside a running program: its output and errors go to the client piece by piece as they
// come, so that an interim block (`Status: 103`) is there while the program still thinks. The final
// answer waits in hold.h until the body is read. A client that does not read lets the program wait;
// limits and the client's going away end the loop.
#ifndef RUNNER_RELAY_H
#define RUNNER_RELAY_H

#include "runner/hold.h"
#include "runner/input.h"
#include "runner/leaf.h"
#include "runner/options.h"
#include "runner/process.h"
#include "runner/report.h"

#include <fcgiapp.h>
#include <stdbool.h>
#include <stdint.h>

struct relay {
    const struct options *options;
    FCGX_Request *request;
    struct process *process;
    const struct leaf *leaf;
    struct input *input;
    struct hold hold;
    int64_t deadline_ms, looked_ms, moved_ms;
    int64_t closed_ms;   // when the program closed its output and went on; 0: it has not
    uint64_t written;    // bytes of output that came
    uint64_t sent;       // bytes of output that went on to the client
    uint64_t complained; // bytes of errors
    bool is_short;       // see input_pour
    bool has_exited, is_client_gone;
    bool has_refused; // to read its input
    bool has_stalled; // the body, while as much was held as may be
    enum report_ending ending;
};

// deadline_ms: of clock_now_ms. Borrows the request and the options.
void relay_init(struct relay *r, FCGX_Request *request, const struct options *o,
                int64_t deadline_ms);
// Frees what is held. Idempotent.
void relay_fini(struct relay *r);
// Carries for r->process in r->leaf, which the caller has set, until r->ending says why not any
// more. Borrows both until r is no longer used.
void relay_run(struct relay *r, struct input *input);
// Carries what the error pipe still holds after the program has ended.
void relay_drain_errors(struct relay *r);
// The HTTP status that an ending without output is answered with, its text for the log, its label.
int relay_status(enum report_ending ending);
const char *relay_why(enum report_ending ending);

#endif
