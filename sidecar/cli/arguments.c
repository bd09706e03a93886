// SPDX-License-Identifier: MIT
#include "cli/arguments.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SYNOPSIS_MOST 1024 // bytes

int arguments_misused(enum command id, const char *what, const char *which) {
    const char *name = command_row(id)->name;
    fprintf(stderr, "outrider: %s: %s%s (see \"outrider help %s\")\n", name, what, which, name);
    return 2;
}

static const char **text_of(struct arguments *a, const struct argument_row *row) {
    return (const char **)((char *)a + row->at);
}

static bool *flag_of(struct arguments *a, const struct argument_row *row) {
    return (bool *)((char *)a + row->at);
}

// The option of that name, or the first word that has not been given.
static const struct argument_row *find(enum command id, struct arguments *a, struct span text) {
    const struct argument_row *row = NULL;
    bool is_option = text.n > 1 && text.p[0] == '-';
    while ((row = command_next(id, row)) != NULL) {
        bool is_free_word = row->kind == ARGUMENT_WORD && *text_of(a, row) == NULL;
        if (is_option ? span_eq(text, span_str(row->name)) : is_free_word) {
            return row;
        }
    }
    return NULL;
}

// Is it one of the words of "a|b"? A value in capitals stands for anything.
static bool is_choice(struct span words, struct span text) {
    struct span word;
    if (span_index(words, '|') == words.n) {
        return true;
    }
    while (span_cut(&words, '|', &word)) {
        if (isupper(word.p[0]) || span_eq(word, text)) {
            return true;
        }
    }
    return false;
}

static int take(enum command id, struct arguments *a, const struct argument_row *row,
                const char *text) {
    *text_of(a, row) = text;
    if (text == NULL) {
        return arguments_misused(id, "no value after ", row->name);
    }
    return is_choice(span_str(row->value), span_str(text))
               ? 0
               : arguments_misused(id, "expected one of ", row->value);
}

// The argument at argv[*at]; leaves *at on the last one that belongs to it.
static int read_one(enum command id, struct arguments *a, char **argv, int *at) {
    const char *text = argv[*at], *equals = text[0] == '-' ? strchr(text, '=') : NULL;
    size_t n = equals != NULL ? (size_t)(equals - text) : strlen(text);
    const struct argument_row *row = find(id, a, span_of(text, n));
    if (row == NULL) {
        return arguments_misused(id, "unknown argument: ", text);
    }
    if (row->kind == ARGUMENT_WORD) {
        return take(id, a, row, text);
    }
    if (row->kind == ARGUMENT_VALUE) {
        return take(id, a, row, equals != NULL ? equals + 1 : argv[++*at]);
    }
    *flag_of(a, row) = true;
    return equals == NULL ? 0 : arguments_misused(id, "takes no value: ", row->name);
}

static int misses(enum command id) {
    struct buf synopsis;
    buf_init(&synopsis, SYNOPSIS_MOST);
    command_synopsis(&synopsis, id);
    buf_put(&synopsis, span_of("", 1));
    int err = arguments_misused(id, "it needs ", (const char *)buf_span(&synopsis).p);
    buf_fini(&synopsis);
    return err;
}

// 0, or 2 (told) when something is missing.
static int check(enum command id, struct arguments *a) {
    const struct argument_row *row = NULL;
    bool wants_either = false, has_either = false;
    while ((row = command_next(id, row)) != NULL) {
        bool is_given = row->kind != ARGUMENT_FLAG && *text_of(a, row) != NULL;
        if (row->presence == ARGUMENT_NEEDED && !is_given) {
            return misses(id);
        }
        wants_either = wants_either || row->presence == ARGUMENT_EITHER;
        has_either = has_either || (row->presence == ARGUMENT_EITHER && is_given);
    }
    return wants_either && !has_either ? misses(id) : 0;
}

int arguments_read(enum command id, char **argv, struct arguments *out) {
    int err = 0;
    *out = (struct arguments){.config = NULL};
    for (int at = 0; err == 0 && argv[at] != NULL; at++) {
        err = read_one(id, out, argv, &at);
    }
    return err != 0 ? err : check(id, out);
}

int arguments_put_query(struct buf *out, const char *text) {
    int err = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p != 0 && err == 0; p++) {
        bool is_plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                        (*p >= '0' && *p <= '9') || strchr("-._~/", *p) != NULL;
        char form[4];
        int n = snprintf(form, sizeof form, is_plain ? "%c" : "%%%02X", *p);
        err = buf_put(out, span_of(form, (size_t)n));
    }
    return err;
}

int arguments_put_json(struct buf *out, const char *text) {
    int err = buf_put(out, SPAN("\""));
    for (const unsigned char *p = (const unsigned char *)text; *p != 0 && err == 0; p++) {
        char form[8];
        const char *format = *p < 0x20 ? "\\u%04x" : *p == '"' || *p == '\\' ? "\\%c" : "%c";
        int n = snprintf(form, sizeof form, format, *p);
        err = buf_put(out, span_of(form, (size_t)n));
    }
    return err == 0 ? buf_put(out, SPAN("\"")) : err;
}
