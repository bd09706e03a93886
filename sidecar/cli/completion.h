// SPDX-License-Identifier: MIT
// `outrider completion SHELL`: what has a shell complete the arguments of outrider, made of the
// rows of command.def, and of config/args.def for run.
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

// The exit status.
int completion_command(int argc, char **argv);

#endif
