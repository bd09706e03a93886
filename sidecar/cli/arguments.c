// SPDX-License-Identifier: MIT
#include "cli/arguments.h"

#include <stdio.h>
#include <string.h>

static int misused(const char *command, const char *what, const char *which) {
    fprintf(stderr, "outrider: %s: %s%s (see \"outrider help\")\n", command, what, which);
    return 2;
}

static const struct argument *find(const struct argument *options, const char *text, size_t n) {
    while (options->name != NULL &&
           (strlen(options->name) != n || strncmp(options->name, text, n) != 0)) {
        options++;
    }
    return options->name != NULL ? options : NULL;
}

int arguments_read(const char *command, const struct argument *options, const char **word,
                   char **argv) {
    for (int i = 0; argv[i] != NULL; i++) {
        const char *equals = strchr(argv[i], '=');
        size_t n = equals != NULL ? (size_t)(equals - argv[i]) : strlen(argv[i]);
        const struct argument *option = find(options, argv[i], n);
        if (option == NULL && argv[i][0] != '-' && word != NULL && *word == NULL) {
            *word = argv[i];
        } else if (option == NULL) {
            return misused(command, "unknown argument: ", argv[i]);
        } else if (option->flag != NULL && equals == NULL) {
            *option->flag = true;
        } else if (option->flag != NULL) {
            return misused(command, "takes no value: ", option->name);
        } else {
            *option->value = equals != NULL ? equals + 1 : argv[++i];
            if (*option->value == NULL) {
                return misused(command, "no value after ", option->name);
            }
        }
    }
    return 0;
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
