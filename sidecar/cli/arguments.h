// SPDX-License-Identifier: MIT
// The arguments of the commands that talk to the admin endpoint, and texts for requests to it.
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include "base/buf.h"

// An option "--name": a flag, or with a value.
struct argument {
    const char *name;
    const char **value; // where it goes; NULL for a flag
    bool *flag;
};

// Reads "--name value", "--name=value" and "--flag"; at most one argument that is no option goes
// into *word (NULL: none may be there). 0, or 2 (told on standard error, with the command's name).
int arguments_read(const char *command, const struct argument *options, const char **word,
                   char **argv);
// Appends text percent-encoded as the value of a query (RFC 3986, 2.1).
int arguments_put_query(struct buf *out, const char *text);
// Appends text as a JSON string.
int arguments_put_json(struct buf *out, const char *text);

#endif
