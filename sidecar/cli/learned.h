// SPDX-License-Identifier: MIT
// The commands that move or drop what a running outrider has learned: `outrider export`, `import`,
// `forget` and `clear`, each by a few requests to its admin endpoint.
#ifndef CLI_LEARNED_H
#define CLI_LEARNED_H

// The exit status: 0, 1 for what went wrong, 2 for wrong arguments.
int learned_export(int argc, char **argv);
int learned_import(int argc, char **argv);
int learned_forget(int argc, char **argv);
int learned_clear(int argc, char **argv);

#endif
