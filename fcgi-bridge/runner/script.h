// SPDX-License-Identifier: MIT
// One request: finds the program, runs it, carries its input, output and errors as they come, tells
// it to end at its limits or when the client goes away, and says how it ended.
//
// What the client can tell from the end: END_REQUEST means the answer is whole (its status is the
// program's exit status, 128 + n after signal n). A program that was killed, by us or by itself,
// after it had written something leaves a connection closed without END_REQUEST: a cut answer must
// not look like a whole one.
#ifndef RUNNER_SCRIPT_H
#define RUNNER_SCRIPT_H

#include "runner/leaf.h"
#include "runner/options.h"
#include "runner/process.h"
#include "runner/report.h"

#include <fcgiapp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

struct script_conf {
    const struct options *options;
    _Atomic pid_t *visible; // see process.h
    struct leaf *leaf;
};

struct script_end {
    enum report_ending ending;
    bool is_whole;    // END_REQUEST may be sent (FCGX_Finish_r), else the connection is closed
    bool has_process; // a program was started: `process` says whether it has exited
    struct process process;
    int64_t deadline_ms; // of what lives on
};

// Answers an accepted request; is_short: see input_pour. The program, and what it started, may live
// on then; the caller ends or watches it and closes end->process.
void script_run(struct script_end *end, FCGX_Request *request, bool is_short,
                const struct script_conf *conf);

#endif
