// SPDX-License-Identifier: MIT
// The command line of fcgi-bridge. The options are the rows of options.def: the members below, the
// parser, the ranges and the text of --help all come from there. Reading options does no I/O.
#ifndef RUNNER_OPTIONS_H
#define RUNNER_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OPTIONS_LIST_MOST 32

struct options_list {
    const char *v[OPTIONS_LIST_MOST];
    size_t n;
};

#define OPTIONS_TEXT const char *
#define OPTIONS_LIST struct options_list
#define OPTIONS_COUNT uint64_t
#define OPTIONS_TIME uint64_t // milliseconds
#define OPTIONS_SIZE uint64_t // bytes

struct options {
#define OPTION(member, name, kind, argument, initial, least, most, text) OPTIONS_##kind member;
#include "runner/options.def"
#undef OPTION
    const char *asked; // what stands behind a question such as --completion, or NULL
    char why[256];     // OPTIONS_BAD: which option, what was wrong, what is allowed
};

enum options_verdict {
    OPTIONS_RUN,
    OPTIONS_BAD,
#define QUESTION(id, name, argument, text) OPTIONS_##id,
#include "runner/question.def"
#undef QUESTION
};

// Reads the command line: "--name value" or "--name=value", defaults for what is not given.
// Borrows argv for as long as *o is used.
enum options_verdict options_parse(struct options *o, int argc, char **argv);
// Prints what --help says.
void options_print(FILE *to);

#endif
