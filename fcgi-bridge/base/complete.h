// SPDX-License-Identifier: MIT
// What has a shell complete the arguments of a program: scripts for bash, zsh and fish, made from
// one table, which the programs make from theirs. What `out` has no room for is missing.
#ifndef BASE_COMPLETE_H
#define BASE_COMPLETE_H

#include "base/buf.h"

struct complete_row {
    const char *command;  // whose argument it is; "" in a program without commands
    const char *name;     // "--name"; "" of a word without a name, or of the command itself
    const char *value;    // FILE, DIR, COMMAND, "a|b", anything else; "" for none
    const char *sentence; // its first one is shown
};

struct complete {
    const char *program;
    const struct complete_row *rows; // those of a command stand together, its own first
    size_t n;
};

void complete_bash(struct buf *out, const struct complete *c);
void complete_zsh(struct buf *out, const struct complete *c);
void complete_fish(struct buf *out, const struct complete *c);

#endif
