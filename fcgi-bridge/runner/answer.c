// SPDX-License-Identifier: MIT
#include "runner/answer.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {403, "Forbidden"},   {404, "Not Found"},           {500, "Internal Server Error"},
    {502, "Bad Gateway"}, {503, "Service Unavailable"}, {504, "Gateway Timeout"},
};

bool answer_is_possible(const FCGX_Request *request) {
    return FCGX_GetError(request->out) == 0 && FCGX_GetError(request->err) == 0;
}

void answer_status(FCGX_Request *request, int status) {
    const char *reason = "Error";
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status) {
            reason = reasons[i].reason;
        }
    }
    if (answer_is_possible(request)) {
        FCGX_FPrintF(request->out,
                     "Status: %d %s\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n"
                     "Cache-Control: no-store\r\n\r\n"
                     "%d %s\n",
                     status, reason, status, reason);
        FCGX_FFlush(request->out);
    }
}

// A name that came from the client may not begin a line of its own in somebody's log.
static void hide_controls(char *line, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) {
            line[i] = '?';
        }
    }
}

void answer_complain(FCGX_Request *request, const char *subject, const char *format, ...) {
    char text[256], line[PATH_MAX + 320];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int n = snprintf(line, sizeof line - 1, "fcgi-bridge: %s: %s", subject, text);
    size_t len = (size_t)n < sizeof line - 2 ? (size_t)n : sizeof line - 2;
    hide_controls(line, len);
    line[len++] = '\n';
    line[len] = 0;
    if (!answer_is_possible(request)) {
        fputs(line, stderr);
        return;
    }
    FCGX_PutStr(line, (int)len, request->err);
    FCGX_FFlush(request->err);
}
