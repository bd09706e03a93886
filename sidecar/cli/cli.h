// SPDX-License-Identifier: MIT
// The commands of the program: `outrider run`, `check`, `routes`, `forget`, `clear`, `export`,
// `import`, `help`, `version`. Each is a row of a table with its words for `outrider help`.
#ifndef CLI_CLI_H
#define CLI_CLI_H

// Runs the command that the arguments name. The exit status of the program: 0, 1 for what went
// wrong, 2 for wrong arguments.
int cli_main(int argc, char **argv);

#endif
