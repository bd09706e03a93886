// SPDX-License-Identifier: MIT
#include "base/complete.h"

#include <ctype.h>
#include <string.h>

// ---- rows ---------------------------------------------------------------------------------------

static bool is_option(const struct complete_row *row) {
    return row->name[0] != 0;
}

// The row of a command itself.
static bool is_command(const struct complete_row *row) {
    return row->command[0] != 0 && row->name[0] == 0 && row->value[0] == 0;
}

static bool is_file(const struct complete_row *row) {
    static const char *const names[] = {"FILE", "DIR", "COMMAND"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(row->value, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void put(struct buf *out, const char *text) {
    buf_put(out, span_str(text));
}

// The words of "a|b" with blanks between them; what stands in capitals is none of them.
static void put_words(struct buf *out, const char *value) {
    struct span rest = span_str(value), word;
    bool is_list = span_index(rest, '|') < rest.n, is_first = true;
    while (is_list && span_cut(&rest, '|', &word)) {
        if (!isupper(word.p[0])) {
            put(out, is_first ? "" : " ");
            buf_put(out, word);
            is_first = false;
        }
    }
}

// The first sentence without its full stop, in single quotes of a shell; `escape` are characters
// that get a backslash.
static void put_sentence(struct buf *out, const char *text, const char *escape) {
    for (; *text != 0 && !(text[0] == '.' && (text[1] == 0 || text[1] == ' ')); text++) {
        if (*text == '\'') {
            put(out, "'\\'");
        } else if (strchr(escape, *text) != NULL) {
            put(out, "\\");
        }
        buf_put(out, span_of(text, 1));
    }
}

// The name of the shell's function.
static void put_function(struct buf *out, const char *program) {
    put(out, "_");
    for (; *program != 0; program++) {
        buf_put(out, *program == '-' ? SPAN("_") : span_of(program, 1));
    }
}

// ---- bash ---------------------------------------------------------------------------------------

// The value of an option: the case is "run --config", or " --root" in a program without commands.
static void bash_value(struct buf *out, const struct complete_row *row) {
    put(out, "    '");
    put(out, row->command);
    put(out, " ");
    put(out, row->name);
    put(out, "') ");
    if (is_file(row)) {
        put(out, "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))");
    } else {
        put(out, "COMPREPLY=($(compgen -W '");
        put_words(out, row->value);
        put(out, "' -- \"$cur\"))");
    }
    put(out, " ;;\n");
}

// What may follow a command: names of its options, and words of what has no name.
static void bash_command(struct buf *out, const struct complete *c, size_t *at) {
    const char *command = c->rows[*at].command;
    const struct complete_row *word = NULL;
    put(out, "    '");
    put(out, command);
    put(out, "') words='");
    for (; *at < c->n && strcmp(c->rows[*at].command, command) == 0; ++*at) {
        const struct complete_row *row = &c->rows[*at];
        put(out, is_option(row) ? " " : "");
        put(out, row->name);
        word = is_option(row) || is_command(row) ? word : row;
    }
    put(out, " ");
    put_words(out, word != NULL ? word->value : "");
    put(out, word != NULL && is_file(word) ? "' files=yes ;;\n" : "' ;;\n");
}

static void bash_commands(struct buf *out, const struct complete *c) {
    put(out, "  if [[ $COMP_CWORD == 1 ]]; then\n    COMPREPLY=($(compgen -W '");
    for (size_t i = 0; i < c->n; i++) {
        if (is_command(&c->rows[i])) {
            put(out, i > 0 ? " " : "");
            put(out, c->rows[i].command);
        }
    }
    put(out, "' -- \"$cur\"))\n    return\n  fi\n  command=${COMP_WORDS[1]}\n");
}

static const char bash_head[] =
    "() {\n"
    "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "  local command= words= files=\n"
    "  COMPREPLY=()\n"
    "  # \"--name=value\" comes as three words.\n"
    "  if [[ $cur == = ]]; then\n"
    "    cur=\n"
    "  elif [[ $prev == = ]]; then\n"
    "    prev=${COMP_WORDS[COMP_CWORD-2]}\n"
    "  fi\n";

static const char bash_tail[] = "    esac\n"
                                "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                                "    if [[ $files && $cur != -* ]]; then\n"
                                "      compopt -o filenames\n"
                                "      COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
                                "    fi ;;\n"
                                "  esac\n"
                                "}\n"
                                "complete -F ";

void complete_bash(struct buf *out, const struct complete *c) {
    put(out, "# Completion of bash.\n");
    put_function(out, c->program);
    put(out, bash_head);
    if (is_command(&c->rows[0])) {
        bash_commands(out, c);
    }
    put(out, "  case \"$command $prev\" in\n");
    for (size_t i = 0; i < c->n; i++) {
        if (is_option(&c->rows[i]) && c->rows[i].value[0] != 0) {
            bash_value(out, &c->rows[i]);
        }
    }
    put(out, "    *)\n    case $command in\n");
    for (size_t i = 0; i < c->n;) {
        bash_command(out, c, &i);
    }
    put(out, bash_tail);
    put_function(out, c->program);
    put(out, " ");
    put(out, c->program);
    put(out, "\n");
}

// ---- zsh ----------------------------------------------------------------------------------------

// What _arguments makes of a value: ":FILE:_files", ":public|session:(public session)".
static void zsh_value(struct buf *out, const struct complete_row *row) {
    put(out, ":value:");
    if (is_file(row)) {
        put(out, "_files");
    } else if (strchr(row->value, '|') != NULL) {
        put(out, "(");
        put_words(out, row->value);
        put(out, ")");
    }
}

static void zsh_argument(struct buf *out, const struct complete_row *row) {
    put(out, " \\\n      '*");
    if (is_option(row)) {
        put(out, row->name);
        put(out, row->value[0] != 0 ? "=[" : "[");
        put_sentence(out, row->sentence, "[]:\\");
        put(out, "]");
    }
    if (row->value[0] != 0) {
        zsh_value(out, row);
    }
    put(out, "'");
}

static void zsh_arguments(struct buf *out, const struct complete *c, size_t *at) {
    const char *command = c->rows[*at].command;
    put(out, "  (");
    put(out, command[0] != 0 ? command : "*");
    put(out, ")\n    _arguments");
    for (; *at < c->n && strcmp(c->rows[*at].command, command) == 0; ++*at) {
        if (!is_command(&c->rows[*at])) {
            zsh_argument(out, &c->rows[*at]);
        }
    }
    put(out, " ;;\n");
}

static void zsh_commands(struct buf *out, const struct complete *c) {
    put(out, "  local -a commands=(");
    for (size_t i = 0; i < c->n; i++) {
        if (is_command(&c->rows[i])) {
            put(out, "\n    '");
            put(out, c->rows[i].command);
            put(out, ":");
            put_sentence(out, c->rows[i].sentence, ":\\");
            put(out, "'");
        }
    }
    put(out, ")\n"
             "  if (( CURRENT == 2 )); then\n"
             "    _describe command commands\n"
             "    return\n"
             "  fi\n"
             "  shift words\n"
             "  (( CURRENT-- ))\n");
}

void complete_zsh(struct buf *out, const struct complete *c) {
    put(out, "#compdef ");
    put(out, c->program);
    put(out, "\n");
    put_function(out, c->program);
    put(out, "() {\n");
    if (is_command(&c->rows[0])) {
        zsh_commands(out, c);
    }
    put(out, "  case $words[1] in\n");
    for (size_t i = 0; i < c->n;) {
        zsh_arguments(out, c, &i);
    }
    put(out, "  esac\n}\n");
    put_function(out, c->program);
    put(out, " \"$@\"\n");
}

// ---- fish ---------------------------------------------------------------------------------------

static void fish_condition(struct buf *out, const struct complete_row *row) {
    if (is_command(row)) {
        put(out, " -n __fish_use_subcommand -a ");
        put(out, row->command);
    } else if (row->command[0] != 0) {
        put(out, " -n '__fish_seen_subcommand_from ");
        put(out, row->command);
        put(out, "'");
    }
}

// What stands behind the name, or is a word of its own.
static void fish_value(struct buf *out, const struct complete_row *row) {
    bool is_list = strchr(row->value, '|') != NULL;
    if (is_option(row) && row->value[0] != 0) {
        put(out, is_file(row) ? " -r -F" : " -x");
    } else if (row->value[0] != 0 && is_file(row)) {
        put(out, " -F");
    }
    if (is_list) {
        put(out, " -a '");
        put_words(out, row->value);
        put(out, "'");
    }
}

static void fish_row(struct buf *out, const char *program, const struct complete_row *row) {
    put(out, "complete -c ");
    put(out, program);
    fish_condition(out, row);
    if (is_option(row)) {
        put(out, " -l ");
        put(out, row->name + 2);
    }
    fish_value(out, row);
    put(out, " -d '");
    // A quote is "\'" within quotes of fish, and "'\''" is the same there.
    put_sentence(out, row->sentence, "\\");
    put(out, "'\n");
}

void complete_fish(struct buf *out, const struct complete *c) {
    put(out, "complete -c ");
    put(out, c->program);
    put(out, " -f\n");
    for (size_t i = 0; i < c->n; i++) {
        fish_row(out, c->program, &c->rows[i]);
    }
}
