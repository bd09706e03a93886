// SPDX-License-Identifier: MIT
#include "config/config_errors.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_MOST 65536 // bytes of all errors
#define LINE_MOST 1024  // bytes of one

void config_errors_init(struct config_errors *e) {
    *e = (struct config_errors){0};
    buf_init(&e->text, TEXT_MOST);
}

void config_errors_fini(struct config_errors *e) {
    buf_fini(&e->text);
}

static int put_place(const struct config_errors *e, unsigned line, char *out, size_t len) {
    if (line > 0 && line <= e->places_n) {
        return snprintf(out, len, "%s: ", e->places[line - 1]);
    }
    const char *file = e->file ? e->file : "arguments";
    return line > 0 ? snprintf(out, len, "%s:%u: ", file, line) : snprintf(out, len, "%s: ", file);
}

void config_errors_put(struct config_errors *e, unsigned line, const char *format, ...) {
    char text[LINE_MOST];
    int n = put_place(e, line, text, sizeof text);
    if (n < 0 || n > LINE_MOST / 2) {
        n = 0;
    }
    va_list args;
    va_start(args, format);
    int more = vsnprintf(text + n, sizeof text - (size_t)n, format, args);
    va_end(args);
    size_t len = (size_t)n + (size_t)(more > 0 ? more : 0);
    len = len < sizeof text ? len : sizeof text - 1;
    for (size_t i = 0; i < len; i++) {
        if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f) {
            text[i] = '?';
        }
    }
    text[len] = '\n';
    buf_put(&e->text, span_of(text, len + 1));
    e->count++;
}

void config_errors_note(struct config_errors *e, unsigned line, const char *text) {
    config_errors_put(e, line, "warning: %s", text);
    e->count--;
}
