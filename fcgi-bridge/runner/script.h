// SPDX-License-Identifier: MIT
// One request: finds the program, runs it, carries its input, output and errors as they come, ends
// it at its limits or when the client goes away, and says how it ended.
//
// What the client can tell from the end: END_REQUEST means the answer is whole (its status is the
// program's exit status, 128 + n after signal n). A program that was killed, by us or by itself,
// after it had written something leaves a connection closed without END_REQUEST: a cut answer must
// not look like a whole one.
#ifndef RUNNER_SCRIPT_H
#define RUNNER_SCRIPT_H

#include "runner/options.h"
#include "runner/program.h"

#include <fcgiapp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

struct script_conf {
    const struct options *options;
    const struct program_root *root;
    _Atomic pid_t *visible; // see process.h
};

// Answers an accepted request. True when END_REQUEST may be sent (FCGX_Finish_r); false when the
// connection must be closed without it (FCGX_Free).
bool script_run(FCGX_Request *request, const struct script_conf *conf);

#endif
