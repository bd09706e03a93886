// SPDX-License-Identifier: MIT
// Where access logs go: files, standard output, a syslog socket. Generations share what has the
// same name, so that a reload loses no line and keeps the order. On the main thread, but for
// access_output_put.
#ifndef SERVER_ACCESS_OUTPUT_H
#define SERVER_ACCESS_OUTPUT_H

#include "base/span.h"

struct access_output;

// The output of that name (config/options.def: to of access-log), which is opened if nobody has it.
// NULL when that fails (logged). Each one is to be released.
struct access_output *access_output_take(struct span to);
void access_output_release(struct access_output *o);
// Lines, each with its LF. From any thread; never waits.
void access_output_put(struct access_output *o, struct span lines);
// Lines of all outputs that were lost.
uint64_t access_output_lost(void);

#endif
