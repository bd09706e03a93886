// SPDX-License-Identifier: MIT
// `outrider manual PAGE`: the pages of the manual as roff, made of the tables that the program
// works by. They are written when the program is installed.
#ifndef CLI_MANUAL_H
#define CLI_MANUAL_H

// The exit status.
int manual_command(int argc, char **argv);

#endif
