// SPDX-License-Identifier: MIT
// What a worker tells the first process on its control socket: one datagram for each request.
#ifndef RUNNER_REPORT_H
#define RUNNER_REPORT_H

#include <stdint.h>

// REPORT(name, label, why): how a request ended. The label is what --status counts it under.
enum report_ending {
#define ENDING(name, label, status, why) REPORT_##name,
#include "runner/ending.def"
#undef ENDING
    REPORT_ENDINGS,
};

enum report_kind {
    REPORT_FREE, // ready for the next request
    REPORT_LEFT, // something of the request lives on: this worker watches it and takes no other
    REPORT_LATE, // a limit reached what lived on
};

struct report {
    uint8_t kind, ending;
};

#endif
