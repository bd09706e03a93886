// SPDX-License-Identifier: MIT
// `outrider reload`: has the running outrider read its configuration again, by its admin endpoint,
// and shows what is wrong with it.
#ifndef CLI_RELOAD_H
#define CLI_RELOAD_H

// The exit status: 0 when the new configuration is in use, 1 when not, 2 for wrong arguments.
int reload_command(int argc, char **argv);

#endif
