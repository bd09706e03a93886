// SPDX-License-Identifier: MIT
#include "config/help.h"

#include "base/error.h"
#include "config/options.h"
#include "exchange/access_log.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_MOST 1024 // bytes of one line

// `option` is OPTION_COUNT for the title of a section.
struct arg_row {
    const char *name, *value, *sentence;
    enum option option;
};

static const struct arg_row args[] = {
#define VALUE_OF(option) OPTION_##option
#define WORDS_OF(option) OPTION_##option
#define TITLE_OF(section) OPTION_COUNT
#define ARG(member, name, value, fills, sentence) {name, value, sentence, fills},
#include "config/args.def"
#undef ARG
};
#define ARGS (sizeof args / sizeof args[0])

static const struct help_field fields[] = {
#define ACCESS_FIELD(id, name, kind, most, sentence) {name, sentence},
#include "exchange/access_field.def"
#undef ACCESS_FIELD
};

__attribute__((format(printf, 2, 3))) static int put(struct buf *out, const char *format, ...) {
    char line[LINE_MOST];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    return n >= LINE_MOST ? ERR_BUF_LIMIT : buf_put(out, span_of(line, (size_t)n));
}

static const char *words_of(const struct arg_row *arg) {
    enum option_type type =
        arg->option < OPTION_COUNT ? option_row(arg->option)->type : OPTION_TEXT_TYPE;
    return type == OPTION_CHOICE_TYPE ? option_row(arg->option)->unit
           : type == OPTION_FLAG_TYPE ? "true|false"
                                      : arg->value;
}

bool help_field(size_t i, struct help_field *out) {
    if (i >= ENTRY_FIELDS) {
        return false;
    }
    *out = fields[i];
    return true;
}

bool help_argument(size_t i, struct help_argument *out) {
    if (i >= ARGS) {
        return false;
    }
    *out =
        (struct help_argument){args[i].name, args[i].value, words_of(&args[i]), args[i].sentence};
    return true;
}

int help_usage(struct buf *out) {
    int error = put(out, "Arguments of run that stand for a file:\n");
    for (size_t i = 0; i < ARGS && error == 0; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s %s", args[i].name, args[i].value);
        error = put(out, "  %-26s %s\n", name, args[i].sentence);
    }
    return error;
}

const char *help_path(enum section id, char out[HELP_PATH_LEN]) {
    const struct section_row *row = section_row(id), *parent = section_row(row->parent);
    snprintf(out, HELP_PATH_LEN, "%s%s%s", parent->name, parent->name[0] ? " " : "", row->name);
    return id == SECTION_TOP ? "top" : out;
}

static int put_option(struct buf *out, enum option id) {
    const struct option_row *row = option_row(id);
    char range[OPTION_RANGE_LEN];
    int error = put(out, "  %-18s %s\n", row->name, row->sentence);
    if (error == 0) {
        error = put(out, "  %-18s %s%s%s\n", "", option_range(id, range),
                    row->standard[0] ? "; default " : "", row->standard);
    }
    return error;
}

int help_options(struct buf *out) {
    int error = 0;
    for (enum section s = 0; s < SECTION_COUNT && error == 0; s++) {
        char path[HELP_PATH_LEN];
        const struct section_row *row = section_row(s);
        error = put(out, "%s%s%s\n  %s\n", s > 0 ? "\n" : "", help_path(s, path),
                    row->is_titled ? " \"...\"" : "", row->sentence);
        for (enum option id = 0; id < OPTION_COUNT && error == 0; id++) {
            error = option_row(id)->section == s ? put_option(out, id) : 0;
        }
    }
    return error;
}

// A "|" would end the cell.
static int put_cell(struct buf *out, const char *text, const char *quote) {
    int error = put(out, " %s", quote);
    for (; *text != 0 && error == 0; text++) {
        error = put(out, *text == '|' ? "\\%c" : "%c", *text);
    }
    return error != 0 ? error : put(out, "%s |", quote);
}

static int put_row(struct buf *out, enum option id) {
    const struct option_row *row = option_row(id);
    char path[HELP_PATH_LEN], range[OPTION_RANGE_LEN];
    int error = put(out, "|");
    error = error != 0 ? error : put_cell(out, help_path(row->section, path), "");
    error = error != 0 ? error : put_cell(out, row->name, "`");
    error = error != 0 ? error : put_cell(out, row->standard, row->standard[0] ? "`" : "");
    error = error != 0 ? error : put_cell(out, option_range(id, range), "");
    error = error != 0 ? error : put_cell(out, row->sentence, "");
    return error != 0 ? error : put(out, "\n");
}

int help_markdown(struct buf *out) {
    int error = put(out, "| section | option | default | values | meaning |\n"
                         "| --- | --- | --- | --- | --- |\n");
    for (enum option id = 0; id < OPTION_COUNT && error == 0; id++) {
        error = put_row(out, id);
    }
    return error;
}

int help_fields(struct buf *out) {
    int error = 0;
    for (size_t i = 0; i < ENTRY_FIELDS && error == 0; i++) {
        error = put(out, "  {%s}%*s %s\n", fields[i].name, (int)(12 - strlen(fields[i].name)), "",
                    fields[i].sentence);
    }
    return error;
}

int help_fields_markdown(struct buf *out) {
    int error = put(out, "| field | meaning |\n| --- | --- |\n");
    for (size_t i = 0; i < ENTRY_FIELDS && error == 0; i++) {
        error = put(out, "| `%s` | %s |\n", fields[i].name, fields[i].sentence);
    }
    return error;
}
