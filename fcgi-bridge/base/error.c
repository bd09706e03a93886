// SPDX-License-Identifier: MIT
#include "base/error.h"

#include <assert.h>

static const struct error_row rows[ERROR_COUNT] = {
#define ERROR(code, status, scope, label, text) {#code, status, scope, label, text},
#include "base/error.def"
#undef ERROR
};

const struct error_row *error_row(int code) {
    assert(code < 0 && code >= -ERROR_COUNT);
    return &rows[-1 - code];
}
