// SPDX-License-Identifier: MIT
#include "cli/completion.h"

#include "base/complete.h"
#include "cli/arguments.h"
#include "config/help.h"

#include <stdio.h>
#include <string.h>

#define ROWS_MOST 128
#define SCRIPT_MOST 65536 // bytes

struct table {
    struct complete_row rows[ROWS_MOST];
    size_t n;
};

static void add(struct table *t, struct complete_row row) {
    if (t->n < ROWS_MOST) {
        t->rows[t->n++] = row;
    }
}

// What stands for a file.
static void add_run(struct table *t) {
    struct help_argument argument;
    for (size_t i = 0; help_argument(i, &argument); i++) {
        add(t, (struct complete_row){command_row(COMMAND_RUN)->name, argument.name, argument.words,
                                     argument.sentence});
    }
}

static void add_command(struct table *t, enum command id) {
    const struct command_row *command = command_row(id);
    add(t, (struct complete_row){command->name, "", "", command->sentence});
    for (const struct argument_row *row = NULL; (row = command_next(id, row)) != NULL;) {
        add(t, (struct complete_row){command->name, row->name, row->value, row->sentence});
    }
    if (id == COMMAND_RUN) {
        add_run(t);
    }
}

int completion_command(int argc, char **argv) {
    struct arguments a;
    struct table table = {.n = 0};
    struct buf out;
    (void)argc;
    int err = arguments_read(COMMAND_COMPLETION, argv, &a);
    if (err != 0) {
        return err;
    }
    for (enum command id = 0; id < COMMAND_COUNT; id++) {
        add_command(&table, id);
    }
    struct complete c = {.program = "outrider", .rows = table.rows, .n = table.n};
    buf_init(&out, SCRIPT_MOST);
    if (strcmp(a.topic, "bash") == 0) {
        complete_bash(&out, &c);
    } else if (strcmp(a.topic, "zsh") == 0) {
        complete_zsh(&out, &c);
    } else {
        complete_fish(&out, &c);
    }
    struct span text = buf_span(&out);
    fwrite(text.p, 1, text.n, stdout);
    buf_fini(&out);
    return 0;
}
