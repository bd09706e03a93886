// SPDX-License-Identifier: MIT
// What the bridge itself says in place of, or about, a program: a CGI answer of its own on the
// output stream, a line of text on the error stream.
#ifndef RUNNER_ANSWER_H
#define RUNNER_ANSWER_H

#include <fcgiapp.h>
#include <stdbool.h>

// Whether more can be written: a write that failed may have left half a record behind, and
// whatever followed would be read as the rest of it.
bool answer_is_possible(const FCGX_Request *request);
// A whole answer of that HTTP status. The text is the status's own: reasons are for the log.
void answer_status(FCGX_Request *request, int status);
// "fcgi-bridge: subject: text" on the error stream, or on ours when that is not possible.
__attribute__((format(printf, 3, 4))) void
answer_complain(FCGX_Request *request, const char *subject, const char *format, ...);

#endif
