// SPDX-License-Identifier: MIT
// The manual page, fcgi-bridge(1), as roff, and what has a shell complete the options: both are
// made of the rows of options.def.
#ifndef RUNNER_MANUAL_H
#define RUNNER_MANUAL_H

#include <stdbool.h>
#include <stdio.h>

void manual_print(FILE *to);
// The version, and with is_verbose how the program was built.
void manual_version(FILE *to, bool is_verbose);
// For bash, zsh or fish; false for another shell.
bool manual_complete(FILE *to, const char *shell);

#endif
