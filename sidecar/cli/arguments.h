// SPDX-License-Identifier: MIT
// The arguments of a command, read as the rows of command.def say; and texts for requests to the
// admin endpoint.
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include "base/buf.h"
#include "cli/command.h"

// What was given: NULL and false for what was not.
struct arguments {
    const char *config, *admin, *site, *route, *audience, *limit, *file, *topic;
    const char *method, *header, *from, *url;
    bool json, markdown, verbose;
};

// Reads "--name value", "--name=value", "--flag" and words, and looks whether all is there that the
// command needs. Borrows argv. 0, or 2 (told on standard error).
int arguments_read(enum command id, char **argv, struct arguments *out);
// Says on standard error what is wrong with the arguments, and how to find out. 2.
int arguments_misused(enum command id, const char *what, const char *which);
// Appends text percent-encoded as the value of a query (RFC 3986, 2.1).
int arguments_put_query(struct buf *out, const char *text);
// Appends text as a JSON string.
int arguments_put_json(struct buf *out, const char *text);

#endif
