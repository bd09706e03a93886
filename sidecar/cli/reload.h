// SPDX-License-Identifier: MIT
// Commands to a running outrider, by its admin endpoint: `outrider reload` has it read its
// configuration again and shows what is wrong with it; `outrider upgrade` has another program take
// its place, and waits for that; `outrider ready` asks whether it serves.
#ifndef CLI_RELOAD_H
#define CLI_RELOAD_H

// The exit status: 0 when it is done, 1 when not, 2 for wrong arguments.
int reload_command(int argc, char **argv);
int upgrade_command(int argc, char **argv);
int ready_command(int argc, char **argv);

#endif
