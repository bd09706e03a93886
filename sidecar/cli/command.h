// SPDX-License-Identifier: MIT
// The rows of command.def as data: what each command is called and takes. The parser of arguments,
// the help, the manual and the completions of shells read them.
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/buf.h"

enum command {
#define COMMAND(id, name, function, sentence) COMMAND_##id,
#define ARGUMENT(id, command, member, kind, name, value, presence, sentence)
#include "cli/command.def"
#undef COMMAND
#undef ARGUMENT
    COMMAND_COUNT,
};

enum argument_kind { ARGUMENT_VALUE, ARGUMENT_FLAG, ARGUMENT_WORD };
enum argument_presence { ARGUMENT_MAY, ARGUMENT_NEEDED, ARGUMENT_EITHER };

struct command_row {
    const char *name, *sentence;
};

struct argument_row {
    enum command command;
    size_t at; // in struct arguments: a text, or the bool of a flag
    enum argument_kind kind;
    const char *name;  // "--name"; "" of a word
    const char *value; // "FILE", "public|session"; "" of a flag
    enum argument_presence presence;
    const char *sentence;
};

const struct command_row *command_row(enum command id);
// The command of that name, or COMMAND_COUNT.
enum command command_find(const char *name);
// The arguments of a command: the first one for NULL, the next one for one of them, NULL at the
// end.
const struct argument_row *command_next(enum command id, const struct argument_row *row);
// "--admin ADDRESS [--site NAME]". 0, or ERR_BUF_LIMIT.
int command_synopsis(struct buf *out, enum command id);

#endif
