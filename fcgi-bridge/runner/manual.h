// SPDX-License-Identifier: MIT
// The manual page, fcgi-bridge(8), as roff: its options are the rows of options.def.
#ifndef RUNNER_MANUAL_H
#define RUNNER_MANUAL_H

#include <stdio.h>

void manual_print(FILE *to);

#endif
