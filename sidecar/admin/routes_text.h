// SPDX-License-Identifier: MIT
// The JSON of GET /routes as a person reads it in a terminal.
#ifndef ADMIN_ROUTES_TEXT_H
#define ADMIN_ROUTES_TEXT_H

#include "base/buf.h"

#define ROUTES_TEXT_WHY_LEN 200

// Appends one paragraph a route, with whatever could steer a terminal escaped: routes are addresses
// that anybody may have asked for. 0, ERR_BUF_LIMIT, or ERR_SYNTAX with words in why
// (ROUTES_TEXT_WHY_LEN bytes) when the text is not that JSON.
int routes_text_write(struct span json, struct buf *out, char *why);

#endif
