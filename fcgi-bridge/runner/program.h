// SPDX-License-Identifier: MIT
// Which file a request asks to run, and whether it may: a regular file below the root after all
// symbolic links are followed, executable or of a suffix that has an interpreter. A path that
// leaves the root by its letters is refused before the file system is asked, so that nobody learns
// what exists outside.
#ifndef RUNNER_PROGRAM_H
#define RUNNER_PROGRAM_H

#include "runner/options.h"

#include <limits.h>

struct program_root {
    char path[PATH_MAX];  // without symbolic links and without a "/" at the end
    char given[PATH_MAX]; // as in the options, without a "/" at the end
};

struct program {
    char path[PATH_MAX];     // without symbolic links
    const char *interpreter; // NULL when the file is run itself; borrows from the options
    const char *why;         // when it may not be run: for people
};

// 0, or -1 with o->why filled when the root is not a directory or an interpreter cannot be run.
int program_root_open(struct program_root *root, struct options *o);
// Finds the program of a request by SCRIPT_FILENAME or, without it, the root and SCRIPT_NAME.
// params: "NAME=value" strings, NULL at the end. 0, or the HTTP status: 403, 404 (with p->why).
int program_find(struct program *p, const struct program_root *root, const struct options *o,
                 char **params);

#endif
