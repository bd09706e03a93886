// SPDX-License-Identifier: MIT
#include "cli/command.h"

#include "cli/arguments.h"

#include <string.h>

static const struct command_row commands[] = {
#define COMMAND(id, name, function, sentence) {name, sentence},
#define ARGUMENT(id, command, member, kind, name, value, presence, sentence)
#include "cli/command.def"
#undef COMMAND
#undef ARGUMENT
};

static const struct argument_row rows[] = {
#define COMMAND(id, name, function, sentence)
#define ARGUMENT(id, command, member, kind, name, value, presence, sentence)                       \
    {COMMAND_##command,                                                                            \
     offsetof(struct arguments, member),                                                           \
     ARGUMENT_##kind,                                                                              \
     name,                                                                                         \
     value,                                                                                        \
     ARGUMENT_##presence,                                                                          \
     sentence},
#include "cli/command.def"
#undef COMMAND
#undef ARGUMENT
};

#define ROWS (sizeof rows / sizeof *rows)

const struct command_row *command_row(enum command id) {
    return &commands[id];
}

enum command command_find(const char *name) {
    enum command id = 0;
    while (id < COMMAND_COUNT && strcmp(commands[id].name, name) != 0) {
        id++;
    }
    return id;
}

const struct argument_row *command_next(enum command id, const struct argument_row *row) {
    for (row = row == NULL ? rows : row + 1; row < rows + ROWS; row++) {
        if (row->command == id) {
            return row;
        }
    }
    return NULL;
}

static int put(struct buf *out, const char *text) {
    return buf_put(out, span_str(text));
}

// What divides an argument from the one before it.
static const char *divider(const struct argument_row *before, const struct argument_row *row) {
    bool is_other =
        before != NULL && before->presence == ARGUMENT_EITHER && row->presence == ARGUMENT_EITHER;
    return before == NULL ? "" : is_other ? " | " : " ";
}

int command_synopsis(struct buf *out, enum command id) {
    const struct argument_row *before = NULL;
    int err = 0;
    for (const struct argument_row *row = NULL; err == 0 && (row = command_next(id, row)) != NULL;
         before = row) {
        bool may = row->presence == ARGUMENT_MAY;
        err = put(out, divider(before, row));
        err = err != 0 ? err : put(out, may ? "[" : "");
        err = err != 0 ? err : put(out, row->name);
        err = err != 0 ? err : put(out, row->name[0] != 0 && row->value[0] != 0 ? " " : "");
        err = err != 0 ? err : put(out, row->value);
        err = err != 0 ? err : put(out, may ? "]" : "");
    }
    return err;
}
