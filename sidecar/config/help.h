// SPDX-License-Identifier: MIT
// What the program says about itself, made of options.def and args.def.
#ifndef CONFIG_HELP_H
#define CONFIG_HELP_H

#include "base/buf.h"
#include "config/options.h"

#define HELP_PATH_LEN 64 // bytes of the path of a section

// A field of an access log.
struct help_field {
    const char *name, *sentence;
};

// An argument of `outrider run` that stands for a file.
struct help_argument {
    const char *name, *value; // "--mode", "MODE"
    const char *words; // what the value may be, "off|hint", where that is a list; else as value
    const char *sentence;
};

// The i-th of them; false behind the last.
bool help_field(size_t i, struct help_field *out);
bool help_argument(size_t i, struct help_argument *out);
// The arguments of `outrider run`, for a terminal. 0, or ERR_BUF_LIMIT.
int help_usage(struct buf *out);
// `outrider help options`: every section and option with default, range and sentence, for a
// terminal. 0, or ERR_BUF_LIMIT.
int help_options(struct buf *out);
// `outrider help options --markdown`: the same as the table on OPTIONS.md beside this file. 0, or
// ERR_BUF_LIMIT.
int help_markdown(struct buf *out);
// `outrider help fields`: what an access log can say, for a terminal and as a table. 0, or
// ERR_BUF_LIMIT.
int help_fields(struct buf *out);
int help_fields_markdown(struct buf *out);
// How a section is called among all: "site route", or "top".
const char *help_path(enum section id, char out[HELP_PATH_LEN]);

#endif
