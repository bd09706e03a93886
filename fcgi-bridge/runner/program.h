// SPDX-License-Identifier: MIT
// Which file a request asks to run, and whether it may: a regular file below a root after all
// symbolic links are followed, executable or of a suffix that has an interpreter. Roots are
// resolved for each request: one may be a link to a release that is exchanged. A path that leaves
// the roots by its letters is refused before the file system is asked, so that nobody learns what
// exists outside.
//
// Fronts name the file in different ways: SCRIPT_FILENAME, also with Apache's "proxy:fcgi://host"
// in front or with PATH_INFO behind; DOCUMENT_ROOT and SCRIPT_NAME; SCRIPT_NAME alone.
#ifndef RUNNER_PROGRAM_H
#define RUNNER_PROGRAM_H

#include "runner/options.h"

#include <limits.h>

struct program {
    char path[PATH_MAX];     // as it was asked for: a link keeps its own name and folder
    char info[PATH_MAX];     // what stood behind the file's name, from the "/" on; else empty
    const char *interpreter; // NULL when the file is run itself; borrows from the options
    const char *why;         // when it may not be run: for people
};

// 0, or -1 with o->why filled when a root is not a directory, or an interpreter or the folder to
// start in cannot be used.
int program_check(struct options *o);
// Finds the program of a request. params: "NAME=value" strings, NULL at the end. 0, or the HTTP
// status: 403, 404 (with p->why).
int program_find(struct program *p, const struct options *o, char **params);

#endif
