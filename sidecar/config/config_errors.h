// SPDX-License-Identifier: MIT
// What is wrong with a configuration, one line an error: all of it, not only the first.
#ifndef CONFIG_CONFIG_ERRORS_H
#define CONFIG_CONFIG_ERRORS_H

#include "base/buf.h"

struct config_errors {
    struct buf text; // "outrider.conf:7: ...\n", in the order in which they were met
    unsigned count;  // more may have been met than the text has room for
    // Instead of a file and its lines the errors name these, by line from 1: the arguments that the
    // lines were made of. NULL for a file.
    const char *const *places;
    unsigned places_n;
    const char *file; // borrowed while a configuration is being read
};

void config_errors_init(struct config_errors *e);
// Idempotent.
void config_errors_fini(struct config_errors *e);
// Adds a line; line 0 stands for the file as a whole. Control characters become "?".
void config_errors_put(struct config_errors *e, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Adds a line that is no error.
void config_errors_note(struct config_errors *e, unsigned line, const char *text);

#endif
