// SPDX-License-Identifier: MIT
// Every error that one part of the program tells another is a row of error.def: its number here,
// and what the client, the log and the metrics make of it. Acts return 0 or one of these negative
// codes.
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stddef.h>

// Of an act whose failure is silent: what was to be put is not there. Who asks for it must look.
#define ERROR_CHECKED __attribute__((warn_unused_result))

enum error_scope { SCOPE_STREAM, SCOPE_CONN, SCOPE_START };

enum error_index {
#define ERROR(code, status, scope, label, text) code##_INDEX,
#include "base/error.def"
#undef ERROR
    ERROR_COUNT
};

enum error {
#define ERROR(code, status, scope, label, text) code = -1 - code##_INDEX,
#include "base/error.def"
#undef ERROR
};

struct error_row {
    const char *name;
    int status;
    enum error_scope scope;
    const char *label;
    const char *text;
};

// The row of a code, which must be one of enum error.
const struct error_row *error_row(int code);

#endif
