// SPDX-License-Identifier: MIT
// What `outrider run` was given instead of a file, and the file that it stands for: one site. A row
// of args.def says all of an argument: its name, what the help says and which option it fills. The
// text that is made here goes through the same reader as a file, so that an argument is checked as
// its option is; errors name the argument.
#ifndef CONFIG_ARGS_H
#define CONFIG_ARGS_H

#include "base/buf.h"

#define ARGS_LISTENS 15 // of --listen, besides the first
#define ARGS_LINES 96   // of the text, at most

// NULL for what was not given.
struct config_args {
#define ARG(member, name, value, fills, sentence) const char *member;
#include "config/args.def"
#undef ARG
    const char *listens[ARGS_LISTENS]; // --listen given again
    unsigned listens_n;
};

// The text of a configuration, and which argument each of its lines is made of.
struct args_text {
    struct buf text;
    const char *places[ARGS_LINES];
    unsigned places_n;
};

// Where the value of an argument such as "--root" belongs; NULL for a name that is none, or for a
// --listen too many. Asked once for each time it is given: --listen may be repeated.
const char **args_place(struct config_args *args, const char *name);
// The file that the arguments stand for, of at most `most` bytes: what is more is missing.
void args_text_init(struct args_text *t, const struct config_args *args, size_t most);
// Idempotent.
void args_text_fini(struct args_text *t);

#endif
