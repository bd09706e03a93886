// SPDX-License-Identifier: MIT
// What the program says about itself, made of options.def and args.def.
#ifndef CONFIG_HELP_H
#define CONFIG_HELP_H

#include "base/buf.h"

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

#endif
