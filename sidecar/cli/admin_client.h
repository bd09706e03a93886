// SPDX-License-Identifier: MIT
// Asks the admin endpoint of a running outrider, waiting for the answer.
#ifndef CLI_ADMIN_CLIENT_H
#define CLI_ADMIN_CLIENT_H

#include "base/buf.h"

#define ADMIN_CLIENT_WHY_LEN 512

struct admin_request {
    const char *method; // "GET" or "POST"
    const char *target; // "/routes?limit=10"
    struct span body;   // JSON, of a POST
};

// Asks the endpoint at `address` ("unix:/path" or "host:port"); the body of the answer is put into
// *body, which the caller initialised. 0 for a 200, or 1 with words in why (ADMIN_CLIENT_WHY_LEN
// bytes).
int admin_client_ask(const char *address, const struct admin_request *request, struct buf *body,
                     char *why);

#endif
